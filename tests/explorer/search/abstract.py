"""Programs of numbers: threads of atomic steps, executed under a schedule, and made by chance.

They have what the explorer's threads have (locks, queues, waits with a timeout, sleeps, a clock,
branches, threads started by threads), and run a hundred times faster.
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from conlab.explorer.search import enumeration
from conlab.explorer.search.happens_before import EVERYTHING, HappensBefore, TracedStep
from conlab.explorer.search.reduction import reduced_schedules
from conlab.explorer.search.traced import Redundant, TracedSchedule

Operation = tuple[Any, ...]
Program = list[list[Operation]]
# ("all",)  register = the sum of all, which touches everything
# ("r", x)  register = x                 ("w", x, n)  x = register + n      ("inc", x)  x += 1
# ("acquire", lock)                      ("release", lock)
# ("try", lock, n)                       take the lock, or skip n operations
# ("acquire within", lock, time, n)      wait so long, then skip n operations
# ("put", queue)  put the register       ("get", queue)       ("get within", queue, time)
# ("sleep", None, time)                  ("now",)  register = the time
# ("may inc", x)  x += 1, or nothing: the schedule says so within the step
# ("if even", n)  skip n operations where the register is odd
# ("start", thread)                      ("join", thread)
WITHIN = ("acquire within", "get within", "sleep")


@dataclass
class State:
    """The whole of a program between two steps."""

    program: Program
    at: list[int] = field(default_factory=list)
    registers: list[int] = field(default_factory=list)
    deadlines: list[float | None] = field(default_factory=list)
    started: list[bool] = field(default_factory=list)
    shared: dict[str, int] = field(default_factory=dict)
    holders: dict[str, int | None] = field(default_factory=dict)
    queues: dict[str, list[int]] = field(default_factory=dict)
    puts: dict[str, int] = field(default_factory=dict)
    gets: dict[str, int] = field(default_factory=dict)
    clock: float = 0.0
    bounded: bool = (
        False  # whether it matters when a deadline is set, though nobody reads the clock
    )

    def __post_init__(self) -> None:
        self.clock_matters = self.bounded or any(("now",) in thread for thread in self.program)
        threads = len(self.program)
        self.at, self.registers = [0] * threads, [0] * threads
        self.deadlines = [None] * threads
        later = {
            each[1] for operations in self.program for each in operations if each[0] == "start"
        }
        self.started = [thread not in later for thread in range(threads)]
        for thread in range(threads):
            self.arm(thread)

    def done(self, thread: int) -> bool:
        return self.at[thread] >= len(self.program[thread])

    def next(self, thread: int) -> Operation:
        return self.program[thread][self.at[thread]]

    def alive(self) -> list[int]:
        return [t for t in range(len(self.program)) if self.started[t] and not self.done(t)]

    def busy(self, thread: int) -> bool:
        match self.next(thread):
            case ("acquire" | "acquire within", lock, *_):
                return self.holders.get(lock) is not None
            case ("get" | "get within", queue, *_):
                return not self.queues.get(queue)
            case ("join", other):
                return not (self.started[other] and self.done(other))
            case ("sleep", *_):
                return True
        return False

    def arm(self, thread: int) -> None:
        """Set the deadline of what a thread does next."""
        self.deadlines[thread] = None
        if not self.done(thread) and self.next(thread)[0] in WITHIN:
            self.deadlines[thread] = self.clock + self.next(thread)[2]

    def touch(self, thread: int, step: TracedStep, *, timed_out: bool) -> None:
        """Say what the next operation of a thread touches."""
        match self.next(thread):
            case ("all",):
                step.touch(EVERYTHING, writes=True)
            case ("r", x):
                step.touch(("x", x), writes=False)
            case ("w", x, _) | ("inc", x):
                step.touch(("x", x), writes=True)
            case ("acquire", lock):
                step.touch(("taken", lock), writes=True)
                step.follows.append(("free", lock))
            case ("try" | "acquire within" as how, lock, *_):
                taken = self.holders.get(lock) is None if how == "try" else not timed_out
                step.touch(("taken", lock), writes=taken)
                step.touch(("free", lock), writes=False)
            case ("release", lock):
                step.touch(("free", lock), writes=True)
            case ("put", queue):
                step.touch(("puts", queue), writes=True)
                step.touch((("item", self.puts.get(queue, 0)), queue), writes=True)
            case ("get", queue):
                step.touch(("gets", queue), writes=True)
                step.follows.append((("item", self.gets.get(queue, 0)), queue))
            case ("get within", queue, _):
                step.touch(("gets", queue), writes=not timed_out)
                step.touch(("puts", queue), writes=False)
            case ("join", other):
                step.follows.append(("end", other))
            case ("now",):
                step.touch(("clock", None), writes=False)
            case ("start", _):
                step.touch(("started", None), writes=True)
        if timed_out:
            step.touch(("clock", f"by {thread}"), writes=True)

    def goes(self, thread: int, step: TracedStep, schedule: TracedSchedule) -> None:
        """Take the way that the schedule chooses, where the next operation has two."""
        if self.next(thread)[0] == "may inc":
            step.varies = True
            if schedule.choose_way((0, 1), (thread, "way")) == 0:
                x = self.next(thread)[1]
                step.touch(("x", x), writes=True)
                self.shared[x] = self.shared.get(x, 0) + 1

    def take(self, thread: int, step: TracedStep, *, timed_out: bool) -> None:
        """Take the next operation of a thread."""
        operation = self.next(thread)
        self.touch(thread, step, timed_out=timed_out)
        if timed_out:
            deadline = self.deadlines[thread]
            assert deadline is not None
            self.clock = max(self.clock, deadline)
        skipped = 0
        match operation:
            case ("all",):
                self.registers[thread] = sum(self.shared.values())
            case ("r", x):
                self.registers[thread] = self.shared.get(x, 0)
            case ("w", x, n):
                self.shared[x] = self.registers[thread] + n
            case ("inc", x):
                self.shared[x] = self.shared.get(x, 0) + 1
            case ("acquire", lock):
                self.holders[lock] = thread
            case ("try" | "acquire within", lock, *_, skip):
                if timed_out or self.holders.get(lock) is not None:
                    self.registers[thread], skipped = -1, skip
                else:
                    self.holders[lock] = thread
            case ("release", lock):
                self.holders[lock] = None
            case ("put", queue):
                self.queues.setdefault(queue, []).append(self.registers[thread] + 1)
                self.puts[queue] = self.puts.get(queue, 0) + 1
            case ("get" | "get within", queue, *_):
                if timed_out:
                    self.registers[thread] = -2
                else:
                    self.registers[thread] = self.queues[queue].pop(0)
                    self.gets[queue] = self.gets.get(queue, 0) + 1
            case ("if even", skip):
                skipped = skip if self.registers[thread] % 2 else 0
            case ("now",):
                self.registers[thread] = int(self.clock)
            case ("start", other):
                self.started[other] = True
                step.starts.append(other)
                self.arm(other)
                self.reads_the_clock(other, step)
        self.at[thread] = min(len(self.program[thread]), self.at[thread] + 1 + skipped)
        self.arm(thread)
        self.reads_the_clock(thread, step)
        if self.done(thread):
            step.touch(("end", thread), writes=True)

    def reads_the_clock(self, thread: int, step: TracedStep) -> None:
        """Say whether a step has set a deadline, where that matters."""
        if self.clock_matters and self.deadlines[thread] is not None:
            step.touch(("clock", None), writes=False)


def execute(program: Program, schedule: TracedSchedule) -> Any:
    """Execute a program as the scheduler of threads does; return how it ends."""
    state = State(program, bounded=schedule.bounded)
    last = 0
    while alive := state.alive():
        enabled = [thread for thread in alive if not state.busy(thread)]
        timed = [t for t in alive if t not in enabled and state.deadlines[t] is not None]
        if not enabled and not timed:
            leave_waiting(state, schedule)
            schedule.finish()
            return ("deadlock", *((thread, state.next(thread)) for thread in alive))
        if last in enabled:
            enabled.remove(last)
            enabled.insert(0, last)
        if not enabled:
            timed.sort(key=lambda thread: state.deadlines[thread] or 0.0)
            soonest = state.deadlines[timed[0]]
            costs = tuple(int(state.deadlines[thread] != soonest) for thread in timed)
        elif enabled[0] == last:
            costs = (0,) + (1,) * (len(enabled) + len(timed) - 1)
        else:
            costs = (0,) * len(enabled) + (1,) * len(timed)
        options = enabled + timed
        choice = 0
        try:
            if len(options) > 1:
                site = (last, *state.at)
                choice = schedule.choose_thread(costs, site, tuple(options), len(timed))
            last = options[choice]
            step = schedule.begin(last)
        except Redundant:
            leave_waiting(state, schedule)
            raise
        step.timed_out = choice >= len(enabled)
        state.goes(last, step, schedule)
        state.take(last, step, timed_out=step.timed_out)
    schedule.finish()
    return ("ends", *state.registers, *sorted(state.shared.items()))


def leave_waiting(state: State, schedule: TracedSchedule) -> None:
    """Take note of what the threads would do next that wait."""
    for thread in state.alive():
        if state.busy(thread):
            pending = TracedStep(thread)
            state.touch(thread, pending, timed_out=False)
            schedule.pending.append(pending)


class EverySchedule(TracedSchedule):
    """A schedule of plain enumeration, whose steps are traced all the same."""

    __slots__ = ()

    def choose_thread(self, costs: tuple[int, ...], site: Any, *_: Any, **__: Any) -> int:
        return self.choose(costs, site)


def by_enumeration(
    program: Program, bound: int | None, most: int
) -> tuple[set[Any], set[int]] | None:
    """Return the outcomes and the traces of every schedule; None where there are too many."""
    found = list(itertools.islice(every_schedule(program, bound), most + 1))
    if len(found) > most:
        return None
    return {outcome for outcome, _ in found}, {trace for _, trace in found}


def every_schedule(program: Program, bound: int | None) -> Iterator[tuple[Any, int]]:
    """Give the outcome and the trace of every schedule."""
    outcome: Any = None

    def run(schedule: Any) -> None:
        nonlocal outcome
        outcome = execute(program, schedule)
        order = HappensBefore()
        for step in schedule.steps:
            order.add(step)

    with mock.patch.object(enumeration, "Schedule", EverySchedule):
        for schedule in enumeration.enumerate_schedules(run, bound):
            assert isinstance(schedule, EverySchedule)
            yield outcome, schedule.trace


def by_reduction(program: Program, bound: int | None) -> tuple[set[Any], set[int], int]:
    """Return the outcomes, the traces, and how many schedules were executed."""
    found = list(every_trace(program, bound))
    ended = [each for each in found if each[1]]
    return {outcome for outcome, _ in ended}, {trace for _, trace in ended}, len(found)


def every_trace(program: Program, bound: int | None) -> Iterator[tuple[Any, int]]:
    """Give the outcome and the trace of every execution of the reduction; 0 is a redundant one."""
    outcome: Any = None

    def run(schedule: TracedSchedule) -> None:
        nonlocal outcome
        outcome = execute(program, schedule)

    for schedule in reduced_schedules(run, bound):
        yield outcome, 0 if schedule.redundant else schedule.trace


KINDS = {
    "r": 4, "w": 4, "inc": 2, "locked": 4, "try": 1, "put": 2, "get": 1, "if even": 1,
    "may inc": 2, "all": 1, "get within": 1, "acquire within": 1, "sleep": 1, "now": 1,
}  # fmt: skip
MOST_OPERATIONS = 13


def made(seed: int) -> Program:
    """Make a program by chance: two to four threads, a dozen operations in all at most."""
    chance = random.Random(seed)
    while True:
        threads = chance.choice([2, 2, 3, 3, 4])
        program = [_body(chance, deep=threads > 3) for _ in range(threads)]
        if threads > 2 and chance.random() < 0.3:
            where = chance.randrange(len(program[0]) + 1)
            program[0].insert(where, ("start", threads - 1))
            program[0].append(("join", threads - 1))
        if sum(map(len, program)) <= MOST_OPERATIONS:
            return program


def _body(chance: random.Random, *, deep: bool = False) -> list[Operation]:
    operations: list[Operation] = []
    for _ in range(chance.choice([1, 1, 2, 2, 3])):
        (kind,) = chance.choices(list(KINDS), list(KINDS.values()))
        x, lock, time = chance.choice("xy"), chance.choice("LM"), chance.choice([1, 2])
        inner = [] if deep else _body(chance, deep=True)
        match kind:
            case "r" | "inc" | "may inc":
                operations.append((kind, x))
            case "w":
                operations.append(("w", x, time))
            case "put" | "get":
                operations.append((kind, "q"))
            case "get within":
                operations.append((kind, "q", time))
            case "sleep":
                operations.append((kind, None, time))
            case "now" | "all":
                operations.append((kind,))
            case "if even":
                operations += [(kind, len(inner)), *inner]
            case "locked":
                operations += [("acquire", lock), *inner, ("release", lock)]
            case "try":
                operations += [("try", lock, len(inner) + 1), *inner, ("release", lock)]
            case "acquire within":
                skip = len(inner) + 1
                operations += [(kind, lock, time, skip), *inner, ("release", lock)]
    return operations
