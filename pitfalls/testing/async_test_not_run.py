"""Async test not run: the runner calls the test, gets a coroutine, and calls that a success.

Symptom: A test that cannot fail, with a warning among many.

Why: A plain TestCase does not await. Calling the async method runs none of its body.

Fix: IsolatedAsyncioTestCase; for pytest, a plugin (since 8.4 pytest fails an async test that no
plugin takes).

Detect: python ("RuntimeWarning: coroutine 'Sums.test_sum' was never awaited"); python -X dev
("DeprecationWarning: It is deprecated to return a value that …"); asyncio debug and -W error
("RuntimeWarning: coroutine 'Sums.test_sum' was never awaited"). A test of the result fails.

Source: https://github.com/pytest-dev/pytest/issues/7110 and
https://docs.python.org/3/library/unittest.html#unittest.IsolatedAsyncioTestCase

Run: python async_test_not_run.py broken|fixed; conlab study async_test_not_run
"""

import sys
from unittest import IsolatedAsyncioTestCase, TestCase, TestResult

FAILURE = "lost exception"
SHOWS = "returned 'passed'"
EVIDENCE = "judged"
BUILDS_ON = ("forgotten_await",)
LOST = ("coroutine 'broken.<locals>.Sums.test_sum' was never awaited",)


def broken() -> str:
    class Sums(TestCase):
        async def test_sum(self) -> None:
            assert await sum_of(2, 2) == 5

    return result_of(Sums("test_sum"))


def fixed() -> str:
    class Sums(IsolatedAsyncioTestCase):
        async def test_sum(self) -> None:
            assert await sum_of(2, 2) == 5

    return result_of(Sums("test_sum"))


def holds(result: str) -> bool:
    """A test of what is not so fails."""
    return result == "failed"


async def sum_of(left: int, right: int) -> int:
    """What is tested, and right."""
    return left + right


def result_of(test: TestCase) -> str:
    """What the test runner finds."""
    result = TestResult()
    test.run(result)
    return "passed" if result.wasSuccessful() else "failed"


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"The test {(result := side())}:", "right" if holds(result) else "wrong")
