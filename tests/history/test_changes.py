"""Changes are found where they were planted, and none in noise."""

import random
from collections.abc import Sequence

import pytest

from conlab.history.changes import FEWEST, changes, levels

pytest.importorskip("ruptures", reason="ruptures has no wheel for this Python")

SIGMA = 0.03
COMMITS = 20


def noisy(levels: Sequence[float], seed: int, outliers: float = 0.0) -> list[float]:
    """Values around levels; some are far off, as when the machine was busy."""
    numbers = random.Random(seed)
    return [
        level * numbers.gauss(1, SIGMA) * (0.6 if numbers.random() < outliers else 1)
        for level in levels
    ]


@pytest.mark.parametrize("factor", [0.75, 1.3])
@pytest.mark.parametrize("at", [6, 10, 16])
def test_a_planted_step_is_found_at_its_commit(at: int, factor: float) -> None:
    for seed in range(5):
        values = noisy([1.8] * at + [1.8 * factor] * (COMMITS - at), seed)
        assert changes(values, series=50) == [at]


def test_a_change_that_was_mended_later_is_found_twice() -> None:
    values = noisy([2.0] * 8 + [1.4] * 6 + [2.0] * 10, seed=1)
    assert changes(values, series=50) == [8, 14]


@pytest.mark.parametrize("outliers", [0.0, 0.05])
def test_noise_is_no_change(outliers: float) -> None:
    flat = [noisy([1.8] * COMMITS, seed, outliers) for seed in range(100)]
    assert [values for values in flat if changes(values, series=100)] == []


def test_a_single_run_that_went_wrong_is_no_change() -> None:
    values = noisy([1.8] * COMMITS, seed=2)
    values[9] /= 3
    assert changes(values) == []


def test_a_step_among_outliers_is_found() -> None:
    values = noisy([1.8] * 10 + [1.2] * 10, seed=4, outliers=0.1)
    assert changes(values, series=50) == [10]


def test_what_does_not_matter_is_not_marked() -> None:
    values = [2.0] * 10 + [1.94] * 10
    assert changes(values, matters=0.05) == []
    assert changes(values, matters=0.02) == [10]


def test_too_few_commits_say_nothing() -> None:
    step = [2.0] * (FEWEST // 2) + [1.0] * (FEWEST - FEWEST // 2)
    assert changes(step) == [FEWEST // 2]
    assert changes(step[:-1]) == []


def test_levels_are_the_medians_between_changes() -> None:
    assert levels([1, 1, 9, 5, 5, 6], [3]) == [1, 5]
