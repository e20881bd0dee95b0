"""The law catches what is against it: each test plants one such thing and sees it named."""

import itertools
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from conlab.catalogue import law, pitfall
from conlab.catalogue.law import examine
from conlab.catalogue.pitfall import Pitfall
from conlab.explorer import Diverged
from tests.patience import patience

Plant = Callable[..., Pitfall]

STORY = "\n\n".join(f"{section}: planted." for section in pitfall.SECTIONS)


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Write a pitfall with these sides and declarations, and read it."""

    def write(broken: str = "return 0", fixed: str = "return 1", **declared: object) -> Pitfall:
        declared = {
            "FAILURE": "wrong result",
            "SHOWS": "returned 0",
            "EVIDENCE": "judged",
            **declared,
        }
        parts = [
            f'"""Planted: against the law.\n\n{STORY}\n"""',
            "import statistics\nimport threading\nimport time",
            *(f"{name} = {value!r}" for name, value in declared.items()),
            *(
                f"def {side}():\n{textwrap.indent(textwrap.dedent(body).strip(), '    ')}"
                for side, body in (("broken", broken), ("fixed", fixed))
            ),
            "def holds(value):\n    return value == 1\n",
        ]
        file = tmp_path / "planted.py"
        file.write_text("\n\n".join(parts))
        return pitfall.read(file)

    return write


def test_a_lawful_pitfall_is_not_objected_to(plant: Plant) -> None:
    lawful = plant()
    assert examine(lawful, "broken").against_the_law == ()
    assert examine(lawful, "fixed").against_the_law == ()


def test_a_broken_side_that_is_not_broken_is_caught(plant: Plant) -> None:
    (objection,) = examine(plant(broken="return 1"), "broken").against_the_law
    assert "it is not broken" in objection


def test_a_broken_side_that_fails_for_another_reason_is_caught(plant: Plant) -> None:
    (objection,) = examine(plant(broken="return 2"), "broken").against_the_law
    assert objection == "it returned 2, declared is 'returned 0'"


def test_a_broken_side_that_also_loses_an_exception_is_caught(plant: Plant) -> None:
    dies = """
        thread = threading.Thread(target=[].pop)
        thread.start()
        thread.join()
        return 0
    """
    (objection,) = examine(plant(broken=dies), "broken").against_the_law
    assert "IndexError: pop from empty list (ended a thread)" in objection


def test_a_fix_that_is_not_one_is_caught(plant: Plant) -> None:
    (objection,) = examine(plant(fixed="return 0"), "fixed").against_the_law
    assert objection == "its oracle calls it wrong that it returned 0"


def test_a_fix_that_leaves_a_thread_behind_is_caught(plant: Plant) -> None:
    leaves = """
        threading.Thread(target=threading.Event().wait, daemon=True, name="stray").start()
        return 1
    """
    (objection,) = examine(plant(fixed=leaves), "fixed").against_the_law
    assert objection == "it left thread stray behind"


def test_a_hang_in_a_fixed_side_is_caught(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(law, "LIMIT", patience(0.25))
    (objection,) = examine(plant(fixed="threading.Event().wait()"), "fixed").against_the_law
    assert objection == "it hung at threading.Event().wait() (no core in use)"


def test_a_hang_elsewhere_than_declared_is_caught(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(law, "LIMIT", patience(0.25))
    elsewhere = plant(
        broken="threading.Event().wait()",
        FAILURE="deadlock",
        SHOWS="hung",
        STUCK_AT=("with lock:",),
    )
    (objection,) = examine(elsewhere, "broken").against_the_law
    assert objection.startswith("it stands at ['threading.Event().wait()']")


def test_a_slow_side_at_the_declared_statement_is_no_deadlock(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(law, "LIMIT", patience(0.25))
    slow = plant(
        broken="while True: pass",
        FAILURE="deadlock",
        SHOWS="hung",
        STUCK_AT=("while True: pass",),
    )
    objections = examine(slow, "broken").against_the_law
    assert any("a deadlock uses no core" in objection for objection in objections)


def test_an_order_whose_statement_is_never_reached_is_caught(plant: Plant) -> None:
    mistyped = plant(ORDER=("retrun 0",))
    assert "the order that its file asks for was never reached" in (
        examine(mistyped, "broken").against_the_law
    )
    assert "it never reached ['retrun 0']" in examine(mistyped, "fixed").against_the_law


RACE = """
    seen = []

    def add():
        if not seen:
            time.sleep(0)
            seen.append(1)

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(seen)
"""


BARE_INCREMENT = """
    hits = 0

    def hit():
        nonlocal hits
        hits += 1

    threads = [threading.Thread(target=hit) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return int(hits == 2)
"""
HARMLESS_HERE = {">=3.0": {"HARMLESS": True}}


def test_a_fix_that_fails_in_one_schedule_is_caught(plant: Plant) -> None:
    racy = plant(fixed=RACE, EVIDENCE="explored")
    (objection,) = examine(racy, "fixed").against_the_law
    assert objection.startswith("it fails in")


def test_a_race_that_no_schedule_shows_is_caught(plant: Plant) -> None:
    (objection,) = examine(plant(broken="return 1", EVIDENCE="explored"), "broken").against_the_law
    assert "it is not broken: it passes its only schedule" in objection


def test_a_race_said_to_be_safe_by_accident_is_caught(plant: Plant) -> None:
    plain = plant(broken=RACE, EVIDENCE="explored", SHOWS="returned 2", SAFE_BY_ACCIDENT=True)
    (objection,) = examine(plain, "broken").against_the_law
    assert objection.startswith("it is not safe by accident")


@pytest.mark.parametrize("evidence", ["judged", "explored"])
def test_a_broken_side_that_does_no_harm_on_this_build_is_not_objected_to(
    plant: Plant, evidence: str
) -> None:
    tame = plant(broken="return 1", EVIDENCE=evidence, VERSIONS=HARMLESS_HERE)
    finding = examine(tame, "broken")
    assert finding.against_the_law == ()
    assert finding.sentence.endswith(law.HARMLESS)


def test_a_broken_side_that_does_harm_on_a_build_where_it_should_not_is_caught(
    plant: Plant,
) -> None:
    (judged,) = examine(plant(VERSIONS=HARMLESS_HERE), "broken").against_the_law
    assert judged == "its oracle calls it wrong that it returned 0"
    racy = plant(broken=RACE, EVIDENCE="explored", VERSIONS=HARMLESS_HERE)
    (explored,) = examine(racy, "broken").against_the_law
    assert explored.startswith("it fails in")


@pytest.mark.parametrize("safe_by_accident", [False, True])
def test_without_the_gil_nothing_is_safe_by_accident(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, safe_by_accident: bool
) -> None:
    monkeypatch.setattr(law, "applies", lambda condition: condition == "free-threaded")
    bare = plant(broken=BARE_INCREMENT, EVIDENCE="explored", SAFE_BY_ACCIDENT=safe_by_accident)
    said = "it is said to be safe by accident, on a build without the GIL"
    assert examine(bare, "broken").against_the_law == (said,) * safe_by_accident


def test_a_replay_that_diverges_is_an_error_and_no_pass(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it counts in is of another file, which the explorer does not set back between runs."""
    remembers = RACE.replace("range(2)", "range(2 + next(statistics.runs) % 2)")
    monkeypatch.setattr("statistics.runs", itertools.count(), raising=False)
    with pytest.raises(Diverged):
        examine(plant(fixed=remembers, EVIDENCE="explored"), "fixed")
