"""What holds of every command: its help, its version, its ends, and how wide its output is."""

import json
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

import conlab
import conlab.commands
from conlab import cli
from conlab.atlas.idioms import IDIOMS
from conlab.commands import atomics
from conlab.errors import UserError
from conlab.terminal import LiveLine, is_alive, takes_colour, width
from tests.history.made import write_series
from tests.patience import patience

COMMANDS = [found.name for found in pkgutil.iter_modules(conlab.commands.__path__)]
CONLAB = [sys.executable, "-m", "conlab"]
ESCAPE = "\033"
WIDTHS = [80, 120]

RACE = """
import threading

count = 0


def add():
    global count
    seen = count
    count = len([seen]) + seen


def program():
    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count


def holds(value):
    return value == 2
"""
JOB = "def jobs():\n    return range(4)\n\n\ndef work(job):\n    return job * job\n"

Print = Callable[..., list[str]]


def run(*arguments: str, status: int = 0, **environment: str) -> "subprocess.CompletedProcess[str]":
    ended = subprocess.run(
        [*CONLAB, *arguments],
        env=os.environ | {"COLUMNS": "80"} | environment,
        capture_output=True,
        text=True,
        timeout=patience(100),
        check=False,
    )
    assert ended.returncode == status, ended.stdout + ended.stderr
    return ended


def test_the_module_is_the_command_and_tells_its_version() -> None:
    ended = run("--version")
    assert (ended.stdout, ended.stderr) == (f"conlab {conlab.__version__}\n", "")


def test_help_names_every_command_with_its_first_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.obey(["--help"])
    assert caught.value.code == 0
    said = capsys.readouterr().out
    for command in COMMANDS:
        assert re.search(rf"^    {command}\s+[A-Z]", said, re.MULTILINE)


def test_a_command_that_there_is_not_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.obey(["studdy"])
    assert caught.value.code == cli.MISTAKE
    assert "invalid choice: 'studdy'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (UserError("that cannot be"), cli.MISTAKE, "conlab: that cannot be\n"),
        (KeyboardInterrupt(), cli.INTERRUPTED, "conlab: interrupted\n"),
    ],
)
def test_what_ends_a_command_is_a_status_and_a_sentence(
    raised: BaseException,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_arguments: object) -> int:
        raise raised

    monkeypatch.setattr(cli, "run", fail)
    assert cli.obey(["study"]) == status
    assert capsys.readouterr() == ("", said)


