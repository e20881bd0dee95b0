"""The mark `explore`: the body of a test is the program, and its asserts are the check."""

import re

import pytest

from tests.explorer.in_pytest.runs import differing, ended, run, said

pytest_plugins = ["pytester"]

BROKEN = """
import asyncio
import pytest
from library import Shelf, two

@pytest.fixture
def shelf():
    shelf = Shelf(1)
    yield shelf
    assert shelf.number <= 0

@pytest.mark.explore(bound=2)
def test_two_takers(shelf):
    got = []
    two(lambda: got.append(shelf.take()))
    assert sum(got) == 1

@pytest.mark.explore
async def test_two_tasks():
    number = [0]
    async def add():
        seen = number[0]
        await asyncio.sleep(0)
        number[0] = seen + 1
    await asyncio.gather(add(), add())
    assert number[0] == 2

@pytest.mark.explore(check="serial")
def test_serial(shelf):
    got = []
    two(lambda: got.append(shelf.take()))
    return sum(got)
"""


def test_a_test_fails_by_the_schedule_that_breaks_it(pytester: pytest.Pytester) -> None:
    result = run(pytester, BROKEN)
    assert ended(result) == dict.fromkeys(
        ("test_two_takers", "test_two_tasks", "test_serial"), "failed"
    )
    report = result.stdout.str()
    assert "AssertionError: assert 2 == 1" in report
    assert "stepped: test_it.py, library.py" in report
    assert "the serial orders return only 1" in report
    assert "line None" not in report
    assert "self.number" in report  # the line that races, in the library
    for internal in ("Exploration(", "Witness(", "_pytest", "exploring.py", "execution.py"):
        # A folder for temporary files may be called my_pytest.
        assert not re.search(rf"(?<!\w){re.escape(internal)}", report)
    assert "fails in" in said(result)["test_two_takers"]


RIGHT = """
import unittest
import pytest
from library import Shelf, two

MADE = []

@pytest.fixture
def shelf():
    MADE.append(1)
    assert len(MADE) == 1, "the module is set back before each execution"
    yield Shelf(2)
    MADE.append(2)

@pytest.fixture(scope="module")
def wide():
    return {"numbers": [1]}

@pytest.fixture
async def late():
    yield "made in the loop of the test"

@pytest.mark.explore
def test_enough(shelf):
    got = []
    two(lambda: got.append(shelf.take()))
    assert sum(got) == 2

@pytest.mark.explore
def test_what_is_wide_is_set_back(wide):
    wide["numbers"].append(2)
    assert wide["numbers"] == [1, 2]

@pytest.mark.explore
@pytest.mark.parametrize("number", [1, 2])
def test_parameters(number, tmp_path, capsys, monkeypatch):
    print(number)
    assert capsys.readouterr().out == f"{number}\\n"
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMBER", str(number))

@pytest.mark.explore
async def test_an_async_fixture(late):
    assert late.startswith("made")

class TestClass:
    def setup_method(self):
        self.seen = []

    @pytest.mark.explore
    def test_each_execution_has_an_instance_of_its_own(self):
        two(lambda: self.seen.append(1))
        assert len(self.seen) == 2

class TestCase(unittest.TestCase):
    def setUp(self):
        self.seen = []
        self.addCleanup(self.seen.clear)

    @pytest.mark.explore
    def test_case(self):
        two(lambda: self.seen.append(1))
        self.assertEqual(self.seen, [1, 1])

@pytest.mark.explore
def test_skipped():
    pytest.skip("not here")

@pytest.mark.explore
@pytest.mark.xfail
def test_expected_to_fail():
    assert False

def test_ordinary(shelf):
    assert not shelf.number == 1
"""


def test_a_test_passes_when_every_schedule_does(pytester: pytest.Pytester) -> None:
    result = run(pytester, RIGHT)
    ends = ended(result)
    assert ends.pop("test_skipped") == "skipped"
    assert ends.pop("test_expected_to_fail") == "xfail"
    assert set(ends.values()) == {"passed"}, result.stdout.str()
    assert len(ends) == 8
    assert "passes every schedule" in said(result)["test_enough"]


BESIDE = """
import threading
import pytest
from library import Store

@pytest.mark.explore
def test_beside():
    store, own = Store(), Store()
    thread = threading.Thread(target=lambda: store.put("a", 1))
    thread.start()
    own.put("b", 2)
    own.evict("b")
    "a" in store.data
    thread.join()
"""


def test_what_the_test_itself_does_beside_its_threads_is_known(pytester: pytest.Pytester) -> None:
    result = run(pytester, BESIDE)
    assert differing(result, "test_beside") == 3


REFUSED = """
import os
import threading
import pytest

@pytest.fixture(scope="module")
def held():
    return {"deep": [threading.Lock()]}

@pytest.fixture(scope="module")
async def loop_outside():
    return 1

@pytest.fixture(scope="module")
def wide():
    return 1

@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    os.read(reading, 1)

@pytest.mark.explore
def test_held(held): ...

@pytest.mark.explore
async def test_loop(loop_outside): ...

@pytest.mark.explore
def test_asked_for(request):
    request.getfixturevalue("wide")

@pytest.mark.explore
def test_pipe(pipe): ...

@pytest.mark.explore(bond=2)
def test_misspelt(): ...

@pytest.mark.explore(2)
def test_positional(): ...

@pytest.mark.explore(step="json")
def test_one_step(): ...

@pytest.mark.explore(step=["no_such_module"])
def test_no_module(): ...

@pytest.mark.explore(check=len)
def test_check(): ...

@pytest.mark.explore
def test_good(): ...
"""
REASONS = {
    "test_held": "fixture 'held' (module) holds a lock",
    "test_asked_for": "fixture 'wide' (module) is asked for in the middle of a run",
    "test_pipe": "fixture 'pipe': ",
    "test_misspelt": "knows no 'bond'",
    "test_positional": "takes names only, not 2",
    "test_one_step": "say step=['json']",
    "test_no_module": "'no_such_module' cannot be stepped",
    "test_check": "the asserts of the test are its check",
}


def test_what_cannot_be_explored_is_refused_by_name(pytester: pytest.Pytester) -> None:
    result = run(pytester, REFUSED)
    ends = ended(result)
    assert ends.pop("test_good") == "passed"
    ends.pop("test_loop")
    assert ends == dict.fromkeys(REASONS, "failed")
    report = result.stdout.str()
    for reason in REASONS.values():
        assert reason in report


def test_the_verdict_of_the_fixture_is_shown_short(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import library
        from library import Shelf, two

        def test_mine(explore):
            def program():
                shelf, got = Shelf(1), []
                two(lambda: got.append(shelf.take()))
                return sum(got)
            files = [__file__, library.__file__]
            options = {"check": lambda value: value == 1, "reading": "bytecode"}
            assert not explore(program, stepped=files, **options).failing
        """,
    )
    report = result.stdout.str()
    assert "<Exploration: fails in" in report
    assert "Exploration(" not in report
    assert "Witness(" not in report
