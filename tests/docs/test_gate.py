"""docs/gate.md does what it says: each file and command of it, in a made-up repository."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conlab.versus.rule import missing_library
from tests.bench.made import UNUSED
from tests.docs.console import Command, File, do, read, shows
from tests.patience import patience

PAGE = Path(__file__).parents[2] / "docs" / "gate.md"
STEPS = list(read(PAGE.read_text("utf-8")))


@pytest.mark.timeout(600)
@pytest.mark.skipif(missing_library() is not None, reason=f"{missing_library()}")
def test_everything_on_the_page_is_so(tmp_path: Path) -> None:
    pytest.importorskip("rich", reason="rich is not installed here")
    unused = " ".join(f"-p no:{each}" for each in UNUSED)  # by what takes long to import
    plugins = f"{unused} -p tests.docs.cheap_pairs"
    commands = 0
    for step in STEPS:
        printed = do(step, tmp_path, addopts=plugins)
        if isinstance(step, Command):
            commands += 1
            assert shows(step, printed), f"$ {step.line}\n{printed}"
    assert commands >= 9
    report = (tmp_path / "report.md").read_text("utf-8")
    assert report.startswith("### 🔴 1 of 1 cell slower: 1 of 1 cell decided\n")
    assert 'name="test_total"' in (tmp_path / "junit.xml").read_text("utf-8")


def test_it_shows_no_command_that_is_not_run_but_in_its_summary() -> None:
    shown = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(shown) == 2
    assert shown[1].startswith("pip install './path/to/the/clone[versus]'\n")
    run = [step.line for step in STEPS if isinstance(step, Command)]
    for line in shown[0].splitlines():
        command, option, side = line.partition("#")[0].split()
        assert (command, option) == ("pytest", "--versus")
        assert any(f"{option} " in each for each in run), side


def test_its_workflow_writes_the_report() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed here")
    steps = yaml.safe_load(workflows(PAGE)[0])["jobs"]["speed"]["steps"]
    assert any("--report-md report.md" in step.get("run", "") for step in steps)


def test_its_workflow_is_one_that_github_takes() -> None:
    (workflow,) = workflows(PAGE)
    workflow_is_taken(workflow)


def workflow_is_taken(workflow: str) -> None:
    """Have actionlint read a workflow."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    if (linter := shutil.which("actionlint", path=path)) is None:
        pytest.skip("actionlint is not installed here: https://github.com/rhysd/actionlint")
    checked = subprocess.run(
        [linter, "-"],
        input=workflow,
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(60),
    )
    assert checked.returncode == 0, checked.stdout


def workflows(page: Path) -> list[str]:
    """The workflows of GitHub that a page shows."""
    steps = read(page.read_text("utf-8"))
    return [step.text for step in steps if isinstance(step, File) and "workflows" in step.path]


def test_its_settings_are_understood(tmp_path: Path) -> None:
    from conlab.versus import options, project
    from conlab.versus.clocks import Clock

    last = [step for step in STEPS if isinstance(step, File) and step.path == "pyproject.toml"][-1]
    do(last, tmp_path)
    found = options.meant({"versus": "main"}.get, project.table_in(tmp_path))
    name = "tests/test_speed.py::test_total"
    assert found.chooses(name)
    assert found.matters_of(name) == {Clock.WALL: 0.03, Clock.MEMORY: 0.03}
    assert found.matters_of("tests/test_speed.py::other")[Clock.MEMORY] == 0.1
