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

from conlab.versus.coin import any_alarm, fair, log_wall, tossed_again, unfair
from conlab.versus.course import Course
from conlab.versus.options import ALPHA, BUDGET, MATTERS
from conlab.versus.rates import Rate, rate
from conlab.versus.recording import (
    FOLDER,
    UNCHANGED,
    Record,
    Recorded,
    Stream,
    cells_of_run,
    this_machine,
)
from conlab.versus.replay import runs, tape
from conlab.versus.rule import Rule, Verdict, spread

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
        if courses := [run[cells.index(stream)] for run in played]:
            counted.append(of_stream(stream, courses, records, rule))
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
    stream: Stream, courses: Sequence[Course], records: Sequence[Record], rule: Rule
) -> OfStream:
    """Count what was said of one stream."""
    alone = runs([stream], Rule(rule.alpha, 1, rule.matters), tape({stream: records}), PATIENCE)
    judged = [course.decisive for course in courses if course.decisive]
    return OfStream(
        cell=stream.cell,
        kind=stream.kind,
        slowdown=stream.slowdown,
        pairs=len(records),
        spread=spread(list(map(log_wall, records))),
        verdicts=verdicts(course.verdict for course in courses),
        verdicts_by_cpu=verdicts(course.cpu.verdict for course in courses if course.cpu),
        covered=rate(one.low <= stream.slowdown <= one.high for one in judged),
        pairs_taken=median(len(course.pairs) for course in courses),
        seconds_taken=median(course.seconds for course in courses),
        alone_in_time=rate(course.verdict is not Verdict.UNSURE for (course,) in alone),
        together={
            limit: rate(fails_together(limit, course) for course in courses) for limit in YARDSTICKS
        },
    )


def verdicts(found: Iterable[Verdict]) -> dict[str, Rate]:
    """How often which verdict was given."""
    given = list(found)
    return {verdict: rate(one is verdict for one in given) for verdict in Verdict}


def alarms(
    unchanged: Sequence[Sequence[Course]],
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


def fails_together(limit: str, course: Course) -> bool:
    """What pytest-benchmark says of B's rounds against A's."""
    saved, current = ([s for pair in course.pairs for s in pair.wall[side]] for side in (0, 1))
    return passes(limit, current, saved)


def fails_after(limit: str, saved: Course, current: Course) -> bool:
    """What it says of the first process of B against that of A in the run before."""
    return passes(limit, current.pairs[0].wall[1], saved.pairs[0].wall[0])


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
        "rule": asdict(rule) | {"budget_seconds": BUDGET},
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
    alarms = Rate(**load["runs"]["this rule"])
    by_mean = Rate(**load["runs"]["mean:5%, one process after another"])
    found = [Rate(**stream["verdicts"][Verdict.SLOWER]) for stream in tenth]
    hits, of = sum(each.hits for each in found), sum(each.of for each in found)
    return (
        f"{load['load']}, {load['first'][:10]} to {load['last'][:10]}:"
        f" an alarm in {alarms} runs over unchanged code, by mean:5% in {by_mean};"
        f" slower by a tenth was found in {pooled(hits, of)}"
    )


def pooled(hits: int, of: int) -> str:
    """Hits of several streams as one rate."""
    return str(rate([True] * hits + [False] * (of - hits)))
