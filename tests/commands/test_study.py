"""`conlab study` shows what the files say and what happens here and now."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conlab import cli
from conlab.catalogue import pitfall
from conlab.catalogue.law import Finding
from conlab.commands import study
from conlab.study import quiz
from conlab.study.learning import course
from tests.patience import patience


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.obey(list(arguments)) == 0
    return capsys.readouterr().out


def test_the_list_names_every_pitfall_of_a_family_in_the_order_to_learn_them_in(
    capsys: pytest.CaptureFixture[str],
) -> None:
    listed = re.findall(r"^  (\w+)  ", printed(capsys, "study"), re.MULTILINE)
    families = list(pitfall.families())
    ordered = sorted(course(), key=lambda each: families.index(each.family))
    assert listed == [each.name for each in ordered]


def test_the_families_come_in_reading_order() -> None:
    assert list(pitfall.families()) == [
        "exceptions",
        "races",
        "deadlocks",
        "event_loop",
        "cancellation",
        "processes",
        "performance",
        "testing",
    ]


def test_an_explored_pitfall_is_told_and_both_sides_are_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = printed(capsys, "study", "lost_update")
    words = " ".join(told.split())
    assert "Why: `balance += after_fee(amount)`" in told
    assert "\n+        with lock:\n" in told
    broken = r"broken fails in 2 of 4 schedules that differ \(any number of preemptions, reading g"
    assert re.search(broken, words)
    fixed = (
        r"fixed passes every schedule, 2 that differ \(any number of preemptions, reading bytecode"
    )
    assert re.search(fixed, words)
    for term in ("schedule: ", "preemption: ", "reading gil: ", "reading bytecode: "):
        assert f"\n{term}" in told


def test_a_judged_pitfall_is_told_and_both_sides_are_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = printed(capsys, "study", "deadlocks/executor_self_starvation")
    assert "broken hung at return inner.submit(pow, 6, 2).result()" in told
    assert "fixed returned 36" in told


def test_what_is_piped_has_no_colour_and_fits_in_eighty_columns() -> None:
    piped = subprocess.run(
        [sys.executable, "-m", "conlab.cli", "study", "join_before_drain"],
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=patience(60),
        check=True,
    ).stdout
    assert "\033" not in piped
    assert max(map(len, piped.splitlines())) <= 80


def test_a_family_is_listed_alone(capsys: pytest.CaptureFixture[str]) -> None:
    listed = re.findall(r"^  (\w+)  ", printed(capsys, "study", "races"), re.MULTILINE)
    assert set(listed) == {each.name for each in pitfall.collect() if each.family == "races"}


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("lost_updat", "the nearest is lost_update; "),
        ("races/lazy_int", "the nearest is races/lazy_init; "),
        ("race", "the nearest is races; "),
        ("qwertz", ""),
    ],
)
def test_a_misspelt_name_is_told_the_nearest(
    typed: str, nearest: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.obey(["study", typed]) == 2
    assert capsys.readouterr().err == (
        f"conlab: there is no pitfall {typed!r}; {nearest}`conlab study` lists them all\n"
    )


@pytest.mark.parametrize("typed", ["Lost-Update", "lost update", "races/lost_update.py"])
def test_a_name_may_be_written_otherwise(typed: str) -> None:
    assert pitfall.find(typed).name == "lost_update"


def test_what_the_value_of_a_measured_pair_means_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = printed(capsys, "study", "unbounded_fan_out")
    assert "broken returned 1000\nThat is: 1000 open at once, on a server that takes 10\n" in told


@pytest.mark.parametrize("name", ["lost_update", "sleep_as_synchronisation"])
def test_the_broken_side_fails_when_it_is_run_with_its_order_forced(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.obey(["study", name, "--run", "broken"]) == 1
    said = capsys.readouterr().out
    assert ("It returned 99." in said) or ("broken returned []" in said)


def test_the_fixed_side_is_right_when_it_is_run_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert "fixed returned 198" in printed(capsys, "study", "lost_update", "--run", "fixed")


def test_an_exercise_is_mended_and_found_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], at_home: Path
) -> None:
    file = tmp_path / "my_fix.py"
    file.write_text(printed(capsys, "study", "lost_update", "--exercise"))
    assert cli.obey(["study", "lost_update", "--check", str(file)]) == 1
    told = capsys.readouterr().out
    assert "NOT A FIX: It fails, in the schedule above for one." in told
    assert "\nschedule: " in told
    mended = file.read_text().replace(
        "        balance += after_fee(DEPOSIT)\n",
        "        with lock:\n            balance += after_fee(DEPOSIT)\n",
    )
    mended = mended.replace("    balance = 0\n", "    balance = 0\n    lock = threading.Lock()\n")
    file.write_text(mended)
    assert "A FIX: it holds" in printed(capsys, "study", "lost_update", "--check", str(file))
    assert '"mended": [\n  "lost_update"' in (at_home / "conlab" / "study.json").read_text()


def test_a_symptom_leads_to_pitfalls(capsys: pytest.CaptureFixture[str]) -> None:
    told = printed(capsys, "study", "--symptom", "dictionary", "changed", "size")
    assert re.findall(r"^  (\S+)  ", told, re.MULTILINE)[0] == "races/iterate_while_mutating"


def test_a_symptom_that_nobody_knows_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.obey(["study", "--symptom", "xyzzy\x1b[2J"]) == 1
    told = capsys.readouterr().out
    assert told.startswith("No pitfall tells of 'xyzzy\\\\x1b[2J'. Say what you see")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--exercise"], "--exercise needs a pitfall"),
        (["--check", "x.py"], "--check needs a pitfall"),
        (["--run", "fixed"], "--run needs a pitfall"),
        (["lost_update", "--next"], "--next looks among all pitfalls"),
        (["lost_update", "--symptom", "hang"], "--symptom looks among all pitfalls"),
        (["lost_update", "--quiz"], "draws from all pitfalls or from a family"),
        (["lost_update", "--seed", "1"], "--seed is for --quiz"),
    ],
)
def test_what_does_not_go_together_gets_one_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.obey(["study", *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the lab remembers."""
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what is told and run."""
    monkeypatch.setattr(study, "tell", told_alone)


def told_alone(studied: pitfall.Pitfall) -> list[Finding]:
    """Say which one would be told."""
    print(f"told {studied.name}")
    return []


@pytest.mark.usefixtures("nothing_is_run")
def test_next_goes_on_in_the_order_to_learn_in(
    capsys: pytest.CaptureFixture[str], at_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = course()[:3]
    monkeypatch.setattr(study, "course", lambda: short)
    told = [re.findall(r"told (\w+)", printed(capsys, "study", "--next"))[0] for _ in short]
    assert told == [each.name for each in short]
    assert (at_home / "conlab" / "study.json").is_file()
    said = printed(capsys, "study", "--next")
    assert said.startswith("You have studied all 3 pitfalls, and mended 0 of them.")
    assert said.endswith("state/conlab/study.json\n")


@pytest.mark.usefixtures("nothing_is_run")
def test_next_tells_one_also_where_nothing_can_be_remembered(
    capsys: pytest.CaptureFixture[str], at_home: Path
) -> None:
    at_home.write_text("a file in the way")
    assert cli.obey(["study", "--next"]) == 0
    told = capsys.readouterr()
    assert f"told {course()[0].name}" in told.out
    assert "may not be remembered" in told.err


@pytest.mark.usefixtures("nothing_is_run", "at_home")
@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ("{right}\n", 0, "Right."),
        ("{wrong}\n", 1, "No: it is {right}."),
        ("9\nnone\n{right}\n", 0, "'none' is none of the numbers from 1 to 4."),
        ("", 1, "No answer. It is {right}: conlab study "),
        ("0\n0\n0\n{right}\n", 1, "No answer."),
    ],
)
def test_a_quiz_asks_and_then_tells(
    typed: str,
    status: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = quiz.question(course(), [], seed=3).answer
    numbers = {"right": right, "wrong": right % 4 + 1}
    monkeypatch.setattr("sys.stdin", io.StringIO(typed.format(**numbers)))
    assert cli.obey(["study", "--quiz", "--seed", "3"]) == status
    told = capsys.readouterr().out
    assert told.startswith("# What goes wrong here?\n")
    assert said.format(**numbers) in told


def test_a_quiz_of_a_family_draws_from_it() -> None:
    races = [each for each in course() if each.family == "races"]
    drawn = {quiz.question(races, [], seed).pitfall.family for seed in range(20)}
    assert drawn == {"races"}


def test_a_quiz_draws_first_what_was_not_studied() -> None:
    *studied, new = [each.name for each in course()]
    for seed in range(5):
        question = quiz.question(course(), studied, seed)
        assert question.pitfall.name == new
        assert len({each.name for each in question.choices}) == 4
