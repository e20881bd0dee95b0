"""What is executed in which order: a search, what predictions plan, schedules drawn by chance.

A search goes first, for it alone proves anything, and its first failing schedule has the fewest
preemptions. When it has found nothing for a while, two trial executions predict what could go
wrong, and the schedules that would confirm it are built. A third of the budget is kept for
schedules that are drawn by chance, where the search comes to no end.
"""

import itertools
import random
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from conlab.explorer.search.budget import Budget
from conlab.explorer.search.deepening import FEWER, Executions, search_all, search_for_failure
from conlab.explorer.search.found import Failing, Found
from conlab.explorer.search.happens_before import Location
from conlab.explorer.search.plain import PlainSearch
from conlab.explorer.search.prediction import (
    DirectedSchedule,
    Mattering,
    Predicted,
    Prediction,
    TrialSchedule,
    predict,
)
from conlab.explorer.search.reduction import Executed
from conlab.explorer.search.sampling import (
    MOST_SAMPLES,
    Sampled,
    SampledSchedule,
    sample,
    trace_of,
)
from conlab.explorer.search.schedule import Schedule
from conlab.explorer.stepping.points import Point
from conlab.explorer.stepping.spans import line_at
from conlab.explorer.threads.scheduler import Scheduler
from conlab.explorer.verdict import FoundBy
from conlab.explorer.witnesses.accesses import access_of
from conlab.explorer.witnesses.witness import Witness

SEARCHED = 2 / 3  # of the budget: the search; the rest is kept for schedules drawn by chance
STEERED = 1 / 5  # of what is left: schedules that predictions plan
PLAINLY_AT_FIRST = 2_000  # schedules of a plain search, before anything is predicted
# Steps that these, or others of which there are at most so many, may have in all: a schedule of a
# large program takes as long as a hundred of a small one.
MOST_STEPS = 50_000
MOST_TRIES = 200  # to shrink a failing schedule
FEW = 300  # schedules, which are soon executed once more
FEWEST = 20  # schedules, however many steps they have

T = TypeVar("T")


