"""What a side's own pytest tells: errors in a line, and how a test ended."""

from types import SimpleNamespace
from typing import Any

import pytest

from conlab.versus.benchmark_tests.in_pytest import last_line, outcome

TRACEBACK = """
    def test_total(benchmark):
>       assert benchmark(total, 3) == 4
E       assert 3 == 4
E        +  where 3 = <function>

test_it.py:3: AssertionError
"""
CHAINED = """
E   KeyError: 'a'

During handling of the above exception, another exception occurred:
E   ValueError: no such name
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TRACEBACK, "assert 3 == 4"),
        (CHAINED, "ValueError: no such name"),
        ("fixture 'words' not found", "fixture 'words' not found"),
        ("", "no reason given"),
    ],
)
def test_an_error_is_said_in_the_line_that_names_it(text: str, said: str) -> None:
    assert last_line(text) == said


def report(when: str, how: str, said: Any = "") -> Any:
    return SimpleNamespace(
        when=when,
        failed=how == "failed",
        skipped=how == "skipped",
        longrepr=said,
        longreprtext=said,
    )


@pytest.mark.parametrize(
    ("reports", "found"),
    [
        ([("setup", "passed"), ("call", "passed")], ("passed", "call", "")),
        ([("setup", "failed", "E   OSError: taken")], ("failed", "setup", "OSError: taken")),
        ([("setup", "skipped", ("a.py", 1, "Skipped: later"))], ("skipped", "setup", "later")),
        ([("call", "passed"), ("teardown", "failed", "E  X: y")], ("failed", "teardown", "X: y")),
    ],
)
def test_the_first_phase_that_fails_says_how_a_test_ended(
    reports: list[Any], found: tuple[str, str, str]
) -> None:
    assert outcome([report(*each) for each in reports]) == found
