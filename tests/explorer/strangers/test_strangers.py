"""`conlab explore` gives the right verdict on the programs of strangers, each decided by hand."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import conlab
from tests.explorer.strangers import own_table, table
from tests.explorer.strangers.exploring import BUDGET, Verdict, explored
from tests.explorer.strangers.table import (
    FOLDER,
    Fails,
    FoundNothing,
    Passes,
    Refused,
    Row,
)
from tests.patience import patience

PARTS = ("threads", "tasks", "own")
ROWS = [*table.ROWS, *own_table.ROWS]
CLONE = Path(conlab.__file__).parent.parent


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, outside of the clone: a project is what lies below a pyproject.toml."""
    folder = tmp_path_factory.mktemp("strangers")
    for part in PARTS:
        shutil.copytree(FOLDER / part, folder / part)
    return folder


def rows() -> Iterator[object]:
    """Give each row that holds for this Python and what is installed."""
    for row in ROWS:
        installed = not row.library or importlib.util.find_spec(row.library) is not None
        if row.since <= sys.version_info < row.before and installed != row.absent:
            marks: list[pytest.MarkDecorator] = [pytest.mark.oracle] if row.longer else []
            if row.wrong:
                marks.append(pytest.mark.xfail(reason=row.wrong, strict=True))
            yield pytest.param(row, id=str(row), marks=marks)


@pytest.mark.parametrize("row", [*rows()])
def test_verdict_is_the_right_one(row: Row, programs: Path, tmp_path: Path) -> None:
    part, _, file = row.file.partition("/")
    target = f"{file}:{row.function}" if row.function else file
    options = [*BUDGET, str(row.schedules), *row.options]
    verdict = explored(programs / part, target, options, tmp_path)
    assert is_right(verdict, row), f"{row.right}, {row.because}; said was:\n{verdict}"


def is_right(verdict: Verdict, row: Row) -> bool:
    """Say whether the verdict is the row's, in its status and in what it says."""
    assert "Traceback" not in verdict.refusal, verdict
    match row.right:
        case Passes():
            return verdict.status == 0 and not verdict.fails_by
        case Fails(ways=ways):
            return verdict.status == 1 and bool(verdict.fails_by & ways)
        case Refused(why=why):
            sentence = " ".join(verdict.refusal.split())
            return verdict.status == 2 and re.search(why, sentence) is not None
        case FoundNothing():
            nothing = not verdict.fails_by and "conlab:" not in verdict.refusal
            return verdict.status == 2 and nothing and bool(verdict.said)


def test_every_function_and_class_of_every_program_has_a_verdict() -> None:
    decided = {(row.file, row.function) for row in ROWS}
    there = {
        (path.relative_to(FOLDER).as_posix(), node.name)
        for part in PARTS
        for path in (FOLDER / part).rglob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if part != "own" or is_program(node)
    }
    assert there - decided == set()


def is_program(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Say whether it is one among the helpers of a file."""
    if isinstance(node, ast.ClassDef) or node.name.startswith("_"):
        return False
    return not node.args.args and node.args.vararg is None


def test_every_file_that_does_something_when_run_has_a_verdict_as_a_script() -> None:
    decided = {row.file for row in ROWS if not row.function}
    there = {
        path.relative_to(FOLDER).as_posix()
        for part in PARTS
        for path in (FOLDER / part).rglob("*.py")
        if "__main__" in path.read_text()
    }
    assert there <= decided


def ran(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, as its owner would, with the conlab of this clone."""
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(CLONE)},
        capture_output=True,
        text=True,
        timeout=patience(60),
        check=False,
    )


@pytest.mark.parametrize(
    "given",
    ["absolute", "relative"],
)
def test_a_file_to_be_stepped_is_found_wherever_its_path_begins(programs: Path, given: str) -> None:
    done = ran(programs / "tasks", "stepped_relative.py", given)
    assert done.stdout.startswith(f"{given} passes every schedule"), done


@pytest.mark.parametrize("given", ["none", "str"])
def test_what_names_no_files_to_be_stepped_is_refused(programs: Path, given: str) -> None:
    done = ran(programs / "tasks", "stepped_relative.py", given)
    assert done.returncode == 1
    assert "UserError" in done.stderr.splitlines()[-1], done


def test_a_witness_over_two_files_names_the_file_of_each_line(programs: Path) -> None:
    done = ran(programs / "tasks", "two_files.py")
    assert "fails in" in done.stdout, done
    read, written = (f"{file}.py:{line}" for file, line in (("lib_a", 6), ("lib_b", 6)))
    assert read in done.stdout
    assert written in done.stdout


def test_in_pytest_the_race_is_found_whatever_is_said_to_be_stepped(programs: Path) -> None:
    # Each of the four asserts that nothing fails: so it once was, and it is wrong.
    options = ["-c", os.devnull, "--rootdir", ".", "-p", "no:cacheprovider", "-rA", "shop_tests.py"]
    done = ran(programs / "threads", "-m", "pytest", *options)
    outcomes = re.findall(
        r"^(PASSED|FAILED|ERROR) shop_tests\.py::(\w+)", done.stdout, re.MULTILINE
    )
    names = ("test_finds", "test_default_misses", "test_default_default", "test_local")
    assert {name: outcome for outcome, name in outcomes} == dict.fromkeys(names, "FAILED")
    assert "failing schedule" in done.stdout
