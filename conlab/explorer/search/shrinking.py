"""Makes a failing schedule shorter, as long as it fails in the same way.

A schedule that was drawn by chance switches at every other step. So preemptions are taken away in
blocks first, half of them at once, then a quarter, and so on, as delta debugging does: Zeller and
Hildebrandt, *Simplifying and isolating failure-inducing input*, IEEE TSE 2002. Then each choice
that is left is tried alone.
"""

from collections import defaultdict
from collections.abc import Callable, Container, Hashable, Iterator, Sequence
from itertools import groupby

from conlab.explorer.search.happens_before import TracedStep
from conlab.explorer.search.schedule import Schedule
from conlab.explorer.search.traced import TracedSchedule

Turn = tuple[int, bool]  # a thread, and whether its wait times out


def shrink(
    fails: Callable[[Sequence[int]], Schedule | None], schedule: Schedule, tries: int = 200
) -> Schedule:
    """Return a failing schedule with as few preemptions and other choices as ``tries`` allow.

    ``fails`` executes a sequence of choices and returns its schedule when it fails in the same way,
    else None; a sequence that leads elsewhere is no failure.
    """
    best, again = schedule, True
    while again and tries > 0:
        again = False
        for at in reversed([at for at, choice in enumerate(best.choices) if choice]):
            for candidate in _simpler(best.choices, at):
                if tries <= 0:
                    break
                tries -= 1
                shorter = fails(candidate)
                if shorter is not None and _size(shorter) < _size(best):
                    best, again = shorter, True
                    break
            if again:
                break
    return best


def _simpler(choices: Sequence[int], at: int) -> Iterator[list[int]]:
    """Give the sequence without the choice at ``at``: cut there, dropped, or made the first."""
    yield list(choices[:at])
    yield [*choices[:at], 0, *choices[at + 1 :]]
    yield [*choices[:at], *choices[at + 1 :]]


def _size(schedule: Schedule) -> tuple[int, int, int]:
    chosen = sum(1 for choice in schedule.choices if choice)
    return schedule.preemptions, chosen, len(schedule.choices)


class OrderedSchedule(TracedSchedule):
    """A schedule that follows an order of turns as far as it can: who cannot go on is passed by."""

    __slots__ = ("_order",)

    def __init__(self, order: Sequence[Turn]) -> None:
        """Follow ``order``, then take the first option every time."""
        super().__init__()
        self._order = list(order)

    def choose_thread(
        self, costs: tuple[int, ...], site: Hashable, threads: tuple[int, ...], timed: int
    ) -> int:
        """Return the option of the first turn of the order that is one."""
        untimed = len(threads) - timed
        options = {(thread, at >= untimed): at for at, thread in enumerate(threads)}
        option = next((options[turn] for turn in self._order if turn in options), 0)
        return Schedule.choose(self, costs, site, option)

    def begin(self, thread: int, known: int = 0) -> TracedStep:
        """Take note that a thread takes its turn."""
        turns = (at for at, turn in enumerate(self._order) if turn[0] == thread)
        if (at := next(turns, None)) is not None:
            del self._order[at]
        return super().begin(thread, known)


def straighten(
    fails: Callable[[Sequence[Turn]], TracedSchedule | None],
    schedule: TracedSchedule,
    tries: int = 200,
) -> TracedSchedule:
    """Return a failing schedule with fewer preemptions, taken away in blocks.

    ``fails`` executes an order of turns and returns its schedule when it fails in the same way.
    """
    best = schedule
    size = len(_preemptions(_runs(best)))
    while size and tries > 0:
        runs = _runs(best)
        preempted = _preemptions(runs)
        for start in range(0, len(preempted), size):
            gone = set(preempted[start : start + size])
            straighter = _first(fails, [_earlier(runs, gone), _later(runs, gone)], best.preemptions)
            tries -= 2
            if straighter is not None:
                best = straighter
                break
            if tries <= 0:
                return best
        else:
            size //= 2
            continue
        size = min(size, len(_preemptions(_runs(best))))
    return best


def _first(
    fails: Callable[[Sequence[Turn]], TracedSchedule | None],
    orders: list[list[Turn]],
    preemptions: int,
) -> TracedSchedule | None:
    """Return the schedule of the first order that fails with fewer preemptions."""
    for order in orders:
        schedule = fails(order)
        if schedule is not None and schedule.preemptions < preemptions:
            return schedule
    return None


def _runs(schedule: TracedSchedule) -> list[list[Turn]]:
    """Give the turns of a schedule, those together that one thread took one after the other."""
    turns = [(step.thread, step.timed_out) for step in schedule.steps]
    return [list(run) for _, run in groupby(turns, key=lambda turn: turn[0])]


def _preemptions(runs: list[list[Turn]]) -> list[int]:
    """Give the runs whose thread goes on later: it was preempted there, or had to wait."""
    last = {run[0][0]: at for at, run in enumerate(runs)}
    return [at for at, run in enumerate(runs) if last[run[0][0]] != at]


def _earlier(runs: list[list[Turn]], preempted: Container[int]) -> list[Turn]:
    """Return the order in which the threads of these runs go on at once."""
    goes_to: list[int] = []
    latest: dict[int, int] = {}  # each thread's latest run
    for at, run in enumerate(runs):
        before = latest.get(run[0][0], -1)
        goes_to.append(goes_to[before] if before in preempted and before >= 0 else at)
        latest[run[0][0]] = at
    return _moved(runs, goes_to)


def _later(runs: list[list[Turn]], preempted: Container[int]) -> list[Turn]:
    """Return the order in which these runs wait until their threads go on."""
    goes_to = list(range(len(runs)))
    following: dict[int, int] = {}  # each thread's run that comes next
    for at in reversed(range(len(runs))):
        thread = runs[at][0][0]
        if at in preempted and thread in following:
            goes_to[at] = goes_to[following[thread]]
        following[thread] = at
    return _moved(runs, goes_to)


def _moved(runs: list[list[Turn]], goes_to: list[int]) -> list[Turn]:
    together: dict[int, list[Turn]] = defaultdict(list)
    for run, to in zip(runs, goes_to, strict=True):
        together[to] += run
    return [turn for to in sorted(together) for turn in together[to]]
