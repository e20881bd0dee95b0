"""What threads or tasks share: the things that more than one touches, and one of them writes."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import Any

from conlab.explorer.search.happens_before import EVERYTHING, PART, Location, TracedStep
from conlab.explorer.search.traced import TracedSchedule
from conlab.explorer.threads.scheduler import Scheduler

OF_THE_EXPLORER = frozenset(["clock", "end", "numbers", "started"])  # kinds that mean no data
Toucher = tuple[str, bool]  # who touched it, and whether by writing


class WatchedStep(TracedStep):
    """A step that says of each touch who did it: by name, as several tasks are one thread."""

    __slots__ = ("told",)

    told: Callable[[Location, bool], None]

    def touch(self, location: Location, *, writes: bool) -> None:
        """Take note of one access."""
        TracedStep.touch(self, location, writes=writes)
        self.told(location, writes)


class WatchedSchedule(TracedSchedule):
    """The first schedule of a program, in which is noted who touches what."""

    __slots__ = ("_names", "_scheduler", "_touched")

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self._scheduler = scheduler
        self._touched: dict[Location, set[Toucher]] = defaultdict(set)
        self._names: dict[Location, str] = {}  # given at once, as a thing may be gone later

    def begin(self, thread: int, known: int = 0) -> TracedStep:
        """Take note that a thread begins its next step."""
        begun = super().begin(thread, known)
        watched = WatchedStep(thread, known=known, instead=begun.instead)
        watched.told = self._take_note
        self.steps[-1] = watched
        return watched

    def _take_note(self, location: Location, writes: bool) -> None:
        self._touched[location].add((self._scheduler.who_runs(), writes))
        if location not in self._names:
            self._names[location] = self._named(location)

    def shared_by(self, names: Iterable[str]) -> tuple[str, ...]:
        """Name what at least two of these threads or tasks touch, and one of them writes."""
        asked = frozenset(names)
        found = set()
        for location, touchers in self._touched.items():
            # A task is told of with the coroutine that it runs in brackets.
            ours = {each for each in touchers if each[0].partition(" (")[0] in asked}
            several = len({who for who, _ in ours}) > 1
            if several and any(writes for _, writes in ours) and self._is_data(location):
                found.add(self._names[location])
        return tuple(sorted(found))

    @staticmethod
    def _is_data(location: Location) -> bool:
        kind, owner = location
        named = isinstance(kind, tuple)  # an attribute or a variable, which a class may have, too
        unknown = owner is None and not named  # it may be of each its own
        return location != EVERYTHING and kind not in OF_THE_EXPLORER and not unknown

    def _named(self, location: Location) -> str:
        kind, owner = location
        if isinstance(owner, tuple) and owner[0] == PART:
            owner = owner[1]
        return _in_words(kind, self._scheduler.touched_thing(owner))


def _in_words(kind: Hashable, thing: Any) -> str:
    match kind:
        case ("name", str(name)) if issubclass(type(thing), dict):
            return f"the global {name}"
        case ("name", str(name)):
            return f"{type(thing).__qualname__}.{name}" if thing is not None else f".{name}"
        case ("cell", str(name)):
            return f"the variable {name} of a function around"
        case "taken" | "free":
            return "a lock"
        case "puts" | "gets" | ("item", _):
            return "a queue"
    return f"the content of a {type(thing).__qualname__}" if thing is not None else str(kind)
