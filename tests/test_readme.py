"""The README promises what a fresh clone does: its commands, its outputs, its picture."""

import re
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from conlab import cli
from conlab.bench import discovery
from docs.book import picture
from tests.docs.console import Command, File, read, shows

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = [step for step in read(README) if isinstance(step, Command)]
RECORDED = (3, 11)  # elsewhere a witness may have other steps
MOST_LINES = 150


def test_it_is_read_in_two_minutes() -> None:
    assert len(README.splitlines()) <= MOST_LINES


@pytest.mark.parametrize("command", ["pytest", "pytest --benchmark-only"])
def test_both_commands_stand_there_as_ci_runs_them(command: str) -> None:
    line = f"python3 -m conlab.install && .venv/bin/python -m {command}"
    assert README.splitlines().count(line) == 1


def test_a_job_of_one_s_own_is_written_before_the_first_output_and_is_one() -> None:
    before, _, _ = README.partition("\n```\nfetch_and_resize: ")
    (example,) = [step for step in read(before) if isinstance(step, File)]
    assert example.path == "my_job.py"
    assert sum(bool(line) for line in example.text.splitlines()) == 1 + 4
    module: dict[str, Any] = {}
    exec(example.text, module)
    results = [module["work"](job) for job in module["jobs"]()]
    assert len(results) == 32
    assert len(set(results)) > 1
    assert "`conlab measure my_job.py`" in before


@pytest.mark.parametrize(
    ("term", "shown"),
    [
        ("*Hybrid* is", "\nhybrid (32+2)"),
        ("`(32+2)` is", "\nhybrid (32+2)"),
        ("*floor* is", " speedup floor "),
        ("A *reading* says", "reading gil"),
        ("(a *cell*)", "1 of 1 cell decided"),
        ("(*decided*)", "1 of 1 cell decided"),
    ],
)
def test_a_word_of_the_lab_s_own_is_explained_in_the_section_that_shows_it(
    term: str, shown: str
) -> None:
    (section,) = [section for section in README.split("\n## ") if shown in section]
    assert term in " ".join(section.split())


def test_what_a_pair_is_stands_where_it_is_first_said() -> None:
    words = " ".join(README.split())
    explained = "pair of the catalogue, a mistake beside its fix"
    assert words.index("pair") == words.index(explained)


def test_the_models_are_as_many_as_there_are() -> None:
    count = len(list(discovery.models()))
    words = ("five", "six", "seven", "eight", "nine")
    every, older = words[count - 5], words[count - 6]
    choose = (ROOT / "docs" / "choose.md").read_text("utf-8")
    assert f"There are {every} models: interpreters came with Python 3.14" in README
    assert f"under the {older} models that Python 3.11 has" in README
    assert f"{every} models ({older} before Python 3.14)" in choose


@pytest.mark.skipif(
    sys.version_info[:2] != RECORDED or bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    reason="the README shows what CPython 3.11 does",
)
def test_the_witness_is_what_the_command_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "100")
    (shown,) = [
        step for step in read(README) if isinstance(step, Command) and "conlab" in step.line
    ]
    assert cli.obey(shown.line.split()[1:]) == 0
    printed = capsys.readouterr().out
    assert shows(shown, printed), printed
    assert len(shown.output.splitlines()) > 10


def test_the_red_gate_is_that_of_a_page_whose_commands_are_run() -> None:
    page = (ROOT / "docs" / "gate.md").read_text("utf-8")
    (shown,) = [
        step for step in read(README) if isinstance(step, Command) and "pytest" in step.line
    ]
    assert shown in list(read(page))
    assert "got slower" in shown.output


def test_its_table_says_when_it_was_measured() -> None:
    before, _, _ = README.partition("\nfetch_and_resize: ")
    assert re.search(r"20\d\d-\d\d-\d\d", before.rpartition("## ")[2])


def test_its_picture_is_drawn_from_its_table() -> None:
    rows = picture.bars(README)
    assert [row.label.partition(" ")[0] for row in rows] == [
        "hybrid", "threads", "coroutines", "cluster", "processes", "serial",
    ]  # fmt: skip
    said = "run `python -m docs.book.picture`"
    assert picture.PICTURE.read_text("utf-8") == picture.drawn(rows), said
    assert "](docs/images/models.svg)" in README


def test_no_placeholder_is_left() -> None:
    assert "@@" not in README
