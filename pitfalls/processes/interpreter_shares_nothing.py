"""Interpreters share nothing: each has its own copy of every module, and of its globals.

Symptom: A counter, a cache or a registry stays empty since the pool of threads has become a pool of
interpreters. No exception.

Why: Interpreters live in one process, but each imports every module anew. What a function changes
in its module, it changes in the copy that belongs to the interpreter in which it runs.

Fix: Send back what is to be kept: return it, or put it into a queue that interpreters share
(concurrent.interpreters.create_queue(), Python 3.14).

Detect: none known. A test of the result fails.

Source: https://docs.python.org/3/library/concurrent.interpreters.html and
https://github.com/cython/cython/issues/6445, where each interpreter counts for itself.

Run: python interpreter_shares_nothing.py broken|fixed; conlab study interpreter_shares_nothing
"""

import importlib
import os
import sys
from pathlib import Path

FAILURE = "wrong result"
SHOWS = "returned []"
EVIDENCE = "judged"

PAGES = ["/", "/about"]

visited: list[str] = []


def broken() -> list[str]:
    for page in PAGES:
        call_in_new_interpreter("visit", page)
    return visited


def fixed() -> list[str]:
    visited.extend(call_in_new_interpreter("visit", page) for page in PAGES)
    return visited


def holds(visited: list[str]) -> bool:
    """Every visit is noted."""
    return visited == PAGES


def visit(page: str) -> str:
    """Note that the page was visited; which it was."""
    visited.append(page)
    return page


def call_in_new_interpreter(function: str, argument: str) -> str:
    """Call a function of this module in a new interpreter; what it returns, through a pipe."""
    this = Path(__file__)
    # What concurrent.interpreters is made of from Python 3.14 on, and is there before.
    name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    interpreters = importlib.import_module(name)
    reader, writer = os.pipe()
    interpreter = interpreters.create()
    failed = interpreters.run_string(
        interpreter,
        f"import os, sys; sys.path.insert(0, {str(this.parent)!r}); import {this.stem} as module\n"
        f"os.write({writer}, module.{function}({argument!r}).encode())",
    )
    interpreters.destroy(interpreter)
    os.close(writer)
    with os.fdopen(reader) as answer:
        if failed:  # before Python 3.13 it is raised
            raise RuntimeError(failed)
        return answer.read()


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"Visited {(visits := side())}:", "right" if holds(visits) else "wrong")
