"""`conlab explore` and the fixture `explore`, as a reader of another project meets them."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conlab.cli import obey
from conlab.commands.explore import NO_VERDICT
from conlab.explorer import Exploration
from tests.patience import patience

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


@pytest.fixture
def another_thread() -> Iterator[None]:
    """Let a thread run, so that processes of the explorer cannot be forked."""
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait, name="another")
    thread.start()
    yield
    ended.set()
    thread.join()


@pytest.mark.usefixtures("another_thread")
def test_a_program_that_was_changed_within_the_second_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytecode, had it been kept, would be told from this one by second and size alone."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)  # whatever the environment asks for
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    file = tmp_path / "changing.py"
    for result in (False, True):
        file.write_text(f"def program():\n    return {result!s:5}\n\n\nholds = bool\n")
        os.utime(file, (1_700_000_000, 1_700_000_000))
        assert obey(["explore", f"{file}:program", "--processes", "2"]) == (0 if result else 1)
    assert not [*tmp_path.rglob("*.pyc")]


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
    assert "passes every" in " ".join(capsys.readouterr().out.split())
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
    assert err.endswith("/nowhere\n")


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
    assert "not exhausted in 90 schedules); found nothing in 28 sampled schedules" in said
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


# -- what is pointed at ----------------------------------------------------------------------------

RACE = """\
class Stock:
    def __init__(self, count):
        self.count = count

    def take(self):
        if self.count > 0:
            self.count -= 1
            return True
        return False
"""
SHOP = """\
import threading
{imports}

