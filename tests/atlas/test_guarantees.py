"""What the manual promises: each row can go wrong, goes wrong for no other reason, and is told."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from conlab.atlas.asked import all_rows
from conlab.atlas.guarantee import Guarantee, Promise, Scene
from conlab.atlas.manual import SECTIONS
from conlab.atlas.observation import gets_in, has_gil
from conlab.atlas.trial import rounds

ROWS = [(section, row) for section in SECTIONS for row in section.rows]
IDS = [f"{section.name}: {row.operation}" for section, row in ROWS]
PROMISED = [row for row in all_rows() if row.promise.forbids]
PAGE = Path(__file__).parent.parent.parent / "docs" / "guarantees.md"
needs_gil = pytest.mark.skipif(not has_gil(), reason="a call is one step only with a GIL")

# Writers of which each leaves what it writes half done for a moment, in the place of those that
# write in one step: whoever reads must notice.
TORN = {
    "lst[:] = after\nlst[:] = before": "lst[20:] = after[20:]\nlst[:20] = after[:20]",
    "lst[:] = twos\nlst[:] = ones": "lst[20:] = twos[20:]\nlst[:20] = twos[:20]",
    "lst[:] = high\nlst[:] = low": "lst[10:] = high[10:]\nlst[:10] = high[:10]",
    "d.clear()\nd.update(full)": "d.pop(1)\nd.clear()",
    "d.update(twos)\nd.update(ones)": "d.update(dict.fromkeys(range(20), 2))\nd.update(twos)",
    "d.update(more)\nlist(map(d.pop, more))": "d.pop('k')\nd['k'] = 1",
    "s.clear()\ns.update(full)": "s.discard(1)\ns.clear()",
    "s ^= both": "s |= both\ns -= middle\ns.clear()",
    "ba[:] = after\nba[:] = before": "ba[256:] = after[256:]\nba[:] = b'?' * 512",
}
SEES_NO_VALUE = {"d.values()", "repr(d)"}  # they can raise, and that is all
# What the manual calls not atomic although one call into C does it, which no exploring divides.
ONE_CALL = {"lst.sort(): seen empty", "view[i:j] = x", "next(shared iterator)"}


def test_no_operation_stands_twice_in_a_section() -> None:
    assert len(set(IDS)) == len(IDS)


@pytest.mark.parametrize("promise", Promise)
def test_each_kind_of_promise_has_its_rows(promise: Promise) -> None:
    assert [row for row in all_rows() if row.promise is promise]


@needs_gil
@pytest.mark.parametrize("row", PROMISED, ids=lambda row: row.operation)
def test_what_is_promised_goes_wrong_under_no_schedule_of_whole_calls(
    row: Guarantee, tmp_path: Path
) -> None:
    file = tmp_path / "guarantee.py"
    assert not gets_in(row.idiom, file, "bytecode", acts=1)


@needs_gil
@pytest.mark.parametrize(
    "row",
    [row for row in all_rows() if row.idiom.against in TORN and row.operation not in SEES_NO_VALUE],
    ids=lambda row: row.operation,
)
def test_what_is_half_done_is_noticed(row: Guarantee, tmp_path: Path) -> None:
    torn = replace(row.idiom, against=TORN[row.idiom.against])
    assert gets_in(torn, tmp_path / "torn.py", "bytecode", acts=1)


@needs_gil
@pytest.mark.parametrize(
    "row",
    [
        row
        for row in all_rows()
        if row.promise is Promise.NOT_ATOMIC and row.operation not in ONE_CALL
    ],
    ids=lambda row: row.operation,
)
def test_what_is_called_not_atomic_goes_wrong_under_some_schedule(
    row: Guarantee, tmp_path: Path
) -> None:
    assert gets_in(row.idiom, tmp_path / "guarantee.py", "bytecode", acts=2)


@needs_gil
@pytest.mark.parametrize("row", PROMISED, ids=lambda row: row.operation)
def test_real_threads_break_no_promise_with_a_gil(row: Guarantee) -> None:
    tried = rounds(row.idiom, seconds=0)
    assert (tried.wrong, tried.example) == (0, "")
    assert tried.rounds == 1
    assert tried.acts > 0


def test_the_page_has_a_line_for_each_row_and_promises_what_it_promises() -> None:
    found = re.findall(r"^\| (\w+) \| `(.*?)` \| (.+?) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert [(section, name.replace("\\|", "|"), promise) for section, name, promise in found] == [
        (section.name, row.operation, row.promise) for section, row in ROWS
    ]


def test_one_round_at_least_is_tried_and_what_is_wrong_is_counted_with_an_example() -> None:
    row = Scene("x = 0").row("always", Promise.SAFE, "raise ValueError(me)")
    tried = rounds(row.idiom, seconds=0, acts=4)
    assert (tried.wrong, tried.acts, tried.rounds) == (12, 12, 1)
    assert re.fullmatch(r"ValueError\([012]\)", tried.example)


def test_who_does_something_else_does_it_as_long_as_the_others() -> None:
    scene = Scene("begun = []\nover = []", "begun.append(turn)")
    act = "while not begun: pass"  # not before the other is at it
    tried = rounds(scene.row("waits", Promise.SAFE, act).idiom, seconds=0, acts=2)
    assert (tried.wrong, tried.acts) == (0, 4)
