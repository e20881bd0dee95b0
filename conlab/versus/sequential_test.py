"""The sequential test of a cell: pairs are added until enough is known, or the budget is spent.

The rule judges the pairs, by one clock at a time. Here it is decided which clock speaks for the
cell, and which cell gets the next pair.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from conlab.bench.running import CellAbsent
from conlab.versus.clocks import Clock
from conlab.versus.pairs.measuring import Pair
from conlab.versus.pairs.worker_process import SideFailed
from conlab.versus.rule import Judgement, Rule, Verdict

MOST_SHARE = 2.0


class Named(Protocol):
    """What is compared: a cell, or what stands for it."""

    @property
    def id(self) -> str:
        """The name as a test id."""
        ...


@dataclass(slots=True)
class SequentialTest:
    """What is known of one cell so far: its pairs, and what the latest look at them said.

    ``absent`` says why there is nothing to compare, ``failure`` what went wrong. ``computes`` says
    that its jobs only compute, so that CPU seconds speak where wall time cannot tell. ``clocks``
    are those that may raise an alarm, under one share of the rate; ``matters`` says of which
    another change matters than the rule has.
    """

    cell: Named
    rule: Rule
    pairs: list[Pair] = field(default_factory=list)
    spent: list[float] = field(default_factory=list)  # seconds, for each pair
    wall: Judgement | None = None
    cpu: Judgement | None = None
    absent: str | None = None
    failure: str | None = None
    computes: bool = False
    clocks: tuple[Clock, ...] = (Clock.WALL, Clock.CPU)
    matters: Mapping[Clock, float] = field(default_factory=dict)
    others: dict[Clock, Judgement] = field(default_factory=dict)  # clocks but for wall and CPU
    looks: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.rule = replace(self.rule, clocks=len(self.clocks))
        self.looks = list(self.rule.looks())

    def add(self, pair: Pair, seconds: float) -> None:
        """Take a pair that took so many seconds, and judge if a look is due."""
        self.pairs.append(pair)
        self.spent.append(seconds)
        if len(self.pairs) == self.looks[0]:
            self.looks.pop(0)
            judged = {clock: found for clock in self.clocks if (found := self.judged(clock))}
            self.wall = judged.pop(Clock.WALL)
            self.cpu = judged.pop(Clock.CPU, None)
            self.others = judged

    def judged(self, clock: Clock) -> Judgement | None:
        """What the pairs say by a clock; None where a pair lacks its figure."""
        ratios = [pair.log_of(clock) for pair in self.pairs]
        known = [ratio for ratio in ratios if ratio is not None]
        if len(known) < len(ratios):
            return None
        rule = replace(self.rule, matters=self.matters.get(clock, self.rule.matters))
        return rule.judge(known)

    @property
    def by_clock(self) -> dict[Clock, Judgement]:
        """What each clock says, as far as there was a look."""
        found = {Clock.WALL: self.wall, Clock.CPU: self.cpu, **self.others}
        return {clock: judged for clock, judged in found.items() if judged}

    @property
    def slower_by(self) -> list[Clock]:
        """The clocks by which the cell got slower, or takes more.

        More work may take less time, on more cores: CPU seconds raise no alarm beside a wall time
        that fell.
        """
        faster = self.wall is not None and self.wall.verdict is Verdict.FASTER
        return [
            clock
            for clock, judged in self.by_clock.items()
            if judged.verdict is Verdict.SLOWER and not (clock is Clock.CPU and faster)
        ]

    @property
    def by_cpu(self) -> bool:
        """Whether the verdict is that of CPU seconds, and wall time has another.

        A busy machine makes jobs wait for a core, which is no work of theirs. Of jobs that compute,
        fewer CPU seconds tell *faster* where wall time cannot, and does not rule it out.
        """
        wall, cpu = self.wall, self.cpu
        if slower := self.slower_by:
            return slower[0] is Clock.CPU
        if not (self.computes and wall and cpu):
            return False
        unsure = wall.verdict is Verdict.UNSURE and wall.low <= cpu.estimate <= wall.high
        return unsure and cpu.verdict.is_alarm

    @property
    def decisive(self) -> Judgement | None:
        """The judgement that is the cell's; None before the first look."""
        if slower := self.slower_by:
            return self.by_clock[slower[0]]
        return self.cpu if self.by_cpu else self.wall

    @property
    def verdict(self) -> Verdict:
        """What is said of the cell."""
        return self.decisive.verdict if self.decisive else Verdict.UNSURE

    @property
    def is_over(self) -> bool:
        """Say whether more pairs are of no use."""
        others = all(one.verdict is not Verdict.UNSURE for one in self.others.values())
        wall = self.verdict is not Verdict.UNSURE
        decided = wall and (others or bool(self.slower_by))
        return bool(self.absent or self.failure or decided or not self.looks)

    @property
    def width(self) -> float:
        """How undecided the cell is: how wide its interval is, endless before the first look."""
        return self.wall.high - self.wall.low if self.wall else float("inf")

    @property
    def pairs_needed(self) -> int | None:
        """How many pairs it would take, as far as that is known."""
        return self.wall.pairs_needed if self.wall else self.looks[0]

    @property
    def seconds_of_a_pair(self) -> float:
        """What a pair takes, as the pairs so far did; the first has set-up to do besides."""
        return statistics.median(self.spent) if self.spent else 0.0

    @property
    def seconds(self) -> float:
        """What all its pairs took."""
        return sum(self.spent)


