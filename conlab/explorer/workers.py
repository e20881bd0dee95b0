"""The processes that share a search: how they are started, fed, watched and ended.

Each executes the program in a session of its own. Where nothing else runs in the process that
explores they are forked from it, before it models anything; elsewhere they are spawned, and then
what is explored must be picklable. So none is started later. A worker that dies, or answers no
more, is an error: a search of which a part is missing has no verdict. A worker whose exploring
process is gone ends itself.
"""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from typing import Any

from conlab.errors import UserError
from conlab.explorer.search.sharing import Request, Turn

LOOK = 0.1  # seconds between two looks at the workers
MOST_LOOKS = 600  # without an answer of one that should give one
ALONE = 0.25  # seconds that the first explores alone, for many a search is over by then
TO_END = 1.0  # seconds in which a worker that has nothing more to do should end
HARMLESS_THREADS = frozenset(["signals"])  # which only listens: nobody misses it in a forked child

TakeTurn = Callable[[Turn, Request, Callable[[], None]], bool]
Turns = Callable[[], AbstractContextManager[TakeTurn]]


class WorkerLost(UserError):
    """A worker has ended, or answers no more, so that there can be no verdict."""


@dataclass(slots=True)
class Worker:
    """One process, and what it is doing."""

    process: Any
    connection: "Connection[Any, Any]"
    take: Callable[[Turn], None] | None = None  # who waits for what it finds
    looks: int = 0  # since it was asked


