"""Jobs for the models' contract: each as the function that a model may run, in all three kinds.

They stand in a module of their own, which imports little but the standard library, because
worker processes and interpreters import them by name. Jobs steer each other through files, which
all kinds of workers share; whoever waits for a file gives up after LIMIT.
"""

import asyncio
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from tests.patience import patience

LIMIT = 60.0  # seconds
LOOK = 0.002  # seconds between two looks at a folder


class NoOneCame(Exception):
    """What a job waited for did not happen."""


def wait_until(holds: Callable[[], bool]) -> None:
    """Return when it holds. Raises NoOneCame after LIMIT."""
    deadline = time.monotonic() + patience(LIMIT)
    while not holds():
        if time.monotonic() > deadline:
            raise NoOneCame
        time.sleep(LOOK)


async def wait_until_async(holds: Callable[[], bool]) -> None:
    """The same on an event loop."""
    deadline = time.monotonic() + patience(LIMIT)
    while not holds():
        if time.monotonic() > deadline:
            raise NoOneCame
        await asyncio.sleep(LOOK)


def same(job: Any) -> Any:
    return job


async def fetch_same(job: Any, *_client: Any) -> Any:
    return job


def square(job: int) -> int:
    return job * job


async def square_async(job: int) -> int:
    return job * job


def square_fetched(_job: int, fetched: int) -> int:
    return fetched * fetched


def fail_on_odd(job: int) -> int:
    if job % 2:
        raise ValueError(f"{job} is odd")
    return job


async def fail_on_odd_async(job: int) -> int:
    return fail_on_odd(job)


def fail_on_odd_fetched(job: int, _fetched: int) -> int:
    return fail_on_odd(job)


# The first job ends when the second has ended.


def first_ends_last(job: tuple[int, Path]) -> int:
    number, folder = job
    if number == 0:
        wait_until((folder / "1").exists)
    (folder / str(number)).touch()
    return number


async def first_ends_last_async(job: tuple[int, Path]) -> int:
    number, folder = job
    if number == 0:
        await wait_until_async((folder / "1").exists)
    (folder / str(number)).touch()
    return number


def first_ends_last_fetched(job: tuple[int, Path], _fetched: Any) -> int:
    return first_ends_last(job)


# The first job ends when a job far behind it has ended.


def first_waits_for_another(job: tuple[int, int, Path]) -> int:
    number, other, folder = job
    if number == 0:
        wait_until((folder / "ended").exists)
    elif number == other:
        (folder / "ended").touch()
    return number


async def first_waits_for_another_async(job: tuple[int, int, Path]) -> int:
    number, other, folder = job
    if number == 0:
        await wait_until_async((folder / "ended").exists)
    elif number == other:
        (folder / "ended").touch()
    return number


def first_waits_for_another_fetched(job: tuple[int, int, Path], _fetched: Any) -> int:
    return first_waits_for_another(job)


# Every job waits until so many are under way at once, and says how many it saw.


def meet(job: tuple[int, int, Path]) -> int:
    number, party, folder = job
    with present(number, folder):
        wait_until(lambda: (folder / "met").exists() or count(folder) >= party)
        (folder / "met").touch()
        return count(folder)


async def meet_async(job: tuple[int, int, Path]) -> int:
    number, party, folder = job
    with present(number, folder):
        await wait_until_async(lambda: (folder / "met").exists() or count(folder) >= party)
        (folder / "met").touch()
        return count(folder)


async def fetch_meet(job: tuple[int, int, Path]) -> int:
    return await meet_async(job)


def compute_meet(_job: Any, fetched: int) -> int:
    return fetched


@contextmanager
def present(number: int, folder: Path) -> Iterator[None]:
    """Be counted for a while."""
    mark = folder / f"under-way-{number}"
    mark.touch()
    try:
        yield
    finally:
        mark.unlink()


def count(folder: Path) -> int:
    return len(list(folder.glob("under-way-*")))


# A worker is killed, from within, by the job that is told to.


def kill_worker(job: int) -> int:
    if job == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return job


def kill_worker_fetched(job: int, _fetched: int) -> int:
    return kill_worker(job)


# Job 1 kills its worker when job 0 is under way; job 0 ends only if it is begun again.


def die_beside_another(job: tuple[int, Path]) -> str:
    number, folder = job
    if number == 1:
        wait_until((folder / "begun").exists)
        os.kill(os.getpid(), signal.SIGKILL)
    if (folder / "begun").exists():
        return "done at the second attempt"
    (folder / "begun").touch()
    wait_until((folder / "never").exists)
    return "done at the first attempt"


def die_beside_another_fetched(job: tuple[int, Path], _fetched: Any) -> str:
    return die_beside_another(job)


def waits_in_c(thread: int) -> bool:
    """Whether the system has that thread of this process asleep (Linux)."""
    state = Path(f"/proc/self/task/{thread}/stat").read_text().rpartition(")")[2].split()[0]
    return state == "S"


