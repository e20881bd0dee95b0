"""SIGTERM takes Ctrl-C's path: everything stops, nothing stays, and the status says why."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from conlab import ending, scratch
from conlab.bench import discovery
from tests.models.test_interruption import runs, wait_until
from tests.patience import patience

JOB = Path(__file__).with_name("never_ends.py")
ROOT = JOB.parent.parent
LIMIT = 60.0  # seconds that a busy machine may take
MEASURE = ("-m", "conlab", "measure", str(JOB))
# What unwinds may take longer on a busy machine than it has before it is ended on the spot.
PATIENT = f"""
import sys
from conlab import ending
ending.LIMIT = {patience(LIMIT / 2)}
"""
MEASURE_PATIENTLY = (
    *("-c", f"{PATIENT}from conlab import cli\nsys.exit(cli.main())"),
    *("measure", str(JOB)),
)
BENCHMARK_PATIENTLY = (
    *("-c", f"{PATIENT}import pytest\nsys.exit(pytest.console_main())"),
    *("--benchmark-only", "-p", "no:cacheprovider", f"--workload={JOB}"),
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to handle")


@pytest.fixture
def folder() -> Iterator[Path]:
    """One with a short name: a Unix socket's path, and pytest's own are long, has an end."""
    with tempfile.TemporaryDirectory(prefix="end-") as made:
        yield Path(made)


@contextlib.contextmanager
def started(*arguments: str, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A Python of its own, whose temporary folder is empty, in a session of its own."""
    for name in ("temporary", "marks"):
        (folder / name).mkdir()
    given = {"TMPDIR": str(folder / "temporary"), "MARKS": str(folder / "marks")}
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def end(process: "subprocess.Popen[str]", folder: Path, *signals: signal.Signals) -> str:
    """Send these when jobs are under way; what the process then said, all of it being gone."""
    marks = folder / "marks"
    wait_until(lambda: any(marks.iterdir()) or process.poll() is not None)
    tree = psutil.Process(process.pid).children(recursive=True)
    for number in signals:
        process.send_signal(number)
    said, _ = process.communicate(timeout=patience(LIMIT))
    wait_until(lambda: not any(map(runs, tree)))
    return said


@pytest.mark.parametrize("name", ["threads", "coroutines", "processes", "cluster"])
def test_sigterm_ends_a_measurement_and_leaves_nothing(name: str, folder: Path) -> None:
    if reason := discovery.suite_model(name).module.absent():
        pytest.skip(reason)
    with started(*MEASURE_PATIENTLY, "--models", name, folder=folder) as process:
        said = end(process, folder, signal.SIGTERM)
    assert process.returncode == 143, said
    assert "Traceback" not in said
    assert "conlab: interrupted: what was not measured is left out" in said
    assert list((folder / "temporary").iterdir()) == []


def test_ctrl_c_waits_for_jobs_in_threads_for_a_moment_only(folder: Path) -> None:
    with started(*MEASURE, "--models", "threads", folder=folder) as process:
        said = end(process, folder, signal.SIGINT)
    assert process.returncode == 130, said
    assert "running jobs to return, 2 s at most." in said
    assert list((folder / "temporary").iterdir()) == []


IMPATIENT = """
import sys
from conlab import cli
from conlab.bench import watchdog
watchdog.FLOOR = watchdog.FACTOR = 0.1
sys.exit(cli.main())
"""


def test_jobs_that_never_return_cost_their_cell_and_do_not_keep_the_process(folder: Path) -> None:
    arguments = MEASURE[2:]
    with started("-c", IMPATIENT, *arguments, "--models", "threads", folder=folder) as process:
        said, _ = process.communicate(timeout=patience(LIMIT))
    assert process.returncode == 1, said
    assert "conlab: never_ends-threads: it gave no result for" in said
    assert list((folder / "temporary").iterdir()) == []


def test_sigterm_ends_benchmarks_and_leaves_nothing(folder: Path) -> None:
    chosen = ("--models", "processes", "tests/bench_matrix.py")
    with started(*BENCHMARK_PATIENTLY, *chosen, folder=folder) as process:
        said = end(process, folder, signal.SIGTERM, signal.SIGTERM, signal.SIGTERM)
    assert process.returncode == 143, said
    assert "KeyboardInterrupt" in said
    assert [path.name for path in (folder / "temporary").iterdir()] == []


