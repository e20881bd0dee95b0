"""A run of these tests in which nothing was shown does not pass."""

import os
import subprocess
import sys
from pathlib import Path
from shutil import copyfile

import pytest

from tests.patience import patience


def test_a_run_in_which_everything_was_skipped_does_not_pass(tmp_path: Path) -> None:
    copyfile(Path(__file__).with_name("conftest.py"), tmp_path / "conftest.py")
    (tmp_path / "test_nothing.py").write_text(
        "import pytest\n\ndef test_nothing():\n    pytest.skip('planted')\n"
    )
    inner = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)],
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=patience(60),
        check=False,
    )
    assert "every test was skipped: nothing was shown" in inner.stdout
    assert inner.returncode == pytest.ExitCode.TESTS_FAILED
