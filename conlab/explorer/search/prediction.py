"""Predicts from one execution what another could do wrong, and plans schedules that would show it.

Only what must be is taken as order: that a thread starts before it runs and ends before it is
joined, that an item is put before it is taken, that who waits for a notification has it. Which of
two threads takes a lock first is no such order. What is then left unordered is predicted:

* two accesses that conflict: of the same thing by two threads, one of them writing. For each there
  are plans that stop one thread just before its access and let the other go on as far as it can. It
  is a *race* when not even the locks that were taken ordered the two in this execution.
* a *circle* in the order in which threads take locks, unless one more lock that all of them hold
  keeps them apart (a gate). Its plan stops each thread just before the lock that another holds.

Havelund, *Using runtime analysis to guide model checking of Java programs*, SPIN 2000; Bensalem and
Havelund, *Dynamic deadlock analysis of multi-threaded programs*, HVC 2005; to build the schedule of
a prediction: Sen, *Race directed random testing of concurrent programs*, PLDI 2008.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from conlab.explorer.search.happens_before import EVERYTHING, Location, TracedStep, joined
from conlab.explorer.search.schedule import Schedule
from conlab.explorer.search.traced import TracedSchedule

MOST_PLANS = 200  # schedules built for one execution
MOST_CIRCLES = 20
LONGEST_CIRCLE = 8  # locks
MOST_PATHS = 10_000  # that are looked at for circles
MOST_ALIKE = 2  # accesses of one thread at one place that are looked at
MOST_THREADS_ALIKE = 3  # that have accesses at one place
NO_CONFLICT = frozenset(["free", "end", "clock", "started"])  # what only follows, or numbers
SYNCHRONISING = NO_CONFLICT | {"taken", "gets", "puts", "iterator"}
ANY_CONTENT: Location = ("content", None)  # that of a container of which it is not known which

Stage = tuple[int, int | None]  # a thread, and how many steps it takes; None: all that it can
Plan = tuple[Stage, ...]
Conflict = tuple[int, int, Location]  # two steps, and what both access


@dataclass(frozen=True, slots=True)
class Prediction:
    """What could happen, and where; ``confirmed`` is it when a schedule built for it has failed."""

    kind: Literal["race", "circle", "order"]
    what: str
    threads: tuple[str, ...]
    places: tuple[str, ...]
    confirmed: bool = False

    @property
    def key(self) -> Hashable:
        """What two predictions have in common that a person would not tell apart."""
        return self.kind, frozenset(self.places)

    def __str__(self) -> str:
        """Say it in one line."""
        pairs = zip(self.threads, self.places, strict=True)
        where = [f"{thread} at {place}" for thread, place in pairs]
        how = "confirmed" if self.confirmed else "predicted"
        if self.kind == "circle":
            return f"{how}: locks taken in a circle, {', '.join(where)}"
        if self.kind == "race":
            return f"{how}: a race for {self.what}, {' and '.join(where)}"
        return f"{how}: another order for {self.what}, {' and '.join(where)}"


class TrialSchedule(TracedSchedule):
    """The schedule of a trial: takes note of where each thread was stopped before each step.

    With ``last_first`` the thread that was started last goes first at each free choice: then those
    steps are met between other threads' that would have been taken by the only thread left.
    """

    __slots__ = ("_at", "_last", "_last_first", "_taken", "begun", "ordinals", "places")

    def __init__(self, *, last_first: bool = False) -> None:
        """Take the first option, or that of the last thread, at each choice."""
        super().__init__()
        self._last_first = last_first
        self._at: dict[int, Hashable] = {}
        self._last: dict[int, Hashable] = {}
        self._taken: dict[int, int] = defaultdict(int)
        self.begun: list[Hashable] = []  # at which operation each step began, where that is known
        self.ordinals: list[int] = []  # how many steps of its thread came before each
        self.places: list[tuple[Hashable, Hashable]] = []  # the bytecodes around where it began

    def choose_thread(
        self, costs: tuple[int, ...], site: Hashable, threads: tuple[int, ...], timed: int
    ) -> int:
        """Return the first option, or that of the last thread where the choice is free."""
        match site:
            case (int(stopped), place):
                self._at[stopped] = place
        free = len(threads) - timed if not any(costs) else 1
        last = max(range(max(1, free)), key=lambda option: threads[option])
        return Schedule.choose(self, costs, site, last if self._last_first else 0)

    def begin(self, thread: int, known: int = 0) -> TracedStep:
        """Take note that a thread begins its next step."""
        step = super().begin(thread, known)
        self.begun.append(self._at.pop(thread, None))
        self.ordinals.append(self._taken[thread])
        self._taken[thread] += 1
        self.places.append((self._last.get(thread), None))
        return step

    def executes(self, thread: str, code: Hashable, offset: int) -> None:  # noqa: ARG002
        """Take note of one bytecode, as a recorder does."""
        if not self.steps:
            return
        before, after = self.places[-1]
        if after is None:
            self.places[-1] = before, (code, offset)
        self._last[self.steps[-1].thread] = (code, offset)

    def place(self, at: int) -> Hashable:
        """Return the bytecode at which step ``at`` began."""
        before, after = self.places[at]
        locks = any(kind in SYNCHRONISING for kind, _ in self.steps[at].touches)
        return before if locks or after is None else after


class DirectedSchedule(TracedSchedule):
    """A schedule by plan: stage by stage a thread takes so many steps, or all that it can.

    While it cannot go on, those go on that no stage has stopped, first of all who starts it. When
    the stages are over, their threads go on in the same order wherever the choice is free.
    """

    __slots__ = ("_after", "_creators", "_plan", "_taken")

    def __init__(self, plan: Plan, creators: dict[int, int]) -> None:
        """Follow ``plan``; ``creators`` says who starts each thread."""
        super().__init__()
        self._plan = list(plan)
        self._after = [thread for thread, _ in plan]
        self._creators = creators
        self._taken: dict[int, int] = defaultdict(int)

    def choose_thread(
        self, costs: tuple[int, ...], site: Hashable, threads: tuple[int, ...], timed: int
    ) -> int:
        """Return which thread takes the next step."""
        enabled = threads[: len(threads) - timed]
        return Schedule.choose(self, costs, site, self._option(enabled, costs) if enabled else 0)

    def begin(self, thread: int, known: int = 0) -> TracedStep:
        """Take note that a thread begins its next step."""
        self._taken[thread] += 1
        return super().begin(thread, known)

    def _option(self, enabled: tuple[int, ...], costs: tuple[int, ...]) -> int:
        stopped: list[int] = []
        for thread, steps in self._plan:
            if steps is not None and self._taken[thread] >= steps:
                stopped.append(thread)
                continue
            wanted = thread
            while wanted not in enabled and wanted in self._creators and not self._taken[wanted]:
                wanted = self._creators[wanted]
            if wanted in enabled and wanted not in stopped:
                return enabled.index(wanted)
            if self._taken[thread] and steps is None and thread not in enabled:
                break
            others = [each for each in enabled if each not in stopped]
            if others:
                return enabled.index(others[0])
        if any(costs):
            return 0
        return next((enabled.index(each) for each in self._after if each in enabled), 0)


@dataclass(frozen=True, slots=True)
class Mattering:
    """Steps whose order matters: the operations at which they begin, how many of each thread."""

    operations: frozenset[Hashable] = frozenset()
    counts: Mapping[int, int] = field(default_factory=dict)

    def and_of(self, other: "Mattering") -> "Mattering":
        """Return those of both, of each thread as many as the one or the other has."""
        counts = {
            each: max(self.counts.get(each, 0), other.counts.get(each, 0))
            for each in {*self.counts, *other.counts}
        }
        return Mattering(self.operations | other.operations, counts)


@dataclass(frozen=True, slots=True)
class Predicted:
    """What executions predict: the plans that would confirm it, the surest first."""

    plans: dict[Plan, Prediction]
    creators: dict[int, int]  # who starts each thread
    conflicting: Mattering  # the steps that conflict with another
    racing: Mattering  # and of these the ones that race for data

    @property
    def to_draw(self) -> tuple[Mattering, ...]:
        """What to draw the orders of, in turns: few steps have few orders, and soon each is drawn.

        Steps that race are few where most of what conflicts only might, as nobody knows what it
        touches.
        """
        if not self.racing.operations or self.racing == self.conflicting:
            return (self.conflicting,)
        return self.racing, self.conflicting

    @property
    def listed(self) -> tuple[Prediction, ...]:
        """What a person is told without any proof: races and circles, each pair of places once."""
        told = {each.key: each for each in reversed(self.plans.values()) if each.kind != "order"}
        return tuple(reversed(told.values()))

    def and_of(self, other: "Predicted") -> "Predicted":
        """Return what both predict."""
        return Predicted(
            other.plans | self.plans,
            other.creators | self.creators,
            self.conflicting.and_of(other.conflicting),
            self.racing.and_of(other.racing),
        )


def predict(
    trial: TrialSchedule,
    thread: Callable[[int], str] = "thread {}".format,
    line: Callable[[Hashable], str] = str,
    name: Callable[[tuple[Hashable, ...], Location], str] = lambda _, location: str(location[0]),
) -> Predicted:
    """Predict from an execution; the functions name a thread, a place, and what is accessed.

    The places may not tell what is accessed, so ``name`` is given the location, too.
    """
    steps, seen = trial.steps, _Seen(trial.steps)
    plans: dict[Plan, Prediction] = {}
    for circle in itertools.islice(_circles(seen), MOST_CIRCLES):
        threads = [steps[each.at].thread for each in circle]
        places = tuple(line(trial.place(each.at)) for each in circle)
        told = Prediction("circle", "locks", tuple(map(thread, threads)), places)
        plan = tuple((steps[each.at].thread, trial.ordinals[each.at]) for each in circle)
        plans.setdefault(plan, told)
    conflicts = list(_conflicts(trial, seen))
    for earlier, later, location in sorted(conflicts, key=lambda each: _rank(each, seen)):
        told = Prediction(
            "race" if seen.races(earlier, later, location) else "order",
            name((trial.place(earlier), trial.place(later)), location),
            (thread(steps[earlier].thread), thread(steps[later].thread)),
            (line(trial.place(earlier)), line(trial.place(later))),
        )
        for stopped, other in ((earlier, later), (later, earlier)):
            first = steps[stopped].thread, trial.ordinals[stopped]
            plans.setdefault((first, (steps[other].thread, None)), told)
    return Predicted(
        dict(itertools.islice(plans.items(), MOST_PLANS)),
        seen.creators,
        _mattering(trial, conflicts),
        _mattering(trial, [each for each in conflicts if seen.races(*each)]),
    )


def _mattering(trial: TrialSchedule, conflicts: Iterable[Conflict]) -> Mattering:
    """Give the steps at the places of these conflicts."""
    there = {trial.place(at) for earlier, later, _ in conflicts for at in (earlier, later)}
    found = [at for at in range(len(trial.steps)) if trial.place(at) in there]
    return Mattering(
        frozenset(trial.begun[at] for at in found if trial.begun[at] is not None),
        Counter(trial.steps[at].thread for at in found),
    )


@dataclass(frozen=True, slots=True)
class _Edge:
    """That a thread takes the lock ``second`` while it holds ``first``, and ``gates`` besides."""

    thread: int
    first: Hashable
    second: Hashable
    gates: frozenset[Hashable]
    at: int  # the step

    @property
    def held(self) -> frozenset[Hashable]:
        return self.gates | {self.first}


class _Seen:
    """What an execution shows: which steps must be in this order, and which locks are held."""

    def __init__(self, steps: list[TracedStep]) -> None:
        self.creators: dict[int, int] = {}
        self.edges: list[_Edge] = []
        self._must = _Clocks()  # of the order that must be
        self._locked = _Clocks()  # and of the locks, as they were taken
        self._holders: dict[Hashable, int] = {}
        self._held: dict[int, set[Hashable]] = defaultdict(set)
        self._handed: set[Hashable] = set()  # locks that another gave back than took them
        writers: dict[Location, int] = {}
        for at, step in enumerate(steps):
            followed = [each for each in step.follows if each in writers]
            must = [each for each in followed if each[0] != "free" or each[1] in self._handed]
            self._must.add(step, [writers[each] for each in must])
            self._locked.add(step, [writers[each] for each in followed])
            self.creators.update(dict.fromkeys(step.starts, step.thread))
            for location, writes in step.touches.items():
                if writes:
                    writers[location] = at
                    self._take_or_give(step, at, *location)

    def unordered(self, earlier: int, later: int) -> bool:
        """Whether the two steps need not come in the order in which they came."""
        return not self._must.before(earlier, later)

    def races(self, earlier: int, later: int, location: Location) -> bool:
        """Whether not even locks ordered these accesses of data."""
        data = location not in (EVERYTHING, ANY_CONTENT) and location[0] not in SYNCHRONISING
        return data and not self._locked.before(earlier, later)

    def _take_or_give(self, step: TracedStep, at: int, kind: Hashable, lock: Hashable) -> None:
        held = self._held[step.thread]
        if kind == "taken":
            if ("free", lock) in step.follows:  # it waits as long as it must
                self.edges += [
                    _Edge(step.thread, other, lock, frozenset(held - {other}), at)
                    for other in sorted(held, key=repr)
                ]
            held.add(lock)
            self._holders[lock] = step.thread
        elif kind == "free":
            holder = self._holders.pop(lock, step.thread)
            self._held[holder].discard(lock)
            if holder != step.thread:
                self._handed.add(lock)
            else:
                self._handed.discard(lock)


class _Clocks:
    """A clock for each step, of an order that is given step by step."""

    def __init__(self) -> None:
        self._clocks: list[list[int]] = []
        self._threads: list[int] = []
        self._last: dict[int, list[int]] = {}

    def add(self, step: TracedStep, earlier: list[int]) -> None:
        """Take the next step, which comes after those."""
        clock = joined(self._last.get(step.thread, []), [0] * (step.thread + 1))
        for at in earlier:
            clock = joined(clock, self._clocks[at])
        clock[step.thread] += 1
        self._clocks.append(clock)
        self._threads.append(step.thread)
        self._last.update(dict.fromkeys([step.thread, *step.starts], clock))

    def before(self, earlier: int, later: int) -> bool:
        """Whether the order has the one before the other."""
        thread, clock = self._threads[earlier], self._clocks[later]
        return thread < len(clock) and clock[thread] >= self._clocks[earlier][thread]


def _conflicts(trial: TrialSchedule, seen: _Seen) -> Iterator[Conflict]:
    """Give pairs of steps that conflict and may come in the other order: one for two places."""
    told: set[tuple[Hashable, Hashable]] = set()
    for location, accesses in _accesses(trial).items():
        for (earlier, one), (later, other) in itertools.combinations(accesses, 2):
            if trial.steps[earlier].thread == trial.steps[later].thread or not (one or other):
                continue
            places = trial.place(earlier), trial.place(later)
            if places not in told and seen.unordered(earlier, later):
                told.add(places)
                yield earlier, later, location


def _accesses(trial: TrialSchedule) -> dict[Location, list[tuple[int, bool]]]:
    """Give of each location the steps that access it: at each place of a few threads a few.

    What may be any container comes after those that are known, and what touches everything last.
    """
    found: dict[Location, list[tuple[int, bool]]] = defaultdict(list)
    every: dict[int, bool] = {}
    contents: dict[int, bool] = {}
    alike: Counter[Hashable] = Counter()
    for at, step in enumerate(trial.steps):
        for location, writes in step.touches.items():
            kind = location[0]
            if kind in NO_CONFLICT or (isinstance(kind, tuple) and kind[0] == "item"):
                continue
            place = (location, writes, trial.place(at))
            alike[(*place, step.thread)] += 1
            if alike[(*place, step.thread)] == 1:
                alike[place] += 1
            if alike[(*place, step.thread)] <= MOST_ALIKE and alike[place] <= MOST_THREADS_ALIKE:
                found[location].append((at, writes))
                every[at] = every.get(at, False) or writes
                if kind == ANY_CONTENT[0]:
                    contents[at] = contents.get(at, False) or writes
    if found.pop(ANY_CONTENT, None):
        found[ANY_CONTENT] = list(contents.items())
    if unknown := found.pop(EVERYTHING, None):
        found[EVERYTHING] = sorted((every | dict.fromkeys((at for at, _ in unknown), True)).items())
    return found


def _rank(conflict: Conflict, seen: _Seen) -> tuple[int, int, int]:
    """Say how soon a conflict is looked into: data first, then in the order of the execution."""
    earlier, later, location = conflict
    if seen.races(earlier, later, location):
        kind = 0
    elif location in (EVERYTHING, ANY_CONTENT):
        kind = 3
    else:
        kind = 2 if location[0] in SYNCHRONISING else 1
    return kind, earlier, later


def _circles(seen: _Seen) -> Iterator[list[_Edge]]:
    """Give circles of lock orders that several threads can close at once."""
    after: dict[Hashable, list[_Edge]] = defaultdict(list)
    alike: Counter[Hashable] = Counter()
    for edge in seen.edges:
        alike[(edge.first, edge.second, edge.gates)] += 1
        if alike[(edge.first, edge.second, edge.gates)] <= MOST_THREADS_ALIKE:
            after[edge.first].append(edge)

    paths = 0

    def longer(path: list[_Edge]) -> Iterator[list[_Edge]]:
        nonlocal paths
        paths += 1
        for edge in after[path[-1].second] if paths <= MOST_PATHS else []:
            if edge.at > path[0].at and all(_compatible(each, edge, seen) for each in path):
                if edge.second == path[0].first:
                    yield [*path, edge]
                elif len(path) + 1 < LONGEST_CIRCLE:
                    yield from longer([*path, edge])

    for edge in seen.edges:
        if edge in after[edge.first]:
            yield from longer([edge])


def _compatible(one: _Edge, other: _Edge, seen: _Seen) -> bool:
    """Whether two threads can both be where they take the second lock."""
    apart = one.held.isdisjoint(other.held) and one.thread != other.thread
    return apart and seen.unordered(min(one.at, other.at), max(one.at, other.at))
