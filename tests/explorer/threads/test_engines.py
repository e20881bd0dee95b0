"""Greenlets run the same schedules as real threads to the same ends; real threads are the judge."""

import _thread
import contextlib
import contextvars
import functools
import os
import random
import reprlib
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from traceback import walk_stack
from typing import Any

import pytest

from conlab.errors import UserError
from conlab.explorer import Deadlocked, Uncontrolled, explore, replay
from conlab.explorer.programs.scope import scope_of
from conlab.explorer.search.enumeration import enumerate_schedules
from conlab.explorer.session import Subject, opened
from conlab.explorer.threads import greenlets, watchdog
from conlab.explorer.threads.engines import choose_engine
from conlab.explorer.threads.scheduler import RestartSearch
from tests.explorer.running import run_all
from tests.explorer.threads.test_verdicts import programs
from tests.models.test_interruption import wait_until
from tests.patience import patience

ROOT = Path(__file__).parents[3]
NAMES = [program.__name__ for program, _, _ in programs.PROGRAMS]
SEED = int(os.environ.get("CONLAB_SEED", "13"))
ENGINES: tuple[Any, ...] = ("threads", "greenlets")
SHARE = random.Random(SEED).sample(NAMES, 20)
needs_greenlets = pytest.mark.skipif(
    greenlets.library() is None,
    reason="there is no greenlet here: pip install 'concurrency-lab[fast]'",
)


def executions(program: Callable[[], Any], reading: str, bound: int, engine: str, most: int) -> Any:
    """Return the choices of the first schedules, in order, and how each ends; and the engines."""
    scope = scope_of(program, None)
    ends: list[Any] = []
    ran_on: set[str] = set()
    with opened(Subject(program, scope, reading=reading)) as session:
        scheduler = session.scheduler
        choose_engine(scheduler, engine)
        outcome: Any = None

        def execute(schedule: Any) -> None:
            nonlocal outcome
            outcome = session.execute(schedule)
            ran_on.add(type(scheduler.engine).__name__)

        def search() -> None:
            for schedule in enumerate_schedules(execute, bound):
                lost = [(each.thread, each.type, each.message) for each in scheduler.died]
                end = outcome if isinstance(outcome, Deadlocked) else str(outcome)
                ends.append((tuple(schedule.choices), end, lost, scheduler.steps))
                if len(ends) == most:
                    return

        def whole() -> None:
            while True:
                try:
                    return search()
                except RestartSearch:
                    ends.clear()
                    session.step(True)

        watchdog.supervise(scheduler, whole, lambda: None)
    return ends, ran_on


def compare(name: str, reading: str, bound: int, most: int) -> bool:
    """Compare the engines; return whether there were any greenlets."""
    program = getattr(programs, name)
    (on_threads, _), (on_greenlets, ran_on) = (
        executions(program, reading, bound, engine, most) for engine in ENGINES
    )
    assert on_greenlets == on_threads
    return "Greenlets" in ran_on


@needs_greenlets
@pytest.mark.parametrize("reading", ["gil", "bytecode"])
def test_a_share_of_the_programs_is_executed_alike(reading: str) -> None:
    """In a process of its own: a `threading.local` of another test may switch greenlets off."""
    compared = f"from {__name__} import compare_share; compare_share({reading!r})"
    done = subprocess.run(
        [sys.executable, "-c", compared],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=patience(60),
        check=False,
    )
    assert done.returncode == 0, done.stderr


def compare_share(reading: str) -> None:
    on_greenlets = [name for name in SHARE if compare(name, reading, 2, 60)]
    assert len(on_greenlets) >= len(SHARE) // 2


@needs_greenlets
@pytest.mark.oracle
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bound", [1, 3])
@pytest.mark.parametrize("reading", ["gil", "bytecode"])
@pytest.mark.parametrize("name", NAMES)
def test_every_program_is_executed_alike(name: str, reading: str, bound: int) -> None:
    compare(name, reading, bound, 3_000)


class Local(threading.local):
    value = 0


library = types.ModuleType("library")  # not stepped, and it has its own name for this
sys.modules["tests.explorer.threads.library"] = library
exec(
    """
from threading import get_ident as who
from threading import local

own = local()

def keep(value):
    own.value = value

def kept():
    return own.value

def call(function, depth):
    return call(function, depth - 1) if depth else function()

def hold_on(lock):
    while True:
        try:
            lock.acquire()
        except BaseException:
            pass
""",
    vars(library),
)


