"""Figures in words: durations, sizes, lists of names."""

MEBI = 1024 * 1024
GIBI = 1024 * MEBI


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.1f} ms"
    return f"{seconds * 1e6:.{1 if seconds < 1e-5 else 0}f} µs"


def size(count: float) -> str:
    """Bytes in the unit that suits them."""
    if count >= GIBI:
        return f"{count / GIBI:.1f} GiB"
    if count >= MEBI:
        return f"{count / MEBI:.0f} MiB"
    return f"{count / 1024:.0f} KiB" if count >= 1024 else f"{count:.0f} bytes"


def times(factor: float) -> str:
    """How many times, without the precision that no run has."""
    return f"{factor:.1f} times" if factor < 10 else f"{factor:.0f} times"


def how_often(count: int) -> str:
    """A number of times as one says it."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def join(names: list[str]) -> str:
    """Names as a sentence lists them."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
