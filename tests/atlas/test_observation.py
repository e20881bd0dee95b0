"""The table of switches and the atlas against real threads: where they differ, we err."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest

from conlab.atlas import observation
from conlab.atlas.__main__ import main as print_as_json
from conlab.atlas.idioms import IDIOMS, Idiom
from conlab.atlas.observation import Row, gil_answer, has_gil
from conlab.atlas.trial import THREADS, trial
from conlab.cli import obey
from conlab.commands import atomics
from conlab.explorer import session
from conlab.explorer.stepping.switches import switches_here

ACTS = 30_000
MOST_ACTS = 3_000_000
BY_NAME = {idiom.name: idiom for idiom in IDIOMS}
needs_gil = pytest.mark.skipif(not has_gil(), reason="this build has no GIL to observe")


@pytest.fixture(scope="module")
def told() -> str:
    """What an interpreter tells of the whole atlas, asked as the command asks it, and once."""
    return atomics._ask(sys.executable, ["-m", "conlab.atlas", "200"])


@pytest.fixture(scope="module")
def rows(told: str) -> dict[str, Row]:
    """The same by the name of the idiom."""
    found = [Row(**json.loads(line)) for line in told.splitlines()]
    return {row.idiom: row for row in found}


@needs_gil
@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.name)
def test_what_real_threads_do_the_reading_gil_allows(idiom: Idiom, rows: dict[str, Row]) -> None:
    seen = trial(idiom, ACTS)
    assert not (seen and rows[idiom.name].gil == "no"), (
        f"{seen} of {ACTS * THREADS} acts went wrong"
    )


@needs_gil
@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.name)
def test_what_the_reading_gil_allows_the_reading_bytecode_does_too(
    idiom: Idiom, rows: dict[str, Row]
) -> None:
    assert rows[idiom.name].gil == "no" or rows[idiom.name].bytecode == "yes"


@needs_gil
@pytest.mark.parametrize(
    "name",
    [
        "x = x + one()",
        "t = x; resume a generator; x = t + 1",
        "x = x + int(1)",
        "x = x + abs(-1)",
        "t = x; q.append(t); x = t + 1, a deque",
        "with lock: t = x; x = t + 1 outside",
    ],
)
def test_switch_in_the_table_is_seen_on_real_threads(name: str) -> None:
    acts = ACTS
    while not (seen := trial(BY_NAME[name], acts)) and acts < MOST_ACTS:
        acts *= 10  # one longer look, not another try: what was not seen stays not seen
    assert seen > 0


@needs_gil
@pytest.mark.parametrize(
    "name",
    [
        "x = x + len('a')",
        "x = x + isinstance(x, int)",
        "t = x; type(t); x = t + 1",
        "t = x; lst.append(t); x = t + 1",
    ],
)
def test_call_that_is_quiet_once_specialised_is_seen_to_be(name: str, tmp_path: Path) -> None:
    # One switch in a cold act can cost thousands of the others' acts, so there are none.
    assert trial(BY_NAME[name], ACTS, alone_first=switches_here().cold * 10) == 0
    assert gil_answer(BY_NAME[name], tmp_path / "idiom.py") == "cold"


@needs_gil
def test_table_without_a_switch_that_exists_is_caught(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wrong = dataclasses.replace(switches_here(), entering=False)
    monkeypatch.setattr(session, "switches_here", lambda: wrong)
    idiom = BY_NAME["x = x + one()"]
    assert gil_answer(idiom, tmp_path / "idiom.py") == "no"
    assert trial(idiom, MOST_ACTS // 10) > 0


def test_bare_increment_of_an_integer_is_safe_by_accident_only(tmp_path: Path) -> None:
    file = tmp_path / "idiom.py"
    assert gil_answer(BY_NAME["x += 1"], file) == "no"
    assert observation.gets_in(BY_NAME["x += 1"], file, "bytecode")


def test_lock_keeps_others_out_in_every_reading(tmp_path: Path) -> None:
    idiom, file = BY_NAME["with lock: x = x + one()"], tmp_path / "idiom.py"
    assert gil_answer(idiom, file) == "no"
    assert not observation.gets_in(idiom, file, "bytecode")
    assert trial(idiom, ACTS) == 0


def test_atlas_has_a_row_for_every_idiom_and_none_twice() -> None:
    assert len(BY_NAME) == len(IDIOMS) >= 40


def test_command_prints_a_row_for_each_idiom_in_80_columns(
    told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def ask(python: str, arguments: list[str]) -> str:
        asked.append((python, arguments[-1]))
        return told if "200" in arguments else "3.0.0"

    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    monkeypatch.setattr(atomics, "_ask", ask)
    status = obey(["atomics", "--acts", "200", "--python", sys.executable])
    lines = capsys.readouterr().out.splitlines()
    assert status == 0
    assert asked[-1] == (sys.executable, "200")
    assert len(lines) > len(IDIOMS)
    assert max(map(len, lines)) <= 80
    row = next(line for line in lines if line.startswith("with lock: x = x + one()"))
    gil = "no" if has_gil() else "-"
    assert row.split()[-3:] == [gil, "no", "0"]


def test_command_explains_an_interpreter_that_is_not_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert obey(["atomics", "--python", "/nowhere/python"]) == 2
    assert capsys.readouterr().err == (
        "conlab: --python /nowhere/python: there is no such interpreter\n"
    )


def test_rows_are_json_for_another_interpreter_to_send(capsys: pytest.CaptureFixture[str]) -> None:
    print_as_json(["10", "x += 1"])
    assert json.loads(capsys.readouterr().out) == 0