DEAF = """
import subprocess, sys, threading
from pathlib import Path
from types import SimpleNamespace
from conlab import ending, scratch
said = threading.Event()
ending.time = SimpleNamespace(sleep=lambda _seconds: said.wait())  # its time is over then
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
with ending.as_by_ctrl_c(), scratch.scratch_folder() as folder:
    while True:
        try:  # before the mark is there: the signal may come at any step from then on
            Path(sys.argv[1], "marks", "deaf").touch()
            while True:
                pass
        except KeyboardInterrupt:
            print("heard, and not obeyed", flush=True)
            said.set()
"""


def test_who_does_not_hear_is_ended_with_all_it_started(folder: Path) -> None:
    with started("-c", DEAF, str(folder), folder=folder) as process:
        said = end(process, folder, signal.SIGTERM)
    assert (process.returncode, said) == (143, "heard, and not obeyed\n")
    assert list((folder / "temporary").iterdir()) == []


def test_what_a_killed_run_left_is_removed_by_the_next(folder: Path) -> None:
    with started(*MEASURE, "--models", "processes", folder=folder) as process:
        end(process, folder, signal.SIGKILL)
    left = list((folder / "temporary").iterdir())
    assert [path.name[: len(scratch.PREFIX)] for path in left] == [scratch.PREFIX] * len(left)
    assert left
    scratch.sweep.__wrapped__(str(folder / "temporary"))
    assert list((folder / "temporary").iterdir()) == []


HOLDS = """
import signal, sys
from pathlib import Path
from conlab.scratch import scratch_folder
with scratch_folder() as folder:
    Path(sys.argv[1], "marks", folder.name).touch()
    signal.pause()
"""


def test_the_folder_of_a_living_run_stays(folder: Path) -> None:
    with started("-c", HOLDS, str(folder), folder=folder) as process:
        wait_until(lambda: any((folder / "marks").iterdir()))
        (held,) = (path.name for path in (folder / "marks").iterdir())
        unlocked = folder / "temporary" / f"{scratch.PREFIX}of-somebody-else"
        unlocked.mkdir()
        (unlocked / ".lock").touch()
        scratch.sweep.__wrapped__(str(folder / "temporary"))
        assert {path.name for path in (folder / "temporary").iterdir()} == {held, unlocked.name}
        process.kill()
        process.wait(patience(LIMIT))
        scratch.sweep.__wrapped__(str(folder / "temporary"))
        assert list((folder / "temporary").iterdir()) == [unlocked]


BUSY_FOR_GOOD = """
import ctypes, sys
from pathlib import Path
from conlab import ending
ending.LIMIT = 0.1
with ending.as_by_ctrl_c():
    cell = ctypes.create_string_buffer(48)
    mutex = ctypes.CDLL(None)
    mutex.pthread_mutex_lock(cell)
    while True:
        try:
            Path(sys.argv[1], "marks", "busy").touch()
            mutex.pthread_mutex_lock(cell)  # never returns, and hears of no signal
        except KeyboardInterrupt:
            pass  # which came before it was busy
"""


def test_who_is_busy_in_c_for_good_is_ended(folder: Path) -> None:
    with started("-c", BUSY_FOR_GOOD, str(folder), folder=folder) as process:
        end(process, folder, signal.SIGTERM)
    assert process.returncode == 143


FORKS = """
import multiprocessing, os, signal, sys, time
from conlab import ending
ending.LIMIT = 0.1
with ending.as_by_ctrl_c():
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(3600,))
    child.start()
    child.terminate()
    child.join(60)
    print(child.exitcode, ending.heard, flush=True)
    signal.raise_signal(signal.SIGINT)
"""


def test_a_forked_child_that_is_told_to_end_does_and_its_parent_does_not(folder: Path) -> None:
    with started("-W", "ignore", "-c", FORKS, folder=folder) as process:
        said, _ = process.communicate(timeout=patience(LIMIT))
    assert said.startswith("-15 []\n"), said
    assert process.returncode in (130, -2), said


