"""What pytest says at its end of the tests that were explored."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from conlab.terminal import plain, text_width
from conlab.terms import explained

UNFINISHED = "not exhausted"  # as a verdict says it
ORDER = ("fails", "passes", "no verdict", "refused")


def lines(told: Sequence[tuple[str, str]], *, verbose: bool) -> Iterator[str]:
    """Yield how many tests there are of each kind, and what was said of them.

    ``told`` are names of tests, with ``kind: sentence``. Of those that pass nothing more is said
    than how many have more schedules than were run, unless ``verbose``. The terms in what is said
    are explained once, at the end.
    """
    kinds = Counter(value.partition(": ")[0] for _, value in told)
    known = [*ORDER, *(kind for kind in kinds if kind not in ORDER)]
    yield f"{len(told)} explored: {', '.join(_counts(kinds, known))}"
    unfinished = sum(_passes(value) and UNFINISHED in value for _, value in told)
    if unfinished:
        yield (
            f"of those that pass, {unfinished} have more schedules than were run: -v says how many"
            " were, --explore-seconds allows more"
        )
    shown = []
    for test, value in told:
        kind, _, sentence = value.partition(": ")
        if verbose or kind != "passes":
            shown.append(sentence)
            yield plain(f"{test}: {sentence}")
    yield from explained("\n".join(shown), text_width())


def _counts(kinds: Counter[str], known: Iterable[str]) -> Iterator[str]:
    for kind in known:
        if kinds[kind]:
            yield f"{kinds[kind]} {kind if kind != 'passes' else 'pass'}"


def _passes(value: str) -> bool:
    return value.startswith("passes: ")