def program():
    stock = Stock(1)
    got = []
    threads = [threading.Thread(target=lambda: got.append(stock.take())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(got)

def holds(taken):
    return taken == 1
{rest}"""
MAIN = "if __name__ == '__main__':\n    assert program() == 1\n"


def explored(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, as a reader does in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "conlab", "explore", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(60),
    )


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project with a package and a race in it, as a reader may have it."""
    (tmp_path / "pyproject.toml").touch()
    package = tmp_path / "src" / "shop"
    (package / "tills").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "tills" / "__init__.py").touch()
    (package / "stock.py").write_text(RACE)
    (package / "app.py").write_text(SHOP.format(imports="from .stock import Stock", rest=MAIN))
    (package / "tills" / "till.py").write_text(
        SHOP.format(imports="from ..stock import Stock\nfrom shop import app", rest="")
    )
    return tmp_path


@pytest.mark.parametrize(
    ("target", "stepped"),
    [
        ("src/shop/app.py:program", "src/shop/app.py, src/shop/stock.py"),
        ("src/shop/app.py", "src/shop/app.py, src/shop/stock.py"),
        ("src/shop/tills/till.py:program", "src/shop/stock.py, src/shop/app.py"),
    ],
)
def test_a_file_inside_a_package_is_imported_as_what_it_is(
    shop: Path, target: str, stepped: str
) -> None:
    done = explored(shop, target, "--processes", "1")
    assert done.returncode == 1, done.stderr
    assert "returned 2" in done.stdout or "raised AssertionError" in done.stdout
    assert stepped in done.stdout


def test_a_module_is_named_as_python_imports_it(shop: Path) -> None:
    done = explored(shop / "src", "shop.tills.till:program")
    assert done.returncode == 1, done.stderr
    assert "shop.tills.till:program fails in" in done.stdout


def test_a_package_without_init_is_one_too(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    folder = tmp_path / "bare" / "deep"
    folder.mkdir(parents=True)
    (tmp_path / "bare" / "stock.py").write_text(RACE)
    (folder / "app.py").write_text(SHOP.format(imports="from ..stock import Stock", rest=""))
    done = explored(tmp_path, "bare/deep/app.py:program")
    assert done.returncode == 1, done.stderr


def test_step_adds_and_step_only_replaces_and_what_is_left_out_is_named(shop: Path) -> None:
    only = explored(shop, "src/shop/app.py:program", "--step-only", "src/shop/app.py")
    assert only.returncode == 0, only.stderr
    assert "stepped: src/shop/app.py\n" in only.stdout
    assert "imported and not stepped, so no switch is seen there: src/shop/stock.py" in only.stdout
    added = explored(shop, "src/shop/app.py:program", "--step", "wsgiref", "--step", "heapq")
    assert added.returncode == 1
    assert "heapq.py" in added.stdout
    wrong = explored(shop, "src/shop/app.py:program", "--step", "./nowhere.py")
    assert wrong.returncode == 2
    assert "nowhere.py cannot be stepped: there is no such file in" in wrong.stderr


def test_a_long_list_of_what_is_stepped_is_folded(tmp_path: Path) -> None:
    imports = "\n".join(f"import part{number}" for number in range(9))
    for number in range(9):
        (tmp_path / f"part{number}.py").write_text("x = 1\n")
    (tmp_path / "all.py").write_text(f"import threading\n{imports}\n{THREAD}")
    said = explored(tmp_path, "all.py:program").stdout
    assert "stepped: all.py, part0.py, part1.py, part2.py, part3.py, part4.py and 4 more" in said


THREAD = """
def program():
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
"""


def test_it_is_said_that_a_failure_needs_a_switch_which_this_build_does_not_make(
    tmp_path: Path,
) -> None:
    (tmp_path / "safe.py").write_text(SHOP.format(imports=RACE, rest=""))
    (tmp_path / "app.py").write_text(
        SHOP.format(imports=RACE.replace("if self.count > 0", "if abs(self.count) > 0"), rest="")
    )
    safe, unsafe = (explored(tmp_path, f"{name}.py:program") for name in ("safe", "app"))
    assert (safe.returncode, unsafe.returncode) == (1, 1)
    accident = "safe by accident: this build of CPython with its GIL does not switch there"
    has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    assert (accident in safe.stdout) == has_gil
    assert accident not in unsafe.stdout


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [
        (
            "tested.py",
            "import pytest\nasync def test_order(): pass\nclass TestIt:\n def test_a(self): pass\n",
            "tested.py holds tests (test_order, TestIt.test_a), and as a script it runs none of",
        ),
        (
            "only_defines.py",
            "def helper(x): pass\ndef program(): pass\n",
            "so nothing was explored: name a function of it, as {}:program",
        ),
        (
            "takes_arguments.py",
            "import argparse\np = argparse.ArgumentParser()\np.add_argument('n')\np.parse_args()\n",
            "has ended in its command line: the following arguments are required: n",
        ),
    ],
)
def test_a_file_that_runs_nothing_as_a_script_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, text: str, sentence: str
) -> None:
    path = tmp_path / file
    path.write_text(text)
    assert obey(["explore", str(path)]) == NO_VERDICT
    out, err = capsys.readouterr()
    assert sentence.format(path) in err
    assert "passes" not in out


@pytest.mark.parametrize("function", ["stop", "alarm", "fork_bomb", "own_handler"])
def test_what_would_end_or_interrupt_the_process_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], function: str
) -> None:
    if function == "alarm" and not hasattr(signal, "alarm"):
        pytest.skip("this system has no signal.alarm")
    file = tmp_path / "ends.py"
    file.write_text(
        "import os, signal\nfrom os import _exit\nfrom signal import signal as handle\n"
        "def stop(): _exit(0)\ndef alarm(): signal.alarm(1)\n"
        "def fork_bomb(): os.execv('/bin/true', ['true'])\n"
        "def own_handler(): handle(signal.SIGINT, print)\n"
    )
    assert obey(["explore", f"{file}:{function}", "--processes", "1"]) == NO_VERDICT
    assert "signals are not controlled" in (err := capsys.readouterr().err) or "process" in err


def test_the_help_says_what_each_status_means(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        obey(["explore", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "0 where every schedule passes" in said
    assert "1 where one fails; 2 where there is no verdict" in said
    assert "package.module:FUNCTION" in said


def test_a_program_with_no_thread_and_no_loop_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "alone.py"
    file.write_text("def program(): return 1\n")
    assert obey(["explore", f"{file}:program"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "passes its only schedule: it starts no thread and no event loop" in said