def test_in_a_shell_s_background_it_is_heard_as_well(folder: Path) -> None:
    deaf = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN);"
    deaf += "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    with started(
        "-c", deaf, *MEASURE_PATIENTLY, "--models", "coroutines", folder=folder
    ) as process:
        said = end(process, folder, signal.SIGTERM)
    assert process.returncode == 143, said
    assert "conlab: interrupted: what was not measured is left out" in said


HEARS = """
import signal
from conlab import ending
signal.signal(signal.SIGINT, signal.SIG_IGN)
with ending.as_by_ctrl_c():
    try:
        signal.raise_signal(signal.SIGTERM)
    except KeyboardInterrupt:
        print("unwinds", flush=True)
        signal.raise_signal(signal.SIGTERM)
        print("to its end", flush=True)
"""


def test_who_unwinds_is_not_disturbed_by_the_next_signal(folder: Path) -> None:
    with started("-c", HEARS, folder=folder) as process:
        said, _ = process.communicate(timeout=patience(LIMIT))
    assert said == "unwinds\nto its end\n"


def test_a_closed_terminal_does_the_same(folder: Path) -> None:
    with started(*MEASURE, "--models", "coroutines", folder=folder) as process:
        said = end(process, folder, signal.SIGHUP)
    assert process.returncode == 129, said


PASSED = """
import sys
from conlab import ending
try:
    exec("raise KeyboardInterrupt")
except KeyboardInterrupt:
    pass
ending.let_go(130, False)
sys.exit(130)
"""


def test_the_status_is_the_one_that_was_meant(folder: Path) -> None:
    (folder / "passed.py").write_text(PASSED)
    ended = subprocess.run(
        [sys.executable, "-m", "passed"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])},
        capture_output=True,
        check=False,
        timeout=patience(LIMIT),
    )
    assert (ended.returncode, ended.stderr) == (130, b"")


DROPS = """
import os
from conlab.scratch import hold_helpers_files, scratch_folder
home = hold_helpers_files()
with scratch_folder() as folder:
    if os.fork() == 0:
        raise SystemExit  # unwinds, and runs what is registered for the exit
    os.wait()
    print(os.path.isdir(home), folder.is_dir())
"""


def test_a_forked_child_removes_no_folder_of_its_parent(folder: Path) -> None:
    with started("-W", "ignore", "-c", DROPS, folder=folder) as process:
        said, _ = process.communicate(timeout=patience(LIMIT))
    assert (process.returncode, said) == (0, "True True\n")
    assert list((folder / "temporary").iterdir()) == []


POOLS = """
import multiprocessing


def jobs():
    yield from range(2)


def work(job):
    with multiprocessing.Pool(2) as pool:
        return sum(pool.map(abs, range(job)))
"""


def test_a_job_may_have_processes_of_its_own(folder: Path) -> None:
    (folder / "pools.py").write_text(POOLS)
    chosen = ("--models", "serial,processes", "--start-method", "forkserver")
    with started(
        "-W", "ignore", "-m", "conlab", "measure", f"{folder}/pools.py", *chosen, folder=folder
    ) as process:
        said, _ = process.communicate(timeout=patience(LIMIT))
    assert "Traceback" not in said
    assert list((folder / "temporary").iterdir()) == []
    assert process.returncode == 0, said


HANDLES = """
import signal, sys, threading
from conlab import ending
seen = []
def handle(number, _frame):
    seen.append(number)
if sys.argv[1] == "before":
    signal.signal(signal.SIGTERM, handle)
with ending.as_by_ctrl_c():
    if sys.argv[1] == "amid":
        signal.signal(signal.SIGTERM, handle)
    signal.raise_signal(signal.SIGTERM)
for thread in threading.enumerate():
    if thread.name == "signals":
        thread.join()  # when it has read all that there was to hear
print(seen, ending.heard)
"""


@pytest.mark.parametrize("since", ["before", "amid"])
def test_a_handler_of_another_s_stays(since: str, folder: Path) -> None:
    with started("-c", HANDLES, since, folder=folder) as process:
        said, _ = process.communicate(timeout=patience(LIMIT))
    assert (process.returncode, said) == (0, "[15] []\n")


def test_only_the_main_thread_listens() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def listen() -> None:
        with ending.as_by_ctrl_c():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join(patience(LIMIT))
    assert seen == [before]
