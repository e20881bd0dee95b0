"""A search that is shared among processes finds what one finds, and leaves no process behind."""

import contextlib
import functools
import itertools
import os
import pickle
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from conlab.cli import obey
from conlab.errors import UserError
from conlab.explorer import Exploration, Uncontrolled, explore, workers
from conlab.explorer.programs.program import CheckFailed
from conlab.explorer.search import sharing
from conlab.explorer.search.reduction import Executed, Noted, executions
from conlab.explorer.search.sharing import Request, Turn, shared_executions, take_turn
from conlab.explorer.search.traced import TracedSchedule
from conlab.explorer.workers import WorkerLost
from tests.explorer.search import counters
from tests.explorer.search.abstract import Program, execute, made
from tests.explorer.threads.test_verdicts import programs
from tests.models.test_interruption import runs, wait_until
from tests.patience import patience

BOUNDS = (0, 1, 2, None)
SHARE = programs.PROGRAMS[::6]
NAMES = [program.__name__ for program, _, _ in SHARE]
ROOT = Path(__file__).parents[3]
KILL = functools.partial(os.kill)  # unseen, or it would be refused
EXPLORING = os.getpid()

# -- programs of numbers, and workers that are none -----------------------------------------------


class Crew:
    """As many workers as there are, in one process; who is ready first is chance."""

    def __init__(self, size: int, fails: Callable[[TracedSchedule], bool], seed: int) -> None:
        self.size = size
        self.executed = 0
        self._fails = fails
        self._chance = random.Random(seed)
        self._asked: list[tuple[Request, Callable[[Turn], None]]] = []

    def idle(self) -> int:
        return self.size - len(self._asked)

    def begin(self, request: Request, take: Callable[[Turn], None]) -> None:
        self._asked.append((request, take))

    def wait(self) -> None:
        request, take = self._asked.pop(self._chance.randrange(len(self._asked)))
        most = min(request.most, self._chance.choice([1, 1, 2, 5, 50]))
        turn = Turn()
        take_turn(
            turn,
            request._replace(most=most, seconds=60),
            TracedSchedule.at,
            self._fails,
            Noted,
        )
        self.executed += len(turn)
        take(pickle.loads(pickle.dumps(turn)))


def fails_sometimes(program: Program, schedule: TracedSchedule) -> bool:
    return str(execute(program, schedule)).count("1") % 3 == 0


def told(each: Executed) -> tuple[Any, ...]:
    return each.trace, each.fails, each.redundant


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_however_it_is_shared_the_same_executions_are_told_in_the_same_order(
    size: int, bound: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(40):
        monkeypatch.setattr(sharing, "MOST_AHEAD", [1, 3, 1_000][seed % 3])
        fails = partial(fails_sometimes, made(seed))
        alone = list(executions(fails, bound))
        shared = list(shared_executions(Crew(size, fails, seed), frozenset(), bound))
        assert list(map(told, shared)) == list(map(told, alone))
        first = next((each for each in alone if each.fails), None)
        assert next((each for each in shared if each.fails), None) == first


def test_nothing_is_executed_twice_and_no_worker_is_idle_for_long() -> None:
    program: Program = [[("inc", "x"), ("inc", "y")]] * 4
    fails = partial(fails_sometimes, program)
    crew = Crew(3, fails, 1)
    alone = sum(1 for _ in executions(fails, None))
    assert sum(1 for _ in shared_executions(crew, frozenset(), None)) == alone == crew.executed


def test_what_is_explored_ahead_of_its_turn_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "MOST_AHEAD", 5)
    program: Program = [[("inc", "x")] * 4] * 4
    crew = Crew(2, partial(fails_sometimes, program), 1)
    shared = shared_executions(crew, frozenset(), None)
    assert len(list(itertools.islice(shared, 2_000))) == 2_000
    assert crew.executed < 4_000


# -- real programs in real processes --------------------------------------------------------------


