"""Says which ratios lie on the wrong side of a change now: what ``--fail-on-change`` fails for.

Seconds of another project fail nothing. Two runs of one commit on one machine differ by more than
what matters, so an alarm on seconds that are not paired cries wolf: for that there is ``--versus``.
"""

from collections.abc import Iterator, Sequence

from conlab.history import changes
from conlab.history.saved import SECONDS, SERIAL_SECONDS
from conlab.history.tables import Judged, sentence_of_change

SMALLER_IS_BETTER = (SERIAL_SECONDS, SECONDS)


def is_worse(judged: Judged) -> bool:
    """Say whether the newest level is worse than the one before it."""
    if not judged.changes:
        return False
    *_, before, after = changes.levels(judged.series.medians, judged.changes)
    return after > before if judged.series.ratio.kind in SMALLER_IS_BETTER else after < before


def wrong(judged: Sequence[Judged]) -> Iterator[str]:
    """A sentence for each that fails."""
    for one in judged:
        if one.series.ratio.kind != SECONDS and is_worse(one):
            yield f"{one.series.ratio.of}: {sentence_of_change(one, len(one.changes) - 1)}"


def seconds_alone(judged: Sequence[Judged]) -> int:
    """How many series of another project's seconds are worse, and fail nothing."""
    return sum(one.series.ratio.kind == SECONDS and is_worse(one) for one in judged)
