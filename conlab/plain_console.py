"""Prints tables and sentences by rich, in which what comes from elsewhere stays text.

Names of files, messages of exceptions and figures of saved runs may hold anything. Here square
brackets are no markup and colons no emoji, and what would steer the terminal is shown, not sent.
"""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from conlab.terminal import plain


class PlainConsole(Console):
    """rich's console for texts that nobody has looked at.

    They are made plain before rich measures and cuts them: a string, such as a cell of a table, by
    ``render_str``, and a Text by ``render``.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """A string as rich's text."""
        return super().render_str(plain(text, keep="\n"), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """What is to be printed, in pieces."""
        if isinstance(renderable, Text):
            renderable = renderable.copy()
            renderable.plain = plain(renderable.plain, keep="\n")
        return super().render(renderable, options)
