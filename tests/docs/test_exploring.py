"""docs/exploring.md does what it says: each file and command of it, in an empty folder."""

import re
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.docs.console import Command, do, read, shows
from tests.patience import patience

PAGE = Path(__file__).parents[2] / "docs" / "exploring.md"
# What is found is found at once; bodies of tests are searched on for as long as they may be.
ENOUGH = f"-p no:cacheprovider --explore-seconds {patience(2):.0f}"
RECORDED = (3, 11)  # on other versions there may be another number of schedules


@pytest.mark.timeout(600)
@pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    reason="the page shows what is safe by accident with the GIL, and this build has none",
)
def test_everything_on_the_page_is_so(tmp_path: Path) -> None:
    pytest.importorskip("httpcore", reason="httpcore is not installed here")
    commands = 0
    for step in read(PAGE.read_text("utf-8")):
        printed = do(step, tmp_path, ENOUGH)
        if not isinstance(step, Command):
            continue
        commands += 1
        if sys.version_info[:2] != RECORDED:
            step = Command(step.line, re.sub(r"\d+", "0", step.output))
            printed = re.sub(r"\d+", "0", printed)
        assert shows(step, printed), f"$ {step.line}\n{printed}"
    assert commands >= 8


def test_it_shows_no_command_that_is_not_run_but_in_its_summary() -> None:
    shown = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(shown) == 1
    run = [step.line for step in read(PAGE.read_text("utf-8")) if isinstance(step, Command)]
    for line in shown[0].splitlines():
        words = line.partition("#")[0].split()
        assert any(set(words) <= set(command.split()) for command in run), line
