"""Prints tables and sentences by rich, in which what comes from elsewhere stays text.

Names of files, messages of exceptions and figures of saved runs may hold anything. Here square
brackets are no markup and colons no emoji, and what would steer the terminal is shown, not sent.
"""

from collections.abc import Iterator
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from conlab.terminal import plain


class PlainConsole(Console):
    """rich's console for texts that nobody has looked at."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """The pieces of text, plain, and what rich itself says to the terminal."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else plain(text, keep="\n"), style, control)
