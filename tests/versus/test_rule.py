"""The rule on simulated pairs whose truth is known: how often it is wrong, and what it takes."""

import math
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise, takewhile
from typing import Any

import pytest

from conlab.versus.pairs.measuring import Pair
from conlab.versus.rule import (
    Judgement,
    Rule,
    Verdict,
    end_of_interval,
    interval,
    missing_library,
    spread,
)
from conlab.versus.sequential_test import SequentialTest
from tests.bench import made

np = pytest.importorskip("numpy", reason=f"{missing_library()}")
stats = pytest.importorskip("scipy.stats", reason=f"{missing_library()}")

RULE = Rule(alpha=0.01, cells=6, matters=0.05)
STRICT = Rule(alpha=0.3, cells=6, matters=1e-9)  # alarms whenever an interval misses: often
RUNS = 250  # of each noise
PAIRS = 45  # of a cell: more than a run of six has time for
ALARMS = (Verdict.SLOWER, Verdict.FASTER)


# Pairs between identical sides: magnitudes of the log ratios, to which a coin gives the sign


def steady(rng: Any, cells: int) -> Any:
    return abs(rng.normal(0, 0.05, (cells, PAIRS)))


def outliers(rng: Any, cells: int) -> Any:
    """One pair in ten is off by 15 to 50%."""
    far = rng.random((cells, PAIRS)) < 0.1
    return np.where(far, rng.uniform(0.15, 0.5, (cells, PAIRS)), steady(rng, cells))


def heavy_tails(rng: Any, cells: int) -> Any:
    return np.minimum(0.03 * abs(rng.standard_cauchy((cells, PAIRS))), 3)


def two_kinds_of_processes(rng: Any, cells: int) -> Any:
    """A process is quick or 8% slower for as long as it lives: half of the pairs are mixed."""
    mixed = rng.choice([0, 0.08], (cells, PAIRS))
    return abs(mixed + rng.normal(0, 0.01, (cells, PAIRS)))


def ties(rng: Any, cells: int) -> Any:
    """A coarse clock: many ratios are alike, and many are one."""
    return np.round(steady(rng, cells) / 0.04) * 0.04


def drift(rng: Any, cells: int) -> Any:
    """The machine gets noisier all the time."""
    return steady(rng, cells) * np.linspace(0.1, 3, PAIRS)


def busy_spells(rng: Any, cells: int) -> Any:
    """For ten pairs in twenty, another program makes everything six times as noisy."""
    return steady(rng, cells) * np.where(np.arange(PAIRS) // 10 % 2, 2, 1 / 3)


def long_memory(rng: Any, cells: int) -> Any:
    """Noise that is much like the noise of the pair before."""
    walk = rng.normal(0, 0.2, (cells, PAIRS)).cumsum(axis=1)
    return 0.03 * np.exp(walk) * abs(rng.normal(0, 1, (cells, PAIRS)))


NOISES = [
    steady, outliers, heavy_tails, two_kinds_of_processes, ties, drift, busy_spells, long_memory,
]  # fmt: skip
each_noise = pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.__name__)


def log_ratios(noise: Callable[..., Any], cells: int, slowdown: float = 0.0, seed: int = 1) -> Any:
    """Pairs of many cells, (cells, PAIRS), in random order, with a true slowdown."""
    rng = np.random.default_rng([seed, NOISES.index(noise)])
    return math.log1p(slowdown) + rng.choice([-1, 1], (cells, PAIRS)) * noise(rng, cells)


def judged(rule: Rule, pairs: Any, looks: Sequence[tuple[int, float]] | None = None) -> list[Any]:
    """The last judgement of each cell: pairs are added until there is a verdict.

    ``looks`` are those of the rule, or others: pairs, and how probable a false alarm may be.
    """
    if looks is None:
        numbers = takewhile(lambda number: number <= PAIRS, rule.looks())
        looks = [(number, rule.allowance(look)) for look, number in enumerate(numbers)]
    last: dict[int, Judgement] = {}
    open_cells = np.arange(len(pairs))
    for number, allowed in looks:
        bounds = interval(pairs[open_cells, :number], end_of_interval(number, allowed))
        for cell, low, estimate, high in zip(open_cells, *map(np.expm1, bounds), strict=True):
            verdict = rule.conclude(low, estimate, high)
            last[int(cell)] = Judgement(verdict, estimate, low, high, number)
        open_cells = np.array([cell for cell in open_cells if last[cell].verdict is Verdict.UNSURE])
        if not len(open_cells):
            break
    return [last[cell] for cell in range(len(pairs))]


