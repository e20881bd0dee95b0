"""What the commands know of the terminal: its width, and if it takes colour and live lines.

``NO_COLOR`` (https://no-color.org) and ``TERM=dumb`` are obeyed; what is piped gets neither.
"""

import os
import shutil
import sys
from typing import TextIO

WIDEST_TEXT = 100  # columns that running text is written in: longer lines are hard to read


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
            print(f"\r\033[K{sentence[: width() - 1]}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Leave nothing of the line."""
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
