"""A tool watches a side run: its messages, the statement at which it hangs, in an order or not."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from conlab.detect import controls, own, running
from conlab.detect.cells import Cell
from conlab.detect.messages import WARNINGS, saying
from conlab.detect.running import CALLS, Run, has_an_order, observe
from conlab.detect.tools import TOOLS
from tests.detect.made import made, tool

HERE = Path(sys.executable)
RACE = """
import threading


def work(seen: list[int]) -> None:
    number = len(seen)
    seen.append(number)


def both() -> list[int]:
    seen: list[int] = []
    threads = [threading.Thread(target=work, args=(seen,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen
"""


def test_what_python_warns_of_is_found(tmp_path: Path) -> None:
    control = controls.write("await_left_out", tmp_path)
    how = tool("-W error").default
    assert isinstance(how, Run)
    said = "RuntimeWarning: coroutine 'save' was never awaited"
    assert observe(HERE, how, control) == Cell((said,))


def test_what_hangs_is_found_at_its_statement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "HANGS_AFTER", 1)
    how = tool("faulthandler").best
    assert isinstance(how, Run)
    control = controls.write("locked_twice", tmp_path)
    assert observe(HERE, how, control) == Cell(("lock.acquire()",))


def test_an_order_is_forced_when_it_is_asked_for(tmp_path: Path) -> None:
    body = "if {} == [0, 0]:\n    import warnings\n    warnings.warn('made.py lost one')\nreturn 1"
    pair = made(
        tmp_path,
        body.format("both()"),
        body.format("[]"),
        top=RACE,
        more='MEET = {"seen.append(number)": 2}',
    )
    assert has_an_order(pair)
    how = Run("python", saying(WARNINGS))
    assert observe(HERE, how, pair, forced=True) == Cell(("UserWarning: made.py lost one",))


def test_a_test_of_the_side_runs_in_pytest_without_the_plugins_that_happen_to_be_there(
    tmp_path: Path,
) -> None:
    control = controls.write("await_left_out", tmp_path)
    how = Run("pytest", saying(r"^plugins: .+|^rootdir: .+|1 passed"), test=CALLS)
    found = observe(HERE, how, control)
    assert not [each for each in found.false_alarms if each.startswith("plugins")]


def test_the_judge_finds_its_control(tmp_path: Path) -> None:
    how = tool("conlab's judge").default
    assert isinstance(how, own.Own)
    found = own.ask(how, controls.write("locked_twice", tmp_path))
    assert found == Cell(("hung at lock.acquire() (no core in use)",))


def test_the_explorer_finds_its_control(tmp_path: Path) -> None:
    how = tool("conlab explore").default
    assert isinstance(how, own.Own)
    found = own.ask(how, controls.write("read_then_write", tmp_path))
    assert len(found.found) == 1
    assert found.found[0].startswith("fails in ")
    assert not found.false_alarms


@pytest.mark.parametrize("name", controls.CONTROLS)
def test_every_control_is_a_pitfall_that_some_tool_is_tried_on(name: str, tmp_path: Path) -> None:
    control = controls.write(name, tmp_path)
    assert control.family == "controls"
    assert name in {each.control for each in TOOLS}


def test_what_hangs_is_not_awaited_by_a_tool_that_does_not_end_it(tmp_path: Path) -> None:
    how = tool("python").default
    assert isinstance(how, Run)
    control = replace(controls.write("locked_twice", tmp_path))
    assert observe(HERE, how, control) == Cell()
