"""Shares a reduced search among workers, so that it is to the last count what one of them finds.

What a subtree of the search holds depends on nothing but the branch where it begins; and a branch
that a fork still needs is certain to be taken, with those asleep that the fork has tried before. So
subtrees are explored ahead of time, each by one worker for a short while, and what they hold is
told in the order in which one process would come to it. When the search ends early, what was
explored beyond is forgotten.
"""

import itertools
import pickle
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import NamedTuple, Protocol

from conlab.explorer.search.reduction import Executed, Noted, Subtree, Unknown, run
from conlab.explorer.search.traced import Branch, Demand, Touches, TracedSchedule, whole

MOST_AHEAD = 200  # executions of a subtree that are explored before its turn
TURN = 0.05  # seconds that a worker explores one subtree
SHORT_TURN = 0.01  # where there are not enough subtrees for all
FAILS, REDUNDANT, HELD_BACK = 1, 2, 4

Assumptions = frozenset[tuple[str | int, ...]]


class Disproved(Exception):
    """An execution disproved these assumptions; or its choices are not ``reducible``."""

    def __init__(self, assumptions: Assumptions, reducible: bool) -> None:
        super().__init__(assumptions, reducible)
        self.assumptions, self.reducible = assumptions, reducible


class OnceMore(Exception):
    """The execution is to be made again: the worker was not prepared for it."""


@dataclass(slots=True)
class Turn:
    """What a worker found in a subtree: of each execution in its order, and what is left of it."""

    traces: "array[int]" = field(default_factory=lambda: array("Q"))
    marks: bytearray = field(default_factory=bytearray)
    steps: "array[int]" = field(default_factory=lambda: array("Q"))
    demands: dict[int, list[Demand]] = field(default_factory=dict)  # by the execution
    unknown: dict[int, Unknown] = field(default_factory=dict)
    failing: dict[int, tuple[tuple[int, ...], int]] = field(default_factory=dict)
    touches: Touches | None = None  # of the step that leads to the subtree
    problem: Exception | None = None  # that ended the last execution
    left: bytes | None = None  # a pickled Subtree

    def __len__(self) -> int:
        """Count the executions."""
        return len(self.traces)

    def add(self, executed: Executed, demands: list[Demand]) -> None:
        """Take note of an execution, and of what it newly demands of the choices before."""
        at = len(self)
        if demands:
            self.demands[at] = demands
        if executed.noted.unknown:
            self.unknown[at] = executed.noted.unknown
        if executed.fails and not self.failing:
            self.failing[at] = executed.choices, executed.preemptions
        self.traces.append(executed.trace)
        self.steps.append(executed.noted.steps)
        held_back = HELD_BACK * executed.noted.held_back
        self.marks.append(FAILS * executed.fails | REDUNDANT * executed.redundant | held_back)

    def executed(self, at: int) -> Executed:
        """Return what came of one of them."""
        marks = self.marks[at]
        choices, preemptions = self.failing.get(at, ((), 0))
        return Executed(
            self.traces[at],
            bool(marks & FAILS),
            bool(marks & REDUNDANT),
            choices,
            preemptions,
            Noted(bool(marks & HELD_BACK), self.unknown.get(at, ()), self.steps[at]),
        )


class Request(NamedTuple):
    """What a worker is to explore."""

    assumptions: Assumptions  # that were disproved
    subtree: bytes
    most: int  # executions
    seconds: float


class Crew(Protocol):
    """The workers of a search."""

    @property
    def size(self) -> int:
        """How many there are."""

    def idle(self) -> int:
        """How many wait for something to do."""

    def begin(self, request: Request, take: Callable[[Turn], None]) -> None:
        """Have one of them explore, and give to ``take`` what it finds."""

    def wait(self) -> None:
        """Wait until something was found, or for a moment."""


def take_turn(
    turn: Turn,
    request: Request,
    new: Callable[[Branch], TracedSchedule],
    fails: Callable[[TracedSchedule], bool],
    noted: Callable[[], Noted],
) -> None:
    """Explore what is requested; ``noted`` says what is to be said of the last execution."""
    began = perf_counter()
    subtree: Subtree = pickle.loads(request.subtree)
    while (branch := subtree.next()) is not None:
        if len(turn) >= request.most or (turn.marks and perf_counter() - began >= request.seconds):
            turn.left = pickle.dumps(subtree)
            break
        schedule = new(branch)
        try:
            failed = bool(run(fails, schedule))
        except OnceMore:
            continue
        except Exception as problem:
            turn.problem = problem
            break
        demands = subtree.take(schedule)
        turn.touches = subtree.touches
        turn.add(Executed.of(schedule, failed, noted()), demands)


