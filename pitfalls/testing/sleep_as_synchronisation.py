"""Sleep as synchronisation: the test waits as long as the work has always taken, and looks.

Symptom: Green on the laptop, red now and then on a busy machine; the sleep grows with every fix,
and the suite with it.

Why: A sleep says nothing about the other thread. On a machine that is busy enough, any time is too
short.

Fix: Wait for what the test is about: an Event, a join, a result.

Detect: none known. A test of the result fails, once the order is forced.

Source: https://github.com/python/cpython/issues/130724 and "An empirical analysis of flaky tests",
Luo et al., FSE 2014, where waiting for asynchronous work is the first cause.

Run: python sleep_as_synchronisation.py broken|fixed; conlab study sleep_as_synchronisation
"""

import sys
import time
from threading import Event, Thread

FAILURE = "wrong result"
SHOWS = "returned []"
EVIDENCE = "judged"
ORDER = ("seen = list(mailed)", 'mailed.append("thank you")')

LONG_ENOUGH = 0.05  # seconds, "it never took more than a few milliseconds"


def broken() -> list[str]:
    mailed: list[str] = []
    done = Event()
    mailer = Thread(target=mail, args=(mailed, done))
    mailer.start()
    time.sleep(LONG_ENOUGH)
    seen = list(mailed)
    mailer.join()
    return seen


def fixed() -> list[str]:
    mailed: list[str] = []
    done = Event()
    mailer = Thread(target=mail, args=(mailed, done))
    mailer.start()
    done.wait()
    seen = list(mailed)
    mailer.join()
    return seen


def holds(seen: list[str]) -> bool:
    """The test saw the mail that was sent."""
    return seen == ["thank you"]


def mail(mailed: list[str], done: Event) -> None:
    """Send a mail."""
    mailed.append("thank you")
    done.set()


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"The test sees {(seen := side())}:", right if holds(seen) else "wrong")
