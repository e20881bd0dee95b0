"""Of what a program prints, a tool's word counts when it speaks of the file."""

from pathlib import Path

import pytest

from conlab.catalogue.pitfall import Pitfall
from conlab.detect.messages import LOGGED, TRACEBACKS, WARNINGS, plainly, saying, stuck
from tests.detect.made import made

DUMPED = """\
Timeout (0:00:04)!
Thread 0x00007f5c8b7fe6c0 (most recent call first):
  File "/somewhere/races/made.py", line {line} in broken
  File "/usr/lib/python3.14/threading.py", line 1024 in run
"""
RAISED = """\
Exception in thread Thread-1 (sense):
Traceback (most recent call last):
  File "/somewhere/races/made.py", line 20, in sense
RuntimeError: Non-thread-safe operation invoked on an event loop other than the current one
"""


@pytest.fixture
def pair(tmp_path: Path) -> Pitfall:
    top = "import threading\n\n\nasync def save() -> int:\n    return 1\n"
    more = 'STUCK_AT = ("return 0",)'
    return made(tmp_path, "return 0", "return 1", top=top, more=more)


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (
            "/x/made.py:35: RuntimeWarning: coroutine 'save' was never awaited\n  save()\n",
            ["RuntimeWarning: coroutine 'save' was never awaited"],
        ),
        ("sys:1: RuntimeWarning: coroutine 'save' was never awaited", None),
        (
            (
                "Task was destroyed but it is pending!\n"
                "task: <Task pending name='Task-2' coro=<save() running at /x/made.py:71>>\n"
            ),
            ["Task was destroyed but it is pending!"],
        ),
        (
            ("Executing <Task pending coro=<save() running at made.py:3>> took 0.2 seconds\n"),
            None,
        ),
        (RAISED, None),
        ("/x/other.py:35: DeprecationWarning: something is old\n", []),
        ("/lib/threading.py:70: DeprecationWarning: old\n", ["DeprecationWarning: old"]),
        ("all is well with made.py\n", []),
    ],
)
def test_a_message_counts_if_it_speaks_of_the_file(
    pair: Pitfall, output: str, found: list[str] | None
) -> None:
    said = saying(WARNINGS, LOGGED)(output, pair)
    assert said == found if found is not None else len(said) == 1


def test_a_traceback_s_last_line_is_a_message_of_python(pair: Pitfall) -> None:
    assert saying(TRACEBACKS)(RAISED, pair) == [
        RAISED.splitlines()[-1],
    ]


def test_stacks_count_at_the_statements_that_are_declared(pair: Pitfall) -> None:
    lines = [line.strip() for line in pair.path.read_text().splitlines()]
    at, elsewhere = lines.index("return 0") + 1, lines.index("return value == 1") + 1
    assert stuck("Timeout")(DUMPED.format(line=at), pair) == ["return 0"]
    assert stuck("Timeout")(DUMPED.format(line=elsewhere), pair) == []
    assert stuck("Fatal")(DUMPED.format(line=at), pair) == []
    assert stuck("Timeout")(f"/x/made.py:{at}: Failed: Timeout (>4.0s)", pair) == ["return 0"]


def test_two_runs_give_the_same_message() -> None:
    one = "Executing <Task name='Task-1' at 0x7f01 running at /tmp/a/b.py:30> took 0.211 seconds"
    other = "Executing <Task name='Task-7' at 0x7fff running at /srv/c/b.py:31> took 0.4 seconds"
    assert plainly(one) == plainly(other)
    assert len(plainly("a" * 1_000)) == 100


def test_the_two_sides_have_the_same_word_for_the_same_thing() -> None:
    assert plainly("<broken.<locals>.run() took it>") == plainly("<fixed.<locals>.run() took it>")
