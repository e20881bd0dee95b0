"""A drawn witness: its lanes, its locks, what races, the cycle; and a very long one."""

import re
from importlib.util import find_spec

import pytest

pytest.importorskip("jinja2")

from conlab.catalogue import pitfall
from conlab.catalogue.law import examine
from conlab.explorer import Witness
from conlab.explorer.outcomes import Raised
from conlab.explorer.witnesses.holds import Hold
from conlab.report import page, schedule
from conlab.report.pairs import studied
from conlab.report.schedule import MOST_ROWS, drawing, drawn
from tests.report import made

pytestmark = pytest.mark.skipif(find_spec("pygal") is None, reason="pygal is not installed")


def test_each_thread_has_a_lane_and_time_runs_downwards() -> None:
    found = drawing(made.witness())
    assert [lane.name for lane in found.lanes] == ["main", "Thread-1", "Thread-2"]
    assert len({lane.x for lane in found.lanes}) == 3
    assert [row.line for row in found.rows if row.kind == "line"] == [3, 7, 8, 12, 9, 20]


def test_the_accesses_that_race_are_joined_from_the_first_to_the_last() -> None:
    found = drawing(made.witness())
    assert [row.rail for row in found.rows] == ["", "", "begins", "through", "through", "ends", ""]
    assert [row.joined for row in found.rows] == [
        False, False, True, False, True, True, False,
    ]  # fmt: skip


def test_values_stand_at_each_access() -> None:
    rows = drawing(made.witness()).rows
    assert "reads balance 100" in rows[2].values
    assert "writes balance 100 -> 110" in rows[4].values


def test_a_lock_is_a_bar_from_where_it_is_taken_to_where_it_is_given_back() -> None:
    rows = drawing(made.witness()).rows
    held = [[(bar.lock, bar.begins, bar.ends) for bar in row.bars] for row in rows]
    begins, through, ends = ("lock", True, False), ("lock", False, False), ("lock", False, True)
    assert held == [[], [begins], [through], [through], [through], [ends], []]


def test_a_lock_that_is_never_given_back_is_a_bar_to_the_end() -> None:
    steps = made.witness().steps
    found = drawing(made.witness(steps, holds=[Hold("lock", "Thread-1", 1, None)]))
    assert all(row.bars for row in found.rows[1:])


def test_a_deadlock_has_its_wait_for_cycle_as_a_picture_and_in_words() -> None:
    html = drawn(made.witness(outcome=made.deadlock()))
    assert "Wait-for cycle: Thread-1 waits for Thread-2, Thread-2 waits for Thread-1" in html
    assert html.count('class="arrow"') == 2
    assert "Thread-1 waits at bank.py:10 for lock_0 made at bank.py:0, held by Thread-2" in html


def test_a_page_of_witnesses_is_headed_by_what_each_came_to_and_cut_between_words() -> None:
    failed = Raised("AssertionError", "sold ['Bob', 'Ann']", "")
    two = [drawing(made.witness(outcome=one), str(at)) for at, one in enumerate([failed] * 2)]
    title = "bank.py:program raised AssertionError: sold ['Bob', 'Ann']"
    assert page.Parts(schedules=two).headline == f"{title}; {title}"
    long = drawing(made.witness(outcome=Raised("E", "a word, " * 99, "")))
    headline = page.Parts(schedules=[long]).headline
    assert len(headline) <= page.HEADING
    assert headline.endswith((" word, …", " a …"))


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_a_cycle_of_any_length_is_drawn_within_its_picture(threads: int) -> None:
    names = [f"Thread-{at} (a_function_with_a_name)" for at in range(threads)]
    html = drawn(made.witness(outcome=made.deadlock(names)))
    assert html.count('class="arrow"') == threads
    numbers = [float(x) for x in re.findall(r'<rect x="(-?\d+)" y="-?\d+" width="120"', html)]
    assert len(numbers) == threads
    assert all(0 <= x <= 340 - 120 for x in numbers)


def test_a_fragment_is_the_same_each_time_and_its_ids_begin_with_its_key() -> None:
    one, other = drawn(made.witness()), drawn(made.witness())
    assert one == other
    keyed = drawn(made.witness(), "mine")
    assert all(found.startswith("mine") for found in re.findall(r'\bid="([^"]+)"', keyed))


@pytest.mark.parametrize("where", ["thread", "program", "source", "lock", "value"])
def test_markup_in_a_witness_stays_text(where: str) -> None:
    evil = made.EVIL
    step = made.step(
        evil if where == "thread" else "main", 1, evil if where == "source" else "x = 1"
    )
    holds = [Hold(evil, step.thread, 0, None)] if where == "lock" else []
    program = evil if where == "program" else "x.py:f"
    outcome = made.deadlock([evil, "b"]) if where == "value" else None
    html = drawn(made.witness([step, made.step("b", 2, "y")], outcome, holds, program))
    assert "<script" not in html
    assert "alert(1)" in html or where == "source"


def test_a_witness_of_five_thousand_steps_is_a_page() -> None:
    steps = [
        made.step(f"Thread-{at * 7919 % 5}", at * 104_729 % 300 + 1, f"x_{at % 300} = {at}")
        for at in range(5000)
    ]
    long = made.witness(
        steps, holds=[Hold("lock", "Thread-1", at, at + 3) for at in range(0, 4000, 9)]
    )
    found = drawing(long)
    assert 50 <= len(found.rows) <= 2 * MOST_ROWS + 2
    assert found.rows[-1].line == steps[-1].line
    assert len(page.html(page.Parts(schedules=[found])).encode()) < page.LARGEST


def test_a_real_witness_knows_its_locks_and_its_code() -> None:
    pair = pitfall.find("lock_order")
    finding = examine(pair, "broken")
    assert isinstance(finding.exhibit, Witness)
    found = drawing(finding.exhibit)
    assert len(found.locks) == 2
    (source,) = found.files
    assert any(line and "with" in line[1] for line in source.lines)
    ids = set(re.findall(r'id="([^"]+)"', drawn(finding.exhibit, "w")))
    wanted = set(re.findall(r'data-line="([^"]+)"', drawn(finding.exhibit, "w")))
    assert wanted
    assert wanted <= ids


def test_the_locks_of_a_witness_are_kept_where_it_is_saved(
    tmp_path: "pytest.TempPathFactory",
) -> None:
    witness = made.witness()
    witness.save(path := tmp_path / "witness.json")  # type: ignore[operator]
    assert Witness.load(path).holds == witness.holds


def test_a_pair_has_its_story_its_sides_beside_each_other_and_how_often_it_fails() -> None:
    pair = pitfall.find("lost_update")
    found = studied(pair, [examine(pair, "broken"), examine(pair, "fixed")])
    html = page.html(page.Parts(studied=[found]))
    assert "broken fails in 2 of 4 schedules" in html
    assert [row.kind for row in found.rows if row.kind != "same"]
    assert "From broken to fixed" in html
    one_column = [(kind, code.striptags()) for kind, _, code in found.unified]
    broken, fixed = (
        [" ".join(line.split()) for line in side.splitlines()] for side in (pair.broken, pair.fixed)
    )
    assert [code for kind, code in one_column if kind != "added"] == broken
    assert [code for kind, code in one_column if kind != "removed"] == fixed
    assert found.schedule is not None
    assert schedule.drawing is drawing
