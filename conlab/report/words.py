"""Figures as a page shows them: units, and at most three figures of each."""

import math
import re
from typing import Any

from markupsafe import Markup

MEBI = 1024 * 1024


def number(value: Any) -> float | None:
    """The value as a finite number, or None: a file may hold anything."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def figures(value: float) -> str:
    """A number with three figures at most, and thousands set apart."""
    if value == 0:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    if abs(rounded) >= 1e15 or abs(rounded) < 1e-6:
        return f"{value:.2e}"
    text = f"{rounded:,.{max(0, digits)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def seconds(value: float) -> str:
    """A duration in the unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if abs(value) >= size:
            return f"{figures(value / size)} {unit}"
    return "0 s" if value == 0 else f"{figures(value * 1e9)} ns"


def size(value: float) -> str:
    """Bytes in the unit that suits them."""
    for unit, least in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if abs(value) >= least:
            return f"{figures(value / least)} {unit}"
    return f"{figures(value)} bytes"


def times(value: float) -> str:
    """A factor."""
    return f"{figures(value)}×"


def share(value: float) -> str:
    """A share in per cent, with its sign left to the caller."""
    return f"{figures(value * 100)} %"


def change(value: float) -> str:
    """A relative change in per cent, with its sign."""
    return f"{'+' if value >= 0 else '−'}{figures(abs(value) * 100)} %"


def plural(count: int, noun: str) -> str:
    """So many of a thing."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def breakable(text: str) -> Markup:
    """A name that may be broken behind what parts it, and not inside its words."""
    parts = re.split(r"(?<=[/_.:\-])(?=\w)|(?=\[)", text)
    return Markup("<wbr>").join(parts)


def marked_up(text: str) -> Markup:
    """A sentence as HTML: what stands in backticks as code, an address as a link."""
    made = Markup("")
    for part in re.split(r"(`[^`\s](?:[^`]*[^`\s])?`|https?://[^\s<>\"'`]*[\w/#])", text):
        if part.startswith("`") and part.endswith("`") and part.strip("`"):
            made += Markup("<code>{}</code>").format(part.strip("`"))
        elif re.match("https?://", part):
            made += Markup('<a href="{}" rel="noreferrer">{}</a>').format(part, part)
        else:
            made += part
    return made


def slug(text: str) -> str:
    """The text as an id that a link can name."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-")[:80] or "part"
