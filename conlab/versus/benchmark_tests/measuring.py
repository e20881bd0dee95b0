"""Measures pairs of benchmarks: the same test in a process of each side, which take turns."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from conlab.bench.running import CellAbsent
from conlab.scratch import scratch_folder
from conlab.versus.benchmark_tests.trees import Trees
from conlab.versus.clocks import FRESH, Clock
from conlab.versus.pairs import measuring as pairs
from conlab.versus.pairs.drawing import Draw, order
from conlab.versus.pairs.measuring import Pair
from conlab.versus.pairs.survey import Survey
from conlab.versus.pairs.worker_process import SideFailed, Worker

SHARED_SHARE = 0.1  # seconds of rounds in a pair of a process that measures several tests
MOST_SHARED = 25  # tests that a process measures


class LeftOut(CellAbsent):
    """A test that cannot be compared in this way; the message says why."""


@dataclass(frozen=True)
class BenchmarkTest:
    """A test that uses ``benchmark``: its id, its file from the top of the project, its name."""

    id: str
    file: Path
    name: str

    @property
    def place(self) -> list[str]:
        """How both sides know it, wherever their trees are."""
        return [self.file.as_posix(), self.name]


@dataclass(frozen=True)
class Plan:
    """How a test is measured, found out once by the new side, the same for both."""

    calls: int
    rounds: int
    warm_up: int
    computes: bool
    alone: bool


class BenchmarkWorker(Worker):
    """A process that runs tests of a side."""

    module = "conlab.versus.benchmark_tests.worker"

    def __init__(
        self, trees: Trees, number: int, files: Sequence[Path], options: Mapping[str, Any],
        environment: Mapping[str, str], cache: Path,
    ) -> None:  # fmt: skip
        side, project = trees.sides[number], trees.project
        here = side.root / project.here
        self.folder = here if here.is_dir() else side.root
        self.number = number
        self.measured: set[str] = set()
        super().__init__(side, {**trees.environment_of(number), **environment})
        settings = project.settings_in(side.root)
        self.tell(
            "start",
            top=str(side.root),
            files=[str(side.root / file) for file in files],
            options={
                **options,
                **({"inifilename": str(settings)} if settings else {}),
                "rootdir": str(side.root / project.root),
                "override_ini": [*(options.get("override_ini") or []), f"cache_dir={cache}"],
            },
        )


class BenchmarkMeasurer:
    """Measures pairs of the tests of two sides.

    ``together`` is how many tests share a process: 1 if each pair of a test has its own.
    """

    def __init__(
        self, trees: Trees, tests: Sequence[BenchmarkTest], options: Mapping[str, Any], seed: int,
        clocks: Sequence[Clock], together: int = 1,
    ) -> None:  # fmt: skip
        self.trees = trees
        self.tests = tests
        self.options = options
        self.seed = seed
        self.clocks = clocks
        self.together = 1 if set(clocks) & FRESH else together
        self.closing = ExitStack()
        self.surveys: tuple[Survey, Survey]
        self.found: list[dict[str, Any]] = []
        self.plans: dict[str, Plan | LeftOut | SideFailed] = {}
        self.numbers: dict[str, int] = {}
        self.open: tuple[BenchmarkWorker, BenchmarkWorker] | None = None
        self.drawn: Draw

    def __enter__(self) -> Self:
        """Ask both sides what they have, and the new one how long its tests take."""
        try:
            self.cache = self.closing.enter_context(scratch_folder())
            self.closing.callback(self.close)
            self.survey()
            self.plan()
        except BaseException:
            self.closing.close()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        """End what is open, and remove what was written."""
        self.closing.close()

    # Before the first pair

    def survey(self) -> None:
        """What both sides have; a file that only runs with the old text gets that on the old side.

        Raises SideFailed.
        """
        self.ask_both()
        errors = self.found[0]["errors"]
        if [file for file in errors if self.trees.restore(Path(file))]:
            self.ask_both()

    def ask_both(self) -> None:
        """Start pytest on both sides, and take down what they find."""
        files = list(dict.fromkeys(test.file for test in self.tests))
        self.found = []
        with ExitStack() as stack:
            workers = []
            for number in (0, 1):
                worker = self.started(number, files, {})
                stack.callback(worker.kill)
                worker.tell("survey", root=str(self.trees.project.top))
                workers.append(worker)
            self.found = [worker.answer() for worker in workers]
        one, two = (
            Survey(worker.side, found["python"], found["gil"], found["libraries"], {})
            for worker, found in zip(workers, self.found, strict=True)
        )
        self.surveys = (one, two)
        self.insist_on_two(self.found[0]["imported"])

    def insist_on_two(self, imported: Sequence[str]) -> None:
        """Raise SideFailed if the older revision's tests import the code of the reader's tree."""
        old, _ = self.trees.sides
        if imported and old.root != self.trees.project.top:
            raise SideFailed(
                f"{old.name}: its tests import {imported[0]} of {self.trees.project.top}, not its"
                f" own, so both sides would run the same code: let the project be found from"
                " src/ or the top of the repository, or by pytest's setting pythonpath"
            )

    def plan(self) -> None:
        """How each test is measured, found out by the new side in a process for all of them."""
        wanted = [test for test in self.tests if self.missing(test) is None]
        worker: BenchmarkWorker | None = None
        for test in wanted:
            try:
                if worker is None:
                    files = list(dict.fromkeys(each.file for each in wanted))
                    worker = self.started(1, files, {})
                self.plans[test.id] = self.sized(worker, test)
            except LeftOut as reason:
                self.plans[test.id] = reason
            except SideFailed as failure:
                self.plans[test.id] = failure
                if worker:
                    worker.kill()
                worker = None
            except BaseException:
                if worker:
                    worker.kill()
                raise
        if worker:
            worker.end()

    def sized(self, worker: BenchmarkWorker, test: BenchmarkTest) -> Plan:
        """Run a test once, for how it is to be measured. Raises LeftOut and SideFailed."""
        reply = worker.ask("test", test=test.place)
        if reply["over"]:
            raise not_measured(worker, reply)
        share = pairs.SHARE if self.together == 1 else min(pairs.SHARE, SHARED_SHARE)
        limits = {
            "lasting": pairs.ROUND,
            "share": share,
            "most_rounds": pairs.MOST_ROUNDS,
            "fewest": pairs.FEWEST_ROUNDS,
        }
        found = worker.ask("size", limits=limits)
        plan = Plan(**{name: found[name] for name in Plan.__dataclass_fields__})
        reply = worker.ask("finish")
        if reply["over"] != "passed" and plan.rounds > 1:
            raise not_measured(worker, reply)  # what may be called once was perhaps called twice
        return plan

    # For the comparison

    def missing(self, test: BenchmarkTest) -> str | None:
        """Why there is nothing to compare, or None. Raises SideFailed where there should be."""
        name = test.file.as_posix()
        for number in (1, 0):
            side, found = self.trees.sides[number], self.found[number]
            error = found["errors"].get(name)
            new = number == 0 and self.trees.is_new(test.id, test.file)
            if error and not new:
                raise SideFailed(f"{side.name}: {name} cannot be imported: {error}")
            if test.place not in found["tests"]:
                if number == 0 and (new or not error):
                    why = f", where it cannot run: {error}" if error else ""
                    return f"new: {side.name} has no such test{why}"
                return f"{side.name} has no such test"
        return None

    def absent(self, test: BenchmarkTest) -> str | None:
        """Why a test cannot be compared, or None. Raises SideFailed where it should be."""
        if reason := self.missing(test):
            return reason
        plan = self.plans[test.id]
        if isinstance(plan, LeftOut):
            return str(plan)
        if isinstance(plan, SideFailed):
            raise plan
        return None

    def computes(self, test: BenchmarkTest) -> bool:
        """Say whether its function only computes."""
        plan = self.plans[test.id]
        return isinstance(plan, Plan) and plan.computes

    def pair(self, test: BenchmarkTest) -> Pair:
        """Measure a test once more. Raises LeftOut and SideFailed."""
        plan = self.plans[test.id]
        assert isinstance(plan, Plan)
        workers = self.workers_for(test)
        try:
            return self.taking_turns(test, plan, workers)
        except BaseException:
            self.close(kill=True)
            raise
        finally:
            if self.together == 1:
                self.close()

    def workers_for(self, test: BenchmarkTest) -> tuple[BenchmarkWorker, BenchmarkWorker]:
        """Both processes, new ones if those that are open have measured the test, or enough."""
        if self.open:
            done = self.open[0].measured
            if test.id in done or len(done) >= self.together:
                self.close()
        number = self.numbers[test.id] = self.numbers.get(test.id, 0) + 1
        if self.open is None:
            self.drawn = Draw.of(self.seed, test.id, number)
            files = [test.file]
            if self.together > 1:
                files = list(dict.fromkeys(each.file for each in self.tests))
            started: dict[int, BenchmarkWorker] = {}
            try:
                for side in order(self.drawn.first, 0):
                    started[side] = self.started(side, files, self.drawn.environment(side))
            except BaseException:
                for worker in started.values():
                    worker.kill()
                raise
            self.open = started[0], started[1]
        return self.open

    def taking_turns(
        self, test: BenchmarkTest, plan: Plan, workers: tuple[BenchmarkWorker, BenchmarkWorker]
    ) -> Pair:
        """Warm both up, then let them run rounds, each first in every other."""
        first = self.drawn.first
        for side in order(first, 0):
            workers[side].tell("test", test=test.place)
        for side in order(first, 0):
            reply = workers[side].answer()
            if reply["over"]:
                raise self.why_not(workers[side], test, reply)
            workers[side].measured.add(test.id)
        figures: dict[str, Any] = {}
        if Clock.FIRST in self.clocks:
            took = {side: workers[side].ask("first job")["wall"] for side in order(first, 0)}
            figures[Clock.FIRST] = (took[0], took[1])
        for side in order(first, 0):
            core = self.drawn.core if plan.alone else None
            workers[side].tell("warm up", calls=plan.warm_up, core=core)
        for worker in workers:
            worker.answer()
        wall: tuple[list[float], list[float]] = ([], [])
        cpu: tuple[list[float], list[float]] = ([], [])
        for number in range(plan.rounds):
            for side in order(first, number):
                reply = workers[side].ask("round", calls=plan.calls)
                wall[side].append(reply["wall"])
                cpu[side].append(reply["cpu"])
        top = str(self.trees.project.top)
        told = [worker.ask("figures", root=top) for worker in workers]
        self.insist_on_two(told[0]["imported"])
        figures[Clock.MEMORY] = (told[0]["memory"], told[1]["memory"])
        if Clock.IMPORT in self.clocks:
            figures[Clock.IMPORT] = (told[0]["importing"], told[1]["importing"])
        for worker in workers:
            reply = worker.ask("finish")
            if reply["over"] != "passed":
                raise self.unfit(worker, test, reply) or not_measured(worker, reply)
        return Pair(
            cell=test.id,
            wall=(tuple(wall[0]), tuple(wall[1])),
            cpu=(tuple(cpu[0]), tuple(cpu[1])),
            first=first,
            figures={name: two for name, two in figures.items() if name in self.clocks},
        )

    def why_not(
        self, worker: BenchmarkWorker, test: BenchmarkTest, reply: dict[str, Any]
    ) -> Exception:
        """Why a test that was sized is not measured: perhaps it cannot live in two processes."""
        reason = not_measured(worker, reply)
        self.close(kill=True)
        if reply["over"] != "failed":
            return reason
        if unfit := self.unfit(worker, test, reply):
            return unfit
        with ExitStack() as stack:
            alone = self.started(worker.number, [test.file], {})
            stack.callback(alone.kill)
            again = alone.ask("test", test=test.place)
        if again["over"]:
            return reason
        return LeftOut(
            f"it cannot live in two processes at once: beside the other side's, {reply['said']}"
        )

    def unfit(
        self, worker: BenchmarkWorker, test: BenchmarkTest, reply: dict[str, Any]
    ) -> LeftOut | None:
        """Say so of a text that is too new for the older side's code, and fails with it."""
        name, said = worker.side.name, reply["said"]
        if worker.number == 0 and self.trees.is_new(test.id, test.file):
            return LeftOut(f"new: {name} has no such test, and cannot run it: {said}")
        if worker.number == 0 and self.trees.changed(test.id, test.file):
            return LeftOut(f"its text has changed, and {name} cannot run the new one: {said}")
        return None

    def started(
        self, number: int, files: Sequence[Path], environment: Mapping[str, str]
    ) -> BenchmarkWorker:
        """A process of that side."""
        return BenchmarkWorker(self.trees, number, files, self.options, environment, self.cache)

    def close(self, *, kill: bool = False) -> None:
        """End the processes that are open."""
        workers, self.open = self.open, None
        for worker in workers or ():
            worker.tell("end")
        for worker in workers or ():
            if kill:
                worker.kill()
            else:
                worker.end()


def not_measured(worker: BenchmarkWorker, reply: dict[str, Any]) -> LeftOut | SideFailed:
    """Why a test was not measured, or does not count."""
    name, said = worker.side.name, reply["said"]
    match reply["over"]:
        case "skipped":
            return LeftOut(f"{name} skips it: {said}")
        case "unused":
            return LeftOut(f"{said} on {name}")
        case "missing":
            return SideFailed(f"{name}: {said}")
    before = {"setup": "its fixtures fail: ", "teardown": "its fixtures fail at the end: "}
    return SideFailed(f"{name}: {before.get(reply['when'], 'it fails: ')}{said}")
