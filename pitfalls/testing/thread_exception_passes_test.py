"""Thread exception passes the test: the assertion fails in a thread, and the test is green.

Symptom: A test that cannot fail. The traceback is in the output of a run that passed.

Why: An exception ends the thread in which it was raised and no other. join() does not raise it, so
the test comes to its end.

Fix: Run the check through a future, whose result() raises in the test.

Detect: python ("AssertionError: 4 != 5"); pytest -W error ("PytestUnhandledThreadExceptionWarning:
Exception in thread T…"). A test of the result fails.

Source: https://github.com/pytest-dev/pytest/issues/13016

Run: python thread_exception_passes_test.py broken|fixed; conlab study thread_exception_passes_test
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from unittest import TestCase, TestResult

FAILURE = "lost exception"
SHOWS = "returned 'passed'"
EVIDENCE = "judged"
BUILDS_ON = ("future_never_checked",)
LOST = ("AssertionError: 4 != 5 (ended a thread)",)


def broken() -> str:
    class Sums(TestCase):
        def test_in_a_thread(self) -> None:
            thread = Thread(target=self.assertEqual, args=(2 + 2, 5))
            thread.start()
            thread.join()

    return result_of(Sums("test_in_a_thread"))


def fixed() -> str:
    class Sums(TestCase):
        def test_in_a_thread(self) -> None:
            with ThreadPoolExecutor() as pool:
                pool.submit(self.assertEqual, 2 + 2, 5).result()

    return result_of(Sums("test_in_a_thread"))


def holds(result: str) -> bool:
    """A test of what is not so fails."""
    return result == "failed"


def result_of(test: TestCase) -> str:
    """What the test runner finds."""
    result = TestResult()
    test.run(result)
    return "passed" if result.wasSuccessful() else "failed"


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"The test {(result := side())}:", "right" if holds(result) else "wrong")
