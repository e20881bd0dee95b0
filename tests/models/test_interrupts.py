"""Ctrl-C waits for the end of a block that holds a lock, and for nothing else."""

import concurrent.futures
import signal
import sys
import threading
import time
from concurrent.futures import Future
from typing import Any

import pytest

from tests.models import jobs
from workloads.models import interpreters, interrupts, processes
from workloads.models.interrupts import Deferral

NEVER = 100_000.0  # seconds: long after the time limit of any test


def test_ctrl_c_comes_at_the_end_of_a_block_and_elsewhere_at_once() -> None:
    deferral, steps = Deferral(), []

    def interrupted(step: str) -> None:
        signal.raise_signal(signal.SIGINT)
        steps.append(step)

    def interrupted_in_a_block() -> None:
        with deferral:
            interrupted("the block is done")

    with deferral.installed():
        with pytest.raises(KeyboardInterrupt):
            interrupted_in_a_block()
        with pytest.raises(KeyboardInterrupt):
            interrupted("never")
        with deferral:
            steps.append("it came once")
    assert steps == ["the block is done", "it came once"]


@pytest.mark.parametrize("starting", [True, False], ids=["starting", "running"])
@pytest.mark.parametrize("method", ["submit", "add_done_callback"])
@pytest.mark.parametrize(
    ("module", "executor", "settings"),
    [
        (processes, "ProcessPoolExecutor", {"workers": 1, "start_method": "forkserver"}),
        (interpreters, "InterpreterPoolExecutor", {"workers": 1}),
    ],
    ids=["processes", "interpreters"],
)
def test_ctrl_c_waits_for_what_has_a_lock_of_the_pool(
    module: Any,
    executor: str,
    settings: dict[str, Any],
    method: str,
    starting: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if reason := module.absent():
        pytest.skip(reason)
    monkeypatch.setattr(module, "START_LIMIT", NEVER)  # nothing else may end its wait for workers
    owner = Future if method == "add_done_callback" else getattr(concurrent.futures, executor)
    really, ended = getattr(owner, method), []

    def interrupted(*arguments: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        ended.append(really(*arguments))
        return ended[-1]

    def interrupt_a_run() -> None:
        if starting:
            monkeypatch.setattr(owner, method, interrupted)
        with module.pool(None, **settings) as run:
            monkeypatch.setattr(owner, method, interrupted)
            list(run(abs, [1]))

    with pytest.raises(KeyboardInterrupt):
        interrupt_a_run()
    assert len(ended) == 1


class Awaited(Future[None]):
    """Never ends, and says when somebody is about to wait for it."""

    awaited = False

    def add_done_callback(self, fn: Any) -> None:
        super().add_done_callback(fn)
        self.awaited = True


@pytest.mark.skipif(sys.platform != "linux", reason="sees in /proc that a thread waits")
def test_ctrl_c_that_does_not_end_the_wait_in_c_is_heard_all_the_same() -> None:
    """As when it comes just before: here another thread takes the signal, which wakes nobody."""
    future, main = Awaited(), threading.get_native_id()

    def interrupt() -> None:
        jobs.wait_until(lambda: future.awaited and jobs.waits_in_c(main))
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    other, deferral = threading.Thread(target=interrupt), Deferral()
    with deferral.installed():
        other.start()
        with pytest.raises(KeyboardInterrupt):
            deferral.wait_for(future)
    other.join()


def test_a_wait_ends_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "LOOK", NEVER)  # it does not wait for the next look
    never: Future[None] = Future()
    before = time.monotonic()
    Deferral().wait_for(never, 0.01)
    assert not never.done()
    assert time.monotonic() - before >= 0.01


def test_ctrl_c_is_what_it_was_afterwards() -> None:
    with pytest.raises(ZeroDivisionError), Deferral().installed():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_another_made_of_ctrl_c_is_left_alone() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Deferral().installed():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def test_a_thread_that_never_hears_of_ctrl_c_leaves_it_alone() -> None:
    seen = []

    def install() -> None:
        with Deferral().installed():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=install)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