@cache
def slowed(noise: Callable[..., Any]) -> list[Judgement]:
    """What is said of four hundred cells that became slower by a tenth."""
    return judged(RULE, log_ratios(noise, 400, slowdown=0.1))


def share_of_runs_with_alarm(judgements: Sequence[Judgement]) -> float:
    """The share of whole runs, of six cells each, in which any cell raised an alarm."""
    alarms = np.array([judgement.verdict in ALARMS for judgement in judgements])
    return float(alarms.reshape(-1, RULE.cells).any(axis=1).mean())


def share(judgements: Sequence[Judgement], *verdicts: Verdict) -> float:
    return sum(judgement.verdict in verdicts for judgement in judgements) / len(judgements)


# False alarms


@each_noise
def test_identical_sides_seldom_raise_an_alarm_in_a_whole_run(noise: Callable[..., Any]) -> None:
    found = judged(RULE, log_ratios(noise, RUNS * RULE.cells))
    assert share_of_runs_with_alarm(found) <= RULE.alpha


@each_noise
def test_intervals_miss_the_truth_no_more_often_than_stated(noise: Callable[..., Any]) -> None:
    pairs = log_ratios(noise, RUNS * STRICT.cells, seed=2)
    assert 0 < share_of_runs_with_alarm(judged(STRICT, pairs)) <= STRICT.alpha


@each_noise
@pytest.mark.parametrize("alike", [0.0, 0.9], ids=["clocks of their own", "clocks much alike"])
def test_two_clocks_raise_no_more_alarms_than_stated(
    noise: Callable[..., Any], alike: float
) -> None:
    """Each cell as a comparison would run it; its CPU time has noise of its own, or nearly not."""
    strict = Rule(alpha=0.3, cells=1, matters=0.02)
    wall, other = (log_ratios(noise, 100, seed=seed) for seed in (3, 4))
    alarms = 0
    for walls, cpus in zip(wall, alike * wall + (1 - alike) * other, strict=True):
        test = SequentialTest(made.cell("serial"), strict, computes=True)
        for one, two in zip(walls, cpus, strict=True):
            test.add(Pair("", ((1.0,), (math.exp(one),)), ((1.0,), (math.exp(two),)), 0), 1.0)
            if test.is_over:
                break
        alarms += test.verdict.is_alarm
    assert alarms / 100 <= strict.alpha


def of_strata(logs: Sequence[float]) -> Pair:
    """A pair with a round of each stratum, all of which count alike in the whole."""
    rounds = tuple(1.0 for _ in logs), tuple(math.exp(each) for each in logs)
    shares = tuple(1 / len(logs) for _ in logs)
    return Pair("", rounds, rounds, 0, tuple(range(len(logs))), shares)


def run_strata(rule: Rule, pairs: Any) -> SequentialTest:
    """A cell as a comparison would run it; ``pairs`` are (pairs, strata)."""
    test = SequentialTest(made.cell("serial"), rule)
    for logs in pairs:
        test.add(of_strata(list(map(float, logs))), 1.0)
        if test.is_over:
            break
    return test


@each_noise
@pytest.mark.parametrize("alike", [0.0, 0.9], ids=["noise of their own", "noise much alike"])
def test_strata_raise_no_more_alarms_than_stated(noise: Callable[..., Any], alike: float) -> None:
    """Between identical sides the coin turns all strata of a pair at once."""
    strict, cells, strata = Rule(alpha=0.3, cells=1, matters=0.02), 15, 3
    rng = np.random.default_rng(6)
    common, own = noise(rng, cells), noise(rng, cells * strata).reshape(cells, strata, PAIRS)
    inside = rng.choice([-1, 1], (cells, strata, PAIRS))  # strata move against each other, too
    sizes = alike * common[:, None, :] + (1 - alike) * own * inside
    pairs = rng.choice([-1, 1], (cells, 1, PAIRS)) * sizes
    alarms = sum(run_strata(strict, pairs[number].T).verdict.is_alarm for number in range(cells))
    assert alarms / cells <= strict.alpha


