"""Processes: each worker has an interpreter and a GIL of its own; jobs and results are pickled."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from multiprocessing import connection
from multiprocessing.util import Finalize
from pathlib import Path
from threading import BrokenBarrierError
from typing import Any, NoReturn
from weakref import WeakSet

from . import BATCH, Client, Run
from .failure import Failure, attempt
from .interrupts import Deferral

RUNS = "work"
START_LIMIT = 60.0  # seconds until every worker must have started
MOST_FRUITLESS = 3  # pools in a row that break before they end a single job
STOP_LIMIT = 1.0  # seconds that a worker has to tidy up when the pool is ended early
END_LIMIT = 30.0  # seconds that it has when the pool has no more jobs, on however busy a machine
GRACE = 0.05  # seconds in which a worker that is told to end should hear of it
NO_JOB = -1  # in a worker's slot


def absent() -> str | None:
    """Processes run wherever semaphores do: not where /dev/shm is read-only or is not there."""
    try:
        from _multiprocessing import (  # type: ignore[import-not-found]  # typeshed has it not
            SemLock,
        )

        # Under a name that is gone at once, so that nobody needs to know of it.
        SemLock(1, 1, 1, f"/conlab-{os.getpid()}-{threading.get_ident()}", True)
    except ImportError as error:
        return str(error)
    except OSError as error:
        return f"needs semaphores, and none can be made here: {error}; is /dev/shm writable?"
    return None


def doing() -> dict[int, Any]:
    """The job that each worker process of the open pools has begun and not ended, by its pid."""
    return {pid: job for crew in crews for pid, job in crew.doing().items()}


@contextmanager
def pool(client: Client, *, workers: int, start_method: str) -> Iterator[Run]:
    """Start ``workers`` processes by ``"forkserver"``, ``"spawn"`` or ``"fork"``."""
    crew = Crew(client, workers, start_method)
    with crew.undisturbed.installed():
        crew.start()
        try:
            yield crew.run
        except BaseException:
            crew.kill()
            raise
        finally:
            crew.close()


crews: "WeakSet[Crew]" = WeakSet()


class Crew:
    """A pool of worker processes that is replaced when one of them is killed.

    The executor alone fails every job that it holds when a worker dies, and ends the other
    workers. The crew knows which job the dead worker was doing: each worker writes the number of
    its job into a slot of shared memory, and removes it when it is told to end. What still stands
    there is lost, as a Failure; all else runs in a new pool. So a job may be begun twice.
    """

    def __init__(self, client: Client, workers: int, start_method: str) -> None:
        self.client = client
        self.workers = workers
        self.context: Any = multiprocessing.get_context(start_method)
        self.numbers = count()
        self.fruitless = 0
        self.undisturbed = Deferral()

    def start(self) -> None:
        """Start a fresh pool and wait until every worker of it stands ready."""
        self.begun = self.context.RawArray("q", [NO_JOB] * self.workers)
        self.ready = self.context.RawArray("q", self.workers)
        everyone = self.context.Barrier(self.workers)
        self.executor = ProcessPoolExecutor(
            self.workers,
            mp_context=self.context,
            initializer=become_worker,
            initargs=(self.client, self.begun, self.ready, self.context.Value("i", 0), everyone),
        )
        crews.add(self)
        try:
            with self.undisturbed:
                first: list[Future[Any]] = [
                    self.executor.submit(stand_ready) for _ in range(self.workers)
                ]
            # The executor learns of a new worker when it is given the next job. Without one, it
            # would not notice that the last worker died.
            with self.undisturbed:
                first.append(self.executor.submit(os.getpid))
            for one in first:
                self.undisturbed.wait_for(one, START_LIMIT)
                one.result(0)
        except (TimeoutError, BrokenBarrierError) as error:
            silent = self.silent()
            self.end_early()
            raise BrokenProcessPool(
                f"{silent} did not stand ready within {START_LIMIT:g} s"
            ) from error
        except (BrokenProcessPool, EOFError, ConnectionError) as error:  # or its forkserver
            self.end_early()
            raise BrokenProcessPool("a worker process died while the pool started") from error
        except BaseException:
            self.end_early()
            raise

    def doing(self) -> dict[int, Any]:
        """The job of each worker that has one, by its process's number."""
        items: list[Any] = list(self.executor._pending_work_items.values())
        unfinished = [item.args for item in items]
        jobs = {args[0]: args[2] for args in unfinished if len(args) > 2}
        doing = zip(self.ready, self.begun, strict=True)
        return {pid: jobs[number] for pid, number in doing if number in jobs}

    def silent(self) -> str:
        """The workers that do not stand ready, in words."""
        pids = [*(self.executor._processes or ())]
        late = [pid for pid in pids if pid not in self.ready] or pids
        return "worker process " + ", ".join(f"{pid}{state_of(pid)}" for pid in late)

    def end_early(self) -> None:
        """Leave nothing of a pool that did not start."""
        self.kill()
        self.close()

    def submit(self, number: int, work: Any, *args: Any) -> Future[Any]:
        """Queue ``work(*args)``, the client added, as job ``number`` of the crew."""
        try:
            with self.undisturbed:
                return self.executor.submit(do_job, number, work, *args)
        except BrokenProcessPool as error:
            broken: Future[Any] = Future()
            broken.set_exception(error)
            return broken

    def replace(self) -> None:
        """Put a new pool in the place of a broken one, when all of its futures have ended."""
        self.close()
        self.fruitless += 1
        if self.fruitless == MOST_FRUITLESS:
            raise BrokenProcessPool("pool after pool breaks before it ends a single job")
        self.start()

    def run(self, work: Any, jobs: Iterable[Any]) -> Iterator[Any]:
        """Keep a bounded number of jobs queued; give their results in order."""
        source = iter(jobs)
        nothing = object()
        queue: deque[Queued] = deque()
        try:
            while True:
                while len(queue) < BATCH and (job := next(source, nothing)) is not nothing:
                    number = next(self.numbers)
                    queue.append(Queued(number, job, self.submit(number, work, job)))
                if not queue:
                    return
                self.undisturbed.wait_for(queue[0].future)
                try:
                    result = queue[0].future.result()
                except BrokenProcessPool:
                    self.requeue(work, queue)
                    continue
                except Exception as error:  # a job or a result that cannot be pickled
                    result = Failure.of(error)
                self.fruitless = 0
                queue.popleft()
                yield result
        except GeneratorExit:  # nobody wants the rest
            # Not after Ctrl-C: the executor of 3.11 was seen to trip over a cancelled future when
            # its workers are killed.
            for place in queue:
                place.future.cancel()
            raise

    def requeue(self, work: Any, queue: "Iterable[Queued]") -> None:
        """Make Failures of the jobs that died with their workers; give the others to a new pool."""
        begun = self.begun
        self.replace()
        for place in queue:
            if not is_broken(place.future):
                continue
            if place.number in begun:
                place.future = Future()
                place.future.set_result(WORKER_DIED)
            else:
                place.future = self.submit(place.number, work, place.job)

    def kill(self) -> None:
        """End the workers now: jobs under way may tidy up for STOP_LIMIT seconds, no more."""
        workers = list((self.executor._processes or {}).values())  # no public way before 3.14
        for process in workers:
            process.terminate()
        deadline = time.monotonic() + STOP_LIMIT
        for process in workers:
            process.join(max(0.0, deadline - time.monotonic()))
            process.kill()

    def close(self) -> None:
        """Let the workers end and wait for them; kill those that do not."""
        late = threading.Timer(END_LIMIT, self.kill)
        late.daemon = True
        late.start()
        try:
            self.executor.shutdown(wait=True, cancel_futures=True)
        finally:
            late.cancel()
            late.join()


