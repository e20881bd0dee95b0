"""Who leads: how often a model is wrongly beaten, by simulation; and when no leader is named."""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from conlab.bench import leading
from conlab.bench.contention import Contention
from conlab.bench.leading import CROWDED, FLOOR_OF_NOISE, LOUD, Ranking, chance, rank
from conlab.bench.report import Group
from conlab.bench.visits import Turns, Visit
from tests.bench.made import measured

NOBODY = Contention(1.0, 2, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0)  # took anything
RUNS = 250  # of each kind of machine
ALPHA = 0.05
MOST_ERRORS = 23  # of so many that err with this probability, more do in two cases of a thousand

Machine = Callable[[random.Random, int], list[float]]  # what a turn adds to each model's log


def steady(chance: random.Random, models: int) -> list[float]:
    """Every visit differs by some per cent."""
    return [chance.gauss(0, 0.04) for _ in range(models)]


def drifting(chance: random.Random, models: int) -> list[float]:
    """Whole turns are fast or slow, by far more than models differ."""
    turn = chance.gauss(0, 0.5)
    return [turn + chance.gauss(0, 0.03) for _ in range(models)]


def bursts(chance: random.Random, models: int) -> list[float]:
    """A neighbour takes a core now and then, and whoever is visited then is slow."""
    return [chance.gauss(0, 0.02) + (chance.random() < 0.2) * 0.4 for _ in range(models)]


def one_is_wild(chance: random.Random, models: int) -> list[float]:
    """One model's visits differ much more than all others'."""
    return [chance.gauss(0, 0.12 if one == 0 else 0.03) for one in range(models)]


def visits(
    seed: int, machine: Machine, models: int, slower: Mapping[int, float] | None = None
) -> dict[str, list[float]]:
    """Visits of equal models, but for those that are ``slower`` by a share: as many as it takes."""
    by_chance = random.Random(f"{machine.__name__} {models} {seed}")
    turns = Turns("my_job", seed, ALPHA, now=lambda: 0.0)
    rows: list[list[float]] = []

    def visit(one: int) -> None:
        turn = len(turns.seconds)
        if turn == len(rows):
            rows.append(machine(by_chance, models))
        seconds = math.exp(rows[turn][one]) * (1 + (slower or {}).get(one, 0.0))
        turns.visits.setdefault(str(one), []).append(Visit((seconds,), 0.0, 0.0, NOBODY))

    turns.take(range(models), visit)
    return {one: [visit.seconds for visit in found] for one, found in turns.visits.items()}


def rankings(machine: Machine, models: int, **slower: Mapping[int, float]) -> list[Ranking]:
    return [rank(visits(run, machine, models, **slower), {}, ALPHA) for run in range(RUNS)]


@pytest.mark.parametrize("models", [2, 6])
@pytest.mark.parametrize(
    "machine", [steady, drifting, bursts, one_is_wild], ids=lambda machine: machine.__name__
)
def test_equal_models_are_seldom_beaten_though_the_fastest_is_chosen_after_looking(
    machine: Machine, models: int
) -> None:
    errors = sum(len(found.leaders) < models for found in rankings(machine, models))
    assert errors <= MOST_ERRORS


def test_without_the_correction_for_looking_they_would_be_beaten_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stats = pytest.importorskip("scipy.stats")

    def for_one_comparison(models: int, turns: int, alpha: float) -> float:
        return float(stats.t.isf(alpha / 2, (models - 1) * (turns - 1)))

    monkeypatch.setattr(leading, "critical_difference", for_one_comparison)
    errors = sum(len(found.leaders) < 6 for found in rankings(steady, 6))
    assert errors > 1.5 * MOST_ERRORS


@pytest.mark.parametrize("machine", [steady, drifting], ids=lambda machine: machine.__name__)
def test_a_model_that_leads_by_a_fifth_is_named_nine_times_in_ten(machine: Machine) -> None:
    slower = {0: 0.2, 1: 0.25, 2: 1.0, 3: 2.0, 4: 9.0}
    found = rankings(machine, 6, slower=slower)
    assert sum(one.leaders == ("5",) and not one.undecided for one in found) >= 0.9 * RUNS


