"""Explores a program: every schedule up to a bound, the verdict, and the witness of a failure."""

import functools
import gc
import sys
import threading
from _thread import allocate_lock, start_new_thread
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from conlab.errors import UserError
from conlab.explorer.modelling import modelled
from conlab.explorer.outcomes import Deadlocked, Failure, Outcome, Raised, Returned, Unfinished
from conlab.explorer.search import Trail, enumerate_runs, shrink
from conlab.explorer.stage import Restart, Stage
from conlab.explorer.points import read_facts
from conlab.explorer.stepping import Bytecode, Gil, Monitor, Tracer
from conlab.explorer.switches import switches_here

Reading = Literal["gil", "bytecode"]
Program = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Witness:
    """A failing schedule: its choices, what they lead to, and what is needed to repeat them."""

    choices: tuple[int, ...]
    preemptions: int
    outcome: Outcome
    died: tuple[Failure, ...]
    reading: str
    stepped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exploration:
    """The verdict: of so many schedules so many fail, and what was and was not looked at.

    ``exhausted`` is true only when every schedule of up to ``bound`` preemptions was run (of any
    number of them when ``bound`` is None), in ``reading``, with switches in the ``stepped`` files.
    """

    schedules: int
    failing: int
    exhausted: bool
    bound: int | None
    reading: str
    stepped: tuple[str, ...]
    witness: Witness | None


def explore(
    program: Program,
    *,
    check: Callable[[Any], bool] | None = None,
    reading: Reading = "gil",
    bound: int | None = 2,
    stepped: Iterable[str | Path] | None = None,
    limit: int = 20_000,
    schedules: int = 1_000_000,
    count_on: int = 1_000,
) -> Exploration:
    """Run ``program`` under every schedule of at most ``bound`` preemptions, the fewest first."""
    files = _stepped_files(program, stepped)
    with _Explorer(program, check, reading, files, limit) as explorer:
        return explorer.explore(bound, schedules, count_on)


class _Explorer:
    def __init__(
        self,
        program: Program,
        check: Callable[[Any], bool] | None,
        reading: Reading,
        files: tuple[str, ...],
        limit: int,
    ) -> None:
        self._program = program
        self._check = check
        self._reading = reading
        self._files = files
        stage = self._stage = Stage(limit=limit)
        mode = (
            Bytecode(stage, read_facts(files))
            if reading == "bytecode"
            else Gil(stage, switches_here())
        )
        stepper = Tracer if sys.version_info < (3, 12) else Monitor
        self._mode = mode
        self._stepper = stage.stepper = stepper(stage, mode, frozenset(files))
        self._modelled = modelled(self._stage)

    def __enter__(self) -> "_Explorer":
        self._collecting = gc.isenabled()
        gc.disable()
        self._modelled.__enter__()
        self._stepper.install()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._stepper.remove()
        self._modelled.__exit__(None, None, None)
        self._stage.close()
        if self._collecting:
            gc.enable()

    def _run(self, trail: Trail) -> Outcome:
        self._mode.begin()
        return self._stage.perform([self._program], trail)

    def _fails(self, outcome: Outcome) -> bool:
        match outcome:
            case Returned(value) if self._check is not None:
                return not self._check(value)
            case Returned():
                return bool(self._stage.died)
        return True

    def explore(self, bound: int | None, schedules: int, count_on: int) -> Exploration:
        """Enumerate, beginning anew as often as an assumption proves false."""
        while True:
            try:
                return self._enumerate(bound, schedules, count_on)
            except Restart:
                self._stepper.renew()

    def _enumerate(self, bound: int | None, schedules: int, count_on: int) -> Exploration:
        last: list[Outcome] = []

        def run(trail: Trail) -> None:
            last[:] = [self._run(trail)]

        count = failing = 0
        witness: Witness | None = None
        exhausted = True
        reached: int | None = bound
        since = 0
        for trail in enumerate_runs(run, bound):
            if witness is not None and (
                trail.preemptions > witness.preemptions or since >= count_on
            ):
                exhausted = trail.preemptions > witness.preemptions
                reached = witness.preemptions
                break
            count += 1
            since += witness is not None
            if self._fails(last[0]):
                failing += 1
                if witness is None:
                    witness = Witness(
                        tuple(trail.choices),
                        trail.preemptions,
                        last[0],
                        tuple(self._stage.died),
                        self._reading,
                        self._files,
                    )
            if count >= schedules:
                exhausted = False
                break
        return Exploration(count, failing, exhausted, reached, self._reading, self._files, witness)


def _stepped_files(program: Program, stepped: Iterable[str | Path] | None) -> tuple[str, ...]:
    if stepped is not None:
        return tuple(str(file) for file in stepped)
    inner: Any = program
    while isinstance(inner, functools.partial):
        inner = inner.func
    inner = getattr(inner, "__func__", inner)
    code = getattr(inner, "__code__", None)
    if code is None:
        raise UserError(
            f"cannot tell in which file {program!r} is defined: pass a function, or say stepped=[...]"
        )
    return (code.co_filename,)