class Executor(Protocol):
    """What executes schedules of the program: a session."""

    scheduler: Scheduler
    count: int  # executions

    def run(self, schedule: Schedule) -> bool:
        """Execute a schedule, and say whether it fails."""

    def witness(self, choices: Sequence[int], tries: int, *, traced: bool) -> Witness:
        """Make as short a witness of a failing schedule as so many tries allow.

        If its steps are traced, it may become one with fewer preemptions.
        """

    def record(self, schedule: TrialSchedule) -> bool:
        """Execute a schedule that is told of each bytecode, and say whether it fails."""

    def apart(self, work: Callable[[], T]) -> T:
        """Do work that may disprove assumptions of its own."""

    def orders_threads(self) -> bool:
        """Whether the choices of an execution are orders of threads, and no others."""

    def points(self, code: Any) -> dict[int, Point]:
        """Return the points of a code object, by offset."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is to be executed, and how much of it."""

    bound: int | None
    schedules: int
    seconds: float | None
    count_on: int | None
    sample: int | None  # how many schedules to draw instead of a search
    seed: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it all."""

    found: Found
    witness: Witness | None
    found_by: FoundBy
    sampled: Sampled | None
    predictions: tuple[Prediction, ...]
    over: str  # what had an end, where the search has not


@dataclass(slots=True)
class Strategy:
    """One exploration, until an assumption proves false."""

    executor: Executor
    limits: Limits
    tell: Callable[[Witness], None]
    executions: Executions | None  # of a reduced search; or none is made
    witness: Witness | None = None
    found_by: FoundBy = "search"
    predictions: dict[Hashable, Prediction] = field(default_factory=dict)  # by key
    steered: bool = False  # whether what was planned has been executed

    def result(self, budget: Budget) -> Result:
        """Search, and draw schedules where that comes to no end."""
        found, sampled = Found(0, 0, None, None, exhausted=False), None
        searched = budget.part(SEARCHED)
        if self.limits.sample is None:
            reduced = self.executions
            found = self._plain(searched) if reduced is None else self._reduced(reduced, searched)
            draws: float = MOST_SAMPLES
        else:
            self._run(Schedule())  # which tells whether there are threads
            draws = self.limits.sample
        if not found.exhausted and self.witness is None:
            found, sampled = self.executor.apart(lambda: self._unsearched(found, budget, draws))
        over = "" if found.exhausted or self.witness is not None else self._over(searched)
        predictions = tuple(self.predictions.values())
        return Result(found, self.witness, self.found_by, sampled, predictions, over)

    def _over(self, searched: Budget) -> str:
        if self.limits.sample is not None:
            return ""
        if searched.executions <= 0 or self.limits.seconds is None:
            return f"{self.limits.schedules:,} schedules"
        return f"{self.limits.seconds:g} s"

    def _run(self, schedule: Schedule) -> bool:
        return self.executor.run(schedule)

    def _show(self, failing: Failing, by: FoundBy = "search", *, traced: bool = True) -> int:
        """Tell of a failing schedule at once; return how many preemptions it needs."""
        tries = self._at_most(MOST_TRIES)
        witness = self.executor.witness(failing.choices, tries, traced=traced)
        if self.witness is None or witness.preemptions < self.witness.preemptions:
            self.witness, self.found_by = witness, by
            self.tell(witness)
        return witness.preemptions

    # -- searches ------------------------------------------------------------------------------

    def _reduced(self, executions: Executions, budget: Budget) -> Found:
        bound, count_on = self.limits.bound, self.limits.count_on
        if count_on is None:
            return search_all(executions, bound, budget, self._show)
        return search_for_failure(
            executions,
            bound,
            budget,
            count_on,
            self._show,
            lambda: self._steered(budget),
            self._at_most,
        )

    def _at_most(self, schedules: int) -> int:
        """Say how many schedules like the last one to execute at most, if these are short."""
        return min(schedules, max(FEWEST, MOST_STEPS // max(1, self.executor.scheduler.steps)))

    def _plain(self, budget: Budget) -> Found:
        bound, count_on = self.limits.bound, self.limits.count_on
        search = PlainSearch(self._run, bound)
        if count_on is None:
            search.go_on(budget, until_failure=False)
            if search.first is not None:
                self._show(search.first, traced=False)
            return search.found()
        search.go_on(budget.part(executions=1), until_failure=True)
        at_first = budget.part(1 / 5, self._at_most(PLAINLY_AT_FIRST))
        search.go_on(at_first, until_failure=True)
        undecided = not search.ended and search.first is None and not budget.over
        if undecided and self.executor.orders_threads():
            steered = self.executor.apart(lambda: self._steered(budget))
            # The bytecodes are met afresh, and what was kept of the search names the old ones.
            search = PlainSearch(self._run, bound)
            if steered is not None:
                most = self._at_most(FEWER)
                return self._with_fewer(search, steered[1], budget.part(executions=most))
        search.go_on(budget, until_failure=True)
        if search.first is not None:
            self._show(search.first, traced=False)
            more = budget.part(executions=count_on)
            search.go_on(more, until_failure=False, highest=search.first.preemptions)
        elif search.ended and not self.executor.orders_threads():
            return self._without_bound(search.found(), budget)
        return search.found()

    def _without_bound(self, found: Found, budget: Budget) -> Found:
        """Say so of few schedules within a bound if there are no others beyond it."""
        if found.bound is None or found.schedules > FEW:
            return found
        beyond = PlainSearch(self._run, None)
        beyond.go_on(budget.part(executions=found.schedules + 1), until_failure=True)
        whole = beyond.found()
        return whole if whole.exhausted and whole.schedules == found.schedules else found

    def _with_fewer(self, search: PlainSearch, preemptions: int, budget: Budget) -> Found:
        """Look for a failure with fewer preemptions than the one that is known."""
        if preemptions:
            search.go_on(budget, until_failure=True, highest=preemptions - 1)
        if search.first is not None:
            self._show(search.first, traced=False)
            return search.found()
        found = search.found()
        known = found.schedules + 1, 1
        return replace(found, schedules=known[0], failing=known[1], exhausted=False)

    # -- predictions and samples ---------------------------------------------------------------

    def _steered(self, budget: Budget) -> tuple[Executed, int] | None:
        """Execute what is planned to confirm predictions; return the first that fails.

        And how many preemptions it needs.
        """
        if not self.executor.orders_threads():
            return None
        predicted = self._predict(budget)
        part = budget.part(STEERED)
        for plan, prediction in predicted.plans.items():
            if part.over:
                break
            part.spend()
            schedule = DirectedSchedule(plan, predicted.creators)
            if self._run(schedule):
                trace_of(schedule)
                self.predictions[prediction.key] = replace(prediction, confirmed=True)
                return Executed.of(schedule, fails=True), self._show(schedule, "prediction")
        self.steered = True
        return None

    def _predict(self, budget: Budget) -> Predicted:
        """Predict from two executions: the ordinary one, and one in which the last go first."""
        both = []
        for last_first in (False, True):
            budget.spend()
            trial = TrialSchedule(last_first=last_first)
            self.executor.record(trial)
            names = [thread.name for thread in self.executor.scheduler.threads]
            both.append(predict(trial, names.__getitem__, _line, self._accessed))
        predicted = both[0].and_of(both[1])
        self.predictions = {each.key: each for each in predicted.listed} | self.predictions
        return predicted

    def _accessed(self, places: tuple[Any, ...], location: Location) -> str:
        """Name what two steps access, as the source does."""
        for place in filter(None, places):
            point = self.executor.points(place[0]).get(place[1])
            access = access_of(point) if point is not None else None
            if access is not None:
                return access.what
        match location[0]:
            case ("name" | "cell", name):
                return str(name)
            case "taken":
                return "a lock"
            case "content":
                return "a container"
        return str(location[0])

    def _unsearched(
        self, found: Found, budget: Budget, draws: float
    ) -> tuple[Found, Sampled | None]:
        """Draw schedules, after those that predictions plan where none of them was built yet."""
        threads = self.executor.orders_threads()
        if threads and not self.steered and self._steered(budget) is not None:
            return replace(found, schedules=found.schedules + 1, failing=1), None
        to_draw = self._predict(budget).to_draw if threads else (Mattering(),)
        turns = itertools.cycle(to_draw)

        def draw(chance: random.Random) -> SampledSchedule:
            mattering = next(turns)
            return SampledSchedule(chance, mattering.counts, mattering.operations)

        sampled, failing, met = sample(
            self._run,
            draw,
            trace_of if threads else _number_of,
            budget.part(executions=draws),
            self.limits.seed,
        )
        if failing is None:
            return found, sampled
        self._show(failing, "sampling")
        schedules = found.schedules + sum(trace not in found.traces for trace in met)
        return replace(found, schedules=schedules, failing=1), sampled


def _number_of(schedule: Schedule) -> int:
    """Return a number for the choices themselves, where they are more than orders of threads."""
    return hash(tuple(schedule.choices))


def _line(place: Any) -> str:
    """Name the source line of a place."""
    if place is None:
        return "its beginning"
    code, offset = place
    return f"{Path(code.co_filename).name}:{line_at(code, offset)}"
