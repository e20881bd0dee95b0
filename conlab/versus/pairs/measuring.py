"""Measures pairs: the same cell of both sides, in two fresh processes that take turns.

What makes the times of two identical processes differ on a shared machine is mostly where and when
they run: a core is up to twice as slow while a neighbour uses its other half, for a few hundredths
of a second or for minutes. So rounds are short; each is compared with its neighbour in time, on the
other side, and only the ratios of the two are looked at; and where one thread does all the work,
both sides do it on the same core, which is drawn for each pair.
"""

import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from conlab.bench.discovery import Cell, Workload
from conlab.bench.inputs import Inputs
from conlab.bench.measuring import WAITS
from conlab.bench.running import CellAbsent
from conlab.bench.settings import Settings
from conlab.versus import clocks
from conlab.versus.clocks import Clock
from conlab.versus.pairs import fingerprints, planning
from conlab.versus.pairs.drawing import Draw, order
from conlab.versus.pairs.planning import Plan, Sizing
from conlab.versus.pairs.survey import Survey, absent, surveys
from conlab.versus.pairs.worker_process import SideFailed, Worker
from conlab.versus.sides.side import Side

ROUND = 0.01  # seconds that a round should last: shorter than what disturbs it
SHARE = 0.3  # seconds of rounds that each side gets in a pair, if that is not too few rounds
MOST_ROUNDS = 24  # of each side in a pair: after them, both processes are replaced
FEWEST_ROUNDS = 2


Rounds = tuple[tuple[float, ...], tuple[float, ...]]  # the seconds of each: of A, then of B


