"""Where calls that are one step each, by ``undivided="threads"``, are divided from one another."""

from collections.abc import Hashable

BETWEEN_CALLS: Hashable = ("between calls",)


def between_calls() -> None:
    """Let another thread go on here; for as long as the explorer controls no thread, do nothing."""
