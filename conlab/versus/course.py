"""The course of a comparison: which cell gets the next pair, and when enough is known."""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from conlab.bench.running import CellAbsent
from conlab.versus.pairs import Pair
from conlab.versus.rule import Judgement, Rule, Verdict
from conlab.versus.talking import SideFailed

MOST_SHARE = 2.0


class Named(Protocol):
    """What is compared: a cell, or what stands for it."""

    @property
    def id(self) -> str:
        """The name as a test id."""
        ...


@dataclass(slots=True)
class Course:
    """What is known of one cell so far: its pairs, and what the latest look at them said.

    ``absent`` says why there is nothing to compare, ``failure`` what went wrong. ``computes`` says
    that its jobs only compute, so that CPU seconds may raise an alarm, too.
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
    looks: list[int] = field(init=False)

    def __post_init__(self) -> None:
        if self.computes:
            self.rule = replace(self.rule, clocks=2)
        self.looks = list(self.rule.looks())

    def add(self, pair: Pair, seconds: float) -> None:
        """Take a pair that took so many seconds, and judge if a look is due."""
        self.pairs.append(pair)
        self.spent.append(seconds)
        if len(self.pairs) == self.looks[0]:
            self.looks.pop(0)
            self.wall = self.rule.judge([pair.log_wall for pair in self.pairs])
            if all(all(map(sum, pair.cpu)) for pair in self.pairs):  # ticks can make it none
                self.cpu = self.rule.judge([pair.log_cpu for pair in self.pairs])

    @property
    def by_cpu(self) -> bool:
        """Whether CPU seconds tell a change where wall time cannot, and does not rule it out.

        A busy machine makes jobs wait for a core, which is no work of theirs. But more work may
        take less time, on more cores: so CPU seconds never overrule what wall time tells.
        """
        wall, cpu = self.wall, self.cpu
        if not (self.computes and wall and cpu):
            return False
        unsure = wall.verdict is Verdict.UNSURE and wall.low <= cpu.estimate <= wall.high
        return unsure and cpu.verdict.is_alarm

    @property
    def decisive(self) -> Judgement | None:
        """The judgement that is the cell's; None before the first look."""
        return self.cpu if self.by_cpu else self.wall

    @property
    def verdict(self) -> Verdict:
        """What is said of the cell."""
        return self.decisive.verdict if self.decisive else Verdict.UNSURE

    @property
    def is_over(self) -> bool:
        """Say whether more pairs are of no use."""
        decided = self.verdict is not Verdict.UNSURE
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


def run(
    courses: Sequence[Course],
    measure: Callable[[Any], Pair],
    budget: float,
    tell: Callable[[Course], None] = lambda _: None,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Add pairs until every cell has its verdict, or no further pair fits into the budget.

    ``tell`` is called after each pair.
    """
    began = now()
    while course := most_undecided(courses, budget - (now() - began)):
        started = now()
        try:
            pair = measure(course.cell)
        except CellAbsent as reason:
            course.absent = str(reason)
        except SideFailed as failure:
            course.failure = str(failure)
        else:
            course.add(pair, now() - started)
        tell(course)


def most_undecided(courses: Iterable[Course], left: float) -> Course | None:
    """The cell that gets the next pair, of those whose pairs fit into the seconds ``left``.

    That is the one with the widest interval; before the first look, the one with the fewest pairs.
    But a wild cell starves no other: none gets more than MOST_SHARE times what another has got.
    """
    fitting = [
        course
        for course in courses
        if not course.is_over and left > 0 and course.seconds_of_a_pair <= left
    ]
    least = min((course.seconds for course in fitting), default=0.0)
    served = [course for course in fitting if course.seconds <= MOST_SHARE * least]
    return max(served, key=lambda course: (course.width, -len(course.pairs)), default=None)


def figures(course: Course) -> dict[str, Any]:
    """All that is known of a cell, as plain data."""

    def judged(judgement: Judgement | None) -> dict[str, Any] | None:
        if judgement is None:
            return None
        return {name: getattr(judgement, name) for name in judgement.__dataclass_fields__}

    return {
        "cell": course.cell.id,
        "verdict": None if course.absent or course.failure else course.verdict,
        "absent": course.absent,
        "failure": course.failure,
        "by_cpu": course.by_cpu,
        "wall": judged(course.wall),
        "cpu": judged(course.cpu),
        "seconds": course.seconds,
        "pairs_needed": course.pairs_needed if course.verdict is Verdict.UNSURE else None,
        "pairs": [
            {
                "wall": pair.wall,
                "cpu": pair.cpu,
                "first": pair.first,
            }
            for pair in course.pairs
        ],
    }
