"""`--together` and the mark: the body of a test run several times at once."""

import pytest

from tests.explorer.in_pytest.runs import differing, ended, run, said
from tests.patience import patience

pytest_plugins = ["pytester"]

TESTS = """
import asyncio
import threading
import pytest
from library import LockedStore, Shelf, Store

@pytest.fixture
def shelf():
    return Shelf(5)

@pytest.fixture
def store():
    return Store()

@pytest.fixture
def locked():
    return LockedStore()

def test_evict(store):
    store.put("a", 1)
    store.evict("a")

def test_evict_locked(locked):
    locked.put("a", 1)
    locked.evict("a")

def test_assumes_to_be_alone(locked):
    locked.put("a", 1)
    locked.evict("a")
    locked.put("a", 2)
    assert locked.get("a") == 2

def test_put_back(shelf):
    shelf.put_back()
    shelf.put_back()
    assert shelf.number >= 7

def test_of_its_own():
    assert Shelf(1).take()

def test_once(store):
    assert not store.data
    store.put("a", 1)

def test_captures(store, capsys):
    store.put("a", 1)

def test_folder(store, tmp_path):
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("")
    store.put("a", 1)
    assert len(list(tmp_path.iterdir())) == 1

async def test_tasks(store):
    store.put("a", 1)
    await asyncio.sleep(0)
    store.evict("a")

async def test_tasks_in_the_way(store):
    number = len(store.data)
    await asyncio.sleep(0)
    store.put(number, 1)
    assert number not in store.data or len(store.data) > number
    if number == 0 and len(store.data) == 1:
        store.data[number] = store.data[number] + 1
        await asyncio.sleep(0)
        assert store.data[number] == 2

def test_skipped():
    pytest.skip("not here")
"""


@pytest.mark.timeout(300)
def test_the_bodies_of_tests_run_at_once(pytester: pytest.Pytester) -> None:
    result = run(pytester, TESTS, "--together", "2", f"--explore-seconds={patience(5):.0f}")
    ends, told = ended(result), said(result)
    report = result.stdout.str()

    assert ends["test_evict"] == "failed", report
    assert told["test_evict"].startswith("KeyError from the code under test with 2 bodies at once")
    assert "shared: the content of a dict" in told["test_evict"]
    assert "del self.data[key]" in report

    assert ends["test_evict_locked"] == "passed"
    assert "passes every schedule" in told["test_evict_locked"] or "-v" in told

    assert ends["test_assumes_to_be_alone"] == "passed"
    assert (
        "set aside, as it fails where each call is one step: AssertionError"
        in (told["test_assumes_to_be_alone"])
    )

    assert ends["test_put_back"] == "failed"
    assert told["test_put_back"].startswith("the test's own assertion fails with 2 bodies at once")

    assert ends["test_of_its_own"] == "skipped"
    assert told["test_of_its_own"].startswith(
        "no verdict: the 2 bodies shared nothing that is stepped (test_it.py, library.py). What"
        " each makes for itself is shared if a fixture makes it"
    )

    assert ends["test_once"] == "skipped"
    assert told["test_once"].startswith("cannot run twice: one after the other, it raised Assert")

    assert ends["test_captures"] == "skipped"
    assert "its fixture 'capsys' is for the whole process" in told["test_captures"]

    assert ends["test_folder"] == "passed"
    assert ends["test_tasks"] == "passed"
    assert ends["test_skipped"] == "skipped"
    assert "test_skipped" not in told


MARKED = """
import pytest
from library import Shelf

@pytest.mark.together(2)
def test_of_its_own():
    assert Shelf(1).take()

@pytest.mark.together
def test_lock_in_both_orders(two_locks):
    first, second = two_locks
    two_locks.reverse()
    with first:
        with second:
            pass

@pytest.fixture
def two_locks():
    import threading
    return [threading.Lock(), threading.Lock()]

@pytest.mark.together(1)
def test_one(): ...

def test_ordinary(): ...
"""


def test_a_mark_insists_on_a_verdict(pytester: pytest.Pytester) -> None:
    result = run(pytester, MARKED)
    assert ended(result) == {
        "test_of_its_own": "failed",
        "test_lock_in_both_orders": "failed",
        "test_one": "failed",
        "test_ordinary": "passed",
    }
    report = result.stdout.str()
    assert "no verdict: the 2 bodies shared nothing" in report
    assert "a deadlock with 2 bodies at once, and in no serial order" in report
    assert "1 together make no sense: say 2 to 5" in report


def test_what_starts_the_bodies_is_not_taken_to_touch_everything(
    pytester: pytest.Pytester,
) -> None:
    result = run(
        pytester,
        """
        import pytest
        from library import Store

        @pytest.fixture
        def store():
            store = Store()
            store.put("b", eval("1"))  # nobody knows what that touches
            return store

        def test_put(store):
            store.put("a", 1)
            "a" in store.data
        """,
        "--together",
        "2",
    )
    # Each body writes and then looks: 52 where the start of the second touches all that the first
    # does.
    assert differing(result, "test_put") == 18


def test_an_assertion_is_met_again_however_much_longer_the_second_search_takes(
    pytester: pytest.Pytester,
) -> None:
    """By a clock that hardly moves the first took no time: twice as long would be none, too."""
    pytester.makeconftest(
        """
        from itertools import count
        from types import SimpleNamespace
        from conlab.explorer.in_pytest import together

        together.time = SimpleNamespace(monotonic=count(step=1e-6).__next__)
        """
    )
    result = run(pytester, TESTS, "--together", "2", "-k", "put_back")
    assert ended(result) == {"test_put_back": "failed"}
    assert said(result)["test_put_back"].startswith("the test's own assertion fails with 2 bodies")


def test_processes_of_xdist_explore_as_well(pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist", reason="it shares tests among processes")
    result = run(pytester, TESTS, "--together=2", "-n", "1", "-k", "evict")
    assert "1 failed, 1 passed" in result.stdout.str()
    assert said(result)["test_evict"].startswith("KeyError from the code under test")
