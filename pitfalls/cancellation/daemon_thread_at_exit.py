"""Daemon thread at exit: the program ends, and the writer's last lines end with it.

Symptom: The last lines of a log or the last events are missing, mostly of short programs; at times
"Fatal Python error: could not acquire lock ... at interpreter shutdown, possibly due to daemon
threads".

Why: Python does not wait for a daemon thread. At the program's end it is stopped wherever it is, no
exception is raised in it, and neither finally nor with gets its turn.

Fix: No daemon. Tell the thread to finish, and wait for it.

Detect: none known. A test of the result fails.

Source: https://github.com/mindsdb/anton/pull/353 and
https://github.com/python/cpython/issues/129536

Run: python daemon_thread_at_exit.py broken|fixed; conlab study daemon_thread_at_exit
"""

import subprocess
import sys
from collections.abc import Callable
from inspect import getfile
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

FAILURE = "wrong result"
SHOWS = "returned ''"
EVIDENCE = "judged"

lines: "SimpleQueue[str | None]" = SimpleQueue()


def broken() -> str:
    return printed_by(sell)


def sell() -> None:
    writer = Thread(target=write, daemon=True)
    writer.start()
    lines.put("a ticket was sold")


def fixed() -> str:
    return printed_by(sell_and_finish)


def sell_and_finish() -> None:
    writer = Thread(target=write)
    writer.start()
    lines.put("a ticket was sold")
    lines.put(None)
    writer.join()


def holds(printed: str) -> bool:
    """The sale is in the log."""
    return printed == "a ticket was sold"


def write() -> None:
    """Collect lines, and write them all when no more will come: what a buffer does."""
    collected: list[str] = []
    try:
        while line := lines.get():
            collected.append(line)
    finally:
        print(*collected, sep="\n")


def printed_by(program: Callable[[], None]) -> str:
    """Run the function as a program of its own; what it has printed at its end."""
    file = Path(getfile(program))
    script = f"import {file.stem} as copy; copy.{program.__name__}()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=file.parent,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.strip()


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"Written {(printed := side())!r}:", "right" if holds(printed) else "wrong")
