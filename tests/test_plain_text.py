"""What comes from elsewhere stays text, wherever it is printed: it steers no terminal."""

import io
import json
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from conlab import cli
from conlab.errors import UserError
from conlab.study import printing
from conlab.terminal import LiveLine, LiveTail, plain
from tests.history.made import write, write_series
from tests.patience import patience

pytest_plugins = ["pytester"]

HOSTILE = ":bomb:[red]x[/red]\x1b[2J\x1b]8;;http://x\x1b\\\x9b1m\u202egpj."
SHOWN = r":bomb:[red]x[/red]\x1b[2J\x1b]8;;http://x\x1b\\x9b1m\u202egpj."
MARKS = "\u061c\u200e\u200f"  # letters that cannot be seen and have a direction
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def is_plain(said: str) -> bool:
    """Say whether nothing but the colours of ours and the ends of lines steers the terminal."""
    return plain(COLOUR.sub("", said), keep="\n") == COLOUR.sub("", said)


def test_what_steers_a_terminal_is_shown_and_the_rest_stays() -> None:
    assert plain(HOSTILE) == SHOWN
    assert plain("a\nb\tc\rd\x00\x7f\u2028\u2066\udcff") == r"a\nb\tc\rd\x00\x7f\u2028\u2066\udcff"
    assert plain("a\nb\x1b", keep="\n") == "a\nb\\x1b"
    for text in ("ünïcödé 日本語 🙂", "[bold] \\x1b :smile:", "a\u200db"):
        assert plain(text) == text
    assert plain(plain(HOSTILE)) == plain(HOSTILE)


def test_no_control_of_unicode_is_missed() -> None:
    steering = {"Cc", "Zl", "Zp", "Cs"}
    directions = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    missed = [
        hex(number)
        for number in range(sys.maxunicode + 1)
        if unicodedata.category(letter := chr(number)) in steering
        or unicodedata.bidirectional(letter) in directions
        or letter in MARKS
        if plain(letter) == letter
    ]
    assert missed == []


def test_a_mistake_is_plain_whoever_prints_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_arguments: object) -> int:
        raise UserError(f"{HOSTILE}\nconlab: all is well")

    monkeypatch.setattr(cli, "run", fail)
    assert cli.obey([]) == cli.MISTAKE
    assert capsys.readouterr().err == f"conlab: {SHOWN}\\nconlab: all is well\n"


