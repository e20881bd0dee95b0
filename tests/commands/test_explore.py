"""`conlab explore` and the fixture `explore`, as a reader of another project meets them."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from conlab.cli import obey
from conlab.commands.explore import NO_VERDICT
from conlab.explorer import Exploration

pytest_plugins = ["pytester"]

SCRIPT = """\
import threading
from threading import Lock

count = 0
lock = Lock()

def work():
    global count
    with lock:
        seen = count
    {guard}count = seen + 1

threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("counted", count)
assert count == 2, count
"""


def test_script_that_can_fail_is_shown_failing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "script.py"
    file.write_text(SCRIPT.format(guard=""))
    assert obey(["explore", str(file)]) == 1
    out, err = capsys.readouterr()
    assert "script.py raised AssertionError: 1, with 1 preemption:" in out
    assert "* races for count" in out
    assert "counted 1" not in out  # the program's own prints, thousands of them
    assert err == ""  # progress is for a terminal


def test_function_that_cannot_fail_passes_every_schedule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "safe.py"
    file.write_text(
        "import threading\n"
        "def program():\n"
        "    got = []\n"
        "    thread = threading.Thread(target=got.append, args=(1,))\n"
        "    thread.start()\n"
        "    thread.join()\n"
        "    return got\n"
        "def holds(got):\n"
        "    return got == [1]\n"
    )
    assert obey(["explore", f"{file}:program", "--bound", "1", "--plain"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "passes every schedule, 1 in all (up to 1 preemption, reading bytecode)" in said
    assert obey(["explore", f"{file}:program", "--bound", "1"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "passes every schedule, 1 in all (any number of preemptions, reading bytecode)" in said


def test_the_engine_can_be_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "safe.py"
    file.write_text(
        "import threading\n"
        "def program():\n"
        "    thread = threading.Thread(target=int)\n"
        "    thread.start()\n"
        "    thread.join()\n"
    )
    assert obey(["explore", f"{file}:program", "--engine", "threads"]) == 0
    assert "passes every" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        obey(["explore", f"{file}:program", "--engine", "fibers"])
    assert "invalid choice: 'fibers'" in capsys.readouterr().err


def test_oracle_named_holds_judges_what_the_function_returns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "judged.py"
    file.write_text(
        "def program(): return 1\ndef holds(n): return n == 2\ndef odd(n): return n % 2\n"
    )
    assert obey(["explore", f"{file}:program"]) == 1
    assert obey(["explore", f"{file}:program", "--check", "odd"]) == 0
    assert "judged.py:program returned 1" in capsys.readouterr().out


def test_a_witness_that_cannot_be_saved_is_said_before_anything_is_explored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "script.py"
    file.write_text(SCRIPT.format(guard=""))
    assert obey(["explore", str(file), "--save", str(tmp_path / "nowhere" / "w.json")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("w.json: there is no such folder to write into\n")


BUSY = """\
import threading
def program():
    counts = {}
    def count(name):
        for _ in range(3):
            counts[name] = counts.get(name, 0) + 1
    threads = [threading.Thread(target=count, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts
"""


def test_a_search_without_an_end_says_what_it_has_and_that_the_rest_proves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "busy.py"
    file.write_text(BUSY)
    assert obey(["explore", f"{file}:program", "--schedules", "90"]) == NO_VERDICT
    said = " ".join(capsys.readouterr().out.split())
    drawn = 28 if sys.version_info < (3, 12) else 25  # where three meet code for the first time
    assert f"not exhausted in 90 schedules); found nothing in {drawn} sampled schedules" in said
    assert "sampled: drawn by chance" in said
    assert "predicted: a race for" in said
    assert "predicted: an execution shows that it could happen" in said


def test_samples_that_find_nothing_are_no_failure_and_the_same_from_the_same_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "busy.py"
    file.write_text(BUSY)
    said = []
    for _ in range(2):
        assert obey(["explore", f"{file}:program", "--sample", "20", "--seed", "4"]) == 0
        said.append(capsys.readouterr().out.partition("stepped:")[0])
    assert "found nothing in 20 sampled schedules, which proves nothing" in " ".join(
        said[0].split()
    )
    assert said[0] == said[1]


def test_the_help_says_which_budget_is_the_same_everywhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        obey(["explore", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "the same verdict on every machine, as in CI" in said
    assert "how far that comes depends on the machine" in said


def test_the_witness_is_printed_when_it_is_found_and_not_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "script.py"
    file.write_text(SCRIPT.format(guard=""))
    obey(["explore", str(file)])
    out = " ".join(capsys.readouterr().out.split())
    assert out.count("script.py raised AssertionError") == 1
    assert out.index("raised AssertionError") < out.index("fails in")


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("nowhere.py", "there is no file nowhere.py: say FILE.py, FILE.py:FUNCTION or"),
        ("nowhere.py:f", "there is no file nowhere.py: say FILE.py, FILE.py:FUNCTION or"),
        ("nowhere:f", "there is no module 'nowhere' that could be imported from here"),
        ("nowhere", "there is no file nowhere: say FILE.py, FILE.py:FUNCTION or"),
        ("{file}:g", "mine.py has no function 'g'"),
        ("{broken}", "is no Python"),
        ("{broken}:f", "importing"),
    ],
)
def test_target_that_cannot_be_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str, sentence: str
) -> None:
    file, broken = tmp_path / "mine.py", tmp_path / "broken.py"
    file.write_text("def f(): pass\n")
    broken.write_text("def f(:\n")
    assert obey(["explore", target.format(file=file, broken=broken)]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error


def test_fixture_explores(explore: Callable[..., Exploration]) -> None:
    count = 0

    def add() -> None:
        nonlocal count
        count += 1

    def program() -> int:
        threads = [threading.Thread(target=add) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return count

    assert explore(program, check=lambda count: count == 2, reading="bytecode").failing == 2


def test_failing_schedule_stands_in_the_report_of_a_failing_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import threading

        def test_mine(explore):
            seen = [0]

            def add():
                seen[0] += 1

            def program():
                threads = [threading.Thread(target=add) for _ in range(2)]
                for thread in threads: thread.start()
                for thread in threads: thread.join()
                return seen[0]

            assert not explore(program, check=lambda n: n == 2, reading="bytecode").failing
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*failing schedule*", "*returned 1, with 1 preemption*"])