def test_no_lead_is_told_from_one_visit_each() -> None:
    found = rank({"threads": [1.0], "serial": [9.0]}, {})
    assert found.undecided == "each was visited once, and what visits differ by is not known"
    assert (found.leaders, found.noise) == (("threads", "serial"), None)


def test_rounds_of_a_turn_that_not_every_model_had_are_left_out() -> None:
    found = rank({"threads": [1.0, 1.0, 5.0], "serial": [2.0, 2.0]}, {})
    assert found.times == {"threads": pytest.approx(1.0), "serial": pytest.approx(2.0)}
    assert found.visits == 2


def test_no_lead_below_the_floor_of_noise_is_one() -> None:
    lead = 1 + FLOOR_OF_NOISE
    times = {"threads": 1.0, "serial": lead * 0.999, "processes": lead * 1.001}
    found = rank({label: [seconds] * 3 for label, seconds in times.items()}, {})
    assert found.leaders == ("threads", "serial")
    assert found.noise == FLOOR_OF_NOISE


def test_a_run_that_can_tell_nothing_names_no_leader() -> None:
    found = rank({"threads": [1.0, 3.0, 1.0], "serial": [3.0, 1.0, 1.1]}, {})
    assert found.noise is not None
    assert found.noise > LOUD
    assert found.undecided == (
        f"this run can tell no lead of less than {1 + found.noise:.1f} times"
    )


def test_what_others_may_have_delayed_is_not_beaten_and_nobody_leads() -> None:
    times = {"threads": [1.0] * 3, "serial": [1.5] * 3, "processes": [9.0] * 3}
    assert rank(times, {"serial": 0.3, "processes": 0.3}).leaders == ("threads",)
    found = rank(times, {"serial": 0.35, "processes": 0.35})  # 1.5 s less 35% is less than 1 s
    assert found.leaders == ("threads", "serial")
    assert found.undecided == CROWDED


def test_a_model_that_had_no_core_at_all_may_be_the_fastest() -> None:
    found = rank({"threads": [1.0] * 3, "serial": [99.0] * 3}, {"serial": 1.0})
    assert found.undecided == CROWDED


def test_what_delayed_the_fastest_makes_its_lead_no_smaller() -> None:
    found = rank({"threads": [1.0] * 3, "serial": [1.5] * 3}, {"threads": 0.9})
    assert (found.leaders, found.undecided) == (("threads",), "")


def test_without_scipy_no_leader_is_named_and_the_line_that_installs_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leading, "find_spec", lambda _name: None)
    found = rank({"threads": [1.0] * 3, "serial": [9.0] * 3}, {})
    assert found.undecided.endswith("install it with `python -m pip install scipy`")


def test_chance_is_what_neither_model_nor_turn_accounts_for() -> None:
    assert chance([(0.0, 1.0, 5.0), (3.0, 4.0, 8.0)]) == pytest.approx(0.0)
    assert chance([(1.0, 0.0), (0.0, 1.0)]) == pytest.approx(1.0)


def test_more_chance_needs_more_visits() -> None:
    needs = [leading.visits_needed(sd**2, 6, ALPHA, 8) for sd in (0.001, 0.02, 0.04, 0.5)]
    assert needs == sorted(needs)
    assert (needs[0], needs[-1]) == (2, 8)


def test_a_cell_s_contention_reaches_the_ranking() -> None:
    held_up = Contention(1.0, 2, 0.5, others=1.0, stolen=0.0, idle=0.0, ready=0.8, throttled=0.0)
    serial = replace(measured("serial", 3.0), contention=held_up)
    crowded = Group("count_words", (serial, measured("threads", 1.0)), 2)
    assert crowded.crowded
    assert not Group("count_words", (measured("serial", 3.0), measured("threads", 1.0)), 2).crowded
