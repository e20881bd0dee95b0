"""The modelled primitives pass CPython's own tests of them, where the installation has these."""

import queue
import threading
import unittest
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from conlab.explorer import explore

ABSENT = "this installation of Python comes without CPython's own tests"
lock_tests: Any = pytest.importorskip("test.lock_tests", reason=ABSENT)
queue_tests: Any = pytest.importorskip("test.test_queue", reason=ABSENT)

TESTED: dict[str, dict[str, Callable[..., Any]]] = {
    "LockTests": {"locktype": lambda: threading.Lock()},
    "RLockTests": {"locktype": lambda: threading.RLock()},
    "EventTests": {"eventtype": threading.Event},
    "ConditionTests": {"condtype": threading.Condition},
    "SemaphoreTests": {"semtype": threading.Semaphore},
    "BoundedSemaphoreTests": {"semtype": threading.BoundedSemaphore},
    "BarrierTests": {"barriertype": threading.Barrier},
}
METHODS = [
    (suite, name)
    for suite in TESTED
    for name in unittest.TestLoader().getTestCaseNames(getattr(lock_tests, suite))
]
QUEUE_METHODS = unittest.TestLoader().getTestCaseNames(queue_tests.BaseSimpleQueueTest)
TOO_LONG = "it hands a thousand items from fifty threads to fifty, which here takes a minute"
IDS = [f"{suite}-{name}" for suite, name in METHODS]
SCHEDULES = 20  # of a test, without a preemption: its threads come in as many orders


@pytest.fixture(autouse=True)
def _threads_of_threading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the tests start threads that are controlled, and count none that are not."""

    def start(function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        threading.Thread(target=function, args=arguments).start()

    monkeypatch.setattr(lock_tests, "start_new_thread", start)
    helper = lock_tests.threading_helper
    monkeypatch.setattr(helper, "wait_threads_exit", lambda _=None: nullcontext())
    monkeypatch.setattr(helper, "threading_setup", lambda: ())
    monkeypatch.setattr(helper, "threading_cleanup", lambda: None)


@pytest.mark.parametrize(("suite", "name"), METHODS, ids=IDS)
def test_passes(suite: str, name: str) -> None:
    kind = type(
        suite,
        (getattr(lock_tests, suite),),
        {attribute: staticmethod(new) for attribute, new in TESTED[suite].items()},
    )

    def program() -> None:
        test = kind(name)
        test.setUp()
        getattr(test, name)()
        test.tearDown()

    verdict = explore(program, bound=0, schedules=SCHEDULES, reading="bytecode", reduction=False)
    assert not verdict.failing, verdict.witness


@pytest.mark.parametrize("name", QUEUE_METHODS)
def test_simple_queue_passes(name: str) -> None:
    if "many_threads" in name:
        pytest.skip(TOO_LONG)

    class SimpleQueueTests(queue_tests.BaseSimpleQueueTest, unittest.TestCase):  # type: ignore[misc]
        def setUp(self) -> None:
            self.queue = queue
            self.type2test = queue.SimpleQueue
            super().setUp()

    def program() -> None:
        test = SimpleQueueTests(name)
        test.setUp()
        getattr(test, name)()

    verdict = explore(program, bound=0, schedules=SCHEDULES, reading="bytecode", reduction=False)
    assert not verdict.failing, verdict.witness
