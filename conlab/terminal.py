"""What the commands know of the terminal: its width, what it takes, and what must not reach it.

``NO_COLOR`` (https://no-color.org) and ``TERM=dumb`` are obeyed; what is piped gets neither.
"""

import os
import re
import shutil
import sys
from typing import TextIO

WIDEST_TEXT = 100  # columns that running text is written in: longer lines are hard to read

# What steers a terminal, or turns the order of what follows (CVE-2021-42574): controls of ASCII and
# C1, line separators, directions; and halves of characters, which cannot be written at all.
STEERING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def plain(text: str, keep: str = "") -> str:
    """The text with whatever would steer a terminal as Python writes it, such as \\x1b.

    For names and messages from elsewhere, before they are printed. ``keep`` are characters to
    leave as they are: where a text has lines of its own, their ends.
    """
    return STEERING.sub(lambda found: found[0] if found[0] in keep else ascii(found[0])[1:-1], text)


def width() -> int:
    """The columns of the terminal, or of COLUMNS; 80 where neither is known."""
    return shutil.get_terminal_size((80, 24)).columns


def text_width() -> int:
    """Columns to write sentences in."""
    return min(width(), WIDEST_TEXT)


def takes_colour(stream: TextIO | None) -> bool:
    """Say whether to mark what is written by colour."""
    return is_alive(stream) and not os.environ.get("NO_COLOR")


def is_alive(stream: TextIO | None) -> bool:
    """Say whether a line that was written can be written over; a closed stream is None."""
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


class LiveLine:
    """A line of stderr that is written over again and again; nothing where that cannot be."""

    def __init__(self) -> None:
        self.shown = is_alive(sys.stderr)

    def show(self, sentence: str) -> None:
        """Put the sentence, cut to the terminal's width, in the place of the one before."""
        if self.shown:
            shown = plain(sentence)[: width() - 1]
            print(f"\r\033[K{shown}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Leave nothing of the line."""
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


class LiveTail:
    """What stands behind the cursor of somebody else's line, such as pytest's dots, for a while."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.shown = is_alive(file)

    def show(self, sentence: str) -> None:
        """Put the sentence, cut to half the terminal's width, behind the cursor, which stays."""
        if self.shown:
            shown = plain(sentence)[: width() // 2]
            print(f"\0337  {shown}\033[K\0338", end="", file=self.file, flush=True)

    def clear(self) -> None:
        """Leave nothing of it."""
        if self.shown:
            print("\033[K", end="", file=self.file, flush=True)
