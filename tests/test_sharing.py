"""A bare `pytest` shares the tests among the cores; what is named or watched is not shared."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conlab.bench.settings import usable_cores
from tests.bench.made import PYTEST
from tests.conftest import LONG, TESTS, place
from tests.patience import patience

CONFTEST = Path(__file__).resolve().parent.parent / "conftest.py"
SHARED = " workers ["


@pytest.mark.skipif(usable_cores() < 2, reason="one core is shared with nobody")
@pytest.mark.parametrize(
    ("arguments", "shared"),
    [
        ([], True),
        (["-k", "one"], True),
        (["-s"], False),
        (["-n0"], False),
        (["tests"], False),
        (["--benchmark-only"], False),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_whole_is_shared_and_a_part_is_not(
    arguments: list[str], shared: bool, tmp_path: Path
) -> None:
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = tests\npythonpath = .\n")
    (tmp_path / "workloads" / "models").mkdir(parents=True)  # packages in which there is nothing
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_one.py").write_text("def test_one(): pass\n")
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    ended = subprocess.run(
        [*PYTEST, *arguments],
        cwd=tmp_path,
        env=own,
        capture_output=True,
        text=True,
        timeout=patience(120),
        check=False,
    )
    timed = "--benchmark-only" in arguments  # and there is nothing to time
    expected = pytest.ExitCode.NO_TESTS_COLLECTED if timed else pytest.ExitCode.OK
    assert ended.returncode == expected, ended.stdout + ended.stderr
    assert (SHARED in ended.stdout) is shared


def test_files_that_take_long_come_first_and_the_others_keep_their_order() -> None:
    files = [TESTS / "bench" / "test_a.py", *(TESTS / name for name in LONG), TESTS / "test_b.py"]
    first, last = files[0], files[-1]
    assert sorted(files, key=place) == [*files[1:-1], first, last]
    assert [name for name in LONG if not (TESTS / name).is_file()] == []


def test_the_processes_that_share_begin_with_a_file_that_takes_long(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    (tests / "docs").mkdir(parents=True)
    (tests / "patience.py").write_text("def patience(seconds): return seconds\n")
    shutil.copy(TESTS / "conftest.py", tests)
    (tests / "a_test.py").write_text("def test_other(): pass\n")
    (tests / "docs" / "test_gate.py").write_text("def test_long(): pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    ended = subprocess.run(
        [*PYTEST, "-v", "-n", "1", "tests"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        timeout=patience(120),
        check=False,
    )
    assert re.findall(r"PASSED \S+::(\w+)", ended.stdout) == ["test_long", "test_other"], ended


def test_what_ci_names_of_the_tests_is_there() -> None:
    script = (TESTS.parent / ".ci" / "run").read_text("utf-8")
    named = re.findall(r"tests/[\w/]+(?:\{[\w,]+\}\.py|\.py|\b)", script)
    found = [name.replace("{", "").replace("}", "") for name in named if "{" not in name]
    for name in named:
        head, brace, tail = name.partition("{")
        if brace:
            names, _, end = tail.partition("}")
            found += [f"{head}{each}{end}" for each in names.split(",")]
    assert len(found) > 12
    assert [name for name in found if not (TESTS.parent / name).exists()] == []
