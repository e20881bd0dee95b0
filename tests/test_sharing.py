"""A bare `pytest` shares the tests among the cores; what is named or watched is not shared."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conlab.bench.settings import usable_cores
from tests.bench.made import PYTEST
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
