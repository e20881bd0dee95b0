"""Every pitfall can be copied to another place and run alone, without anything of this project."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from conlab.catalogue import pitfall
from conlab.catalogue.pitfall import Pitfall
from tests.patience import patience

Results = Mapping[tuple[str, ...], "Future[Any]"]

pytestmark = pytest.mark.timeout(300)  # the first test waits for the children of all

every_pitfall = pytest.mark.parametrize("pitfall", pitfall.collect(), ids=str)


@pytest.fixture(scope="module")
def runs(all_at_once: Callable[..., Results], tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("elsewhere")

    def run_fixed(pitfall: Pitfall) -> "subprocess.CompletedProcess[str]":
        return run(Path(shutil.copy(pitfall.path, folder)), "fixed")

    return all_at_once(run_fixed, "pitfall")


def run(script: Path, side: str) -> "subprocess.CompletedProcess[str]":
    """Run the script with the standard library alone on its path."""
    return subprocess.run(
        [sys.executable, "-E", "-S", str(script), side],
        capture_output=True,
        text=True,
        timeout=patience(60),
        check=False,
    )


@every_pitfall
def test_the_fixed_side_of_a_copy_says_that_it_is_right(runs: Results, pitfall: Pitfall) -> None:
    done = runs[(str(pitfall),)].result()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(": right\n")


@every_pitfall
def test_the_file_offers_both_sides_and_its_story(pitfall: Pitfall) -> None:
    """Every file ends in the same way; one of them is run to see that the story is printed."""
    run = f"python {pitfall.path.name} broken|fixed"
    assert pitfall.story["Run"] == f"{run}; study: conlab study {pitfall.name}"
    last_lines = pitfall.path.read_text().rpartition('\nif __name__ == "__main__":\n')[2]
    choice = 'side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)'
    assert last_lines.startswith(f"    {choice}\n")


@pytest.mark.parametrize("argument", ["brokne", ""])
def test_any_other_argument_gets_the_story(argument: str) -> None:
    studied = pitfall.find("lost_update")
    done = run(studied.path, argument)
    assert done.returncode == 1
    assert done.stderr.startswith("Lost update: ")
    assert done.stderr.rstrip().endswith(
        "Run: python lost_update.py broken|fixed; study: conlab study lost_update"
    )


def test_a_broken_side_says_that_it_is_wrong() -> None:
    done = run(pitfall.find("forgotten_await").path, "broken")
    assert done.stdout == "Saved []: wrong\n"


@every_pitfall
def test_a_broken_side_that_comes_out_right_says_that_nothing_forced_the_order(
    pitfall: Pitfall,
) -> None:
    """Where threads decide, or an order that is forced from outside, it may well come out right."""
    text = pitfall.path.read_text()
    threads = pitfall.evidence == "explored" and re.search(r"\bThread\b|ThreadPoolExecutor", text)
    decided = pitfall.meet or pitfall.order or pitfall.at_rest or threads
    says = 'right = "right" if side is fixed else "right, this time: nothing forced the order"'
    assert (says in text) == bool(decided)
    assert ('"right" if holds(' in text) == (not decided)


def test_it_says_so_when_it_is_run() -> None:
    done = run(pitfall.find("sleep_as_synchronisation").path, "broken")
    assert done.stdout in (
        "The test sees ['thank you']: right, this time: nothing forced the order\n",
        "The test sees []: wrong\n",  # on a machine that is busy enough
    )


@every_pitfall
def test_a_side_that_may_hang_says_so_and_arms_faulthandler(pitfall: Pitfall) -> None:
    warns = "hang; " in pitfall.path.read_text()
    arms = "faulthandler.dump_traceback_later(1" in pitfall.path.read_text()
    assert warns == arms == (pitfall.shows == "hung")


def test_a_side_that_hangs_says_so_first_and_ends_with_its_stacks() -> None:
    done = run(pitfall.find("executor_self_starvation").path, "broken")
    assert done.stdout == "This will hang; its stacks follow in a second.\n"
    assert "in area" in done.stderr
    assert done.returncode == 1
