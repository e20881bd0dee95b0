"""The wheel, as a stranger has it: built, installed where nothing may be written, and used.

These need a package index and take a minute, so a bare `pytest` leaves them out: CI names the file,
and so does `tox -e wheel`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import pytest

from conlab import __version__

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300.0  # seconds for any one command
CONTENT = ("pitfalls", "workloads")
NO_RIGHT = ["--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-all"]

JOB = """
    import asyncio
    import time

    from pitfalls import TRAP  # the reader's own, of two names that the suite has as well
    from workloads.heavy import square


    def jobs():
        return range(12)


    def work(job):
        time.sleep(0.01)
        return square(job), TRAP


    async def work_async(job):
        await asyncio.sleep(0.01)
        return square(job), TRAP
    """


@dataclass(frozen=True)
class Ended:
    """A command that ended."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel in it, used by somebody who may not write to it."""

    folder: Path
    home: Path
    before: Sequence[str] = field(default_factory=list)

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def run(self, *command: str, **environment: str) -> Ended:
        """Run a command of the environment in the reader's folder."""
        named = self.folder / "bin" / command[0]
        done = subprocess.run(
            [*without_rights(), str(named), *command[1:]],
            cwd=self.home,
            env=clean_environment() | {"HOME": str(self.home), "COLUMNS": "80"} | environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def files(self) -> list[str]:
        """Everything that lies in it."""
        return sorted(str(path) for path in self.folder.rglob("*"))


def clean_environment() -> dict[str, str]:
    """The environment of this process, without what tells a Python or pytest where things lie."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PYTEST", "VIRTUAL_ENV"))
    }


def without_rights() -> list[str]:
    """What takes root's right to write everywhere from a command; others do not have it."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    assert setpriv, "root may write everywhere, and there is no setpriv to take that right away"
    return [setpriv, *NO_RIGHT]


def called(*command: str | Path, cwd: Path = ROOT) -> str:
    """What a command prints that has to succeed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder of this session's."""
    with tempfile.TemporaryDirectory(prefix="conlab-wheel-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def built(scratch: Path) -> tuple[Path, str]:
    """The folder with wheel and sdist, and what was said while they were built."""
    said = called(sys.executable, "-m", "build", "--outdir", scratch / "dist", ROOT)
    return scratch / "dist", said


@pytest.fixture(scope="session")
def wheel(built: tuple[Path, str]) -> Path:
    """The wheel; it was built from the sdist."""
    (found,) = built[0].glob("*.whl")
    return found


def install(wheel: Path, folder: Path, extra: str = "") -> Installed:
    """A fresh environment with the wheel, and a reader's folder with a job beside it."""
    venv.create(folder / "environment", with_pip=True)
    home = folder / "a reader's folder"
    for name in ("workloads", "pitfalls"):
        (home / name).mkdir(parents=True)
    (home / "workloads" / "__init__.py").touch()
    (home / "workloads" / "heavy.py").write_text("def square(n): return n * n\n")
    (home / "pitfalls" / "__init__.py").write_text("TRAP = 'mine'\n")
    (home / "my_job.py").write_text(dedent(JOB))
    made = Installed(folder / "environment", home)
    called(made.python, "-m", "pip", "install", "--quiet", f"{wheel}{extra}", cwd=home)
    called(made.python, "-m", "compileall", "-q", made.folder, cwd=home)
    for path in made.folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    return Installed(made.folder, home, made.files())


@pytest.fixture(scope="session")
def alone(wheel: Path, scratch: Path) -> Iterator[Installed]:
    """What `pip install WHEEL` gives."""
    made = install(wheel, scratch / "alone")
    yield made
    assert made.files() == made.before, "a command has written into the environment"


@pytest.fixture(scope="session")
def suite(wheel: Path, scratch: Path) -> Iterator[Installed]:
    """What `pip install 'WHEEL[suite]'` gives."""
    made = install(wheel, scratch / "suite", "[suite]")
    yield made
    assert made.files() == made.before, "a command has written into the environment"


# What is built


def test_sdist_and_wheel_are_built_without_a_warning(built: tuple[Path, str]) -> None:
    folder, said = built
    assert len(list(folder.iterdir())) == 2
    ours = [line for line in said.splitlines() if "is ignored: it is neither" not in line]
    assert not [line for line in ours if re.search("warn|deprecat", line, re.IGNORECASE)]


def test_the_package_index_would_take_them(built: tuple[Path, str]) -> None:
    files = sorted(built[0].iterdir())
    said = called(sys.executable, "-m", "twine", "check", "--strict", *files)
    assert said.count("PASSED") == 2


def test_the_wheel_holds_all_of_conlab_and_the_content_inside_of_it(wheel: Path) -> None:
    expected = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "conlab").rglob("*")
        if path.suffix in (".py", ".j2", ".css", ".js") or path.name == "py.typed"
    }
    for name in CONTENT:
        for path in (ROOT / name).rglob("*.py"):
            expected.add(f"conlab/content/{path.relative_to(ROOT).as_posix()}")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == expected


# Alone


def test_alone_it_needs_pytest_and_nothing_else(alone: Installed) -> None:
    listed = json.loads(called(alone.python, "-m", "pip", "list", "--format=json"))
    names = {package["name"].lower() for package in listed}
    of_pytest = {"pytest", "iniconfig", "packaging", "pluggy", "pygments"}
    assert names - of_pytest - {"pip", "setuptools", "typing_extensions"} == {"concurrency-lab"}


