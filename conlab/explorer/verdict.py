"""What comes of an exploration: the verdict, and what it rests on."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from conlab.explorer.search.prediction import Prediction
from conlab.explorer.search.sampling import Sampled
from conlab.explorer.threads.scheduler import MOST_TIMEOUTS
from conlab.explorer.witnesses.witness import Witness

FoundBy = Literal["search", "prediction", "sampling"]
MOST_LEFT = 3  # files that are not stepped, in a sentence
MOST_LISTED = 10  # predictions that a person is shown


@dataclass(frozen=True, slots=True, repr=False)
class Exploration:
    """The verdict: of so many schedules so many fail, and what was and was not looked at.

    ``exhausted`` is true only when every schedule of up to ``bound`` preemptions was executed (of
    any number of them when ``bound`` is None), in ``reading``, with switches in the ``stepped``
    files. Of a search that is not exhausted, ``bound`` is up to where it is (None: nowhere), and
    ``beyond`` says how many schedules with more preemptions were executed as well; ``over`` says
    what had an end. With ``reduced``, of schedules that differ in the order of independent steps
    only, one was executed: ``schedules`` and ``failing`` count those that differ in more,
    ``executions`` what was run, and ``unknown`` names the commonest operations that were taken to
    depend on everything. ``held_back`` says that some loop only waited and was not let turn for
    ever. For a program with an event loop ``counted`` says departures, of which a preemption is
    one.

    ``found_by`` says what came upon the witness: the search, a ``prediction``, or ``sampling``.
    ``sampled`` tells of the schedules that were drawn by chance, where the search had no end;
    ``predictions`` are the conflicts and circles of locks that trial executions have shown. With
    ``check="serial"``, ``serial_outcomes`` are what the serial orders return.

    ``unstepped`` are the project's files that the program imports and that are not stepped.
    ``check_failed`` says what the check did instead of judging the witness's value. ``alone`` says
    that no thread was started and no event loop run. ``under_gil`` is what came of the same search
    in the reading ``gil``, after a failure in ``bytecode``.
    ``cancelled`` names the coroutines whose tasks were cancelled from outside, up to
    ``cancellations`` times in an execution.
    """

    schedules: int
    failing: int
    exhausted: bool
    bound: int | None
    reading: str
    stepped: tuple[str, ...]
    witness: Witness | None
    counted: str = "preemption"
    executions: int = 0
    reduced: bool = False
    unknown: tuple[str, ...] = ()
    held_back: bool = False
    beyond: int = 0
    over: str = ""
    found_by: FoundBy = "search"
    sampled: Sampled | None = None
    predictions: tuple[Prediction, ...] = ()
    unstepped: tuple[str, ...] = ()
    check_failed: str = ""
    alone: bool = False
    under_gil: "Exploration | None" = None
    cancellations: int = 0
    cancelled: tuple[str, ...] = ()
    serial_outcomes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Be short, as pytest shows it where an assertion about a verdict fails."""
        return f"<Exploration: {self}>"

    def __str__(self) -> str:
        """Say the verdict in one sentence, with its bounds; in two where schedules were drawn."""
        return self._said(f" ({', '.join(self._terms())})")

    @property
    def headline(self) -> str:
        """The verdict for a heading, with what it rests on left to the sentence."""
        return self._said("")

    def _said(self, terms: str) -> str:
        plural = "" if self.schedules == 1 else "s"
        schedules = f"{self.schedules} schedule{plural}"
        differing = " that differ" if self.reduced and plural else ""
        if self.failing:
            timeout = ""
            if self.witness is not None and self.witness.needs_timeout:
                timeout = ", the first with an early timeout"
            verdict = f"fails in {self.failing} of {schedules}{differing}{timeout}{terms}"
            return "; ".join([verdict, *self._qualified()])
        if self.exhausted and self.alone:
            return f"passes its only schedule: it starts no thread and no event loop{terms}"
        if self.exhausted:
            return f"passes every schedule, {self.schedules}{differing or ' in all'}{terms}"
        drawn = self._drawn()
        if not self.schedules:
            return f"{drawn}{terms}"
        verdict = f"passes the {schedules} that were run, and there are more{terms}"
        return f"{verdict}; {drawn}" if drawn else verdict

    @property
    def safe_by_accident(self) -> bool:
        """Whether what fails cannot fail where this build of CPython was seen to switch."""
        gil = self.under_gil
        return gil is not None and gil.exhausted and not gil.failing

    def _qualified(self) -> Iterator[str]:
        """Say what a failure means, where it may not be what it seems."""
        if self.safe_by_accident:
            assert self.under_gil is not None
            yield (
                "safe by accident: this build of CPython with its GIL does not switch there, and"
                f" {self.under_gil}"
            )
        if self.check_failed:
            yield f"but {self.check_failed}"

    def _drawn(self) -> str:
        """Say what came of the schedules that were drawn by chance."""
        if self.sampled is None or not self.sampled.schedules:
            return ""
        many = f"{self.sampled.schedules} sampled schedule{'s'[: self.sampled.schedules != 1]}"
        chance = self.sampled.chance_of_new
        return (
            f"found nothing in {many}, which proves nothing: {self.sampled.differing} of them"
            f" differ, and the chance that a next one would be new is about {chance:.0%}"
        )

    def _terms(self) -> Iterator[str]:
        """Say how far the verdict goes."""
        yield from self._extent()
        if self.unstepped:
            files = [Path(file).name for file in self.unstepped]
            more = f" and {len(files) - MOST_LEFT} more" if len(files) > MOST_LEFT else ""
            yield f"not stepped: {', '.join(files[:MOST_LEFT])}{more}"

    def _extent(self) -> Iterator[str]:
        number = "any number of" if self.bound is None else f"up to {self.bound}"
        bound = f"{number} {self.counted}{'' if self.bound == 1 else 's'}"
        if self.exhausted:
            yield bound
        elif self.bound is not None:
            yield f"complete {bound}"
            if self.beyond:
                yield f"{self.beyond} of them with {self.bound + 1} or more"
        elif self.schedules:
            yield f"not complete for 0 {self.counted}s"
        if self.failing and self.found_by != "search":
            yield f"found by {self.found_by}"
        if self.held_back and self.bound is None:
            times = f"over {MOST_TIMEOUTS} times in a row while others could go on"
            yield f"no wait ended by time {times}"
        yield f"reading {self.reading}"
        if self.cancellations:
            yield self._cancelled()
        if not self.exhausted:
            yield f"not exhausted{f' in {self.over}' if self.over else ''}"

    def _cancelled(self) -> str:
        if not self.cancelled:
            return "nobody was cancelled, as the program itself makes no task: name some to cancel"
        times = f"{self.cancellations} cancellation{'s'[: self.cancellations != 1]}"
        return f"up to {times} of {', '.join(self.cancelled)}"

    def predicted(self) -> Iterator[str]:
        """Say what was predicted, a sentence each, the confirmed first."""
        told = sorted(self.predictions, key=lambda each: not each.confirmed)
        yield from map(str, told[:MOST_LISTED])
        if len(told) > MOST_LISTED:
            yield f"and {len(told) - MOST_LISTED} more predicted"