def values_of_a_local_in_the_program() -> list[int]:
    mine, seen = Local(), []

    def add() -> None:
        for _ in range(2):
            mine.value += 1
        seen.append(mine.value)

    run_all(add, add)
    return [*seen, mine.value]


def values_of_a_plain_local_in_the_program() -> list[int]:
    mine, seen = threading.local(), []

    def add() -> None:
        mine.value = 0
        for _ in range(2):
            mine.value += 1
        seen.append(mine.value)

    run_all(add, add)
    return [*seen, isinstance(mine, threading.local)]


def values_of_a_local_of_a_library() -> list[str]:
    seen: list[str] = []

    def use(value: str) -> None:
        vars(library)["keep"](value)
        seen.append(value)
        assert vars(library)["kept"]() == value

    use("main")
    run_all(lambda: use("first"), lambda: use("second"))
    return [vars(library)["kept"](), *sorted(seen)]


def values_of_a_context() -> list[str]:
    var = contextvars.ContextVar("var", default="")
    seen: list[str] = []

    def add(text: str) -> None:
        for _ in range(2):
            var.set(var.get() + text)
        seen.append(var.get())

    run_all(lambda: add("a"), lambda: add("b"))
    return [*sorted(seen), var.get()]


def exceptions_that_are_handled() -> list[str]:
    seen: list[str] = []

    def handle(error: Exception) -> None:
        try:
            raise error
        except Exception:
            seen.append("")
            seen.append(type(sys.exc_info()[1]).__name__)

    run_all(lambda: handle(KeyError()), lambda: handle(ValueError()))
    return sorted(filter(None, seen))


def how_deep_it_can_call() -> int:
    half = sys.getrecursionlimit() * 6 // 10

    def start_deep(depth: int) -> None:
        if depth:
            vars(library)["call"](functools.partial(start_deep, 0), depth)
        else:
            run_all(*[lambda: vars(library)["call"](int, half)] * 2)

    start_deep(half)
    return 1


def a_repr_that_is_interrupted() -> list[str]:
    class Box:
        def __init__(self) -> None:
            self.items = [1]

        @reprlib.recursive_repr()
        def __repr__(self) -> str:
            return f"Box({self.items[0]})"

    shown: list[str] = []
    boxes = [Box()]
    run_all(lambda: shown.append(repr(boxes)), lambda: shown.append(repr(boxes)))
    return shown


def generators_that_run() -> int:
    refused = 0
    count = [0]

    def numbers() -> Any:
        while True:
            count[0] += 1
            yield count[0]

    shared = numbers()

    def advance() -> None:
        nonlocal refused
        try:
            next(shared)
        except ValueError:
            refused += 1

    run_all(advance, advance)
    return refused


def who_a_library_asks_for() -> bool:
    seen: list[int] = []
    run_all(*[lambda: seen.append(vars(library)["who"]())] * 2)
    return len({*seen, vars(library)["who"](), _thread.get_ident()}) == 3


def a_connection_of_another_thread() -> list[str]:
    refused: list[str] = []
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:

        def use() -> None:
            try:
                connection.execute("select 1")
            except sqlite3.ProgrammingError as error:
                refused.append(type(error).__name__)

        run_all(use)
    return refused


def what_is_the_main_threads() -> list[str]:
    refused: list[str] = []

    def install() -> None:
        try:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        except ValueError as error:
            refused.append(type(error).__name__)

    run_all(install)
    return refused


@pytest.mark.parametrize("engine", [pytest.param("greenlets", marks=needs_greenlets), "threads"])
@pytest.mark.parametrize("reading", ["gil", "bytecode"])
@pytest.mark.parametrize(
    ("program", "expected"),
    [
        pytest.param(program, expected, id=program.__name__)
        for program, expected in [
            (values_of_a_local_in_the_program, [2, 2, 0]),
            (values_of_a_plain_local_in_the_program, [2, 2, True]),
            (values_of_a_local_of_a_library, ["main", "first", "main", "second"]),
            (values_of_a_context, ["aa", "bb", ""]),
            (exceptions_that_are_handled, ["KeyError", "ValueError"]),
            (how_deep_it_can_call, 1),
            (a_repr_that_is_interrupted, ["[Box(1)]", "[Box(1)]"]),
            (who_a_library_asks_for, True),
            (a_connection_of_another_thread, ["ProgrammingError"]),
            (what_is_the_main_threads, ["ValueError"]),
        ]
    ],
)
def test_what_belongs_to_a_thread_is_its_own(
    program: Any, expected: object, reading: Any, engine: Any
) -> None:
    # Not by a verdict, as that of greenlets is judged by real threads.
    found, _ = executions(program, reading, 1, engine, 10_000)
    ends = {(end, *lost) for _, end, lost, _ in found}
    assert ends == {(f"returned {expected!r}",)}