@dataclass(frozen=True, slots=True)
class Pair:
    """What one pair of processes showed of a cell: the wall and the CPU seconds of their rounds.

    ``first`` is the side that began: 0 or 1. ``figures`` are those of other clocks by their names,
    of A and of B: bytes of memory, seconds of the first job or of the import. ``strata`` says of
    which stratum each round was, and ``weights`` how much each stratum counts in the whole; without
    them there is one.
    """

    cell: str
    wall: Rounds
    cpu: Rounds
    first: int
    strata: tuple[int, ...] = ()
    weights: tuple[float, ...] = (1.0,)
    figures: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def kinds(self) -> list[int]:
        """The strata that are judged beside the whole: none if they are the whole."""
        return [n for n, weight in enumerate(self.weights) if len(self.weights) > 1 and weight < 1]

    @property
    def log_wall(self) -> float:
        """The logarithm of B's wall time over A's."""
        return self.log_of_whole(self.wall)

    @property
    def log_cpu(self) -> float:
        """The same of the CPU seconds."""
        return self.log_of_whole(self.cpu)

    def log_of_whole(self, rounds: Rounds) -> float:
        """The mean of the strata's logarithms, by weight: it changes its sign with the sides."""
        found = [
            weight * self.log_of(rounds, stratum)
            for stratum, weight in enumerate(self.weights)
            if weight
        ]
        return sum(found) / sum(self.weights)

    def log_of(self, rounds: Rounds, stratum: int) -> float:
        """The logarithm of B's time over A's in the rounds of a stratum."""
        return log_ratio(self.of(rounds, stratum))

    def of(self, rounds: Rounds, stratum: int) -> Rounds:
        """The rounds of a stratum."""
        if not self.strata:
            return rounds
        one, two = (
            tuple(each for each, which in zip(side, self.strata, strict=True) if which == stratum)
            for side in rounds
        )
        return one, two

    def log_by(self, clock: Clock, stratum: int | None = None) -> float | None:
        """The logarithm of B's figure over A's by that clock; None where it was not read.

        Of the whole, or of a stratum, which has wall and CPU time alone.
        """
        if clock in (Clock.WALL, Clock.CPU):
            rounds = self.wall if clock is Clock.WALL else self.cpu
            part = rounds if stratum is None else self.of(rounds, stratum)
            if not all(map(sum, part)):  # ticks can make it none
                return None
            return self.log_of_whole(rounds) if stratum is None else log_ratio(part)
        if clock is Clock.TAIL:
            return clocks.log_of_tail(self.wall, self.strata)
        return clocks.log_of(clock, self.figures[clock]) if clock in self.figures else None

    def to_json(self) -> str:
        """The pair as a line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Self:
        """The pair that ``to_json`` wrote. Raises ValueError, KeyError or TypeError if none did."""
        saved = json.loads(line)
        wall, cpu = ((tuple(a), tuple(b)) for a, b in (saved["wall"], saved["cpu"]))
        strata = tuple(map(int, saved.get("strata", ())))
        weights = tuple(map(float, saved.get("weights", (1.0,))))
        figures = {name: (a, b) for name, (a, b) in saved.get("figures", {}).items()}
        return cls(saved["cell"], wall, cpu, saved["first"], strata, weights, figures)


def log_ratio(rounds: Rounds) -> float:
    """B's time over A's, as a logarithm: the median over the rounds, untouched by what hit a few.

    A system that counts CPU time in ticks gives some rounds none: then it is that of the sums.
    """
    if min(map(min, rounds)) > 0:
        return statistics.median(math.log(b / a) for a, b in zip(*rounds, strict=True))
    return math.log(sum(rounds[1]) / sum(rounds[0]))


class Measurer:
    """Measures pairs of two sides on the same inputs and the same origin."""

    def __init__(
        self,
        sides: tuple[Side, Side],
        settings: Settings,
        seed: int,
        clocks: Sequence[Clock] = clocks.DEFAULT,
    ) -> None:
        self.sides = sides
        self.clocks = clocks
        self.settings = settings
        self.seed = seed
        self.inputs = Inputs(settings, small=False)
        self.closing = ExitStack()
        self.closing.callback(self.inputs.close)
        self.surveys: tuple[Survey, Survey]
        self.plans: dict[str, Plan] = {}
        self.computing: dict[str, bool] = {}
        self.measured: dict[str, int] = {}
        self.limit = planning.LIMIT  # seconds for an inventory, of each side

    def __enter__(self) -> Self:
        """Ask both sides what they have. Raises SideFailed."""
        try:
            self.surveys = surveys(self.sides, self.settings)
        except BaseException:
            self.closing.close()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        """End the origin and remove what the jobs wrote."""
        self.closing.close()

    def pair(self, cell: Cell) -> Pair:
        """Measure the cell once more, each side in a process of its own.

        Raises CellAbsent where there is nothing to compare, SideFailed where a side cannot do it
        or where the two give different results.
        """
        if reason := self.absent(cell):
            raise CellAbsent(reason)
        prepared = self.prepare(cell)
        number = self.measured[cell.id] = self.measured.get(cell.id, 0) + 1
        drawn = Draw.of(self.seed, cell.id, number)
        with self.both(cell, drawn) as workers:
            return self.taking_turns(cell, workers, prepared, number - 1, drawn.first)

    @contextmanager
    def both(self, cell: Cell, drawn: Draw) -> Iterator[list[Worker]]:
        """A worker of each side that opens the cell, as drawn."""
        if self.inputs.origin:
            self.inputs.origin.reset()
        with ExitStack() as stack:
            started = {
                side: stack.enter_context(self.started(cell, side, drawn))
                for side in order(drawn.first, 0)
            }
            yield [started[0], started[1]]

    def absent(self, cell: Cell) -> str | None:
        """Why there is nothing to compare, or None. Raises SideFailed where there should be."""
        workload = cell.workload
        if reason := self.inputs.lacking(workload) or cell.absent():
            return reason
        return absent(self.surveys, workload.name, cell.label, self.inputs.asked[workload.name])

    def taking_turns(
        self, cell: Cell, workers: list[Worker], plan: Plan, number: int, first: int
    ) -> Pair:
        """Warm both up, then let them run rounds, each first in every other."""
        figures: dict[str, tuple[float, float]] = {}
        if Clock.FIRST in self.clocks:
            took = {side: workers[side].ask("first job")["wall"] for side in order(first, 0)}
            figures[Clock.FIRST] = (took[0], took[1])
        strata = plan.strata
        warm = [(strata[n].jobs(number, 0), strata[n].runs) for n in plan.warm]
        for side in order(first, 0):
            workers[side].tell("warm up", rounds=warm)
        compare(cell, workers, [worker.answer() for worker in workers])
        wall: tuple[list[float], list[float]] = ([], [])
        cpu: tuple[list[float], list[float]] = ([], [])
        rounds = plan.order()
        for turn, (stratum, round_) in enumerate(rounds):
            replies: dict[int, dict[str, Any]] = {}
            jobs = strata[stratum].jobs(number, round_)
            for side in order(first, turn):
                replies[side] = workers[side].ask("round", jobs=jobs, runs=strata[stratum].runs)
                wall[side].append(replies[side]["wall"])
                cpu[side].append(replies[side]["cpu"])
            compare(cell, workers, [replies[0], replies[1]])
        told = [worker.ask("figures") for worker in workers]
        figures[Clock.MEMORY] = (told[0]["memory"], told[1]["memory"])
        figures[Clock.IMPORT] = (told[0]["importing"], told[1]["importing"])
        for worker in workers:
            worker.tell("end")  # both at once
        return Pair(
            cell=cell.id,
            wall=(tuple(wall[0]), tuple(wall[1])),
            cpu=(tuple(cpu[0]), tuple(cpu[1])),
            first=first,
            figures={name: two for name, two in figures.items() if name in self.clocks},
            strata=tuple(stratum for stratum, _ in rounds) if len(strata) > 1 else (),
            weights=plan.weights if len(strata) > 1 else (1.0,),
        )

    def started(self, cell: Cell, number: int, drawn: "Draw | None" = None) -> "Started":
        """A worker of that side that opens the cell."""
        workload = cell.workload
        side = self.sides[number]
        own = side.own.get(workload.name)
        values = self.values(workload)
        chosen = self.settings.for_models(computes_only=self.computing.get(workload.name, True))
        return Started(
            side,
            drawn.environment(number) if drawn else {},
            workload=workload.name,
            own=str(own) if own else None,
            model=cell.model.name,
            variant=cell.variant,
            values={name: coded(value) for name, value in values.items()},
            folder=str(self.inputs.scratch() / f"{workload.name}-results-{number}"),
            settings=chosen,
            core=drawn.core if drawn and not cell.model.settings() else None,
        )

    def values(self, workload: Workload) -> dict[str, Any]:
        """What the workload's ``jobs()`` is given, on both sides."""
        return self.inputs.values(workload)

    def prepare(self, cell: Cell) -> Plan:
        """What pairs of the cell measure, found out once: all jobs are run, on both sides.

        Raises CellAbsent and SideFailed, as pair() does.
        """
        if cell.id not in self.plans:
            if reason := self.absent(cell):
                raise CellAbsent(reason)
            workload = cell.workload
            chosen = self.settings.for_models(computes_only=self.computes(cell))
            asked = cell.model.settings()
            busy = sum(chosen[name] for name in ("in_flight", "workers") if name in asked)
            with self.both(cell, Draw.of(self.seed, cell.id, 0)) as workers:
                self.plans[cell.id] = planning.plan(
                    cell.id,
                    workers,
                    [survey.packages for survey in self.surveys],
                    self.most_jobs(workload),
                    busy or 1,
                    "sites" not in self.values(workload),
                    self.limit,
                    Sizing(ROUND, SHARE, FEWEST_ROUNDS, MOST_ROUNDS),
                )
        return self.plans[cell.id]

    def most_jobs(self, workload: Workload) -> int | None:
        """How many jobs there are, if the reader says so and ``jobs()`` does not know."""
        if {"count", "sites"} & set(self.values(workload)):
            return None
        return self.settings.jobs

    def computes(self, cell: Cell) -> bool:
        """Say whether its jobs only compute, found out once. Raises SideFailed."""
        workload = cell.workload
        if workload.name not in self.computing:
            computes = workload.computes_only() and not self.seen_waiting(cell)
            self.computing[workload.name] = computes
        return self.computing[workload.name]

    def seen_waiting(self, cell: Cell) -> bool:
        """Say whether jobs wait that might compute only, seen under serial."""
        serial = next(model for model in self.settings.models if model.name == "serial")
        with self.started(Cell(cell.workload, serial), 1) as worker:
            return bool(worker.ask("see whether it waits")["waiting"] >= WAITS)


def compare(cell: Cell, workers: Sequence[Worker], replies: Sequence[dict[str, Any]]) -> None:
    """Raise SideFailed unless both gave the same result."""
    if replies[0]["digest"] == replies[1]["digest"]:
        return
    texts = [worker.ask("show")["text"] for worker in workers]
    said = fingerprints.difference(*texts)
    raise SideFailed(
        f"{cell.id}: {workers[1].side.name} gives other results than {workers[0].side.name}:"
        f" {said[1]} in place of {said[0]}"
    )


def coded(value: Any) -> Any:
    """A value of ``Inputs`` as the worker's ``decoded`` takes it."""
    return {"path": str(value)} if isinstance(value, Path) else value


class Started:
    """A worker that opens a cell: ended at the end of the context, killed after an error."""

    def __init__(self, side: Side, environment: dict[str, str], **cell: Any) -> None:
        self.worker = Worker(side, environment)
        self.worker.tell("open", **cell)

    def __enter__(self) -> Worker:
        return self.worker

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind:
            self.worker.kill()
        else:
            self.worker.end()
