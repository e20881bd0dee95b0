"""What the explorer does not control ends in a clear error within seconds, and leaves nothing."""

import _thread
import contextlib
import functools
import multiprocessing
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from itertools import islice, repeat
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import pytest

from conlab.cli import INTERRUPTED
from conlab.errors import UserError
from conlab.explorer import Diverged, Uncontrolled, explore
from conlab.explorer.threads import watchdog
from conlab.explorer.threads.real_threads import PooledThread, RealThread, RealThreads
from conlab.explorer.threads.scheduler import Scheduler
from tests.patience import patience

REAL_SLEEP = time.sleep
SOON = 15.0  # seconds, also on a busy machine


def two_threads(work: Callable[[], object]) -> Callable[[], None]:
    def program() -> None:
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return program


def test_real_lock_that_blocks_is_refused() -> None:
    held = _thread.allocate_lock()
    get_lock = {"lock": held}.get

    def work() -> None:
        lock = get_lock("lock")
        assert lock is not None
        lock.acquire()

    with pytest.raises(Uncontrolled, match=r"Thread-\d \(work\).* blocks at .*test_refusals\.py"):
        explore(two_threads(work))
    held.release()  # the blocked thread goes home


def test_read_that_blocks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "STUCK", 0.5)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        receive = functools.partial(ours.recv, 1)
        with pytest.raises(Uncontrolled, match="blocks at"):
            explore(two_threads(receive), stepped=[__file__])
        theirs.sendall(b"22")


@pytest.mark.parametrize(
    "start",
    [lambda: subprocess.run([sys.executable, "-c", ""], check=True), lambda: os.system("true")],
    ids=["subprocess", "os.system"],
)
def test_another_process_is_refused_at_once(start: Callable[[], object]) -> None:
    with pytest.raises(Uncontrolled, match="starts another process"):
        explore(two_threads(start))


def test_thread_started_behind_the_back_is_refused() -> None:
    def work() -> None:
        _thread.start_new_thread(print, ())

    with pytest.raises(Uncontrolled, match="_thread"):
        explore(two_threads(work))


def test_choice_by_chance_is_not_the_same_each_time() -> None:
    lock, chance = threading.Lock(), random.SystemRandom()

    def work() -> None:
        if chance.random() < 0.5:
            with lock:
                pass

    with pytest.raises(Diverged, match=r"if chance\.random\(\) < 0\.5.*nobody can seed"):
        explore(two_threads(work), reading="bytecode", bound=4, reduction=False)


def test_choice_by_the_number_of_the_run_is_not_the_same_each_time() -> None:
    lock, runs = threading.Lock(), iter(range(1_000))  # an iterator cannot be set back

    def work() -> None:
        for _ in range(next(runs) % 3):
            with lock:
                pass

    with pytest.raises(Diverged, match=r"range\(next\(runs\) % 3\).*outlives it: `runs`"):
        explore(two_threads(work), reading="bytecode")


def test_program_that_computes_for_ever_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "BUSY", 1.0)
    namespace: dict[str, Any] = {"stop": []}
    exec("def spin():\n    while not stop: pass", namespace)  # in no stepped file
    with pytest.raises(Uncontrolled, match=r"has computed for 1 s at .* without a switch point"):
        explore(two_threads(lambda: namespace["spin"]()))
    namespace["stop"].append(True)


def test_nothing_is_left_behind_after_an_exploration() -> None:
    def state() -> list[object]:
        return [threading.Lock, time.sleep, sys.stdout, threading.Thread.start, sys.gettrace()]

    def there() -> set[object]:
        return {*threading.enumerate(), *open_files()}

    before, others, tasks = state(), there(), threads_of_the_system()

    def program() -> None:
        threading.Thread(target=time.sleep, args=(10,), daemon=True).start()
        threading.Thread(target=threading.Lock().acquire).start()

    verdict = explore(program)
    assert verdict.exhausted
    assert state() == before
    assert there() <= others  # of which some may have ended meanwhile
    assert wait_for(lambda: threads_of_the_system() <= tasks)


def open_files() -> list[str]:
    folder = Path("/proc/self/fd")
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def threads_of_the_system() -> int:
    folder = Path("/proc/self/task")
    return len(list(folder.iterdir())) if folder.exists() else threading.active_count()


def wait_for(claim: Callable[[], bool]) -> bool:
    """Whether the claim comes true before long: the system takes a moment to reap a thread."""
    until = time.monotonic() + patience(SOON)
    while not claim():
        if time.monotonic() > until:
            return False
        REAL_SLEEP(0.01)
    return True


def test_scheduler_that_is_closed_again_does_not_wait_for_what_has_gone() -> None:
    scheduler = Scheduler(stepped=frozenset(), limit=1)
    real = PooledThread(scheduler)
    assert isinstance(scheduler.engine, RealThreads)
    scheduler.engine.pooled.append(real)
    scheduler.engine.free.append(real)
    scheduler.close()
    assert not real.ended.locked()


def test_time_of_a_thread_that_has_ended_can_be_asked_for() -> None:
    """With `time.pthread_getcpuclockid` the process dies of it."""
    ended = RealThread()
    thread = threading.Thread(target=ended.is_the_caller)
    thread.start()
    thread.join()
    assert watchdog._look_at(ended)[1:] > (
        0,
        False,
    )  # the system may know of it for a moment longer
    assert watchdog._look_at(RealThread()) > ("wall", 0, False)  # of a thread that has not begun


