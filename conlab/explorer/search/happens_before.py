"""Which steps of an execution are ordered, and which two race: a clock for every step.

Two steps are *dependent* when both touch the same location and one of them writes it. A step comes
after every earlier one that it depends on, and after all that those come after: that is the
happens-before order, and executions of one order are one *trace*. Two dependent steps *race* when
nothing but their own dependence orders them: then the other order is another trace.

Lamport, *Time, clocks, and the ordering of events in a distributed system*, CACM 1978; Flanagan and
Godefroid, *Dynamic partial-order reduction for model checking software*, POPL 2005.
"""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

Location = tuple[Hashable, Hashable]  # of which kind and name, of which object: None is any of them
PART = "part"  # a location's owner may be a part of an object: this, the object, which part
EVERYTHING: Location = ("everything", None)  # what a step touches of which nothing is known


@dataclass(slots=True, eq=False)
class TracedStep:
    """What one thread does from one switch point to the next.

    ``touches`` says of each location whether the step writes it. ``follows`` are locations whose
    last writer the step comes after and cannot come before, as an acquisition comes after the
    release that made it possible.
    """

    thread: int
    touches: dict[Location, bool] = field(default_factory=dict)
    follows: list[Location] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)  # threads
    timed_out: bool = False
    varies: bool = False  # whether it could have gone on another way, and touched other things
    way: int = 0  # which way it went
    instead: tuple[int, ...] = ()  # the threads that were enabled
    number: int = 0  # of the thread's steps
    known: int = 0  # how many objects had been touched before it
    clock: list[int] = field(default_factory=list)  # how many steps of each thread come before

    def touch(self, location: Location, *, writes: bool) -> None:
        """Take note of one access."""
        self.touches[location] = writes or self.touches.get(location, False)

    def touches_in_any_execution(self) -> dict[Location, bool]:
        """Return the same without the objects that are numbered otherwise in another execution."""
        found: dict[Location, bool] = {EVERYTHING: True} if self.varies else {}
        for (kind, owner), writes in self.touches.items():
            whose = owner[1] if isinstance(owner, tuple) and owner[0] == PART else owner
            new = isinstance(whose, int) and whose >= self.known
            location = (kind, None if new else owner)
            found[location] = writes or found.get(location, False)
        return found

    def comes_before(self, clock: list[int]) -> bool:
        """Whether who has this clock comes after the step."""
        return self.thread < len(clock) and clock[self.thread] >= self.number


def dependent(one: dict[Location, bool], other: dict[Location, bool]) -> bool:
    """Whether steps that touch these locations may not be swapped.

    One that touches everything depends on one that touches nothing, too: what that reads, nobody
    writes, as far as is known.
    """
    if EVERYTHING in one or EVERYTHING in other:
        return True
    if len(one) > len(other):
        one, other = other, one
    for (kind, owner), writes in one.items():
        for (its_kind, its_owner), also_writes in other.items():
            same = kind == its_kind and (owner == its_owner or None in (owner, its_owner))
            if same and (writes or also_writes):
                return True
    return False


