"""The runs of a reader's own workload before any is measured: they may show that it is wrong.

Serial runs twice, what starts in no time runs once, and from the first run follows the plan.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Protocol

from conlab.bench import discovery, planning, trial
from conlab.bench.discovery import Cell, Workload
from conlab.bench.forked import exits_told
from conlab.bench.inputs import Inputs
from conlab.bench.running import CellAbsent, CellFailed, Jobs, OpenCell, Tally, opened
from conlab.bench.settings import Settings
from conlab.bench.standstill import Standstill
from conlab.bench.watchdog import watching

IN_PROCESS = ("threads", "coroutines")  # the models that start in no time


class FirstResult(Protocol):
    """What serial gave at its first run, in how many seconds, and how to compare with it."""

    result: Any
    jobs: int
    seconds: float
    waits: bool
    alike: Any
    compared: bool
    note: str


@dataclass(frozen=True, slots=True)
class FirstRuns:
    """The first runs of one workload. Each step raises UserError where the workload is wrong."""

    workload: Workload
    settings: Settings
    inputs: Inputs
    say: Callable[[str], None]
    show: Callable[[str], None]
    standstill: Standstill

    def jobs(self) -> tuple[int | None, Jobs]:
        """How many jobs there are, if that can be known, and the same jobs, for the first run."""
        models, jobs = self.settings.models, self.inputs.jobs(self.workload)
        trial.refuse_unsendable_work(self.workload, models)
        bounded = self.settings.jobs is not None
        drawn = trial.look_at_jobs(
            self.workload, jobs, models, bounded=bounded, standstill=self.standstill
        )
        name, budget = self.workload.name, self.settings.seconds
        first = planning.FirstRun(name, drawn, budget, self.show, self.say)
        self.standstill.seen = 0
        return drawn, lambda: self.standstill.counted(first.noticed(jobs()))

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Say of the first run where it stands still, or a job ends this process or its output."""
        with (
            trial.output_kept(self.workload),
            self.standstill.told(self.under_way),
            exits_told(),
        ):
            yield

    def under_way(self, drawn: int) -> str:
        """What the first run is at, when so many of its jobs were drawn."""
        at = f"job {drawn} of the first run, in serial," if drawn else "the first run, in serial,"
        return f"{self.workload.name}: {at} has given nothing"

    def after_serial(
        self,
        serial: OpenCell,
        first: FirstResult,
        tally: Tally,
        check: Callable[[OpenCell, Any], None],
        usual: planning.Effort,
    ) -> planning.Plan:
        """Look at what serial's first run gave, run again, and say what is ahead.

        ``check`` raises where a cell did not do what serial did.
        """
        first.alike = trial.comparing(self.workload, self.settings.compare)
        first.compared = self.settings.compares
        if tally.failed:
            failed = trial.first_failure(tally)
            first.note = f"{tally.failed} of {tally.jobs} jobs failed, the first with {failed}."
        trial.refuse_results(self.workload, first.result, self.settings.models)
        if first.compared:
            self.run_serial_again(serial, first)
        settings = self.settings.for_models(computes_only=not first.waits)
        cells = discovery.cells(self.workload, self.settings.models)
        for cell in cells if first.compared and first.seconds < trial.TWICE_LIMIT else ():
            in_process = cell.model.name in IN_PROCESS and not cell.variant
            if in_process and not cell.absent():
                self.run_under(cell, settings, first, check)
        plan = planning.planned(
            cells, settings, first.jobs, first.seconds, usual, self.settings.seconds
        )
        self.say(f"{self.workload.name}, {plan.said()}")
        return plan

    def run_serial_again(self, serial: OpenCell, first: FirstResult) -> None:
        """See whether jobs() and work() give the same once more; of dear jobs, only some."""
        jobs = self.inputs.jobs(self.workload)
        count = trial.how_many_twice(first.jobs, first.seconds)
        if not count or not (isinstance(first.result, list) or count == first.jobs):
            return
        self.inputs.empty_folder(self.workload)
        second, tally = replace(serial, jobs=lambda: islice(jobs(), count)).counting()
        trial.refuse_tally(self.workload, tally, count)
        trial.refuse_other_results(self.workload, jobs, first.result, second, first.alike)

    def run_under(
        self,
        cell: Cell,
        settings: dict[str, Any],
        first: FirstResult,
        check: Callable[[OpenCell, Any], None],
    ) -> None:
        """Run the jobs once under another model. What concerns that alone, its cell says later."""
        self.inputs.empty_folder(self.workload)
        with (
            suppress(CellAbsent, CellFailed),
            watching(cell, first.seconds, self.inputs.origin_pid) as watchdog,
            opened(cell, self.inputs.jobs(self.workload), settings, watchdog.watch) as open_cell,
        ):
            result, tally = open_cell.counting()
            trial.refuse_strays(self.workload, tally, cell.model.functions()[0])
            check(open_cell, result)
