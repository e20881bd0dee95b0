"""Count the letters of a text again and again: nothing but computing, in Python and in C."""

from collections import Counter
from collections.abc import Iterator

JOBS = 400
UNITS = 100
TEXT = "the quick brown fox jumps over the lazy dog " * 400  # so a job is long beside its dispatch


def jobs(count: int) -> Iterator[int]:
    """The numbers of the texts."""
    return iter(range(count))


def work(job: int) -> tuple[int, str]:
    """Count them, UNITS times."""
    return job, [commonest() for _ in range(UNITS)][-1]


def commonest() -> str:
    """The commonest letter: a unit of computing."""
    letters = Counter(letter for word in TEXT.split() for letter in word)
    return letters.most_common(1)[0][0]
