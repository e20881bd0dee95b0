"""`conlab study` shows what the files say and what happens here and now."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conlab import cli
from conlab.bench import settings
from conlab.catalogue import pitfall
from conlab.catalogue.law import Finding
from conlab.commands import study
from conlab.errors import UserError
from conlab.study import quiz
from conlab.study.learning import course
from conlab.study.progress import progress_so_far
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
    reading = "gil" if settings.gil_enabled() else "bytecode"  # where it may fail today
    broken = "broken fails in 2 of 4 schedules that differ (any number of preemptions, reading "
    assert f"{broken}{reading}" in words
    fixed = "fixed passes every schedule, 2 that differ (any number of preemptions, reading "
    assert f"{fixed}bytecode" in words
    in_short = told.index("\nIn short: broken goes wrong, as its file declares, and fixed is right")
    terms = {"schedule", "preemption", f"reading {reading}", "reading bytecode"}
    assert all(told.index(f"\n{term}: ") < in_short for term in terms)


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
        ("lost_updat", "did you mean lost_update or lost_wakeup? "),
        ("races/lazy_int", "did you mean lazy_init? "),
        ("race", "did you mean the family races? "),
        ("lock", "did you mean the family deadlocks, lock_order or lock_bound_to_other_loop? "),
        ("qwertz", ""),
    ],
)
def test_a_misspelt_name_is_told_the_nearest(
    typed: str, nearest: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.obey(["study", typed]) == 2
    assert capsys.readouterr().err == (
        f"conlab: there is no pitfall or family {typed!r}; {nearest}`conlab study` lists them all\n"
    )


@pytest.mark.parametrize(
    "typed",
    [
        "Lost-Update",
        "lost update",
        "races/lost_update.py",
        "pitfalls/races/lost_update.py",
        "./pitfalls/races/lost_update.py",
        "pitfalls\\races\\lost_update.py",
        "../lost_update.py",
        str(pitfall.ROOT / "races" / "lost_update.py"),
    ],
)
def test_a_name_may_be_written_otherwise_or_be_a_path(typed: str) -> None:
    assert pitfall.find(typed).name == "lost_update"


@pytest.mark.parametrize("typed", ["races", "Races/", "pitfalls/races", "pitfalls/races/"])
def test_so_may_a_family(typed: str) -> None:
    assert pitfall.family_named(typed) == "races"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--exercise"],
        ["--check", "fix.py"],
        ["--run", "broken"],
        ["--report", "page.html"],
    ],
    ids=" ".join,
)
def test_what_is_for_one_pitfall_names_some_of_a_family(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    races = [each.name for each in course() if each.family == "races"]
    assert cli.obey(["study", "races", *arguments]) == 2
    first, second, third, *_ = races
    assert capsys.readouterr().err == (
        f"conlab: races is a family of {len(races)} pitfalls, and {arguments[0]} is for one of"
        f" them: {first}, {second}, {third}, ... Type for instance: conlab study {first}"
        f" {' '.join(arguments)}\n"
    )


def test_whoever_asks_the_catalogue_for_a_family_is_told_so() -> None:
    with pytest.raises(UserError, match=r"races is a family of \d+ pitfalls, such as \w+, \w+ and"):
        pitfall.find("races")


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


@pytest.mark.parametrize(
    "name",
    [
        "threadsafe_call_on_own_loop",  # a task that runs, down to the script that forces it
        "thread_started_in_init",  # a thread that dies
        "popen_wait_with_pipe",  # one process
        "fork_with_threads",  # and two, the second forked
        "run_inside_running_loop",  # an exception
    ],
)
def test_a_side_that_is_run_shows_its_own_frames_and_says_what_went_wrong(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    studied = pitfall.find(name)
    assert cli.obey(["study", name, "--run", "broken"]) == 1
    said = capsys.readouterr().out
    own = re.findall(rf'{name}\.py(?:", line |:)(\d+)', said)
    assert own
    assert max(map(int, own)) <= len(studied.path.read_text().splitlines())
    for lab in ("conlab.warden", "side.py", "in_turns", "<string>", " main()", "conlab_"):
        assert lab not in said
    words = " ".join(said.split())
    assert words.endswith(f"Must hold: {studied.must_hold} What went wrong: {studied.title}")


def test_a_side_that_is_run_says_what_its_value_means(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.obey(["study", "lazy_init", "--run", "broken"]) == 1
    assert "\nThat is: Pools made: 2\nMust hold: There is one pool.\n" in capsys.readouterr().out


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
    assert told.index("\nschedule: ") < told.index("NOT A FIX: ")
    assert told.rstrip().endswith("NOT A FIX: It fails, in the schedule above for one.")
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
        (["lost_update", "--next"], "--next is about all pitfalls"),
        (["lost_update", "--start-over"], "--start-over is about all pitfalls"),
        (["lost_update", "--symptom", "hang"], "--symptom is about all pitfalls"),
        (["lost_update", "--all"], "--all is for --symptom"),
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
    monkeypatch.setenv("COLUMNS", "300")  # no path is cut into lines
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
    assert "conlab study --start-over" in said
    assert said.endswith("state/conlab/study.json\n")


@pytest.mark.usefixtures("nothing_is_run", "at_home")
def test_what_was_read_by_its_name_counts(capsys: pytest.CaptureFixture[str]) -> None:
    first, second, *_ = [each.name for each in course()]
    told = " ".join(printed(capsys, "study", first).split())
    assert f"Studied: 1 of {len(course())}, kept in " in told
    assert "--start-over forgets" in told
    assert f"conlab study {first} --check fix.py" in told
    assert f"told {second}" in printed(capsys, "study", "--next")


@pytest.mark.usefixtures("nothing_is_run", "at_home")
def test_what_was_asked_in_a_quiz_was_told_as_well(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = quiz.question(course(), course(), [], seed=3)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{asked.answer}\n"))
    printed(capsys, "study", "--quiz", "--seed", "3")
    assert progress_so_far().studied == [asked.pitfall.name]


@pytest.mark.usefixtures("nothing_is_run")
def test_all_of_it_can_be_forgotten(capsys: pytest.CaptureFixture[str], at_home: Path) -> None:
    first = course()[0].name
    for _ in range(2):
        printed(capsys, "study", "--next")
    said = printed(capsys, "study", "--start-over")
    assert said.startswith("Forgotten: 2 studied, 0 mended.")
    assert list((at_home / "conlab").iterdir()) == []
    assert f"told {first}" in printed(capsys, "study", "--next")


@pytest.mark.usefixtures("at_home")
def test_where_nothing_is_remembered_there_is_nothing_to_forget(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert printed(capsys, "study", "--start-over").startswith("Forgotten: 0 studied, 0 mended.")


@pytest.mark.usefixtures("at_home")
def test_what_is_forgotten_is_not_half_forgotten(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", busy)
    assert cli.obey(["study", "--start-over"]) == 2
    assert "cannot be forgotten: " in capsys.readouterr().err


@pytest.mark.parametrize("step", ["NAME", "--exercise", "--check", "--quiz", "--next"])
def test_the_help_tells_the_way_from_reading_to_a_fix(
    step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.obey(["study", "--help"])
    told = capsys.readouterr().out.partition("how to learn")[2]
    steps = ["conlab study lost_update  ", "--exercise > ", "--check fix.py", "--quiz", "--next  "]
    places = [told.index(each) for each in steps]
    assert places == sorted(places)
    assert step.replace("NAME", "lost_update") in told


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
    right = quiz.question(course(), course(), [], seed=3).answer
    numbers = {"right": right, "wrong": right % 4 + 1}
    monkeypatch.setattr("sys.stdin", io.StringIO(typed.format(**numbers)))
    assert cli.obey(["study", "--quiz", "--seed", "3"]) == status
    told = capsys.readouterr().out
    assert told.startswith("# What goes wrong here?\n")
    assert said.format(**numbers) in told