class HappensBefore:
    """Takes the steps of one execution in their order, gives each its clock, and finds races."""

    def __init__(self) -> None:
        """Begin with no step."""
        self.steps: list[TracedStep] = []
        self._steps: dict[int, list[int]] = {}  # of each thread
        self._started: dict[int, int] = {}  # each thread, by which step
        self._everything: dict[int, list[int]] = {}  # and those that touch everything
        self._locations: dict[Hashable, dict[Hashable, list[tuple[int, bool]]]] = {}

    def races(self, step: TracedStep, *, bounded: bool = False) -> list[int]:
        """Give the earlier steps that a next step races with; it need not have been taken.

        A race that is met when another is reversed is left out, but where the search is bounded:
        the bound may not let the other be reversed, and this one be reversed at no such cost.
        """
        clock = self._latest(step.thread)
        unordered: set[int] = set()
        for steps in self._of_others(step):
            for at in reversed(steps):
                if self.steps[at].comes_before(clock):
                    break
                unordered.add(at)
                if self._could_reverse(at, step):
                    break
        for accesses, writes in self._accesses_of(step):
            for at, wrote in reversed(accesses):
                if not (writes or wrote):
                    continue
                before = self.steps[at].comes_before(clock)
                if not before:
                    unordered.add(at)
                if wrote and (before or self._could_reverse(at, step)):
                    break  # what is dependent on it and earlier comes before it
        if bounded:
            return sorted(unordered)
        return sorted(at for at in unordered if not self._reached_by_another(step, at, unordered))

    def enabling(self, step: TracedStep) -> list[int]:
        """Give the steps of others that a next step cannot come before: it had to wait for them."""
        last: set[int] = set()
        for location in step.follows:
            for accesses in self._concerned(location):
                last.update(next(([at] for at, wrote in reversed(accesses) if wrote), []))
        return sorted(at for at in last if self.steps[at].thread != step.thread)

    def clock_of(self, step: TracedStep) -> list[int]:
        """Return the clock that a next step has; it need not be taken."""
        clock = joined(self._latest(step.thread), [0] * (step.thread + 1))
        earlier = {steps[-1] for steps in self._of_others(step)}
        for accesses, writes in self._accesses_of(step):
            for at, wrote in reversed(accesses):
                if writes or wrote:
                    earlier.add(at)
                if wrote:
                    break
        for at in [*earlier, *self.enabling(step)]:
            clock = joined(clock, self.steps[at].clock)
        clock[step.thread] += 1
        return clock

    def add(self, step: TracedStep) -> None:
        """Take the next step."""
        step.clock = self.clock_of(step)
        step.number = step.clock[step.thread]
        here = len(self.steps)
        self.steps.append(step)
        self._started |= dict.fromkeys(step.starts, here)
        self._steps.setdefault(step.thread, []).append(here)
        for (kind, owner), writes in step.touches.items():
            if (kind, owner) == EVERYTHING:
                self._everything.setdefault(step.thread, []).append(here)
            else:
                accesses = self._locations.setdefault(kind, {}).setdefault(owner, [])
                accesses.append((here, writes))

    def cut(self, length: int) -> None:
        """Forget all but the first steps, so many of them.

        Who is started after them is started again before it takes a step.
        """
        while len(self.steps) > length:
            step = self.steps.pop()
            self._forget_last(self._steps, step.thread)
            for kind, owner in step.touches:
                if (kind, owner) == EVERYTHING:
                    self._forget_last(self._everything, step.thread)
                else:
                    self._forget_last(self._locations[kind], owner)

    @staticmethod
    def _forget_last(kept: dict[K, list[V]], key: K) -> None:
        kept[key].pop()
        if not kept[key]:
            del kept[key]

    def _latest(self, thread: int) -> list[int]:
        """Return the clock that a thread has after its last step, or as it was started."""
        if (steps := self._steps.get(thread)) is not None:
            return self.steps[steps[-1]].clock
        by = self._started.get(thread)
        return [] if by is None else self.steps[by].clock

    def _could_reverse(self, at: int, step: TracedStep) -> bool:
        """Whether the step could have been taken without step ``at`` before it.

        If the thread was not enabled, it had to wait. If it was, and what it did first was another
        step, then it may have had to wait at this one, where it can wait.
        """
        if step.thread not in self.steps[at].instead:
            return False
        return not step.follows or self._steps.get(step.thread, [-1])[-1] < at

    def _reached_by_another(self, step: TracedStep, at: int, unordered: set[int]) -> bool:
        """Whether the race with step ``at`` is met when that with a later one is reversed."""
        return any(
            other != at
            and self._could_reverse(other, step)
            and self.steps[at].comes_before(self.steps[other].clock)
            for other in unordered
        )

    def _of_others(self, step: TracedStep) -> Iterator[list[int]]:
        """Give, by thread, the others' steps on which one depends whatever they touch."""
        kept = self._steps if EVERYTHING in step.touches else self._everything
        yield from (steps for thread, steps in kept.items() if thread != step.thread)

    def _accesses_of(self, step: TracedStep) -> Iterator[tuple[list[tuple[int, bool]], bool]]:
        """Give the earlier accesses of each location that a step touches, and whether it writes."""
        for location, writes in step.touches.items():
            for accesses in self._concerned(location):
                yield accesses, writes

    def _concerned(self, location: Location) -> Iterable[list[tuple[int, bool]]]:
        kind, owner = location
        of_kind = self._locations.get(kind, {})
        if owner is None:
            return of_kind.values()
        return [of_kind[each] for each in (owner, None) if each in of_kind]


def joined(one: list[int], other: list[int]) -> list[int]:
    """Return the least clock that is not before either."""
    if len(one) < len(other):
        one, other = other, one
    return [*map(max, one, other), *one[len(other) :]]
