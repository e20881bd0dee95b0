"""Where threads stand: the line of the reader's own code, and what it called, look after look."""

import linecache
import sys
import sysconfig
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType

from conlab.bench.costs import OURS

CONLAB = Path(__file__).resolve().parents[2]
OUTSIDE = tuple(str(CONLAB / room) for room in ("bench", "commands", "cli.py"))
LONGEST_LINE = 60  # characters of a line of source
INSTALLED: tuple[str, ...] = tuple(
    path for name in ("stdlib", "platstdlib", "purelib", "platlib")
    if (path := sysconfig.get_path(name))
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the reader's own code, and the library's function that it stood in, if any."""

    line: str  # "my_job.py:7, work_async()"
    source: str
    inside: str = ""  # "requests/sessions.py, send()"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the looks saw: how many there were, and the place that they saw most.

    Of an event loop, ``busy`` counts the looks at which it stood in a callback, and ``idle``
    those at which it waited for the next one. Of threads, ``busy`` counts the threads that stood
    in a job, each at each look.
    """

    busy: int
    idle: int
    most: Place | None = None
    at_most: int = 0  # looks, of those that are ``busy``


class Stacks:
    """Looks at the calling thread's event loop, or at the other threads of the process."""

    def __init__(self, on_loop: bool, models: Path | None) -> None:
        self.on_loop = on_loop
        self.models = str(models) if models else None
        self.caller = threading.get_ident()
        self.busy = self.idle = 0
        self.places: Counter[Place] = Counter()

    def look(self) -> None:
        """Take note of where each thread stands right now."""
        ours = {one.ident for one in threading.enumerate() if one.name.startswith(OURS)}
        for number, frame in sys._current_frames().items():
            if number in ours or (number == self.caller) is not self.on_loop:
                continue
            if self.on_loop and is_waiting_loop(frame):
                self.idle += 1
            elif (place := self.place_of(frame)) or (self.on_loop and is_in_callback(frame)):
                self.busy += 1
                if place:
                    self.places[place] += 1

    def standing(self) -> Standing:
        """What was seen."""
        most = self.places.most_common(1)
        return Standing(self.busy, self.idle, *(most[0] if most else ()))

    def place_of(self, innermost: FrameType) -> Place | None:
        """The innermost frame of the reader's own code, or None where the thread is in no job."""
        for frame in outwards(innermost):
            name = frame.f_code.co_filename
            if name.startswith(OUTSIDE) or (self.models and name.startswith(self.models)):
                return None  # a job is called from here, and no job of it was on the way
            if is_own(name):
                path = Path(name)
                line = frame.f_lineno or frame.f_code.co_firstlineno  # some bytecodes have none
                source = linecache.getline(name, line).strip()
                if len(source) > LONGEST_LINE:
                    source = f"{source[:LONGEST_LINE]}..."
                where = f"{path.name}:{line}, {frame.f_code.co_name}()"
                inside = "" if frame is innermost else function_of(innermost)
                return Place(where, source, inside)
        return None


def outwards(frame: FrameType | None) -> Iterator[FrameType]:
    """The frames from the innermost to the outermost."""
    while frame:
        yield frame
        frame = frame.f_back


def is_waiting_loop(frame: FrameType) -> bool:
    """Say whether the thread stands where an event loop waits for the next event.

    asyncio does so in a selector or a proactor; of uvloop, in C, the caller is seen.
    """
    if in_asyncio(frame):
        return True
    caller = frame.f_back
    return Path(frame.f_code.co_filename).name == "selectors.py" and in_asyncio(caller)


def is_in_callback(frame: FrameType) -> bool:
    """Say whether an event loop has called what the thread stands in."""
    return any(in_asyncio(one) for one in outwards(frame.f_back))


def in_asyncio(frame: FrameType | None) -> bool:
    """Say whether a frame is one of asyncio's own."""
    return frame is not None and str(frame.f_globals.get("__name__", "")).startswith("asyncio.")


def function_of(frame: FrameType) -> str:
    """A library's function by the end of its file's name: ``requests/sessions.py, send()``."""
    return f"{'/'.join(Path(frame.f_code.co_filename).parts[-2:])}, {frame.f_code.co_name}()"


@cache
def is_own(name: str) -> bool:
    """Say whether a file is the reader's, and neither the library's nor ours nor Python's."""
    if name.startswith("<"):
        return False
    path = Path(name).resolve()
    return not any(path.is_relative_to(place) for place in (*INSTALLED, str(CONLAB)))
