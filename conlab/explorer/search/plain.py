"""The search that runs every schedule, the fewest preemptions first."""

from collections.abc import Callable

from conlab.explorer.search.budget import Budget
from conlab.explorer.search.enumeration import enumerate_schedules
from conlab.explorer.search.found import Found
from conlab.explorer.search.schedule import Schedule


class PlainSearch:
    """An enumeration up to a bound, to be gone on with."""

    def __init__(self, fails: Callable[[Schedule], bool], bound: int | None) -> None:
        """``fails`` executes a schedule and says whether it fails."""
        self.first: Schedule | None = None
        self.ended = False
        self._fails = fails
        self._bound = bound
        self._failed = False
        self._schedules = enumerate_schedules(self._execute, bound)
        self._level = 0
        self._of_level = self._count = self._failing = 0

    def _execute(self, schedule: Schedule) -> None:
        self._failed = self._fails(schedule)

    def go_on(self, budget: Budget, *, until_failure: bool, highest: int | None = None) -> None:
        """Execute schedules until the budget is over, there are no more, or one has failed.

        There are no more when the next would have more than ``highest`` preemptions.
        """
        while not budget.over and not (until_failure and self.first):
            schedule = next(self._schedules, None)
            if schedule is None:
                self.ended = True
                return
            if highest is not None and schedule.preemptions > highest:
                self._level, self._of_level = highest + 1, 0
                self._bound, self.ended = highest, True
                return
            budget.spend()
            if schedule.preemptions > self._level:
                self._level, self._of_level = schedule.preemptions, 0
            self._count += 1
            self._of_level += 1
            if self._failed:
                self._failing += 1
                self.first = self.first or schedule

    def found(self) -> Found:
        """Say what was found so far."""
        if self.ended:
            return Found(self._count, self._failing, self.first, self._bound, exhausted=True)
        complete = self._level - 1 if self._level else None
        counts = self._count, self._failing
        return Found(*counts, self.first, complete, exhausted=False, beyond=self._of_level)
