"""Plain text, as docstrings have it, in Markdown: nothing in it may be taken for markup."""

import re

CODE = re.compile(r"(`[^`]+`)")
ADDRESS = re.compile(r"(https?://[^\s;,()]+[^\s;,().])")
MARKUP = re.compile(r"([\\*_\[\]<>#$|~])")


def markdown(text: str) -> str:
    """The text with addresses as links, what stands in backticks as code, and the rest as it is."""
    return "".join(
        part if CODE.fullmatch(part) else "".join(map(_outside_code, ADDRESS.split(part)))
        for part in CODE.split(text)
    )


def fenced(text: str, language: str = "text") -> str:
    """The text as a block of code, in a fence longer than any that it holds."""
    ticks = max([2, *(len(run) for run in re.findall(r"`+", text))]) + 1
    fence = "`" * max(3, ticks)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _outside_code(part: str) -> str:
    return f"<{part}>" if ADDRESS.fullmatch(part) else MARKUP.sub(r"\\\1", part)
