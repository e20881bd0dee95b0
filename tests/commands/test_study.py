"""`conlab study` and `conlab readme` show what the files say and what happens here and now."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conlab import cli
from conlab.catalogue import pitfall
from conlab.commands import readme
from conlab.errors import UserError
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


def test_the_readme_s_table_is_up_to_date() -> None:
    text = readme.README.read_text()
    assert readme.updated(text) == text, "run `conlab readme --write`"


def test_a_stale_table_is_replaced_and_the_rest_kept() -> None:
    text = f"before\n{readme.BEGIN}\nstale\n{readme.END}\nafter\n"
    table = readme.table(pitfall.collect())
    assert readme.updated(text) == f"before\n{readme.BEGIN}\n{table}\n{readme.END}\nafter\n"


def test_a_readme_without_a_place_for_the_table_is_refused() -> None:
    with pytest.raises(UserError, match="pitfalls:begin"):
        readme.updated("# Concurrency Lab\n")


def test_every_pitfall_has_a_row_that_leads_to_its_file() -> None:
    rows = readme.table(pitfall.collect()).splitlines()[2:]
    links = [re.findall(r"\((pitfalls/\S+\.py)\)", row)[0] for row in rows]
    assert links == [f"pitfalls/{each}.py" for each in pitfall.collect()]
    assert all(Path(readme.README.parent, link).is_file() for link in links)