def state_of(pid: int) -> str:
    """That the process is stopped, where the system tells, or nothing; to be put after its name."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return " (stopped)" if state[:1] == ["T"] else ""


@dataclass(slots=True, eq=False)
class Queued:
    """A job in the queue of the pool, under a number that never comes again."""

    number: int
    job: Any
    future: Future[Any]


def is_broken(future: Future[Any]) -> bool:
    """Say whether the future ended because its pool did."""
    return future.done() and isinstance(future.exception(), BrokenProcessPool)


WORKER_DIED = Failure("WorkerDied", "the worker process was killed while it did this job")


# What follows runs in the workers.


class Terminated(BaseException):
    """Raised in a job when its worker is told to end, so that the job tidies up."""


@dataclass(slots=True)
class Worker:
    """What one worker process holds from its first job to its last."""

    begun: Any
    ready: Any
    everyone: Any
    slot: int
    extra: tuple[Any, ...] = ()
    trouble: Exception | None = None
    busy: bool = False
    ending: bool = False


worker: Worker


def become_worker(client: Client, begun: Any, ready: Any, slots: Any, everyone: Any) -> None:
    """Enter the client, leave Ctrl-C to the parent, and die when the parent does."""
    global worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=watch, args=(signals_as_they_come(),), daemon=True).start()
    with slots.get_lock():
        slot = slots.value
        slots.value += 1
    worker = Worker(begun, ready, everyone, slot)
    signal.signal(signal.SIGTERM, end)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=hold_back, after_in_parent=go_on, after_in_child=forget)
    if client:
        try:
            manager = client()
            worker.extra = (manager.__enter__(),)
            Finalize(None, manager.__exit__, (None, None, None), exitpriority=10)
        except Exception as error:
            worker.trouble = error


def stand_ready() -> None:
    """Return when all workers have started. Raises what entering the client raised."""
    if worker.trouble:
        worker.everyone.abort()
        raise worker.trouble
    worker.ready[worker.slot] = os.getpid()
    worker.everyone.wait(START_LIMIT)


def do_job(number: int, work: Any, *args: Any) -> Any:
    """Do one job, its number written down first."""
    worker.begun[worker.slot] = number
    worker.busy = True
    try:
        return attempt(work, *args, *worker.extra)
    finally:
        worker.busy = False
        if worker.ending:
            give_back_and_exit()


def end(*_signal: Any) -> None:
    """On SIGTERM: let the job under way unwind, or end at once."""
    told_before, worker.ending = worker.ending, True
    if not worker.busy:
        give_back_and_exit()
    if not told_before:
        raise Terminated


def give_back_and_exit() -> NoReturn:
    """End this process, whose job may be done by another."""
    worker.begun[worker.slot] = NO_JOB
    os._exit(1)


class Mask(threading.local):
    """The signals that this thread held back before a job forked."""

    before: Iterable[int] = ()


mask = Mask()


def hold_back() -> None:
    """Let no SIGTERM come between a fork and ``forget``: the worker would hear the child's."""
    mask.before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])