@needs_greenlets
def test_a_running_generator_is_met_by_another_thread() -> None:
    verdicts = [
        explore(generators_that_run, check=lambda v: v == 0, reading="bytecode", engine=engine)
        for engine in ENGINES
    ]
    assert verdicts[0] == verdicts[1]
    assert verdicts[0].failing


def deadlock() -> None:
    first, second = threading.Lock(), threading.Lock()

    def take(one: Any, other: Any) -> None:
        with one, other:
            pass

    run_all(lambda: take(first, second), lambda: take(second, first))


@needs_greenlets
def test_verdict_and_witness_are_the_same() -> None:
    on_threads, on_greenlets = (
        explore(deadlock, reading="bytecode", engine=engine) for engine in ENGINES
    )
    assert on_threads.failing
    assert on_greenlets == on_threads
    assert on_greenlets.witness is not None
    assert isinstance(replay(on_greenlets.witness, deadlock), Deadlocked)


@needs_greenlets
def test_read_that_blocks_is_refused_on_greenlets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "STUCK", 0.5)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        receive = functools.partial(ours.recv, 1)
        with pytest.raises(Uncontrolled, match="thread 'Thread-1' blocks at"):
            explore(lambda: run_all(receive, receive), engine="greenlets")
        theirs.sendall(b"22")


def test_thread_that_nothing_can_end_does_not_turn_for_ever_when_all_is_over() -> None:
    def program() -> None:
        lock = threading.Lock()
        run_all(lambda: vars(library)["hold_on"](lock))

    with pytest.raises(Uncontrolled, match="catches every exception"):
        explore(program, reading="bytecode")
    wait_until(lambda: innermost_of_who_holds_on() == {"give_up"})  # when it has come to that
    end = time.perf_counter() + 20 * sys.getswitchinterval()
    while time.perf_counter() < end:
        pass  # so that it has its turns, if it takes any
    assert innermost_of_who_holds_on() == {"give_up"}


def innermost_of_who_holds_on() -> set[str]:
    """The names of the functions in which the threads are that have called ``hold_on``."""
    stacks = [list(walk_stack(frame)) for frame in sys._current_frames().values()]
    held = [stack for stack in stacks if any(f.f_code.co_name == "hold_on" for f, _ in stack)]
    return {stack[0][0].f_code.co_name for stack in held}


@needs_greenlets
def test_thread_that_nothing_can_end_is_given_up_on_greenlets() -> None:
    def program() -> None:
        lock = threading.Lock()
        run_all(lambda: vars(library)["hold_on"](lock))

    with pytest.raises(Uncontrolled, match="catches every exception"):
        explore(program, reading="bytecode", engine="greenlets")
    assert explore(deadlock, reading="bytecode", engine="greenlets").failing


@needs_greenlets
def test_what_fails_on_greenlets_alone_is_no_failure() -> None:
    greenlet = pytest.importorskip("greenlet")

    def program() -> bool:
        run_all(int)
        alone: bool = greenlet.getcurrent().parent is None
        return alone  # as it is in a thread without greenlets

    verdict = explore(program, check=bool, engine="greenlets")
    assert verdict.exhausted
    assert not verdict.failing


def test_engine_that_there_is_not_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="there is no engine 'fibers'"):
        explore(deadlock, engine="fibers")  # type: ignore[arg-type]
    monkeypatch.setattr(greenlets, "library", lambda: None)
    monkeypatch.setattr(greenlets, "FREE_THREADED", False)
    with pytest.raises(UserError, match="needs greenlet: "):
        explore(deadlock, engine="greenlets")
    assert explore(deadlock, reading="bytecode").failing  # without, on real threads