def take_pairs(
    tests: Sequence[SequentialTest],
    measure: Callable[[Any], Pair],
    budget: float,
    progress: Callable[[SequentialTest], None] = lambda _: None,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Add pairs until every cell has its verdict, or no further pair fits into the budget.

    ``progress`` is called after each pair.
    """
    began = now()
    while test := most_undecided(tests, budget - (now() - began)):
        started = now()
        try:
            pair = measure(test.cell)
        except CellAbsent as reason:
            test.absent = str(reason)
        except SideFailed as failure:
            test.failure = str(failure)
        else:
            test.add(pair, now() - started)
        progress(test)


def most_undecided(tests: Iterable[SequentialTest], left: float) -> SequentialTest | None:
    """The cell that gets the next pair, of those whose pairs fit into the seconds ``left``.

    That is the one with the widest interval; before the first look, the one with the fewest pairs.
    But a wild cell starves no other: none gets more than MOST_SHARE times what another has got.
    """
    fitting = [
        test for test in tests if not test.is_over and left > 0 and test.seconds_of_a_pair <= left
    ]
    least = min((test.seconds for test in fitting), default=0.0)
    served = [test for test in fitting if test.seconds <= MOST_SHARE * least]
    return max(served, key=lambda test: (test.width, -len(test.pairs)), default=None)


def figures(test: SequentialTest) -> dict[str, Any]:
    """All that is known of a cell, as plain data."""

    def judged(judgement: Judgement | None) -> dict[str, Any] | None:
        if judgement is None:
            return None
        return {name: getattr(judgement, name) for name in judgement.__dataclass_fields__}

    return {
        "cell": test.cell.id,
        "verdict": None if test.absent or test.failure else test.verdict,
        "absent": test.absent,
        "failure": test.failure,
        "by_cpu": test.by_cpu,
        "wall": judged(test.wall),
        "cpu": judged(test.cpu),
        "other_clocks": {clock: judged(one) for clock, one in test.others.items()},
        "slower_by": test.slower_by,
        "seconds": test.seconds,
        "pairs_needed": test.pairs_needed if test.verdict is Verdict.UNSURE else None,
        "pairs": [
            {
                "wall": pair.wall,
                "cpu": pair.cpu,
                "first": pair.first,
                "figures": dict(pair.figures),
            }
            for pair in test.pairs
        ],
    }
