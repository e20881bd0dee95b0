"""The modelled primitives pass CPython's own tests of them, where the installation has these."""

import itertools
import queue
import threading
import unittest
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from conlab.explorer.programs.scope import scope_of
from conlab.explorer.search.enumeration import enumerate_schedules
from conlab.explorer.session import Subject, opened
from conlab.explorer.threads.scheduler import RestartSearch
from conlab.explorer.threads.watchdog import supervise
from tests.explorer.threads.test_reduction import LIMIT, end_of

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


def outcomes_of_some(program: Callable[[], None]) -> set[Any]:
    """Return how a program ends under the first schedules without a preemption."""
    scope = scope_of(program, None)
    with opened(Subject(program, scope, limit=LIMIT)) as session:

        def search() -> set[Any]:
            ends: set[Any] = set()

            def execute(schedule: Any) -> None:
                ends.add(end_of(session.execute(schedule), session.scheduler.died))

            while True:
                try:
                    for _ in itertools.islice(enumerate_schedules(execute, 0), SCHEDULES):
                        pass
                except RestartSearch:
                    session.step(True)
                    ends.clear()
                else:
                    return ends

        return supervise(session.scheduler, search, lambda: None)


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

    assert outcomes_of_some(program) == {("None",)}


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

    assert outcomes_of_some(program) == {("None",)}
