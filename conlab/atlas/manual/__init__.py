"""What CPython's manual says of threads, one file a type, each row with what would show it false.

The facts are those of the page "Thread Safety Guarantees" (library/threadsafety of the manuals of
3.14 and 3.15, which 3.16 has moved to builtins/threadsafety), of the FAQ "What kinds of global
value mutation are thread-safe?" and of single modules; the words are ours.
"""

from conlab.atlas.guarantee import Section
from conlab.atlas.manual import bytearrays, dicts, elsewhere, faq, lists, memoryviews, sets

SECTIONS: tuple[Section, ...] = (
    lists.SECTION,
    dicts.SECTION,
    sets.SECTION,
    bytearrays.SECTION,
    memoryviews.SECTION,
    faq.SECTION,
    elsewhere.SECTION,
)
