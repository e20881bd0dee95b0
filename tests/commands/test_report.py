"""`conlab report` and `--report`: a page is written, or a sentence says why none is."""

import json
import platform
from html import unescape
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("jinja2")

from conlab import cli
from conlab.bench.settings import gil_enabled, python_build
from tests.report import made

pytestmark = pytest.mark.skipif(find_spec("pygal") is None, reason="pygal is not installed")

RACY = """
import threading

balance = 0


def program():
    def add():
        global balance
        before = balance
        balance = before + 10

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return balance


def holds(value):
    return value == 20
"""


def test_saved_files_become_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, data in (("run", made.run()), ("history", made.history())):
        (tmp_path / f"{name}.json").write_text(json.dumps(data))
    page = tmp_path / "page.html"
    files = [str(tmp_path / "run.json"), str(tmp_path / "history.json")]
    assert cli.obey(["report", *files, "-o", str(page)]) == 0
    assert str(page) in capsys.readouterr().out
    assert "Leader: threads, 4.0 times serial." in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none.json"], "none.json: it cannot be read: No such file or directory"),
        ([], "there is no saved run in .benchmarks: name a JSON file"),
        (["run.json", "-o", "nowhere/page.html"], "-o nowhere/page.html: there is no folder"),
        (["run.json", "-o", "."], "-o .: this is a folder; name a file in it"),
        (["text.json"], "text.json: it is no JSON, or cut off"),
        (["empty.json"], "empty.json: it holds no benchmark, so there is no page"),
    ],
)
def test_what_cannot_be_a_page_is_refused_in_a_sentence(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps(made.run()))
    (tmp_path / "text.json").write_text("no JSON")
    (tmp_path / "empty.json").write_text('{"benchmarks": []}')
    before = sorted(tmp_path.iterdir())
    assert cli.obey(["report", *arguments]) == 2
    assert sentence in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


def test_explore_writes_a_page_with_the_schedule_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["conlab", "explore", "racy.py"])
    (tmp_path / "racy.py").write_text(RACY)
    page = tmp_path / "page.html"
    target = f"{tmp_path / 'racy.py'}:program"
    assert cli.obey(["explore", target, "--processes", "1", "--report", str(page)]) == 1
    html = page.read_text("utf-8")
    assert "races for balance" in html
    assert "fails in " in html
    assert "conlab explore racy.py" in html


LOCKED = (
    RACY.replace("balance = 0\n", "balance = 0\nlock = threading.Lock()\n", 1)
    .replace("        global balance\n", "        global balance\n        lock.acquire()\n")
    .replace("before + 10\n", "before + 10\n        lock.release()\n")
)
ALONE = "def program():\n    return 1\n"
SEVERAL = RACY.partition("def holds")[0].replace(
    "    return balance\n", "    assert balance == 20, f\"sold {['Bob', balance]}, (twice)\"\n"
)


def assert_it_says_where_it_ran(html: str) -> None:
    """The verdict depends on the build, so its page has to name it."""
    told = html[html.index('id="repeat"') :]
    assert f"<dt>Python</dt><dd>{python_build()}</dd>" in told
    assert f"<dt>GIL</dt><dd>{'on' if gil_enabled() else 'off'}</dd>" in told
    assert f"<dt>system</dt><dd>{platform.system()} " in told


@pytest.mark.parametrize(
    ("source", "heading", "section"),
    [
        (LOCKED, "<h1>program.py:program passes every schedule, 2 that differ", "The verdict"),
        (
            ALONE,
            "<h1>program.py:program passes its only schedule: it starts no thread",
            "The verdict",
        ),
        (SEVERAL, "AssertionError: sold ['Bob', 10], (twice)</h1>", "What goes wrong"),
    ],
    ids=["passes", "alone", "commas"],
)
def test_the_heading_of_an_explored_program_is_its_verdict_uncut(
    source: str, heading: str, section: str, tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text(source)
    page = tmp_path / "page.html"
    target = f"{tmp_path / 'program.py'}:program"
    cli.obey(["explore", target, "--processes", "1", "--report", str(page)])
    html = unescape(page.read_text("utf-8"))
    assert_it_says_where_it_ran(html)
    h1 = html[html.index("<h1>") : html.index("</h1>") + 5]
    assert heading in h1
    assert "(up to" not in h1
    assert f'<h2 id="wrong-head">{section}</h2>' in html
    assert f'<a href="#wrong">{section}</a>' in html


def test_the_page_of_a_replay_that_came_to_something_else_says_of_when_its_schedule_is(
    tmp_path: Path,
) -> None:
    program, saved, page = (tmp_path / name for name in ("racy.py", "w.json", "page.html"))
    program.write_text(RACY)
    target = f"{program}:program"
    assert cli.obey(["explore", target, "--processes", "1", "--save", str(saved)]) == 1
    program.write_text(RACY.replace("before + 10", "before + 20"))
    assert cli.obey(["explore", target, "--replay", str(saved), "--report", str(page)]) == 0
    html = page.read_text("utf-8")
    assert "<h1>racy.py:program returned 20</h1>" in html
    assert '<h2 id="wrong-head">The verdict</h2>' in html
    assert "The schedule below is the saved one, in which it returned 10." in html


def test_study_writes_a_page_of_one_pair(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert cli.obey(["study", "lost_update", "--report", str(page)]) == 0
    html = page.read_text("utf-8")
    assert "From broken to fixed" in html
    assert 'id="pair-lost_update"' in html
    assert_it_says_where_it_ran(html)


def test_study_without_a_name_has_no_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.obey(["study", "--report", "page.html"]) == 2
    assert "--report FILE.html needs the NAME of a pitfall" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ["study", "lost_update", "--report"],
        ["explore", "racing.py:program", "--report"],
        ["measure", "job.py", "--report"],
        ["report", "run.json", "-o"],
    ],
    ids=lambda command: " ".join(command),
)
@pytest.mark.parametrize("name", ["page.txt", "page", "run.json"])
def test_a_page_whose_name_is_no_page_s_is_refused_before_anything_runs(
    command: list[str],
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    assert cli.obey([*command, name]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == (
        f"conlab: {command[-1]} {name}: the page is HTML; give it a name that ends in .html\n"
    )
    assert (tmp_path / "run.json").read_text() == "{}"
    assert [each.name for each in tmp_path.iterdir()] == ["run.json"]
