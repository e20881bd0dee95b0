"""Asks an interpreter in a process of its own, which may crash or never answer."""

import json
import os
import queue
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from conlab.errors import UserError

EXCEPTIONS = (1, 2)  # the exit status of a Python that raised; any other was not its own wish
LAST = 200  # characters of an error to quote

Said = dict[str, Any]


class Lost(Exception):
    """The child is gone, or says nothing: "crash" or "hung"."""


def child_env() -> dict[str, str]:
    """Let another interpreter import this conlab."""
    return os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}


def ask_each(
    python: str, arguments: Sequence[str], count: int, patience: float
) -> Iterator[tuple[int, Said]]:
    """Have a child answer ``count`` questions: yield the number of each, and what it said.

    Its last argument is the first number. It prints JSON, ``{"begun": number}`` before an answer.
    One that it crashes at, or is silent about for ``patience`` seconds, gives ``{"ended": ...}``,
    and another child goes on behind it. Raises UserError if it cannot even begin.
    """
    first = 0
    while first < count:
        at = None
        try:
            for said in _lines(python, [*arguments, str(first)], patience):
                if "begun" in said:
                    at = said["begun"]
                elif at is not None:
                    yield at, said
                    first = at + 1
        except Lost as lost:
            if at is None or at < first:
                raise UserError(f"--python {python} cannot run the atlas: {lost}") from None
            yield at, {"ended": str(lost)}
            first = at + 1
        else:
            if first < count:
                raise UserError(f"--python {python} left {count - first} questions unanswered")


def _lines(python: str, arguments: Sequence[str], patience: float) -> Iterator[Said]:
    """Yield what a child prints, as it comes; it is killed when nobody asks any more."""
    with tempfile.TemporaryFile() as errors:
        try:
            child = subprocess.Popen(
                [python, *arguments], stdout=subprocess.PIPE, stderr=errors, text=True,
                stdin=subprocess.DEVNULL, env=child_env(),
            )  # fmt: skip
        except OSError as error:
            raise UserError(f"--python {python} does not start: {error}") from None
        printed: queue.Queue[str | None] = queue.Queue()

        def read() -> None:
            for line in child.stdout or ():
                printed.put(line)
            printed.put(None)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            while (line := printed.get(timeout=patience)) is not None:
                yield json.loads(line)
            status = child.wait(patience)
        except (queue.Empty, subprocess.TimeoutExpired):
            raise Lost("hung") from None
        except json.JSONDecodeError:
            status = child.wait(patience)  # broken off in the middle of a line
        finally:
            child.kill()
            child.wait()
            reader.join(patience)
            if child.stdout:
                child.stdout.close()
        if status in EXCEPTIONS:
            errors.seek(0)
            last = errors.read().decode(errors="replace").strip().splitlines()[-1:]
            raise UserError(
                f"--python {python} cannot run the atlas: {''.join(last)[:LAST] or status}"
            )
        if status:
            raise Lost("crash")
