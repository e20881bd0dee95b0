"""A linter finds a pitfall by a code that it says of the broken side and not of the fixed one."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conlab.detect import linting
from conlab.detect.cells import Cell
from conlab.detect.linting import Lint, Parse, Said, lint, weighed
from conlab.errors import UserError
from tests.detect.made import made

BROKEN = "try:\n    return int('1')\nexcept BaseException:\n    return 0"
FIXED = "try:\n    return int('1')\nexcept OSError:\n    return 0"
HOW = Lint(("made_linter",), linting.flake8, "E")


def of(pair_line: str, source: str) -> int:
    """The number of the first line that reads so."""
    return [line.strip() for line in source.splitlines()].index(pair_line) + 1


@pytest.mark.parametrize(
    ("parse", "output", "said"),
    [
        (
            linting.ruff,
            '[{"code": "BLE001", "filename": "/x/a.py", "location": {"column": 16, "row": 33}}]',
            Said("/x/a.py", 33, "BLE001"),
        ),
        (linting.flake8, "./a.py:33:ASYNC103\n", Said("./a.py", 33, "ASYNC103")),
        (
            linting.pylint,
            (
                '{"messages": [{"type": "warning", "symbol": "bare-except", "messageId": "W0702",'
                ' "path": "a.py", "line": 33}], "statistics": {}}'
            ),
            Said("a.py", 33, "W0702"),
        ),
        (
            linting.mypy,
            (
                '{"file": "a.py", "line": 33, "column": 8, "message": "unused", "hint": null,'
                ' "code": "unused-coroutine", "severity": "error"}\n'
                '{"file": "a.py", "line": 33, "column": 8, "message": "await?", "hint": null,'
                ' "code": "unused-coroutine", "severity": "note"}\n'
            ),
            Said("a.py", 33, "unused-coroutine"),
        ),
        (
            linting.pyright,
            (
                '{"generalDiagnostics": [{"file": "/x/a.py", "severity": "error", "message": "m",'
                ' "range": {"start": {"line": 32, "character": 8}}, "rule": "R1"}]}'
            ),
            Said("/x/a.py", 33, "R1"),
        ),
        (
            linting.bandit,
            '{"results": [{"filename": "./a.py", "line_number": 33, "test_id": "B110"}]}',
            Said("./a.py", 33, "B110"),
        ),
    ],
    ids=["ruff", "flake8", "pylint", "mypy", "pyright", "bandit"],
)
def test_what_each_linter_prints_is_read(parse: Parse, output: str, said: Said) -> None:
    assert list(parse(output)) == [said]


def test_a_code_of_the_broken_side_alone_finds_it(tmp_path: Path) -> None:
    pair = made(tmp_path, BROKEN, FIXED)
    line = of("except BaseException:", pair.path.read_text())
    assert weighed(pair, [Said("made.py", line, "B001")], HOW) == Cell(("B001",))


def test_a_code_of_both_sides_finds_nothing_and_is_a_false_alarm(tmp_path: Path) -> None:
    pair = made(tmp_path, BROKEN, FIXED)
    source = pair.path.read_text()
    said = [
        Said("made.py", of("except BaseException:", source), "B001"),
        Said("made.py", of("except OSError:", source), "B001"),
    ]
    assert weighed(pair, said, HOW) == Cell((), ("B001",))


def test_what_is_said_elsewhere_or_of_style_does_not_count(tmp_path: Path) -> None:
    pair = made(tmp_path, BROKEN, FIXED)
    source = pair.path.read_text()
    said = [
        Said("made.py", of("return int('1')", source), "B001"),
        Said("made.py", of("return value == 1", source), "B001"),
        Said("made.py", of("except BaseException:", source), "E501"),
    ]
    assert weighed(pair, said, HOW) == Cell()


def test_one_process_reads_all_files_without_their_suppressions(tmp_path: Path) -> None:
    first = made(tmp_path, BROKEN.replace(":\n    return 0", ":  # noqa\n    return 0"), FIXED)
    second = made(tmp_path, BROKEN, FIXED, name="second")
    linter = (
        "import os, sys\n"
        "print(os.getpid(), *sys.argv[1:], file=open('/dev/stderr', 'w'))\n"
        "for name in sys.argv[1:]:\n"
        "    for number, line in enumerate(open(name), 1):\n"
        "        if line.rstrip().endswith('except BaseException:'):\n"
        "            print(f'{name}:{number}:B001')\n"
    )
    how = Lint(("made_linter",), linting.flake8, files={"made_linter.py": linter})
    cells = lint(Path(sys.executable), how, [first, second])
    assert cells == {"races/made": Cell(("B001",)), "races/second": Cell(("B001",))}


def fails(_: str) -> Iterator[Said]:
    raise KeyError("results")


@pytest.mark.parametrize(
    ("linter", "parse", "sentence"),
    [
        ("import sys; sys.exit('no such option')", linting.flake8, ""),
        ("import sys; print('no option', file=sys.stderr); sys.exit(3)", linting.ruff, "no option"),
        ("print('rubbish')", linting.ruff, "printed what nobody expects"),
        ("print('[]')", fails, "printed what nobody expects"),
    ],
)
def test_a_linter_that_does_not_run_is_said_in_a_sentence(
    tmp_path: Path, linter: str, parse: Parse, sentence: str
) -> None:
    how = Lint(("made_linter",), parse, files={"made_linter.py": linter})
    with pytest.raises(UserError, match=f"made_linter .*{sentence}"):
        lint(Path(sys.executable), how, [made(tmp_path, BROKEN, FIXED)])
