"""Tries an idiom on real threads, untraced: this can prove that it goes wrong, never that not."""

import gc
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from conlab.atlas.idioms import Idiom
from conlab.atlas.program import IdiomProgram

THREADS = 3
ROUND_ACTS = 500  # of each thread, in a round
SWITCH_INTERVAL = 1e-6  # seconds


@dataclass(frozen=True, slots=True)
class Tried:
    """``wrong`` of ``acts`` acts went wrong, in so many ``rounds``; the first as an ``example``."""

    wrong: int
    acts: int
    rounds: int
    example: str


def trial(idiom: Idiom, acts: int, *, alone_first: int = 0) -> int:
    """Do the act on real threads, untraced, and count what went wrong.

    ``alone_first`` acts are done before the threads start, so that its calls are specialised.
    """
    program = IdiomProgram(idiom)
    with _undisturbed():
        return program.wrong_acts(
            program.run(THREADS, acts, threading.Barrier(THREADS).wait, alone_first)
        )


def rounds(idiom: Idiom, seconds: float, acts: int = ROUND_ACTS) -> Tried:
    """Try an idiom for so long, at least once: each round has a new state, and starts at once."""
    program = IdiomProgram(idiom)
    wrong = tried = count = 0
    example = ""
    with _undisturbed():
        ends = time.perf_counter() + seconds
        while not count or time.perf_counter() < ends:
            names = program.run(THREADS, acts, threading.Barrier(THREADS).wait)
            wrong += program.wrong_acts(names)
            tried += names["times"]
            count += 1
            example = example or next(iter(names["errors"]), "")
    return Tried(wrong, tried, count, example)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Switch as often as can be, and keep the garbage collector away.

    It lets others in at any allocation, and is not modelled.
    """
    interval, collects = sys.getswitchinterval(), gc.isenabled()
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.disable()
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        if collects:
            gc.enable()