def test_the_live_line_is_cut_after_it_was_made_plain(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    line = LiveLine()
    line.shown = True
    line.show(HOSTILE)
    assert capsys.readouterr().err == f"\r\033[K{SHOWN[:19]}"


def test_what_is_shown_behind_a_line_of_others_lets_their_cursor_stay(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    tail = LiveTail(sys.stdout)
    tail.show(HOSTILE)
    assert capsys.readouterr().out == ""  # it is no terminal
    tail.shown = True
    tail.show(HOSTILE)
    assert capsys.readouterr().out == f"\0337  {SHOWN[:10]}\033[K\0338"


# Tables


@pytest.mark.parametrize("colour", [False, True])
def test_the_tables_of_a_run_are_plain(colour: bool) -> None:
    pytest.importorskip("rich", reason="tables are printed by rich")
    from conlab.bench import summary
    from conlab.bench.inputs import Inputs
    from conlab.bench.measuring import Matrix
    from conlab.bench.peers import Compared
    from tests.bench import made

    chosen = made.settings()
    matrix = Matrix(chosen, Inputs(chosen, small=True))
    label = f"serial_{HOSTILE}"
    matrix.measured += [made.measured(name, 1.0, name=HOSTILE) for name in ("serial", label)]
    matrix.absent += [(made.cell("threads", HOSTILE), HOSTILE), (made.cell("x", "gone"), HOSTILE)]
    one = summary.of_one(matrix, 400, colour)
    matrix.absent.append((made.cell("threads", f"un{HOSTILE}"), HOSTILE))
    matrix.compared.append(
        Compared(HOSTILE, 9, (1.0,) * 2, (1.0,) * 2, 1.0, None, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    )
    whole = summary.text(matrix, 400, colour)
    for said in (one, whole):
        assert is_plain(said)
        for words in (f"{SHOWN}: 10 jobs", f"serial_{SHOWN}", f"absent: threads: {SHOWN}"):
            assert words in COLOUR.sub("", said)
    assert f"un{SHOWN}: every cell is absent" in COLOUR.sub("", whole)
    assert ("\x1b" in one) == colour


@pytest.mark.parametrize("colour", [False, True])
def test_the_table_of_a_comparison_and_its_progress_are_plain(colour: bool) -> None:
    pytest.importorskip("scipy", reason="comparisons are judged with scipy")
    from conlab.versus import report
    from conlab.versus.rule import Verdict
    from tests.versus.test_report import after_pairs, comparison, judgement

    tests = (
        after_pairs(HOSTILE, judgement(Verdict.SLOWER, 0.083)),
        after_pairs("sick", failure=HOSTILE),
        after_pairs("gone", absent=HOSTILE),
    )
    compared = comparison(*tests, text=HOSTILE)
    said = report.text(compared, 400, colour)
    assert is_plain(said)
    for words in (f"{SHOWN}-serial", f"failed: sick-serial: {SHOWN}", f"gone-serial: {SHOWN}"):
        assert words in COLOUR.sub("", said)

    class Writer:
        hasmarkup = colour
        _file = io.StringIO()

        def line(self, text: str = "") -> None:
            self._file.write(f"{text}\n")

    with report.Shown(compared, Writer()) as shown:
        shown.say(HOSTILE)
        for test in tests:
            shown.tell(test)
    written = Writer._file.getvalue()
    assert f"Comparing with {SHOWN}" in written
    for steering in ("\x1b[2J", "\x1b]8", "\x9b", "\u202e"):
        assert steering not in written
    assert "[red]" in written.partition("Comparing")[2].partition("\n")[2]


def test_the_history_of_hostile_runs_is_plain(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rich", reason="tables are printed by rich")
    monkeypatch.setenv("COLUMNS", "400")
    markup = "[red]x[/red] :bomb:"  # saved names with controls are refused when they are read
    write_series(tmp_path, [1.0] * 3, of=f"{markup}-{markup}", node=markup, branch=markup)
    write(tmp_path, "", f"{HOSTILE.replace('/', '')}.json")
    for options in ([], ["--full"]):
        assert cli.obey(["history", "--storage", str(tmp_path), *options]) == 0
        said = capsys.readouterr().out
        assert is_plain(said)
        assert f"\n{markup}: 32 jobs" in said or f"\n{markup}-{markup}, x serial" in said
        assert f"Linux x86_64, {markup}" in said
        assert f"{SHOWN.replace('/', '')}.json: empty" in said


# Programs of the reader's own

PROGRAM = f"def program():\n    raise ValueError({HOSTILE!r})\n"


def test_what_a_program_raises_is_plain_where_it_is_explored_and_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    file, witness = tmp_path / "hostile_program.py", tmp_path / "witness.json"
    file.write_text(PROGRAM, "utf-8")
    assert cli.obey(["explore", f"{file}:program", "--save", str(witness)]) == 1
    saved = json.loads(witness.read_text())
    witness.write_text(json.dumps(saved | {"program": HOSTILE}))
    assert cli.obey(["explore", f"{file}:program", "--replay", str(witness)]) == 1
    said = capsys.readouterr().out
    assert is_plain(said)
    assert f"raised ValueError: {SHOWN}" in said
    assert f"\n{SHOWN} raised" in said


def test_a_failing_schedule_in_a_report_of_pytest_is_plain(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        def program():
            raise ValueError({HOSTILE!r})

        def test_mine(explore):
            assert not explore(program).failing
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    said = result.stdout.str().partition("failing schedule")[2]
    assert SHOWN.partition(" ")[0] in said.replace("\n", "")
    assert is_plain(said)


def test_a_job_s_failure_is_plain_where_it_is_measured(tmp_path: Path) -> None:
    pytest.importorskip("pytest_benchmark", reason="it measures")
    for number, work in enumerate(
        (
            f"raise ValueError({HOSTILE!r})",
            f"assert False, {HOSTILE!r}",
            f"raise SystemExit({HOSTILE!r})",
        )
    ):
        file = tmp_path / f"hostile_job_{number}.py"
        file.write_text(
            f"def jobs():\n    return range(4)\n\n\ndef work(job):\n    {work}\n", "utf-8"
        )
        command = [sys.executable, "-m", "conlab", "measure", "--models", "threads", str(file)]
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=patience(100), check=False
        )
        assert ended.returncode == 2
        assert is_plain(ended.stdout + ended.stderr)
        assert SHOWN in ended.stderr


def test_a_story_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    printing.show([f"- {HOSTILE}"])
    assert capsys.readouterr().out == f"- {SHOWN}\n"
