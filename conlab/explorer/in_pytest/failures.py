"""What a test's body failed of: its own assertion, or an exception in the code that it tests."""

import sys
import traceback
import unittest
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import _pytest
import pytest

import conlab

MACHINERY = tuple(
    str(Path(module.__file__).parent)
    for module in (_pytest, sys.modules["pluggy"], unittest, conlab)
    if module.__file__ is not None
)
Skipped: tuple[type[BaseException], ...] = (
    pytest.skip.Exception,
    pytest.xfail.Exception,
    unittest.SkipTest,
)
# What a test can end by; whatever else is a BaseException belongs to the explorer, or to pytest.
ENDS: tuple[type[BaseException], ...] = (Exception, pytest.fail.Exception, *Skipped)


@dataclass(frozen=True, slots=True)
class BodyFailure:
    """That the body of a test failed: in which thread, of what, and where that was raised.

    ``signature`` is alike for two failures of the same kind at the same place.
    """

    body: str
    error: BaseException = field(compare=False)
    by_assertion: bool
    signature: tuple[str, str, int, str, int]

    @classmethod
    def of(cls, body: str, error: BaseException, test: str) -> "BodyFailure":
        """Describe an exception out of a body; ``test`` is the file of the test."""
        frames = [
            (frame.f_code.co_filename, line)
            for frame, line in traceback.walk_tb(error.__traceback__)
            if not frame.f_code.co_filename.startswith(MACHINERY)
        ]
        in_test = [each for each in frames if each[0] == test]
        statement = in_test[-1] if in_test else ("", 0)
        raised = frames[-1] if frames else ("", 0)
        asserts = isinstance(error, AssertionError | pytest.fail.Exception)
        return cls(
            body,
            error,
            asserts and raised == statement,
            (type(error).__qualname__, *statement, *raised),
        )

    def __str__(self) -> str:
        """Say it in one line."""
        name, test, line, file, at = self.signature
        text = f"{name}: {str(self.error).partition(chr(10))[0]}".removesuffix(": ")
        inside = "" if (test, line) == (file, at) else f" in {Path(file).name}:{at}, called"
        return f"{text} ({self.body},{inside} at {Path(test).name}:{line})"


def without_machinery(text: str, files: Collection[str]) -> str:
    """Return a traceback as text without the frames of pytest, unittest and the explorer.

    Nor with what comes before the first frame in one of ``files``.
    """
    kept: list[str] = []
    dropping, reached = False, not any(f'File "{file}"' in text for file in files)
    for line in text.splitlines():
        if line.lstrip(" |+").startswith('File "'):
            ours = ", line None, " in line  # the program, which has none
            reached = reached or (not ours and any(f'File "{file}"' in line for file in files))
            dropping = ours or not reached or any(f'File "{folder}' in line for folder in MACHINERY)
        elif not line.startswith("    "):
            dropping = False
        if not dropping:
            kept.append(line)
    return "\n".join(kept)


def raised_by(work: Callable[[], Any]) -> BaseException | None:
    """Do work and return what it raised, but for what belongs to the explorer."""
    try:
        work()
    except ENDS as error:
        return error
    return None
