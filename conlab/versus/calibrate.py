"""What the gate is worth on this machine: counted on recorded pairs whose truth is known.

The same stretches of pairs are judged by the rule and by what pytest-benchmark offers, whose own
code says whether its limit is passed. It is asked twice: about all rounds of side B in a stretch
against all of side A, which took turns, as no run of its own is measured; and about one process of
side B against one of side A in the stretch before, as when a run is compared with a saved one.
"""

import json
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from typing import Any

from conlab.versus.recording import FOLDER, Record, Recorded, Stream, this_machine
from conlab.versus.replay import LAST, Trial, trials, whole_runs
from conlab.versus.rule import Rule, Verdict, spread

RULE = Rule(alpha=0.01, cells=6, matters=0.05)
SUMMARY = FOLDER / "summary.json"
YARDSTICKS = ("mean:5%", "min:5%")
TOSSES = 20  # of the coin for each recorded pair, beside that which fell
PATIENCE = 30.0  # seconds in which an undisturbed cell alone is to be decided
CLOCKS: dict[str, Callable[[Record], float]] = {
    "wall": lambda record: record.pair.log_wall,
    "cpu": lambda record: record.pair.log_cpu,
}


@dataclass(frozen=True)
class Rate:
    """How often something happened, and the 95% interval of how often it does, as shares."""

    hits: int
    of: int
    low: float
    high: float

    def __str__(self) -> str:
        if not self.of:
            return "none yet"
        return f"{self.hits:,} of {self.of:,} ({self.low:.1%} to {self.high:.1%})"

    @property
    def share(self) -> float:
        """The share seen."""
        return self.hits / self.of if self.of else math.nan


def rate(events: Iterable[bool]) -> Rate:
    """The rate of events, with its exact binomial interval (Clopper and Pearson)."""
    from scipy import stats

    happened = [bool(event) for event in events]
    if not happened:
        return Rate(0, 0, 0.0, 1.0)
    interval = stats.binomtest(sum(happened), len(happened)).proportion_ci(0.95)
    return Rate(sum(happened), len(happened), float(interval.low), float(interval.high))


@dataclass(frozen=True)
class OfStream:
    """The trials of a stream: how many ended with which verdict, and what they took."""

    cell: str
    kind: str
    slowdown: float
    pairs: int
    spread: float
    verdicts: Mapping[str, Rate]
    verdicts_by_cpu: Mapping[str, Rate]
    covered: Rate
    estimate: float
    pairs_taken: float
    seconds_taken: float
    alone_in_time: Rate
    together: Mapping[str, Rate]
    one_after_another: Mapping[str, Rate]


@dataclass(frozen=True)
class OfLoad:
    """Everything counted under one load. ``runs`` are whole runs over cells that did not change."""

    load: str
    first: str
    last: str
    pairs: int
    runs: Mapping[str, Rate]
    b_slower: Rate
    streams: Sequence[OfStream]


def of_load(load: str, recorded: Recorded, rule: Rule = RULE) -> OfLoad | None:
    """Count; None if not one trial is complete."""
    dates = sorted(one.when for records in recorded.streams.values() for one in records)
    streams = [
        of_stream(stream, records, rule)
        for stream, records in recorded.streams.items()
        if trials(rule, map(CLOCKS["wall"], records))
    ]
    if not streams:
        return None
    unchanged = [records for stream, records in recorded.streams.items() if not stream.slowdown]
    unchanged = [records for records in unchanged if records]
    pairs = [record.pair for records in unchanged for record in records]
    return OfLoad(
        load,
        dates[0],
        dates[-1],
        len(recorded),
        runs(unchanged, rule),
        rate(pair.log_wall > 0 for pair in pairs if pair.log_wall),
        streams,
    )


def of_stream(stream: Stream, records: Sequence[Record], rule: Rule) -> OfStream:
    """Count the trials of one stream."""
    ratios = [CLOCKS["wall"](record) for record in records]
    found = trials(rule, ratios)
    by_cpu = trials(rule, (CLOCKS["cpu"](record) for record in records))
    alone = trials(Rule(rule.alpha, 1, rule.matters), ratios)
    return OfStream(
        cell=stream.cell,
        kind=stream.kind,
        slowdown=stream.slowdown,
        pairs=len(records),
        spread=spread(ratios),
        verdicts=verdicts(found),
        verdicts_by_cpu=verdicts(by_cpu),
        covered=rate(
            trial.judgement.low <= stream.slowdown <= trial.judgement.high for trial in found
        ),
        estimate=median(trial.judgement.estimate for trial in found),
        pairs_taken=median(trial.end - trial.begin for trial in found),
        seconds_taken=median(seconds(records, trial) for trial in found),
        alone_in_time=rate(
            trial.verdict is not Verdict.UNSURE and seconds(records, trial) <= PATIENCE
            for trial in alone
        ),
        together={limit: rate(alarms_together(limit, records, found)) for limit in YARDSTICKS},
        one_after_another={
            limit: rate(alarms_one_after_another(limit, records, found)) for limit in YARDSTICKS
        },
    )


def verdicts(found: Sequence[Trial]) -> dict[str, Rate]:
    """How often which verdict was given."""
    return {verdict: rate(trial.verdict is verdict for trial in found) for verdict in Verdict}


