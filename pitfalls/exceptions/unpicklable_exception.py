"""Unpicklable exception: a job raises a clear error, and the parent hears of a crashed worker.

Symptom: BrokenProcessPool, "A process in the process pool was terminated abruptly while the future
was running or pending", though no process was; the other jobs are lost as well. With
multiprocessing.Pool the parent hangs instead.

Why: An exception crosses to the parent as its class and its `args`. An __init__ that takes two
values and passes one text to super() cannot be called again with `args`, so unpickling fails in the
pool's own thread.

Fix: Pass every argument to super().__init__, and make the text in __str__.

Detect: flake8-bugbear (B042). A test of the result fails.

Source: https://github.com/python/cpython/issues/103061 and
https://github.com/python/cpython/issues/79492

Run: python unpicklable_exception.py broken|fixed; conlab study unpicklable_exception
"""

import multiprocessing
import sys
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from functools import partial

FAILURE = "lost exception"
SHOWS = "returned 'a worker crashed'"
EVIDENCE = "judged"

SPAWN = multiprocessing.get_context("spawn")


def broken() -> str:
    return what_the_parent_hears(partial(refuse, Refusal))


def fixed() -> str:
    return what_the_parent_hears(partial(refuse, PicklableRefusal))


class Refusal(Exception):
    """A card and the reason it was refused for."""

    def __init__(self, card: str, reason: str) -> None:
        super().__init__(f"{card}: {reason}")


class PicklableRefusal(Exception):
    """A card and the reason it was refused for."""

    def __init__(self, card: str, reason: str) -> None:
        super().__init__(card, reason)

    def __str__(self) -> str:
        return f"{self.args[0]}: {self.args[1]}"


def holds(heard: str) -> bool:
    """The parent hears the reason."""
    return heard == "card 4711: expired"


def what_the_parent_hears(job: "partial[None]") -> str:
    """Run the job in a pool of processes; the error it ends in, in words."""
    with ProcessPoolExecutor(1, mp_context=SPAWN) as pool:
        try:
            pool.submit(job).result()
        except BrokenExecutor:
            return "a worker crashed"
        except Exception as error:
            return str(error)
    return "nothing"


def refuse(kind: Callable[[str, str], Exception]) -> None:
    """The job: it fails with an error of that kind."""
    raise kind("card 4711", "expired")


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"The parent hears {(heard := side())!r}:", "right" if holds(heard) else "wrong")
