"""What the manual says of sets."""

from conlab.atlas.guarantee import Promise, Scene, Section

ATOMIC, SAFE, MIX, NOT_ATOMIC, SILENT = Promise

REFILLED = Scene(
    """
    full = set(range(40))
    none = set()
    wholes = (none, full)
    sizes = (0, 40)
    s = full.copy()
    """,
    "s.clear()\ns.update(full)",
)
EMPTY = Scene("s = set()")
# A set that is always one of two, with no element in both.
SWAPPED = Scene(
    """
    low, high = set(range(20)), set(range(20, 40))
    both = low | high
    ends = {0, 39}
    middle = set(range(10, 30))
    mixed = set(range(10)) | set(range(30, 40))
    s = low.copy()
    """,
    "s ^= both",
)
REFILLED_DICT = Scene(
    """
    full = dict.fromkeys(range(40))
    wholes = (set(), set(full))
    d = full.copy()
    """,
    "d.clear()\nd.update(full)",
)
REWRITTEN_LIST = Scene(
    """
    low, high = list(range(20)), list(range(20, 40))
    wholes = (set(low), set(high))
    every = set(range(40))
    lst = low.copy()
    """,
    "lst[:] = high\nlst[:] = low",
)


def kept(against: str) -> Scene:
    """A set from which one thread takes nothing away, while the others add and discard."""
    return Scene("s = set()\nevery = set(range(9))\nnobody = {'x'}", against)


ADDS = "s.add(me)\nif me not in s.copy(): raise RuntimeError(me)\ns.discard(me)"

SECTION = Section(
    "set",
    "Thread Safety Guarantees, set objects",
    (3, 14),
    False,
    (
        Scene("s = {1}\nsizes = (1, 2)", "s.add(2)\ns.discard(2)").gives(
            "len(s)", ATOMIC, "len(s)", "sizes"
        ),
        Scene("more = set(range(50, 90))\none = {1}\ns = {1}", "s |= more\ns &= one").never(
            "elem in s", MIX, "1 not in s"
        ),
        EMPTY.row("s.add(elem)", SAFE, "s.add((me, turn))", count="len(s)"),
        EMPTY.row("s.remove(elem)", SAFE, "s.add(me)\ns.remove(me)", wrong="bool(s)"),
        EMPTY.row("s.discard(elem)", SAFE, "s.add(me)\ns.discard(me)", wrong="bool(s)"),
        Scene("s = set()\npopped = []").row(
            "s.pop()",
            SAFE,
            "s.add((me, turn))\npopped.append(s.pop())",
            count="len(set(popped))",
            wrong="bool(s)",
        ),
        REFILLED.gives("s.copy()", ATOMIC, "s.copy()"),
        Scene(
            "full = set(range(40))\nsizes = (0, 40)\ns = set()", "s = full.copy()\ns.clear()"
        ).gives("s.clear()", ATOMIC, "len(s)", "sizes"),
        EMPTY.row(
            "s |= other",
            ATOMIC,
            "s |= {me}\nif me not in s.copy(): raise RuntimeError(me)\ns.discard(me)",
        ),
        kept("s &= every").row("s &= other", ATOMIC, ADDS),
        EMPTY.row(
            "s -= other", ATOMIC, "s.add(me)\ns -= {me}\nif me in s.copy(): raise RuntimeError(me)"
        ),
        EMPTY.row(
            "s ^= other",
            ATOMIC,
            "s ^= {me}\nif me not in s.copy(): raise RuntimeError(me)\ns.discard(me)",
        ),
        REFILLED.gives("s & other", ATOMIC, "s & full"),
        REFILLED.gives("s | other", ATOMIC, "s | none"),
        REFILLED.gives("s - other", ATOMIC, "s - none"),
        REFILLED.gives("s ^ other", ATOMIC, "s ^ none"),
        REFILLED.row(
            "s.update(a_set)",
            ATOMIC,
            "got = set()\ngot.update(s)\nif got not in wholes: raise RuntimeError(got)",
        ),
        REFILLED_DICT.row(
            "s.update(a_dict)",
            ATOMIC,
            "got = set()\ngot.update(d)\nif got not in wholes: raise RuntimeError(got)",
        ),
        REWRITTEN_LIST.row(
            "s.update(other iterable)",
            MIX,
            "got = set()\ngot.update(lst)\nif got not in wholes: raise RuntimeError(got)",
        ),
        REFILLED.gives("s.union(a_set)", ATOMIC, "none.union(s)"),
        REFILLED_DICT.gives("s.union(a_dict)", ATOMIC, "set().union(d)"),
        REWRITTEN_LIST.gives("s.union(other iterable)", MIX, "set().union(lst)"),
        REFILLED.gives("s.intersection(a_set)", ATOMIC, "full.intersection(s)"),
        REWRITTEN_LIST.gives("s.intersection(other iterable)", ATOMIC, "every.intersection(lst)"),
        REFILLED.gives("s.difference(a_set)", ATOMIC, "full.difference(s)"),
        REWRITTEN_LIST.gives("s.difference(other iterable)", ATOMIC, "every.difference(lst)"),
        REFILLED.gives("s.symmetric_difference(other)", ATOMIC, "full.symmetric_difference(s)"),
        kept("s.difference_update(nobody)").row("s.difference_update(other)", MIX, ADDS),
        kept("s.intersection_update(every)").row(
            "s.intersection_update(other)", MIX, ADDS, known="gh-126136"
        ),
        EMPTY.row(
            "s.symmetric_difference_update(a_set)",
            ATOMIC,
            "s.symmetric_difference_update({me})\n"
            "if me not in s.copy(): raise RuntimeError(me)\ns.discard(me)",
        ),
        SWAPPED.never("s.isdisjoint(other)", ATOMIC, "s.isdisjoint(ends)"),
        SWAPPED.never("s.issubset(other)", ATOMIC, "s.issubset(middle)"),
        SWAPPED.never("s.issuperset(other)", ATOMIC, "s.issuperset(ends)"),
        EMPTY.row(
            "if elem in s: s.remove(elem)", NOT_ATOMIC, "if 1 in s: s.remove(1)\nelse: s.add(1)"
        ),
        EMPTY.row("for elem in s", NOT_ATOMIC, "s.add(me)\nfor elem in s: pass\ns.discard(me)"),
        REFILLED.gives("list(s)", SILENT, "len(list(s))", "sizes"),
        REFILLED.gives("tuple(s)", SILENT, "len(tuple(s))", "sizes"),
        REFILLED.gives("sorted(s)", SILENT, "len(sorted(s))", "sizes"),
        REFILLED.gives("sum(s)", SILENT, "sum(s)", "(0, 780)"),
        REFILLED.gives("frozenset(s)", SILENT, "frozenset(s)"),
        REFILLED.gives("{*s}", SILENT, "{*s}"),
        SWAPPED.never("s == other", SILENT, "s == mixed", known="gh-129519"),
        Scene("full = set(range(40))\nsizes = (0, 40)\ns = set()", "s = set()\ns ^= full").gives(
            "len(s) during s ^= other", SILENT, "len(s)", "sizes", known="gh-129519"
        ),
    ),
)
