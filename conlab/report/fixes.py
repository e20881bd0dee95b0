"""What the fixes of the pitfalls cost in a run: both sides of each pair, and a sentence on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conlab.report import words
from conlab.report.words import number

SIDES = ("broken", "fixed")


@dataclass(frozen=True, slots=True)
class Side:
    """The median of a side's rounds, and their middle half; seconds."""

    seconds: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Fix:
    """A pair of which both sides were timed."""

    pitfall: str
    broken: Side
    fixed: Side

    @property
    def told_apart(self) -> bool:
        """Whether the middle halves of the rounds of both sides lie apart."""
        return self.broken.high < self.fixed.low or self.fixed.high < self.broken.low

    @property
    def slower(self) -> bool:
        """Whether the fix costs time."""
        return self.told_apart and self.fixed.seconds > self.broken.seconds

    @property
    def sentence(self) -> str:
        """What the fix costs."""
        times = f"{words.seconds(self.broken.seconds)} broken, {words.seconds(self.fixed.seconds)}"
        times += " fixed"
        if not self.told_apart:
            return f"No difference that stands out from the rounds: {times}."
        pair = self.fixed.seconds, self.broken.seconds
        much = words.times(max(pair) / min(pair)) if min(pair) else "many times"
        if self.slower:
            return f"The fix takes {much} the time: {times}."
        return f"The broken side takes {much} the time: {times}."


def fixes_of(benchmarks: Sequence[Mapping[str, Any]]) -> tuple[tuple[Fix, ...], set[int]]:
    """The pairs among the benchmarks of a run, and the ids of the benchmarks that are of them."""
    found: dict[str, dict[str, tuple[int, Side]]] = {}
    for benchmark in benchmarks:
        extra = benchmark.get("extra_info") or {}
        if extra.get("pitfall") and extra.get("side") in SIDES:
            side = _side(benchmark["stats"])
            if side is not None:
                found.setdefault(str(extra["pitfall"]), {})[extra["side"]] = id(benchmark), side
    pairs = {name: sides for name, sides in found.items() if len(sides) == len(SIDES)}
    fixes = [Fix(name, sides["broken"][1], sides["fixed"][1]) for name, sides in pairs.items()]
    return tuple(fixes), {one for sides in pairs.values() for one, _ in sides.values()}


def _side(stats: Mapping[str, Any]) -> Side | None:
    seconds, low, high = (number(stats.get(one)) for one in ("median", "q1", "q3"))
    if seconds is None or seconds < 0:
        return None
    low, high = seconds if low is None else low, seconds if high is None else high
    return Side(seconds, min(low, seconds), max(high, seconds))


def summed_up(fixes: Sequence[Fix]) -> str:
    """In how many pairs the fix costs time, in how many it saves some, and where that is open."""
    slower = sum(one.slower for one in fixes)
    apart = sum(one.told_apart for one in fixes)
    return (
        f"Of {words.plural(len(fixes), 'pair')} of a broken and a fixed program, the fix takes"
        f" longer in {slower} and less time in {apart - slower}; in {len(fixes) - apart} the"
        " difference does not stand out from the rounds."
    )