# The idle worker hears a signal in a thread other than the main one, whose wait it does not end.


def tell_idle_worker_to_end(_job: int) -> int:
    from workloads.models import processes

    main = os.getpid()  # the number of the main thread, too

    def tell() -> None:
        wait_until(lambda: not processes.worker.busy)
        if sys.platform == "linux":
            wait_until(lambda: waits_in_c(main))
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    threading.Thread(target=tell, daemon=True).start()
    return os.getpid()


def pid_of_worker(_job: int) -> int:
    return os.getpid()


def pids_of_worker_and_parent(_job: int) -> tuple[int, int]:
    return os.getpid(), os.getppid()


def pid_fetched(_job: int, _fetched: int) -> int:
    return os.getpid()


# Jobs that run until they are told to end, or are ended; a file shows whether they tidied up.


def run_until_told(job: tuple[int, Path]) -> int:
    number, folder = job
    part = folder / f"{number}.part"
    try:  # before it is there: a worker may be told to end at any step
        part.touch()
        wait_until((folder / "go").exists)
    finally:
        part.unlink(missing_ok=True)
    (folder / f"{number}.done").touch()
    return number


async def run_until_told_async(job: tuple[int, Path]) -> int:
    number, folder = job
    part = folder / f"{number}.part"
    try:  # before it is there: a worker may be told to end at any step
        part.touch()
        await wait_until_async((folder / "go").exists)
    finally:
        part.unlink(missing_ok=True)
    (folder / f"{number}.done").touch()
    return number


def run_until_told_fetched(job: tuple[int, Path], _fetched: Any) -> int:
    return run_until_told(job)


# A job that says which process does it, in the name of a file, and waits.


def say_pid_and_wait(job: tuple[int, Path]) -> int:
    number, folder = job
    (folder / f"{os.getpid()}.part").touch()
    wait_until((folder / "go").exists)
    return number


def say_pid_and_wait_fetched(job: tuple[int, Path], _fetched: Any) -> int:
    return say_pid_and_wait(job)


# Job 7 stops its worker, unless that is the process which is named: the calling one.


def stop_worker(job: tuple[int, int, Path]) -> int:
    number, caller, folder = job
    if number == 7 and os.getpid() != caller and not (folder / "stopped").exists():
        (folder / "stopped").write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGSTOP)
    return number


def stop_worker_fetched(job: tuple[int, int, Path], _fetched: Any) -> int:
    return stop_worker(job)


# A client that says which process is about to enter it, waits, and says that it did.


@contextmanager
def client_that_waits(folder: Path) -> Iterator[None]:
    (folder / f"{os.getpid()}.waits").touch()
    wait_until((folder / "go").exists)
    (folder / f"{os.getpid()}.entered").touch()
    yield


# A client that leaves a trace in a folder: entered, and left again.


@contextmanager
def client(folder: Path) -> Iterator[str]:
    name = uuid.uuid4().hex
    (folder / f"{name}.entered").touch()
    yield name
    (folder / f"{name}.left").touch()


@asynccontextmanager
async def client_async(folder: Path) -> AsyncIterator[str]:
    with client(folder) as name:
        yield name


def name_of_client(_job: int, client: str) -> str:
    return client


async def name_of_client_async(_job: int, client: str) -> str:
    return client


def name_fetched(_job: int, fetched: str) -> str:
    return fetched


WORK: dict[str, dict[Any, Any]] = {
    "square": {
        "work": square,
        "work_async": square_async,
        "hybrid": (fetch_same, square_fetched),
    },
    "fail_on_odd": {
        "work": fail_on_odd,
        "work_async": fail_on_odd_async,
        "hybrid": (fetch_same, fail_on_odd_fetched),
    },
    "first_ends_last": {
        "work": first_ends_last,
        "work_async": first_ends_last_async,
        "hybrid": (fetch_same, first_ends_last_fetched),
    },
    "first_waits_for_another": {
        "work": first_waits_for_another,
        "work_async": first_waits_for_another_async,
        "hybrid": (fetch_same, first_waits_for_another_fetched),
    },
    "meet": {"work": meet, "work_async": meet_async, "hybrid": (fetch_meet, compute_meet)},
    "run_until_told": {
        "work": run_until_told,
        "work_async": run_until_told_async,
        "hybrid": (fetch_same, run_until_told_fetched),
    },
    "kill_worker": {"work": kill_worker, "hybrid": (fetch_same, kill_worker_fetched)},
    "die_beside_another": {
        "work": die_beside_another,
        "hybrid": (fetch_same, die_beside_another_fetched),
    },
    "stop_worker": {"work": stop_worker, "hybrid": (fetch_same, stop_worker_fetched)},
    "pid_of_worker": {"work": pid_of_worker, "hybrid": (fetch_same, pid_fetched)},
    "name_of_client": {
        "work": name_of_client,
        "work_async": name_of_client_async,
        "hybrid": (name_of_client_async, name_fetched),
    },
}