def looks(
    monkeypatch: pytest.MonkeyPatch,
    seen: Iterable[tuple[float, bool]],
    clocks: Iterable[str] = repeat("cpu"),
) -> None:
    """Watch a thread that makes no step, with what is seen of it: seconds, and if it sleeps."""
    script = ((clock, *look) for look, clock in zip(seen, clocks, strict=False))
    following: list[tuple[str, float, bool]] = []  # the next, or nothing at the end

    def wait(**_: float) -> bool:
        following[:] = islice(script, 1)
        return not following

    monkeypatch.setattr(watchdog, "_look_at", lambda _: following[0])
    watchdog._watch(Scheduler(stepped=frozenset(), limit=1), wait, lambda: None)


def test_thread_that_sleeps_and_gets_no_cpu_time_is_blocked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks(monkeypatch, [(1.0, True)] * 20)
    with pytest.raises(Uncontrolled, match="blocks"):
        looks(monkeypatch, [(1.0, True)] * 22)


def test_thread_that_ends_between_two_looks_has_not_computed_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of its CPU seconds the system then tells no more, and the other clock is at another time."""
    looks(monkeypatch, [(0.3, False), (7200.0, False), (7200.1, False)], ["cpu", "wall", "wall"])
    with pytest.raises(Uncontrolled, match="has computed for 10 s"):
        looks(monkeypatch, [(7200.0, False), (7210.0, False)], ["wall", "wall"])


def test_thread_that_gets_no_core_is_not_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    looks(monkeypatch, [(1.0, False)] * 10_000)
    looks(monkeypatch, [(1.0, True), (1.0, False)] * 90)


def test_thread_that_is_given_its_turn_is_not_blocked_while_the_giver_has_no_core(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(RealThread, "is_given_its_turn", lambda _: True)
    looks(monkeypatch, [(1.0, True)] * 90)
    with pytest.raises(Uncontrolled, match="blocks"):  # but not for ever
        looks(monkeypatch, [(1.0, True)] * 102)


def test_thread_that_waits_for_its_turn_is_told_from_one_that_waits_for_anything_else() -> None:
    first, second = RealThread(), RealThread()

    def run() -> None:
        first.is_the_caller()
        first.hand_over_to(second)
        second.semaphore.acquire()

    thread = threading.Thread(target=run)
    thread.start()
    assert wait_for(first.is_given_its_turn)
    second.semaphore.acquire()
    first.semaphore.release()
    assert wait_for(lambda: not first.is_given_its_turn())
    assert thread.is_alive()
    second.semaphore.release()
    thread.join()


def test_thread_that_wakes_now_and_then_to_no_end_is_blocked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(Uncontrolled, match="blocks"):
        looks(monkeypatch, [(number / 1e6, True) for number in range(102)])


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a process")
def test_ctrl_c_ends_an_exploration(tmp_path: Path) -> None:
    file, begun = tmp_path / "endless.py", tmp_path / "begun"
    file.write_text(
        "import threading\n"
        "def program():\n"
        f"    open({str(begun)!r}, 'a').close()\n"
        "    threads = [threading.Thread(target=work) for _ in range(4)]\n"
        "    for thread in threads: thread.start()\n"
        "    for thread in threads: thread.join()\n"
        "shared = [0]\n"
        "def work():\n"
        "    for _ in range(50): shared[0] += 1\n"
    )
    code = (
        "import signal, sys; from conlab.cli import obey\n"
        # A shell has it ignored in what it runs in the background, such as these tests.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"command = ['explore', {f'{file}:program'!r}, '--bound', '9', '--schedules', '99999999']\n"
        "sys.exit(obey(command))"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    with child:
        try:
            assert wait_for(begun.exists)  # from then on any moment will do
            child.send_signal(signal.SIGINT)
            _, errors = child.communicate(timeout=patience(SOON))
        finally:
            child.kill()
    assert child.returncode == INTERRUPTED
    assert errors == "conlab: interrupted\n"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"reading": "python"}, "there is no reading 'python'"),
        ({"bound": -1}, "a bound of -1 preemptions makes no sense"),
    ],
)
def test_arguments_that_cannot_be_are_explained(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        explore(two_threads(int), **options)  # type: ignore[arg-type]  # wrong on purpose


def test_program_without_a_file_is_explained() -> None:
    with pytest.raises(UserError, match="cannot tell in which file"):
        explore(int("7").bit_length)


def test_wait_in_c_for_what_a_paused_thread_holds_is_refused_and_no_failure(tmp_path: Path) -> None:
    """A database sleeps again and again, for a while, and then raises an error."""
    file = tmp_path / "shared.db"
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("create table numbers (number)")
        connection.commit()

    def insert() -> None:
        with contextlib.closing(sqlite3.connect(file, timeout=patience(2))) as connection:
            connection.execute("insert into numbers values (1)")
            connection.commit()

    with pytest.raises(Uncontrolled, match=r"blocks at .*; paused meanwhile, .*: Thread-\d"):
        explore(two_threads(insert), reading="bytecode")


def test_process_that_would_outlive_the_refusal_is_not_started() -> None:
    def program() -> None:
        multiprocessing.get_context("spawn").Process(target=int).start()

    with pytest.raises(Uncontrolled, match=r"test_refusals\.py:\d+: .* starts another process"):
        explore(program)
    assert not multiprocessing.active_children()


def test_pool_of_threads_is_controlled() -> None:
    def program() -> list[int]:
        with ThreadPool(1) as pool:
            return pool.map(abs, [-1, 2])

    verdict = explore(program, check=[1, 2].__eq__, schedules=60, bound=0)
    assert (verdict.failing, verdict.schedules > 1) == (0, True)
    with ThreadPool(1) as pool:
        assert pool.map(abs, [-3]) == [3]
