"""What the gate is worth on this machine: counted on recorded pairs whose truth is known.

Whole comparisons are played over the pairs. The same runs are judged by what pytest-benchmark
offers, whose own code says whether its limit is passed. It is asked twice: about all rounds of side
B in a run against all of side A, which took turns, as it measures none; and about one process of
side B against one of side A in the run before, as when a run is compared with a saved one.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from typing import Any

from conlab.calibration.coin import any_alarm, fair, log_wall, tossed_again, unfair
from conlab.calibration.rates import Rate, rate
from conlab.calibration.recording import (
    FOLDER,
    UNCHANGED,
    Record,
    Recorded,
    Stream,
    cells_of_run,
    this_machine,
)
from conlab.calibration.replay import runs, tape
from conlab.versus.options import ALPHA, BUDGET, MATTERS
from conlab.versus.rule import Rule, Verdict, spread
from conlab.versus.sequential_test import SequentialTest

RULE = Rule(ALPHA, len(UNCHANGED), MATTERS)
SUMMARY = FOLDER / "summary.json"
YARDSTICKS = ("mean:5%", "min:5%")
PATIENCE = 30.0  # seconds in which an undisturbed cell alone is to be decided


@dataclass(frozen=True)
class OfStream:
    """What was said of a stream in the runs in which it was, and what that took."""

    cell: str
    kind: str
    slowdown: float
    pairs: int
    spread: float
    verdicts: Mapping[str, Rate]
    verdicts_by_cpu: Mapping[str, Rate]
    covered: Rate
    pairs_taken: float
    seconds_taken: float
    alone_in_time: Rate
    together: Mapping[str, Rate]


@dataclass(frozen=True)
class OfLoad:
    """Everything counted under one load. ``runs`` are those over cells that did not change."""

    load: str
    first: str
    last: str
    pairs: int
    runs: Mapping[str, Rate]
    b_slower: Rate
    streams: Sequence[OfStream]


def of_load(load: str, recorded: Recorded, rule: Rule = RULE) -> OfLoad | None:
    """Count; None if not one run is complete."""
    streams = {stream: records for stream, records in recorded.streams.items() if records}
    same = [stream for stream in streams if not stream.slowdown]
    unchanged = list(runs(same, rule, tape(streams))) if same else []
    if not unchanged:
        return None
    counted = []
    for stream, records in streams.items():
        cells = cells_of_run(stream if stream.slowdown else None, same)
        played = runs(cells, rule, tape(streams)) if stream.slowdown else unchanged
        if tests := [run[cells.index(stream)] for run in played]:
            counted.append(of_stream(stream, tests, records, rule))
    dates = sorted(record.when for records in streams.values() for record in records)
    return OfLoad(
        load,
        dates[0],
        dates[-1],
        len(recorded),
        alarms(unchanged, {stream: streams[stream] for stream in same}, rule),
        rate(ratio > 0 for stream in same for ratio in map(log_wall, streams[stream]) if ratio),
        counted,
    )


def of_stream(
    stream: Stream, tests: Sequence[SequentialTest], records: Sequence[Record], rule: Rule
) -> OfStream:
    """Count what was said of one stream."""
    alone = runs([stream], Rule(rule.alpha, 1, rule.matters), tape({stream: records}), PATIENCE)
    judged = [test.decisive for test in tests if test.decisive]
    return OfStream(
        cell=stream.cell,
        kind=stream.kind,
        slowdown=stream.slowdown,
        pairs=len(records),
        spread=spread(list(map(log_wall, records))),
        verdicts=verdicts(test.verdict for test in tests),
        verdicts_by_cpu=verdicts(test.cpu.verdict for test in tests if test.cpu),
        covered=rate(one.low <= stream.slowdown <= one.high for one in judged),
        pairs_taken=median(len(test.pairs) for test in tests),
        seconds_taken=median(test.seconds for test in tests),
        alone_in_time=rate(test.verdict is not Verdict.UNSURE for (test,) in alone),
        together={
            limit: rate(fails_together(limit, test) for test in tests) for limit in YARDSTICKS
        },
    )


def verdicts(found: Iterable[Verdict]) -> dict[str, Rate]:
    """How often which verdict was given."""
    given = list(found)
    return {verdict: rate(one is verdict for one in given) for verdict in Verdict}


def alarms(
    unchanged: Sequence[Sequence[SequentialTest]],
    streams: Mapping[Stream, Sequence[Record]],
    rule: Rule,
) -> dict[str, Rate]:
    """In how many runs over cells that did not change any raised an alarm, by who judged them."""
    found = {
        "this rule": rate(map(any_alarm, unchanged)),
        "this rule, a fair coin tossed again": rate(tossed_again(rule, streams, fair)),
        "this rule, an unfair coin tossed": rate(tossed_again(rule, streams, unfair)),
    }
    for limit in YARDSTICKS:
        found[f"{limit}, sides taking turns"] = rate(
            any(map(partial(fails_together, limit), run)) for run in unchanged
        )
    for limit in YARDSTICKS:
        found[f"{limit}, one process after another"] = rate(
            any(map(partial(fails_after, limit), *two)) for two in pairwise(unchanged)
        )
    return found


def fails_together(limit: str, test: SequentialTest) -> bool:
    """What pytest-benchmark says of B's rounds against A's."""
    saved, current = ([s for pair in test.pairs for s in pair.wall[side]] for side in (0, 1))
    return passes(limit, current, saved)


def fails_after(limit: str, saved: SequentialTest, current: SequentialTest) -> bool:
    """What it says of the first process of B against that of A in the run before."""
    return passes(limit, current.pairs[0].wall[1], saved.pairs[0].wall[0])


def passes(limit: str, current: Sequence[float], saved: Sequence[float]) -> bool:
    """Whether ``--benchmark-compare-fail`` with that limit fails: pytest-benchmark's own code."""
    from pytest_benchmark.utils import parse_compare_fail

    compared = [{"mean": fmean(each), "min": min(each)} for each in (current, saved)]
    limits: Any = parse_compare_fail(limit)  # type: ignore[no-untyped-call]
    return limits.fails(*compared) is not None


def save(loads: Iterable[OfLoad], path: Path, rule: Rule = RULE) -> None:
    """Write the figures as JSON, whole or not at all."""
    figures = {
        "machine": this_machine(),
        "rule": asdict(rule) | {"budget_seconds": BUDGET},
        "loads": [asdict(load) for load in loads],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(figures, indent=1), "utf-8")
    unfinished.replace(path)