class Workers:
    """A crew of so many processes, as a context: when it ends, so do they."""

    def __init__(self, count: int, turns: Turns) -> None:
        """``turns`` is entered in each, and gives what takes its turns."""
        self._count = count
        self._turns = turns
        self._context = _context(turns)
        self._workers: list[Worker] = []
        self._problem: Exception | None = None  # of the last that has ended
        self._began: float | None = None

    def __enter__(self) -> "Workers":
        """Start all."""
        with ExitStack() as stack:
            stack.push(self.__exit__)
            with _interrupted_later():
                for _ in range(self._count):
                    self._start()
            stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End all that there are."""
        for worker in self._workers:
            worker.connection.close()
        limit = time.monotonic() + TO_END
        started = [each.process for each in self._workers if each.process.pid is not None]
        for process in started:
            process.join(max(0.0, limit - time.monotonic()))
        for process in started:
            process.kill()
            process.join(TO_END)
        self._workers.clear()

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self._at_work())

    def idle(self) -> int:
        """How many wait for something to do."""
        if not self._workers and self._problem is not None:
            raise self._problem
        return sum(worker.take is None for worker in self._at_work())

    def _at_work(self) -> list[Worker]:
        if self._began is None:
            self._began = time.monotonic()
        alone = time.monotonic() - self._began < ALONE
        return self._workers[:1] if alone else self._workers

    def begin(self, request: Request, take: Callable[[Turn], None]) -> None:
        """Have an idle one explore, and give to ``take`` what it finds."""
        worker = next(each for each in self._workers if each.take is None)
        worker.take, worker.looks = take, 0
        try:
            worker.connection.send_bytes(pickle.dumps(request))
        except OSError:
            raise self._lost(worker) from None

    def wait(self) -> None:
        """Wait until a worker has found something, or for a moment."""
        ready = wait([worker.connection for worker in self._workers], LOOK)
        for worker in list(self._workers):
            if worker.connection in ready:
                self._hear(worker)
            elif worker.take is not None and not ready:
                worker.looks += 1
                if worker.looks >= MOST_LOOKS:
                    raise WorkerLost(
                        f"worker process {worker.process.pid} has not answered for"
                        f" {LOOK * MOST_LOOKS:.0f} s, so there is no verdict"
                    )

    def _hear(self, worker: Worker) -> None:
        try:
            answer = pickle.loads(worker.connection.recv_bytes())
        except (EOFError, OSError):
            raise self._lost(worker) from None
        if isinstance(answer, Exception):  # before its first turn
            raise answer
        turn, goes_on = answer
        take, worker.take = worker.take, None
        assert take is not None
        if not goes_on:
            self._problem = turn.problem
            self._workers.remove(worker)
            worker.connection.close()
            worker.process.join(TO_END)
            worker.process.kill()
        take(turn)

    def _lost(self, worker: Worker) -> WorkerLost:
        worker.process.join(TO_END)
        code = worker.process.exitcode
        if code is None:
            how = "closed its connection"
        elif code < 0:
            how = f"was killed by {signal.Signals(-code).name}"
        else:
            how = f"ended with status {code}"
        return WorkerLost(f"worker process {worker.process.pid} {how}, so there is no verdict")

    def _start(self) -> None:
        ours, its = self._context.Pipe()
        inherited = []
        if self._context.get_start_method() == "fork":
            inherited = [ours, *(worker.connection for worker in self._workers)]
        process = self._context.Process(  # type: ignore[attr-defined]
            target=_serve, args=(its, inherited, os.getpid(), self._turns), name="explorer"
        )
        self._workers.append(Worker(process, ours))
        try:
            with warnings.catch_warnings(), _environment_of_the_spawned():
                warnings.simplefilter("ignore", DeprecationWarning)  # of the threads known harmless
                process.start()
        finally:
            its.close()


def _context(turns: Turns) -> BaseContext:
    if multiprocessing.current_process().daemon:
        raise UserError("a daemonic process can have no workers: say processes=1")
    if sys.platform == "linux" and _can_fork():
        return multiprocessing.get_context("fork")
    try:
        pickle.dumps(turns)
    except Exception as error:
        raise UserError(
            "several processes cannot share this search, as other threads run here and the program"
            f" or its check cannot be pickled ({error}): pass functions of a module, or processes=1"
        ) from None
    return multiprocessing.get_context("spawn")


def _can_fork() -> bool:
    """Whether no thread runs Python that could hold a lock which nobody would release in a child.

    Those of an exploration before may be about to end.
    """
    main = threading.main_thread()
    if threading.current_thread() is not main:
        return False
    limit = time.monotonic() + TO_END
    while True:
        harmless = [each.ident for each in threading.enumerate() if each.name in HARMLESS_THREADS]
        if sys._current_frames().keys() <= {main.ident, *harmless}:
            return True
        if time.monotonic() > limit:
            return False
        time.sleep(LOOK / 10)


@contextmanager
def _environment_of_the_spawned() -> Iterator[None]:
    """Let them have sets in the same order, if here none is fixed, and keep no bytecode."""
    wanted = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    missing = {name: value for name, value in wanted.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            del os.environ[name]


@contextmanager
def _interrupted_later() -> Iterator[None]:
    """Hear Ctrl-C at the end: an exception in what is called at a fork is only printed."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    heard: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if heard:
            signal.raise_signal(signal.SIGINT)


# -- in the worker ---------------------------------------------------------------------------------


def _serve(
    connection: "Connection[Any, Any]", inherited: Sequence[Any], parent: int, turns: Turns
) -> None:
    """Take turns until nobody asks for one any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever explores hears it, and ends this process
    for each in inherited:
        each.close()

    def look() -> None:
        if os.getppid() != parent:
            os._exit(1)

    with suppress(EOFError, OSError):
        try:
            while not connection.poll(LOOK):  # many a search is over before it needs this one
                look()
            with turns() as take_turn:
                goes_on = True
                while goes_on:
                    while not connection.poll(LOOK):
                        look()
                    request = pickle.loads(connection.recv_bytes())
                    turn = Turn()
                    goes_on = take_turn(turn, request, look)
                    if turn.problem is not None:
                        turn.problem = _sendable(turn.problem)
                    connection.send_bytes(pickle.dumps((turn, goes_on)))
        except (EOFError, OSError):
            raise
        except Exception as problem:
            connection.send_bytes(pickle.dumps(_sendable(problem)))


def _sendable(problem: Exception) -> Exception:
    """Return the exception, or what says the same and can be pickled."""
    if not isinstance(problem, UserError):
        problem.add_note("".join(traceback.format_exception(problem)))
    try:
        pickle.loads(pickle.dumps(problem))
    except Exception:
        return RuntimeError("".join(traceback.format_exception(problem)))
    return problem