def test_who_stops_reading_gets_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)  # before anything is written: a pipe would hold all of it
    try:
        ended = subprocess.run(
            [*CONLAB, "study", "lost_update"],
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
            timeout=patience(60),
        )
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (cli.NOBODY_READS, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no sh")
@pytest.mark.parametrize(
    ("redirection", "status", "said"),
    [
        (">&-", 0, ""),
        (
            ">/dev/full",
            cli.MISTAKE,
            "conlab: the output cannot be written: No space left on device\n",
        ),
    ],
)
def test_an_output_that_takes_nothing_gets_no_traceback(
    redirection: str, status: int, said: str
) -> None:
    if redirection == ">/dev/full" and not Path("/dev/full").exists():
        pytest.skip("this system has no device that is always full")
    ended = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", *CONLAB, "study"],
        stderr=subprocess.PIPE,
        text=True,
        timeout=patience(60),
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (status, said)


# Widths


def test_the_terminal_in_which_these_tests_run_decides_no_width() -> None:
    assert width() == 80


@pytest.fixture
def printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Print:
    """A function that runs a command in a terminal so wide, and gives the lines that it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(atomics, "_ask", widest_answer)
    (tmp_path / "racing.py").write_text(RACE)
    write_series(tmp_path / ".benchmarks", [1.0, 1.1, 1.2])

    def lines(command: Sequence[str], columns: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        with suppress(SystemExit):  # so --help ends
            cli.obey(list(command))
        out, err = capsys.readouterr()
        assert err == ""
        return out.splitlines()

    return lines


def widest_answer(_python: str, arguments: Sequence[str]) -> str:
    """What an interpreter might say of the atlas; tests/atlas asks one, which takes seconds."""
    if atomics.NAME_OF_BUILD in arguments:
        return "3.14.10t\n"
    row = {"gil": "no", "bytecode": "no", "seen": 450_000, "tried": 450_000}
    return "\n".join(json.dumps(row | {"idiom": idiom.name}) for idiom in IDIOMS)


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize(
    "command",
    [
        ["--help"],
        *([name, "--help"] for name in COMMANDS),
        ["study"],
        ["study", "condition_if_not_while"],  # three threads, in columns
        ["study", "executor_self_starvation"],  # stacks
        ["explore", "racing.py:program"],
        ["atomics", "--acts", "20"],
        ["history"],
    ],
    ids=" ".join,
)
def test_what_is_piped_fits_and_has_no_escapes(
    printed: Print, command: list[str], columns: int
) -> None:
    lines = printed(command, columns)
    assert len(lines) > 3
    assert not [line for line in lines if len(line) > columns]
    assert ESCAPE not in "".join(lines)


def test_columns_of_threads_stand_where_their_heads_do(printed: Print) -> None:
    lines = printed(["study", "condition_if_not_while"], 120)
    head = next(line for line in lines if re.match(r" +main +Thread-1", line))
    starts = [match.start() for match in re.finditer(r"\S+ \(\w+\)|\S+", head)]
    assert len(starts) == 3
    rows = [line for line in lines if re.match(r" *\d+  ", line)]
    indents = {len(row) - len(re.sub(r"^ *\d+  [ *]*(\.\.\. )?", "", row)) for row in rows}
    for start in starts:
        assert indents & set(range(start, start + 8))


def test_atomics_keeps_its_columns_apart(printed: Print) -> None:
    rows = printed(["atomics", "--acts", "20"], 80)
    longest = [row for row in rows if "t = x; q.append(t); x = t + 1, a deque" in row]
    assert re.search(r"a deque +no +no +450,000!", longest[0])


@pytest.mark.parametrize("columns", WIDTHS)
def test_the_table_of_a_reader_s_job_fits(tmp_path: Path, columns: int) -> None:
    (tmp_path / "square_numbers.py").write_text(JOB)
    job = str(tmp_path / "square_numbers.py")
    ended = run("measure", job, "--models", "threads", COLUMNS=str(columns))
    lines = ended.stdout.splitlines()
    assert any(line.startswith("square_numbers: 4 jobs") for line in lines)
    assert not [line for line in lines if len(line) > columns]
    assert ESCAPE not in ended.stdout
    assert ended.stderr == ""


# Colour


class Terminal:
    """A stream that is one."""

    def __init__(self, terminal: bool = True) -> None:
        self.isatty = lambda: terminal


@pytest.mark.parametrize(
    ("variables", "alive", "colour"),
    [
        ({}, True, True),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),  # as https://no-color.org has it
        ({"TERM": "dumb"}, False, False),
    ],
)
def test_the_environment_says_what_a_terminal_takes(
    variables: dict[str, str], alive: bool, colour: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ({"TERM": "xterm"} | variables).items():
        monkeypatch.setenv(name, value)
    if "NO_COLOR" not in variables:
        monkeypatch.delenv("NO_COLOR", raising=False)
    stream: object = Terminal()
    assert is_alive(stream) is alive  # type: ignore[arg-type]
    assert takes_colour(stream) is colour  # type: ignore[arg-type]
    assert not takes_colour(Terminal(terminal=False))  # type: ignore[arg-type]


@pytest.mark.skipif(sys.platform == "win32", reason="it has no pseudo-terminals")
@pytest.mark.parametrize("variable", ["NO_COLOR=1", "TERM=dumb"])
def test_a_terminal_without_colour_gets_no_escapes(variable: str) -> None:
    assert ESCAPE in in_a_terminal("study", "lost_update", TERM="xterm")
    name, _, value = variable.partition("=")
    assert ESCAPE not in in_a_terminal("study", "lost_update", **{"TERM": "xterm", name: value})


def in_a_terminal(*arguments: str, **environment: str) -> str:
    """What a command writes to a pseudo-terminal."""
    import pty

    known = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*CONLAB, *arguments], stdout=theirs, stderr=subprocess.DEVNULL, env=known | environment
    ) as child:
        os.close(theirs)
        said = b""
        try:
            while part := os.read(ours, 65536):
                said += part
        except OSError:  # so Linux says that the other end is closed
            pass
        finally:
            os.close(ours)
        assert child.wait(patience(60)) == 0
    return said.decode()


def test_a_live_line_is_written_over_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    stream = SimpleNamespace(isatty=lambda: True, write=written.append, flush=lambda: None)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys, "stderr", stream)
    line = LiveLine()
    line.show("measuring " + "x" * 100)
    line.clear()
    assert max(map(len, "".join(written).replace("\r\033[K", "\n").splitlines())) < 40
    assert written[-1].endswith("\r\033[K") or written[-2].endswith("\r\033[K")
