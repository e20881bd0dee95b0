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

Location = tuple[Hashable, Hashable]  # of which kind and name, of which object: None is any of them
EVERYTHING: Location = ("everything", None)  # what a step touches of which nothing is known


@dataclass(slots=True, eq=False)
class Step:
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
    instead: tuple[int, ...] = ()  # the threads that were enabled
    number: int = 0  # of the thread's steps
    known: int = 0  # how many objects had been touched before it
    clock: list[int] = field(default_factory=list)  # how many steps of each thread come before

    def touch(self, location: Location, *, writes: bool) -> None:
        """Take note of one access."""
        self.touches[location] = writes or self.touches.get(location, False)

    def touches_in_any_execution(self) -> dict[Location, bool]:
        """Return the same without the objects that are numbered otherwise in another execution."""
        found: dict[Location, bool] = {}
        for (kind, owner), writes in self.touches.items():
            new = isinstance(owner, int) and owner >= self.known
            location = (kind, None if new else owner)
            found[location] = writes or found.get(location, False)
        return found

    def comes_before(self, clock: list[int]) -> bool:
        """Whether who has this clock comes after the step."""
        return self.thread < len(clock) and clock[self.thread] >= self.number


def dependent(one: dict[Location, bool], other: dict[Location, bool]) -> bool:
    """Whether steps that touch these locations may not be swapped."""
    if EVERYTHING in one:
        return bool(other)
    if EVERYTHING in other:
        return bool(one)
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
        self.steps: list[Step] = []
        self._clocks: dict[int, list[int]] = {}  # of each thread, after its last step
        self._last: dict[int, int] = {}  # each thread's last step that touches anything
        self._everything: dict[int, int] = {}  # each thread's last step that touches everything
        self._locations: dict[Hashable, dict[Hashable, _Accesses]] = {}

    def races(self, step: Step) -> list[int]:
        """Give the earlier steps that a next step would race with; it need not have been taken."""
        return self._races(step, self._dependent_on(step))

    def add(self, step: Step) -> list[int]:
        """Take the next step, and give the numbers of the earlier ones that it races with."""
        earlier = self._dependent_on(step)
        races = self._races(step, earlier)
        step.clock = clock = self._clock_after(step, earlier)
        step.number = clock[step.thread]
        here = len(self.steps)
        self.steps.append(step)
        self._clocks[step.thread] = clock
        if step.touches:
            self._last[step.thread] = here
        for started in step.starts:
            self._clocks[started] = clock
        for location, writes in step.touches.items():
            if location == EVERYTHING:
                self._everything[step.thread] = here
            else:
                self._accesses(location).add(step.thread, here, writes=writes)
        return races

    def clock_of(self, step: Step) -> list[int]:
        """Return the clock that a next step would have; it need not be taken."""
        return self._clock_after(step, self._dependent_on(step))

    def _clock_after(self, step: Step, earlier: set[int]) -> list[int]:
        clock = _joined(self._clocks.get(step.thread, []), [0] * (step.thread + 1))
        for at in earlier:
            clock = _joined(clock, self.steps[at].clock)
        for location in step.follows:
            for at in self._writers(location):
                clock = _joined(clock, self.steps[at].clock)
        clock[step.thread] += 1
        return clock

    def _races(self, step: Step, earlier: set[int]) -> list[int]:
        clock = self._clocks.get(step.thread, [])
        unordered = [at for at in earlier if not self.steps[at].comes_before(clock)]
        return sorted(at for at in unordered if not self._reached_by_another(step, at, unordered))

    def _reached_by_another(self, step: Step, at: int, unordered: list[int]) -> bool:
        """Whether the race with step ``at`` is met when that with a step behind it is reversed.

        It is not where the thread had to wait at that moment: nothing can be reversed there.
        """
        return any(
            other != at
            and step.thread in self.steps[other].instead
            and self.steps[at].comes_before(self.steps[other].clock)
            for other in unordered
        )

    def _dependent_on(self, step: Step) -> set[int]:
        """Give the last steps of others that a step depends on."""
        me = step.thread
        if EVERYTHING in step.touches:
            return {at for thread, at in self._last.items() if thread != me}
        found: set[int] = set()
        for (kind, owner), writes in step.touches.items():
            of_kind = self._locations.get(kind)
            if of_kind is not None:
                for accesses in _concerned(of_kind, owner):
                    found.update(accesses.dependent(me, writes=writes))
        if step.touches:
            found.update(at for thread, at in self._everything.items() if thread != me)
        return found

    def _writers(self, location: Location) -> Iterator[int]:
        kind, owner = location
        for accesses in _concerned(self._locations.get(kind, {}), owner):
            if accesses.writer is not None:
                yield accesses.writer[1]

    def _accesses(self, location: Location) -> "_Accesses":
        kind, owner = location
        of_kind = self._locations.setdefault(kind, {})
        if owner not in of_kind:
            of_kind[owner] = _Accesses()
        return of_kind[owner]


class _Accesses:
    """The last writer of a location, and who has read it since."""

    __slots__ = ("readers", "writer")

    def __init__(self) -> None:
        self.writer: tuple[int, int] | None = None
        self.readers: dict[int, int] = {}

    def dependent(self, me: int, *, writes: bool) -> Iterator[int]:
        if self.writer is not None and self.writer[0] != me:
            yield self.writer[1]
        if writes:
            yield from (at for thread, at in self.readers.items() if thread != me)

    def add(self, thread: int, at: int, *, writes: bool) -> None:
        if writes:
            self.writer = (thread, at)
            self.readers.clear()
        else:
            self.readers[thread] = at


def _concerned(of_kind: dict[Hashable, _Accesses], owner: Hashable) -> Iterable[_Accesses]:
    if owner is None:
        return of_kind.values()
    return [of_kind[each] for each in (owner, None) if each in of_kind]


def _joined(one: list[int], other: list[int]) -> list[int]:
    if len(one) < len(other):
        one, other = other, one
    return [*map(max, one, other), *one[len(other) :]]