@pytest.fixture(autouse=True)
def forked(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """The thread by which pytest-xdist hears of this process only listens."""
    if hasattr(request.config, "workerinput"):
        monkeypatch.setattr(workers, "_can_fork", lambda: True)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """All workers are there from the beginning, and a turn is one execution."""
    monkeypatch.setattr(workers, "ALONE", 0)
    monkeypatch.setattr(sharing, "TURN", 0)
    monkeypatch.setattr(sharing, "SHORT_TURN", 0)


def said(verdict: Exploration) -> tuple[Any, ...]:
    """All that a verdict says, but for the unknown: who calls first fills caches of the library."""
    shown = verdict.witness
    witness = shown and (shown.choices, shown.sites, shown.assumptions, str(shown.outcome))
    return str(verdict), verdict.failing, verdict.executions, verdict.held_back, witness


def by(processes: int, program: Callable[[], Any], **options: Any) -> tuple[Any, ...]:
    return said(
        explore(program, reading="bytecode", reduction=True, processes=processes, **options)
    )


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(("program", "check", "_"), SHARE, ids=NAMES)
@pytest.mark.parametrize(("processes", "bound"), [(2, 1), (3, None)])
def test_several_processes_say_what_one_says(
    program: Callable[[], Any], check: Any, _: str, processes: int, bound: int | None
) -> None:
    options = {"check": check, "bound": bound, "count_on": 20, "schedules": 120}
    assert by(processes, program, **options) == by(1, program, **options)


@pytest.mark.parametrize("count_on", [0, 10, None])
def test_a_failure_is_the_same_however_far_is_counted(count_on: int | None) -> None:
    options = {"check": counters.complete, "count_on": count_on, "bound": 2}
    assert by(2, counters.unlocked, **options) == by(1, counters.unlocked, **options)


def test_a_program_with_an_event_loop_is_explored_by_one() -> None:
    import asyncio

    async def program() -> None:
        await asyncio.gather(asyncio.sleep(1), asyncio.sleep(1))

    assert by(2, program, bound=1) == by(1, program, bound=1)


def test_what_cannot_be_controlled_is_the_error_that_one_process_raises() -> None:
    def program() -> None:
        os.system("true")

    with pytest.raises(Uncontrolled, match=r"starts another process by os\.system"):
        by(2, program)


def test_a_check_that_raises_raises_here() -> None:
    def check(_: int) -> bool:
        raise ZeroDivisionError("of the check")

    with pytest.raises(CheckFailed, match="check raised ZeroDivisionError: of the check"):
        by(2, counters.unlocked, check=check)


@pytest.fixture
def started_since() -> Callable[[], set[int]]:
    """What gives the children that were started since the test began: others may have some, too."""
    before = {each.pid for each in psutil.Process().children()}
    return lambda: {each.pid for each in psutil.Process().children()} - before


def test_a_worker_that_is_killed_is_an_error_and_the_others_end(
    started_since: Callable[[], set[int]],
) -> None:
    def program() -> None:
        if os.getpid() != EXPLORING:
            KILL(os.getpid(), signal.SIGKILL)

    with pytest.raises(WorkerLost, match=r"worker process \d+ was killed by SIGKILL, so there is"):
        by(2, program)
    assert started_since() == set()


def test_a_worker_that_ends_is_an_error() -> None:
    leave = functools.partial(os._exit, 3)  # unseen, or it would be refused

    def program() -> None:
        if os.getpid() != EXPLORING:
            leave()

    with pytest.raises(WorkerLost, match=r"worker process \d+ ended with status 3, so there is no"):
        by(2, program)


def test_a_worker_that_answers_no_more_is_an_error(
    monkeypatch: pytest.MonkeyPatch, started_since: Callable[[], set[int]]
) -> None:
    def program() -> None:
        if os.getpid() != EXPLORING:
            KILL(os.getpid(), signal.SIGSTOP)

    monkeypatch.setattr(workers, "MOST_LOOKS", 3)
    with pytest.raises(WorkerLost, match=r"worker process \d+ has not answered for"):
        by(2, program)
    assert started_since() == set()


@pytest.mark.usefixtures("eager")
def test_when_the_search_is_over_no_worker_is_left(started_since: Callable[[], set[int]]) -> None:
    by(3, counters.locked)
    assert started_since() == set()


def test_spawned_processes_say_what_one_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_can_fork", lambda: False)
    options = {"check": counters.complete, "bound": 2}
    assert by(2, counters.unlocked, **options) == by(1, counters.unlocked, **options)


def test_what_can_neither_be_forked_nor_pickled_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_can_fork", lambda: False)
    with pytest.raises(UserError, match="pass functions of a module, or processes=1"):
        by(2, lambda: None)


def test_no_process_is_refused() -> None:
    with pytest.raises(UserError, match="0 processes make no sense: say 1 or more"):
        by(0, counters.locked)


# -- the command ----------------------------------------------------------------------------------


@contextlib.contextmanager
def exploring() -> Iterator["tuple[subprocess.Popen[str], list[psutil.Process]]"]:
    """The command at work, and its workers."""
    target = f"{counters.__file__}:endless"
    arguments = ["explore", target, "--processes", "2", "--schedules", "1000000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "conlab", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        exploring = psutil.Process(process.pid)
        wait_until(lambda: len(exploring.children()) == 2 or process.poll() is not None)
        yield process, exploring.children()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_is_told_to_end_ends_its_workers(number: signal.Signals) -> None:
    with exploring() as (process, its):
        process.send_signal(number)
        said, _ = process.communicate(timeout=patience(60))
        assert process.returncode == 128 + number, said
        assert "Traceback" not in said
        wait_until(lambda: not any(map(runs, its)))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_workers_whose_explorer_is_killed_end_themselves() -> None:
    with exploring() as (process, its):
        process.kill()
        wait_until(lambda: not any(map(runs, its)))


def test_the_command_shares_the_search(capsys: pytest.CaptureFixture[str]) -> None:
    target = f"{counters.__file__}:locked"
    assert obey(["explore", target, "--processes", "2"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "24 that differ (any number of preemptions" in said
