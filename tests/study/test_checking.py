"""A mended file is judged right whatever its shape: what mends is accepted, what hides is not."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from conlab.catalogue import pitfall
from conlab.commands import study
from conlab.errors import UserError
from conlab.judge import Returned, judge
from conlab.study import checking
from conlab.study.checking import Verdict, exceptions_shown
from conlab.study.exercise import MENDED, exercise_of
from tests.study.mended_files import CHEATS, SOUND

QUEUE = SOUND["lost_update"]["a queue that the main thread empties"]
WIDTH = 100
AT_ONCE = {"lost_update"}  # the others in `-m oracle`
NAMES = [
    pytest.param(each.name, marks=() if each.name in AT_ONCE else pytest.mark.oracle)
    for each in pitfall.collect()
    if not each.harmless
]
HARMLESS = [each.name for each in pitfall.collect() if each.harmless]
# One of each kind is checked in every run of the tests, and all of them in `-m oracle`.
IN_EVERY_RUN = {
    ("lost_update", "a queue that the main thread empties"),
    ("lost_update", "threads that do nothing"),
    ("lost_update", "what is expected, after all the work"),
    ("lazy_init", "another thing counted"),
    ("iterate_while_mutating", "wait for the visitor before the loop"),
    ("check_then_act_on_container", "the first alone"),
    ("forgotten_await", "a sleep for the task to come to its end"),
    ("iterate_while_mutating", "try again when it fails"),
    ("sleep_as_synchronisation", "sleep longer"),
    ("non_atomic_shared_value", "in one line"),
}


def cases(table: Mapping[str, Mapping[str, object]]) -> list[Any]:
    """The files of a table, as parameters."""
    return [
        pytest.param(
            *(name, shape),
            id=f"{name}-{shape}",
            marks=() if (name, shape) in IN_EVERY_RUN else pytest.mark.oracle,
        )
        for name, shapes in table.items()
        for shape in shapes
    ]


sound = pytest.mark.parametrize(("name", "shape"), cases(SOUND))
cheating = pytest.mark.parametrize(("name", "cheat"), cases(CHEATS))


def checked(name: str, text: str, folder: Path) -> Verdict:
    file = folder / "my_fix.py"
    file.write_text(text, "utf-8")
    return checking.check(file, pitfall.find(name), WIDTH, lambda _: None)


@sound
def test_a_sound_fix_of_another_shape_is_one(name: str, shape: str, tmp_path: Path) -> None:
    verdict = checked(name, SOUND[name][shape], tmp_path)
    assert not verdict.objections, verdict


@cheating
def test_what_only_hides_the_mistake_is_no_fix(name: str, cheat: str, tmp_path: Path) -> None:
    text, said = CHEATS[name][cheat]
    verdict = checked(name, text, tmp_path)
    assert said in " | ".join(verdict.objections), verdict


@pytest.mark.parametrize("name", NAMES)
def test_the_exercise_as_it_is_printed_is_no_fix(name: str, tmp_path: Path) -> None:
    verdict = checked(name, exercise_of(pitfall.find(name)), tmp_path)
    assert verdict.objections


@pytest.mark.parametrize("name", NAMES)
def test_the_fixed_side_is_a_fix(name: str, tmp_path: Path) -> None:
    text = pitfall.find(name).path.read_text("utf-8")
    mended = text.replace("def broken()", "def first()").replace("def fixed()", f"def {MENDED}()")
    verdict = checked(name, mended.replace('"fixed": fixed', f'"fixed": {MENDED}'), tmp_path)
    assert not verdict.objections, verdict


@pytest.mark.parametrize("name", NAMES)
def test_the_expected_value_typed_in_is_no_fix(name: str, tmp_path: Path) -> None:
    pair = pitfall.find(name)
    outcome = judge(pair.path, "fixed").outcome
    assert isinstance(outcome, Returned)
    text = exercise_of(pair).replace(f"def {MENDED}(", "def as_it_was(")
    cheat = f"def {MENDED}():\n    as_it_was()\n    return {outcome.value}\n"
    verdict = checked(name, text.replace("if __name__", f"{cheat}\n\nif __name__"), tmp_path)
    assert verdict.objections


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def mended(:\n    pass\n", "is no Python: line 1: "),
        ("", "has no function mended(), which is what is run"),
        ("def mend():\n    return 1\n", "which is what is run; it has mend()"),
        ("def mended(lock):\n    return 1\n", "mended() needs arguments"),
        ("async def mended():\n    return 1\n", "have it call asyncio.run()"),
        ("x = '\x00'\n", "is no Python: "),
    ],
)
def test_a_file_that_cannot_be_run_gets_one_sentence(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as told:
        checked("lost_update", text, tmp_path)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there_gets_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read .*nothing\.py: No such file"):
        checking.check(tmp_path / "nothing.py", pitfall.find("lost_update"), WIDTH)


def test_a_folder_gets_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read .*: Is a directory"):
        checking.check(tmp_path, pitfall.find("lost_update"), WIDTH)


def test_bytes_that_are_no_text_get_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "my_fix.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="is no text in UTF-8"):
        checking.check(tmp_path / "my_fix.py", pitfall.find("lost_update"), WIDTH)


@pytest.mark.parametrize("name", HARMLESS)
def test_where_a_pair_does_no_harm_there_is_nothing_to_mend(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="it does no harm, so there is nothing to mend"):
        checked(name, exercise_of(pitfall.find(name)), tmp_path)


def test_the_exercise_of_another_pair_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"says that it mends lazy_init, and not lost_update: con"):
        checked("lost_update", exercise_of(pitfall.find("lazy_init")), tmp_path)


def test_what_cannot_be_imported_is_no_fix_and_says_why(tmp_path: Path) -> None:
    verdict = checked("lost_update", f"import nothing_of_the_kind\n{QUEUE}", tmp_path)
    (said,) = verdict.objections
    assert said.startswith("it cannot be run: ")
    assert "nothing_of_the_kind" in said


def test_of_what_the_explorer_cannot_run_there_is_no_verdict(tmp_path: Path) -> None:
    text = QUEUE.replace("balance = 0", "balance = 0\n    signal.alarm(0)")
    verdict = checked("lost_update", f"import signal\n{text}", tmp_path)
    assert "signal.alarm" in verdict.undecided
    assert not verdict.objections
    assert study._check(pitfall.find("lost_update"), tmp_path / "my_fix.py") == 2


@pytest.mark.parametrize("name", ["lost_update", "join_before_drain"])
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import os; os._exit(3)", "exit"),
        ("raise SystemExit(4)", "4"),
        ("import signal, os; os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL"),
    ],
)
def test_a_file_that_ends_its_process_is_no_fix(
    name: str, line: str, said: str, tmp_path: Path
) -> None:
    verdict = checked(name, f"def mended():\n    {line}\n", tmp_path)
    assert said in " | ".join([*verdict.objections, *verdict.exhibit, *verdict.seen]), verdict
    assert verdict.objections


@pytest.mark.parametrize("name", ["lost_update", "join_before_drain"])
def test_a_file_that_never_ends_is_no_fix(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conlab.study.trial.LIMIT", 1.0)
    verdict = checked(
        name, "import threading\n\ndef mended():\n    threading.Event().wait()\n", tmp_path
    )
    assert verdict.objections


def test_what_is_given_and_was_changed_is_put_back_and_said(tmp_path: Path) -> None:
    text = CHEATS["lost_update"]["the given made harmless"][0]
    verdict = checked("lost_update", text, tmp_path)
    assert verdict.seen[0] == "twice_at_once is given, and was run as the exercise has it"


def test_the_lines_of_a_witness_are_those_of_the_reader_s_file(tmp_path: Path) -> None:
    text = exercise_of(pitfall.find("lost_update"))
    verdict = checked("lost_update", text, tmp_path)
    number = text.splitlines().index("        balance += after_fee(DEPOSIT)") + 1
    assert any(line.startswith(f"  {number}  Thread-1") for line in verdict.exhibit)


@pytest.mark.parametrize(
    ("name", "exceptions"),
    [
        ("iterate_while_mutating", ["RuntimeError"]),
        ("shared_generator", ["ValueError"]),
        ("exceptiongroup_not_caught", []),  # to catch it is the fix
        ("lost_update", []),
    ],
)
def test_the_exceptions_that_may_not_be_caught_are_those_that_show_the_mistake(
    name: str, exceptions: list[str]
) -> None:
    assert exceptions_shown(pitfall.find(name)) == exceptions