class Task:
    """A subtree that is explored, and what was found in it and not told yet."""

    def __init__(self, branch: Branch, bound: int | None) -> None:
        self.branch = branch
        self.left: Subtree | bytes | None = Subtree(branch, bound)
        self.begun = self.running = self.whole = self.told = False
        self.touches: Touches | None = None
        self.found: deque[Turn | Subtree] = deque()  # and what it was split from
        self.ahead = 0  # executions found and not told

    def take(self, turn: Turn) -> None:
        """Take what a worker has found."""
        self.running = False
        self.found.append(turn)
        self.ahead += len(turn)
        self.touches = turn.touches
        self.left = turn.left
        self.whole = False

    def ended(self) -> bool:
        """Whether everything in it has been found."""
        return self.left is None and not self.running

    def split(self) -> bool:
        """Have the forks above of which more is needed looked after from outside, if there are."""
        if not self.begun or self.whole or self.left is None:
            return False
        if isinstance(self.left, bytes):
            self.left = pickle.loads(self.left)
        assert isinstance(self.left, Subtree)
        upper = self.left.split()
        if upper is None:
            self.whole = True
            return False
        self.found.append(upper)
        if self.left.ended:
            self.left = None
        return True

    def request(self, assumptions: Assumptions, most: int, seconds: float) -> Request:
        """Say what is to be explored next."""
        left = self.left if isinstance(self.left, bytes) else pickle.dumps(self.left)
        self.left, self.running, self.begun = None, True, True
        return Request(assumptions, left, most, seconds)


def shared_executions(
    crew: Crew,
    assumptions: Assumptions,
    bound: int | None,
    look: Callable[[], None] = lambda: None,
) -> Iterator[Executed]:
    """Have a crew execute what `executions` does, without these assumptions; give it in order.

    ``look`` is called again and again while the crew is waited for.
    """
    return SharedSearch(crew, assumptions, bound).executions(look)


class SharedSearch:
    """One reduced search within one bound, shared among a crew."""

    def __init__(self, crew: Crew, assumptions: Assumptions, bound: int | None) -> None:
        """Share a search in which these assumptions are not made."""
        self._crew = crew
        self._bound = bound
        self._assumptions = assumptions
        self._front = Task(whole(bound), bound)  # which is told now
        self._above: list[Subtree] = []  # what is left where that ends, the last first
        self._tasks: dict[tuple[int, ...], Task] = {}  # that were begun before their turn

    def executions(self, look: Callable[[], None]) -> Iterator[Executed]:
        """Tell every execution, in the order in which one process makes them."""
        while True:
            yield from self._told()
            if not self._front.ended():
                self._share()
                self._crew.wait()
                look()
            elif not self._front.found and not self._turn_to_the_next():
                return

    def _told(self) -> Iterator[Executed]:
        """Tell what has been found at the front."""
        while self._front.found:
            found = self._front.found.popleft()
            if isinstance(found, Subtree):
                self._above.append(found)
                continue
            self._begin_to_tell(found)
            for at in range(len(found)):
                for demand in found.demands.get(at, ()):
                    self._need(demand)
                self._front.ahead -= 1
                yield found.executed(at)
            if found.problem is not None:
                raise found.problem

    def _begin_to_tell(self, turn: Turn) -> None:
        if self._above and not self._front.told:
            self._above[-1].begun(self._front.branch, turn.touches or {})
        self._front.told = True

    def _need(self, demand: Demand) -> None:
        for upper in reversed(self._above):
            if demand.choice >= upper.root:
                upper.need(demand)
                return

    def _turn_to_the_next(self) -> bool:
        """Go on at the last fork of which more is needed; return whether there is one."""
        while self._above:
            branch = self._above[-1].next()
            if branch is not None:
                task = self._tasks.pop(branch.choices, None)
                if task is None or task.branch != branch:
                    task = Task(branch, self._bound)
                self._front = task
                return True
            self._above.pop()
        return False

    # -- what is explored before its turn --------------------------------------------------------

    def _share(self) -> None:
        """Give every idle worker something to explore, the first to be told first."""
        while idle := self._crew.idle():
            wanted = idle + self._crew.size
            ready = list(itertools.islice(self._ready(), wanted))
            if len(ready) < wanted and any(task.split() for task in ready):
                continue
            seconds = TURN if len(ready) == wanted else SHORT_TURN
            for task in ready[:idle]:
                most = MOST_AHEAD if task is self._front else MOST_AHEAD - task.ahead
                self._crew.begin(task.request(self._assumptions, most, seconds), task.take)
            return

    def _ready(self) -> Iterator[Task]:
        """Give the subtrees that can be explored further, in the order in which they are told."""
        for task in self._walk(self._front):
            near = task is self._front or task.ahead < MOST_AHEAD
            if near and not task.ended() and not task.running:
                yield task

    def _walk(self, task: Task) -> Iterator[Task]:
        yield task
        for upper in reversed([each for each in task.found if isinstance(each, Subtree)]):
            yield from self._walk_above(upper)
        if task is self._front:
            for upper in reversed(self._above):
                yield from self._walk_above(upper)

    def _walk_above(self, upper: Subtree) -> Iterator[Task]:
        for fork in reversed(upper.forks):
            tried = dict(fork.tried)
            for thread in fork.untried(self._bound):
                branch = upper.branch(fork, thread, tried)
                if branch.choices == self._front.branch.choices:
                    task = self._front
                else:
                    task = self._tasks.get(branch.choices) or Task(branch, self._bound)
                    self._tasks[branch.choices] = task
                    yield from self._walk(task)
                if self._bound is None:
                    if task.touches is None:
                        break  # nobody knows yet who sleeps in the next
                    tried[thread] = task.touches
