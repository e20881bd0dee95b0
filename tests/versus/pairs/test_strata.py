"""Jobs are divided by how long they take, and by what length does not tell apart."""

import random

import pytest

from conlab.versus.pairs import strata
from conlab.versus.pairs.strata import Stratum, divide, together


def noisy(lengths: list[float], spread: float, seed: int) -> list[float]:
    chance = random.Random(seed)
    return [length * (1 + chance.uniform(-spread, spread)) for length in lengths]


def lots(count: int) -> list[float]:
    return [0.0] * count


def partition(groups: list[list[int]], count: int) -> bool:
    return sorted(number for group in groups for number in group) == list(range(count))


def test_of_a_few_jobs_each_is_a_stratum() -> None:
    assert divide([1.0, 1.0, 9.0], lots(3)) == [[0], [1], [2]]
    assert len(divide([1.0] * strata.MOST, lots(strata.MOST))) == strata.MOST


@pytest.mark.parametrize("count", [9, 10, 17, 40, 400, 5000])
@pytest.mark.parametrize("lengths", [[1.0], [1.0, 2.0], [1.0, 2.0, 4.0, 8.0], [1.0, 1.1, 30.0]])
def test_every_job_is_in_one_stratum_and_there_are_not_too_many(
    count: int, lengths: list[float]
) -> None:
    seconds = noisy([lengths[n % len(lengths)] for n in range(count)], 0.05, count)
    groups = divide(seconds, noisy(lots(count), 0.1, 1))
    assert partition(groups, count)
    assert 1 <= len(groups) <= strata.MOST
    assert min(map(len, groups)) >= 2


def test_kinds_of_different_length_are_kept_apart() -> None:
    seconds = noisy([(1.0, 2.0, 4.0, 8.0)[n % 4] for n in range(400)], 0.05, 1)
    for group in divide(seconds, noisy(lots(400), 0.1, 2)):
        assert len({number % 4 for number in group}) == 1


def test_one_job_in_ten_that_takes_longer_is_a_stratum() -> None:
    seconds = noisy([3.0 if n % 10 == 0 else 1.0 for n in range(200)], 0.05, 1)
    groups = divide(seconds, lots(200))
    assert {number for group in groups if 0 in group for number in group} <= set(range(0, 200, 10))


def test_kinds_of_one_length_are_told_apart_by_what_they_took_on_the_other_side() -> None:
    chance = random.Random(1)
    ratios = [chance.gauss(0.095 if n % 4 == 3 else 0.0, 0.03) for n in range(400)]
    groups = divide([1.0] * 400, ratios)
    purest = max(sum(number % 4 == 3 for number in group) / len(group) for group in groups)
    assert purest > 0.9


def test_one_outlier_makes_no_stratum() -> None:
    assert min(map(len, divide([1.0] * 99 + [50.0], lots(100)))) >= 7


def test_a_wide_spread_of_lengths_is_divided_too() -> None:
    seconds = [1.02**n for n in range(200)]
    for group in divide(seconds, lots(200)):
        assert seconds[max(group)] / seconds[min(group)] < 10


def test_jobs_have_their_turn_one_pair_after_another() -> None:
    one = Stratum(tuple(range(10, 17)), 1.0, size=2, rounds=2)
    taken = [one.jobs(pair, round_) for pair in range(2) for round_ in range(2)]
    assert taken == [[10, 11], [12, 13], [14, 15], [16, 10]]
    assert [one.covered(pairs) for pairs in range(4)] == [0, 4, 7, 7]
    assert Stratum((3, 4), 1.0, size=9).jobs(5, 5) == [3, 4]
    assert Stratum(None, 1.0).jobs(5, 5) is None


def test_those_that_run_beside_each_other_are_of_all_strata() -> None:
    groups = [list(range(100)), list(range(100, 200)), list(range(200, 300))]
    chosen = together(groups, 30)
    assert len(chosen) == 30
    assert [sum(number // 100 == kind for number in chosen) for kind in range(3)] == [10] * 3
    assert together([[2], [0], [1]], 32) == [0, 1, 2]