def test_strata_that_were_not_given_their_share_are_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As if each stratum, by each clock, had the whole rate of the cell: too many alarms."""
    strict, cells, strata = Rule(alpha=0.3, cells=1, matters=0.01), 25, 8
    rng = np.random.default_rng(7)
    pairs = rng.choice([-1, 1], (cells, PAIRS, strata)) * steady(rng, cells * strata).reshape(
        cells, PAIRS, strata
    )

    def alarms() -> float:
        return sum(run_strata(strict, each[:30]).verdict.is_alarm for each in pairs) / cells

    assert alarms() <= strict.alpha
    whole = Rule.allowance
    monkeypatch.setattr(Rule, "allowance", lambda self, look: whole(self, look) * self.strata * 2)
    assert alarms() > strict.alpha


def test_one_kind_of_job_in_four_that_is_ten_per_cent_slower_is_seen() -> None:
    """It is 2.5% of the whole, which is less than what matters."""
    rng = np.random.default_rng(8)
    slower = np.array([0, 0, math.log(1.1), 0])
    pairs = slower + rng.normal(0, 0.03, (20, 60, 4))
    found = [run_strata(RULE, each) for each in pairs]
    assert sum(test.verdict is Verdict.SLOWER for test in found) >= 18
    assert all(set(test.moved) == {2} for test in found if test.verdict is Verdict.SLOWER)
    for test in found:
        whole, kind = test.whole.decisive, test.decisive
        assert whole is not None
        assert whole.estimate < RULE.matters
        assert kind is not whole
        assert kind is not None
        assert kind.estimate > RULE.matters


@pytest.mark.parametrize(
    "looks",
    [
        pytest.param(
            [(pairs, STRICT.alpha / STRICT.cells) for pairs in range(8, 25)],
            id="looking at every pair",
        ),
        pytest.param(
            [
                (pairs, STRICT.allowance(look) * 6)
                for look, pairs in enumerate([10, 14, 20, 28, 40])
            ],
            id="the whole rate for every cell",
        ),
        pytest.param(
            [(pairs, STRICT.alpha / STRICT.cells) for pairs in [10, 14, 20, 28, 40]],
            id="the whole share of a cell at every look",
        ),
    ],
)
def test_more_than_the_stated_rate_is_found_out(looks: list[tuple[int, float]]) -> None:
    pairs = log_ratios(steady, RUNS * STRICT.cells, seed=2)
    assert share_of_runs_with_alarm(judged(STRICT, pairs, looks)) > STRICT.alpha


def test_sides_whose_order_is_not_drawn_at_random_are_found_out() -> None:
    """If the second is always 5% slower, as a warm machine makes it, a fixed order is an alarm."""
    rng = np.random.default_rng(5)
    second_slower = 0.05 + rng.normal(0, 0.02, (60, PAIRS))
    assert share_of_runs_with_alarm(judged(RULE, second_slower)) > RULE.alpha
    random_order = rng.choice([-1, 1], (60, PAIRS)) * second_slower
    assert share_of_runs_with_alarm(judged(RULE, random_order)) <= RULE.alpha


# Missed alarms


@pytest.mark.parametrize(
    ("noise", "found"),
    [
        (steady, 0.99),
        (outliers, 0.9),
        (heavy_tails, 0.8),
        (two_kinds_of_processes, 0.99),
        (ties, 0.99),
        (drift, 0.95),
        (busy_spells, 0.95),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_slowdown_of_a_tenth_is_found(noise: Callable[..., Any], found: float) -> None:
    assert share(slowed(noise), Verdict.SLOWER) >= found


@each_noise
def test_a_slowdown_of_a_tenth_is_never_called_a_gain_or_no_change(
    noise: Callable[..., Any],
) -> None:
    assert share(slowed(noise), Verdict.SAME, Verdict.FASTER) == 0


@each_noise
def test_the_last_interval_covers_the_true_slowdown(noise: Callable[..., Any]) -> None:
    assert sum(found.low <= 0.1 <= found.high for found in slowed(noise)) / 400 >= 0.99


def test_a_gain_is_found_as_a_slowdown_is() -> None:
    pairs = log_ratios(steady, 50, slowdown=0.1)
    assert share(judged(RULE, -pairs), Verdict.FASTER) == 1


def test_a_change_just_as_large_as_what_matters_is_a_coin_flip() -> None:
    quiet = math.log1p(RULE.matters) + log_ratios(steady, 300) / 10
    found = judged(RULE, quiet, [(15, RULE.allowance(0))])
    assert 0.4 < share(found, Verdict.SLOWER) < 0.6


# How many pairs


def test_an_undisturbed_cell_alone_is_decided_in_about_25_pairs() -> None:
    alone = Rule(alpha=0.01, cells=1, matters=0.05)
    assert np.mean([found.pairs for found in judged(alone, log_ratios(steady, 400))]) < 26


def test_a_quiet_cell_is_decided_at_the_first_look() -> None:
    quiet = log_ratios(steady, 100) / 5
    assert {found.pairs for found in judged(RULE, quiet)} == {next(RULE.looks())}


def test_the_pairs_that_are_said_to_be_needed_decide_nine_cells_in_ten() -> None:
    needed = RULE.pairs_needed(0.05)
    assert needed == [*RULE.looks()][3]
    decided = judged(RULE, log_ratios(steady, 400), [(needed, RULE.allowance(3))])
    assert 0.85 < share(decided, Verdict.SAME) < 0.98


def test_who_cannot_tell_says_how_many_pairs_it_takes() -> None:
    noisy = list(2 * log_ratios(steady, 1)[0][: next(RULE.looks())])
    judgement = RULE.judge(noisy)
    assert judgement.verdict is Verdict.UNSURE
    assert judgement.pairs_needed == RULE.pairs_needed(spread(noisy))
    assert judgement.pairs_needed in list(RULE.looks())
    assert judgement.pairs_needed > len(noisy)


def test_a_change_about_as_large_as_what_matters_needs_no_number_of_pairs() -> None:
    pairs = [math.log1p(0.048) + (-1) ** n * 0.01 for n in range(next(RULE.looks()))]
    judgement = RULE.judge(pairs)
    assert (judgement.verdict, judgement.pairs_needed) == (Verdict.UNSURE, None)


def test_the_spread_is_the_standard_deviation_and_outliers_do_not_move_it() -> None:
    rng = np.random.default_rng(3)
    normal = rng.normal(0, 0.05, 300)
    assert spread(list(normal)) == pytest.approx(0.05, rel=0.1)
    far = [*normal, *rng.choice([-3.0, 3.0], 6)]
    assert spread(far) < 0.06 < np.std(far)


# The interval


@pytest.mark.parametrize("pairs", [13, 21, 59])
def test_the_interval_leaves_out_what_wilcoxon_s_test_rejects(pairs: int) -> None:
    values = np.random.default_rng(pairs).normal(0.3, 1, pairs)
    low, estimate, high = interval(values, end_of_interval(pairs, 0.001))
    assert low < estimate < high
    for bound, outwards in ((low, -1e-9), (high, 1e-9)):
        assert stats.wilcoxon(values - bound - outwards, method="exact").pvalue <= 0.001
        assert stats.wilcoxon(values - bound + outwards, method="exact").pvalue > 0.001


def test_many_pairs_are_judged_nearly_as_the_exact_test_would(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exact = end_of_interval(150, 1e-5)
    monkeypatch.setattr("conlab.versus.rule.EXACT", 100)
    assert 0.97 < end_of_interval.__wrapped__(150, 1e-5) / exact <= 1


def test_too_few_pairs_for_a_rate_are_refused() -> None:
    with pytest.raises(ValueError, match="9 pairs are too few"):
        end_of_interval(9, 0.001)


# Looks


@pytest.mark.parametrize("cells", [1, 6, 100])
def test_looks_are_set_beforehand_and_use_up_no_more_than_the_rate(cells: int) -> None:
    rule = Rule(alpha=0.01, cells=cells, matters=0.05)
    looks = list(rule.looks())
    assert looks == list(rule.looks())
    assert all(first < second for first, second in pairwise(looks))
    assert sum(rule.allowance(look) for look in range(len(looks))) * cells <= rule.alpha
    assert end_of_interval(looks[0], rule.allowance(0)) > 0, "one outlier decides the first look"


@pytest.mark.parametrize("pairs", [0, 14, 16])
def test_between_looks_nothing_is_judged(pairs: int) -> None:
    assert pairs not in RULE.looks()
    with pytest.raises(ValueError, match=f"{pairs} pairs are no look"):
        RULE.judge([0.0] * pairs)


def test_a_time_of_zero_is_no_ratio() -> None:
    with pytest.raises(ValueError, match="one of its times is zero"):
        RULE.judge([math.inf] * next(RULE.looks()))


@pytest.mark.parametrize("wrong", [(0, 6, 0.05), (1.5, 6, 0.05), (0.01, 0, 0.05), (0.01, 6, 5)])
def test_a_rule_that_makes_no_sense_is_refused(wrong: tuple[float, int, float]) -> None:
    with pytest.raises(ValueError, match="alpha and matters lie between 0 and 1"):
        Rule(*wrong)


def test_one_judgement_is_what_many_at_once_are() -> None:
    pairs = log_ratios(outliers, 30, slowdown=0.04)
    for row, found in zip(pairs, judged(RULE, pairs), strict=True):
        alone = RULE.judge(list(row[: found.pairs]))
        assert (alone.verdict, alone.pairs) == (found.verdict, found.pairs)
        assert (alone.low, alone.estimate, alone.high) == pytest.approx(
            (found.low, found.estimate, found.high)
        )
