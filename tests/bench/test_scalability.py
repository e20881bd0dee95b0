"""The Universal Scalability Law: what is found again of a law, and when nothing is said."""

import math
import random

import pytest

pytest.importorskip("scipy")

from conlab.bench.scalability import FEWEST_LEVELS, Law, fit, speedup

LEVELS = (1, 2, 4, 8, 16, 32)


def turns(parameters: tuple[float, float, float], noise: float, seed: int = 1) -> list[list[float]]:
    """Six turns at each level of that law."""
    chance = random.Random(seed)
    return [
        [speedup(level, parameters) * math.exp(chance.gauss(0, noise)) for _ in range(6)]
        for level in LEVELS
    ]


def test_a_law_is_found_again_with_its_knee() -> None:
    law = fit(LEVELS, turns((0.9, 0.05, 0.005), noise=0.01))
    assert isinstance(law, Law)
    assert law.scale == pytest.approx(0.9, rel=0.03)
    assert law.contention.low <= 0.05 <= law.contention.high
    assert law.coherency.low <= 0.005 <= law.coherency.high
    assert law.knee is not None
    assert law.knee.low <= math.sqrt(0.95 / 0.005) <= law.knee.high


def test_no_knee_is_drawn_outside_the_data() -> None:
    law = fit(LEVELS, turns((1.0, 0.02, 0.0003), noise=0.001))
    assert isinstance(law, Law)
    assert law.knee is None
    assert law.why.startswith("no knee is drawn: it may lie anywhere from ")
    assert law.why.endswith("measured was from 1 to 32")


def test_no_knee_is_drawn_where_the_law_may_never_turn_down() -> None:
    law = fit(LEVELS, turns((1.0, 0.05, 0.0), noise=0.02))
    assert isinstance(law, Law)
    assert law.knee is None
    assert "never turns down" in law.why


def test_the_curve_stays_within_the_levels_that_were_measured() -> None:
    law = fit(LEVELS, turns((1.0, 0.05, 0.001), noise=0.01))
    assert isinstance(law, Law)
    assert (law.curve[0][0], law.curve[-1][0]) == (1, 32)


def test_it_is_the_same_each_time() -> None:
    ratios = turns((1.0, 0.05, 0.001), noise=0.05)
    assert fit(LEVELS, ratios) == fit(LEVELS, ratios)


def test_too_few_levels_get_no_law() -> None:
    reason = fit(LEVELS[:5], turns((1.0, 0.1, 0.0), 0.01)[:5])
    assert reason == (
        "no scalability law is fitted to 5 levels: its three parameters would fit anything, and it"
        f" takes {FEWEST_LEVELS}"
    )


def test_a_single_visit_gets_no_law() -> None:
    reason = fit(LEVELS, [[1.0]] * 6)
    assert isinstance(reason, str)
    assert "one visit" in reason