@pytest.mark.parametrize("command", [("conlab",), ("python", "-m", "conlab")], ids=" ".join)
def test_it_tells_its_version(alone: Installed, command: tuple[str, ...]) -> None:
    assert alone.run(*command, "--version") == Ended(0, f"conlab {__version__}\n", "")


def test_study_lists_and_tells_and_runs(alone: Installed) -> None:
    listed = alone.run("conlab", "study")
    assert listed.status == 0
    assert "lost_update" in listed.out
    explored = alone.run("conlab", "study", "lost_update")
    assert (explored.status, explored.err) == (0, "")
    assert "broken fails in " in explored.out
    assert "fixed passes every schedule" in explored.out
    judged = alone.run("conlab", "study", "executor_self_starvation")
    assert (judged.status, judged.err) == (0, "")
    assert "fixed returned 36" in judged.out


def test_explore_finds_a_race_in_a_reader_s_file(alone: Installed) -> None:
    (alone.home / "counting.py").write_text(
        dedent(
            """
            import threading


            def program():
                seen = [0]

                def add():
                    seen[0] += 1

                threads = [threading.Thread(target=add) for _ in range(2)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                return seen[0]


            def holds(count):
                return count == 2
            """
        )
    )
    found = alone.run("conlab", "explore", "counting.py:program")
    assert (found.status, found.err) == (1, "")
    assert "* races for seen" in found.out


def test_atomics_prints_its_table(alone: Installed) -> None:
    found = alone.run("conlab", "atomics", "--acts", "100")
    assert (found.status, found.err) == (0, "")
    assert "lst.append(1)" in found.out


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (
            ("measure", "my_job.py"),
            r"measure needs \w+: pip install '\S+\.whl\[suite\]'",
        ),
        (("history",), r"history needs \w+: pip install '\S+\.whl\[suite\]'"),
        (("calibrate",), "this needs a clone of Concurrency Lab, and here it is installed alone"),
        (("readme",), "this needs a clone of Concurrency Lab, and here it is installed alone"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_what_is_missing_is_said_with_the_line_that_installs_it(
    alone: Installed, command: tuple[str, ...], sentence: str
) -> None:
    ended = alone.run("conlab", *command)
    assert (ended.status, ended.out) == (2, "")
    assert re.fullmatch(f"conlab: {sentence}\n", ended.err)


@pytest.mark.parametrize("name", CONTENT)
def test_the_content_is_no_package_of_the_reader_s_programs(alone: Installed, name: str) -> None:
    ended = alone.run("python", "-P", "-c", f"import {name}")
    assert ended.status == 1
    assert f"No module named '{name}'" in ended.err
    own = alone.run("python", "-c", f"import {name}; print({name}.__path__[0])")
    assert own.out.strip() == str(alone.home / name)


def test_the_plugin_explores_in_another_project(alone: Installed) -> None:
    (alone.home / "test_mine.py").write_text(
        "def test_nothing_can_go_wrong(explore):\n    assert explore(lambda: 1).exhausted\n"
    )
    ended = alone.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py")
    assert ended.status == 0, ended.out + ended.err
    assert "1 passed" in ended.out


def test_who_reads_the_first_line_alone_gets_no_traceback(alone: Installed) -> None:
    conlab = alone.folder / "bin" / "conlab"
    ended = alone.run("python", "-c", HEAD, str(conlab), "study")
    assert ended == Ended(0, "# exceptions\n", "")


HEAD = """
import subprocess, sys
with subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True) as child:
    print(child.stdout.readline(), end="")
    child.stdout.close()
    status = child.wait()
sys.exit(0 if status in (0, 141) else status)
"""


# With what measures


MODELS = "threads,processes,coroutines,interpreters"


@pytest.mark.parametrize("start_method", ["forkserver", "spawn", "fork"])
def test_measure_shows_a_reader_s_job_alone(suite: Installed, start_method: str) -> None:
    written = suite.home / f"{start_method}.json"
    ended = suite.run(
        *("conlab", "measure", "my_job.py", "--models", MODELS, "--start-method", start_method),
        *("--json", written.name),
    )
    assert (ended.status, ended.err) == (0, "")
    assert re.findall(r"^(\w+): \d+ jobs", ended.out, re.MULTILINE) == ["my_job"]
    table = ended.out.partition("my_job: 12 jobs")[2]
    for model in MODELS.split(","):
        assert re.search(rf"^(absent: )?{model}\b", table, re.MULTILINE)
    assert "Leader" in table or "Cannot tell" in table  # without scipy, or on a busy machine
    assert "Rules of thumb" not in table
    figures = json.loads(written.read_text("utf-8"))
    measured = {one["extra_info"]["model"] for one in figures["benchmarks"]}
    absent = {name.partition("-")[2] for name in figures["concurrency_lab"]["absent"]}
    assert measured | absent == {"serial", *MODELS.split(",")}
    assert absent <= {"interpreters"}
    assert sys.version_info < (3, 14) or not absent


def test_measure_runs_from_any_folder_and_leaves_nothing_in_it(suite: Installed) -> None:
    elsewhere = suite.home / "elsewhere"
    elsewhere.mkdir()
    ended = suite.run(
        "python",
        "-c",
        ELSEWHERE,
        str(elsewhere),
        str(suite.home / "my_job.py"),
        PYTEST_ADDOPTS="-x",
    )
    assert (ended.status, ended.err) == (0, "")
    assert "my_job: 4 jobs" in ended.out
    assert list(elsewhere.iterdir()) == []


ELSEWHERE = """
import os, sys
from conlab.cli import obey
if __name__ == "__main__":
    os.chdir(sys.argv[1])
    sys.exit(obey(["measure", sys.argv[2], "--jobs", "4", "--models", "threads,processes"]))
"""
