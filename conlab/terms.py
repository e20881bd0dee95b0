"""The lab's terms as a person meets them in an output: each explained there once, in a sentence.

docs/glossary.md tells more of each, with its source in the literature; a test keeps the two alike.
"""

import re
import textwrap
from collections.abc import Iterator

TERMS = {
    "schedule": "one order in which the steps of all threads and tasks can follow each other.",
    "that differ": "in more than the order of steps that have nothing to do with each other. Of"
    " schedules that do not, one was run and counted.",
    "preemption": "a switch away from a thread that could have gone on. Schedules with fewer come"
    " first; up to the number named every one was run, unless it says not exhausted.",
    "departure": "where a run is not as asyncio orders it ordinarily: a preemption, a step so slow"
    " that a timer comes first, timers of one deadline in another order.",
    "reading gil": "threads switch only where this version of CPython, with its GIL, was seen to"
    " let another in. What fails so can happen today.",
    "reading bytecode": "threads may switch before every bytecode that touches what they share."
    " What passes so does not rely on where CPython happens to switch.",
    "safe by accident": "it fails in the reading bytecode and not in the reading gil: nothing but"
    " the GIL of today's CPython saves it.",
    "not exhausted": "there are more such schedules than were run, so this is no proof.",
    "sampled": "drawn by chance from the seed, with any number of preemptions. That none of them"
    " fails proves nothing; the chance that a next one would be new says how much was not seen.",
    "predicted": "an execution shows that it could happen; no schedule that was run has failed so,"
    " and it need not be wrong.",
    "confirmed": "a schedule that was built for a prediction fails.",
    "races for": "the steps marked * are accesses of one thread with another's in between, one of"
    " them writing.",
}


def explained(printed: str, width: int) -> Iterator[str]:
    """Yield lines that say what the terms in ``printed`` mean; none if there is none."""
    words = " ".join(printed.split())  # a term may stand at the end of a line and on the next
    for term, meaning in TERMS.items():
        if re.search(rf"\b{term}s?\b", words):
            yield from textwrap.wrap(f"{term}: {meaning}", width, subsequent_indent="  ")
