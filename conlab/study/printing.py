"""Prints what `conlab study` has to say: paragraphs in the terminal's width, marked by colour."""

import re
import sys
import textwrap
from collections.abc import Iterable

from conlab import terminal

MARKS = {"-": "\033[31m", "+": "\033[32m", "#": "\033[1m"}  # removed, added, heading
PLAIN = "\033[0m"


def paragraph(text: str, first: str = "", rest: str = "") -> list[str]:
    """The text in lines of at most the terminal's width; ``first`` and ``rest`` begin them."""
    return textwrap.wrap(
        text,
        terminal.text_width(),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def exhibited(text: str) -> list[str]:
    """A text that has lines of its own, such as stacks, without the folders of its files."""
    width = terminal.text_width()
    text = re.sub(r'File ".*/', 'File "', text).rstrip()
    return [
        part
        for line in text.splitlines()
        for part in textwrap.wrap(line, width, subsequent_indent=" " * 8) or [""]
    ]


def show(lines: Iterable[str]) -> None:
    """Print as the lines come: marked by colour on a terminal, and by their first character."""
    colour = terminal.takes_colour(sys.stdout)
    for line in lines:
        mark = MARKS.get(line[:1]) if colour else None
        text = terminal.plain(line)
        print(f"{mark}{text}{PLAIN}" if mark else text, flush=True)
