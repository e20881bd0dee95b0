"""Thread started in __init__: it runs before the object that it works on is finished.

Symptom: AttributeError for an attribute that __init__ sets, now and then: whenever the thread comes
to it before the assignment, most easily in a subclass, which assigns last.

Why: start() may run the thread at once. What __init__ assigns after it is not there yet, and what a
subclass assigns after super().__init__() even less: an order violation, with no lock missing.

Fix: Start the thread as the last thing, when every attribute is set; best in a method of its own.

Detect: python ("AttributeError: 'Reporter' object has no attribute 'address'"); pytest -W error
("PytestUnhandledThreadExceptionWarning: Exception in thread T…"). A test of the result fails.

Source: https://github.com/PrimeIntellect-ai/prime-rl/pull/317; "order violation" in Lu et al.,
Learning from Mistakes, ASPLOS 2008.

Run: python thread_started_in_init.py broken|fixed; conlab study thread_started_in_init
"""

import sys
import threading
from collections.abc import Callable
from typing import Protocol

FAILURE = "exception"
SHOWS = "returned []"
EVIDENCE = "explored"
LOST = ("AttributeError: 'Reporter' object has no attribute 'address'",)


def broken() -> list[str]:
    class Reporter:
        def __init__(self, sent: list[str]) -> None:
            self.sent = sent
            self.thread = threading.Thread(target=self.report)
            self.thread.start()
            self.address = address_of("reports")

        def report(self) -> None:
            self.sent.append(f"to {self.address}")

    return all_sent_by(Reporter)


def fixed() -> list[str]:
    class Reporter:
        def __init__(self, sent: list[str]) -> None:
            self.sent = sent
            self.thread = threading.Thread(target=self.report)
            self.address = address_of("reports")
            self.thread.start()

        def report(self) -> None:
            self.sent.append(f"to {self.address}")

    return all_sent_by(Reporter)


def holds(sent: list[str]) -> bool:
    """The report was sent."""
    return sent == ["to reports@example.org"]


def address_of(mailbox: str) -> str:
    """The address of a mailbox."""
    return f"{mailbox}@example.org"


class Reports(Protocol):
    """What both sides define: a thread that reports."""

    thread: threading.Thread


def all_sent_by(reporter: Callable[[list[str]], Reports]) -> list[str]:
    """Make the reporter and wait for its thread; what was sent."""
    sent: list[str] = []
    reporter(sent).thread.join()
    return sent


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"Sent {(sent := side())}:", right if holds(sent) else "wrong")