def go_on() -> None:
    """Let signals come as before."""
    signal.pthread_sigmask(signal.SIG_SETMASK, mask.before)


def forget() -> None:
    """Be no worker: a process that a job has forked ends by SIGTERM as any other."""
    if signal.getsignal(signal.SIGTERM) is end:
        signal.set_wakeup_fd(-1)  # its other end is the worker's
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    go_on()


def signals_as_they_come() -> list[int]:
    """A descriptor from which to read the number of each signal, even while ``end`` cannot run.

    None on Windows, where a process is not told to end but ended.
    """
    if sys.platform == "win32":
        return []
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return [reading]


def watch(signals: list[int]) -> None:
    """End this process when its parent is gone, even if that was killed, or when it is told to end.

    Python runs ``end`` between two bytecodes of the main thread. A signal that comes when it is
    about to wait in C, an idle worker for a lock that the dead one held, does not end that wait.
    """
    parent, main = multiprocessing.parent_process(), threading.main_thread().ident
    assert parent
    assert main
    while True:
        ready = connection.wait([parent.sentinel, *signals])
        if parent.sentinel in ready:
            os._exit(1)
        if signal.SIGTERM not in os.read(signals[0], 512):
            continue
        if not worker.busy:
            give_back_and_exit()
        time.sleep(GRACE)
        if not worker.ending:
            signal.pthread_kill(main, signal.SIGTERM)
