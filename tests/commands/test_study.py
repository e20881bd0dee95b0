"""`conlab study` shows what the files say and what happens here and now."""

import os
import re
import subprocess
import sys

import pytest

from conlab import cli
from conlab.catalogue import pitfall
from tests.patience import patience


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.obey(list(arguments)) == 0
    return capsys.readouterr().out


def test_the_list_names_every_pitfall_in_reading_order(capsys: pytest.CaptureFixture[str]) -> None:
    listed = re.findall(r"^  (\w+)  ", printed(capsys, "study"), re.MULTILINE)
    assert listed == [each.name for each in pitfall.collect()]


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


def test_an_unknown_name_gets_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.obey(["study", "lost_updat"]) == 2
    assert capsys.readouterr().err == (
        "conlab: there is no pitfall 'lost_updat'; `conlab study` lists them all\n"
    )