def seconds(records: Sequence[Record], trial: Trial) -> float:
    """What the pairs of a trial took."""
    return sum(record.seconds for record in records[trial.begin : trial.end])


def runs(unchanged: Sequence[Sequence[Record]], rule: Rule) -> dict[str, Rate]:
    """How many whole runs over cells that did not change raised an alarm, by who judged them."""
    found = {}
    for clock, log_ratio in CLOCKS.items():
        of_cells = [trials(rule, map(log_ratio, records)) for records in unchanged]
        found[f"this rule, {clock} time"] = any_alarm(
            ([trial.alarm for trial in one] for one in of_cells), rule.cells
        )
    tossed = [list(tossed_again(rule, records)) for records in unchanged]
    found["this rule, wall time, the coin tossed again"] = any_alarm(tossed, rule.cells)
    of_cells = [trials(rule, map(CLOCKS["wall"], records)) for records in unchanged]
    for name, alarms in (
        ("sides taking turns", alarms_together),
        ("one process after another", alarms_one_after_another),
    ):
        for limit in YARDSTICKS:
            raised = [
                list(alarms(limit, records, one))
                for records, one in zip(unchanged, of_cells, strict=True)
            ]
            found[f"{limit}, {name}"] = any_alarm(raised, rule.cells)
    return found


def any_alarm(of_cells: Iterable[Sequence[bool]], cells: int) -> Rate:
    """The share of whole runs with an alarm in any cell."""
    return rate(any(run) for run in whole_runs(of_cells, cells))


def tossed_again(rule: Rule, records: Sequence[Record]) -> Iterator[bool]:
    """Alarms on the same pairs of identical sides, had the coin given other names to the sides.

    These runs share their pairs, so they are no independent evidence about the machine; they show
    what the rule makes of sizes as they are there: their drift, their outliers, their kinds.
    """
    coin = random.Random(TOSSES)
    for _ in range(TOSSES):
        ratios = [record.pair.log_wall * coin.choice((-1, 1)) for record in records]
        yield from (trial.alarm for trial in trials(rule, ratios))


def alarms_together(
    limit: str, records: Sequence[Record], found: Sequence[Trial]
) -> Iterator[bool]:
    """What pytest-benchmark says of B's rounds against A's, stretch by stretch."""
    for trial in found:
        pairs = [record.pair for record in records[trial.begin : trial.end]]
        saved, current = ([s for pair in pairs for s in pair.wall[side]] for side in (0, 1))
        yield passes(limit, current, saved)


def alarms_one_after_another(
    limit: str, records: Sequence[Record], found: Sequence[Trial]
) -> Iterator[bool]:
    """What it says of the first process of B against that of A in the stretch before."""
    for saved, trial in pairwise(found):
        rounds = records[saved.begin].pair.wall[0], records[trial.begin].pair.wall[1]
        yield passes(limit, rounds[1], rounds[0])


def passes(limit: str, current: Sequence[float], saved: Sequence[float]) -> bool:
    """Whether ``--benchmark-compare-fail`` with that limit fails: pytest-benchmark's own code."""
    from pytest_benchmark.utils import parse_compare_fail

    told = [{"mean": fmean(each), "min": min(each)} for each in (current, saved)]
    limits: Any = parse_compare_fail(limit)  # type: ignore[no-untyped-call]
    return limits.fails(*told) is not None


def save(loads: Iterable[OfLoad], path: Path, rule: Rule = RULE) -> None:
    """Write the figures as JSON, whole or not at all."""
    told = {
        "machine": this_machine(),
        "rule": asdict(rule) | {"most_pairs": LAST},
        "loads": [asdict(load) for load in loads],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(told, indent=1), "utf-8")
    unfinished.replace(path)


def quoted(path: Path = SUMMARY) -> str | None:
    """What was found on this machine, in sentences for a summary; None if nothing was."""
    try:
        told = json.loads(path.read_text("utf-8"))
        if told["machine"] != this_machine():
            return None
        rule = told["rule"]
        title = (
            f"Calibrated here, at alpha {rule['alpha']:g} over {rule['cells']} cells and with"
            f" {rule['matters']:.0%} as what matters:"
        )
        return "\n".join([title, *(f"  {sentence(load)}" for load in told["loads"])])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, OSError):
        return f"{path} cannot be read; `conlab calibrate --seconds 0` writes it anew"


def sentence(load: Mapping[str, Any]) -> str:
    """What was found under one load."""
    tenth = [stream for stream in load["streams"] if stream["slowdown"] == 0.1]
    alarms = Rate(**load["runs"]["this rule, wall time"])
    by_mean = Rate(**load["runs"]["mean:5%, one process after another"])
    found = [Rate(**stream["verdicts"][Verdict.SLOWER]) for stream in tenth]
    hits, of = sum(each.hits for each in found), sum(each.of for each in found)
    return (
        f"{load['load']}, {load['first'][:10]} to {load['last'][:10]}:"
        f" an alarm in {alarms} runs over unchanged code, by mean:5% in {by_mean};"
        f" slower by a tenth was found in {pooled(hits, of)} trials"
    )


def pooled(hits: int, of: int) -> str:
    """Hits of several streams as one rate."""
    return str(rate([True] * hits + [False] * (of - hits)))
