"""What the manual says of dicts."""

from conlab.atlas.guarantee import Promise, Scene, Section

ATOMIC, SAFE, MIX, NOT_ATOMIC, SILENT = Promise

REFILLED = Scene(
    """
    full = {n: 1 for n in range(40)}
    wholes = ({}, full)
    sizes = (0, 40)
    d = full.copy()
    """,
    "d.clear()\nd.update(full)",
)
# A dict that grows and shrinks, and always has "k".
RESIZED = Scene(
    "more = dict.fromkeys(range(50))\nd = {'k': 1}", "d.update(more)\nlist(map(d.pop, more))"
)
EMPTY = Scene("d = {}")
OVERWRITTEN = Scene(
    """
    ones = {n: 1 for n in range(40)}
    twos = {n: 2 for n in range(40)}
    mixed = {n: 2 if n < 20 else 1 for n in range(40)}
    d = ones.copy()
    """,
    "d.update(twos)\nd.update(ones)",
)
REWRITTEN_LIST = Scene(
    """
    ones = [(n, 1) for n in range(40)]
    twos = [(n, 2) for n in range(40)]
    lst = ones.copy()
    wholes = (dict(ones), dict(twos))
    keys = (dict.fromkeys(ones), dict.fromkeys(twos))
    """,
    "lst[:] = twos\nlst[:] = ones",
)
REFILLED_SET = Scene(
    "full = set(range(40))\ns = full.copy()\nsizes = (0, 40)", "s.clear()\ns.update(full)"
)
KEYS = """
class Key:
    def __init__(self, n): self.n = n
    def __hash__(self): return 1
    def __eq__(self, other): return self.n == other.n
d = {}
"""

SECTION = Section(
    "dict",
    "Thread Safety Guarantees, dict objects",
    (3, 14),
    False,
    (
        REFILLED.gives("dict(a_dict)", ATOMIC, "dict(d)"),
        REFILLED.gives("dict.fromkeys(a_dict)", ATOMIC, "len(dict.fromkeys(d))", "sizes"),
        REFILLED_SET.gives("dict.fromkeys(a_set)", ATOMIC, "len(dict.fromkeys(s))", "sizes"),
        RESIZED.gives("d[key]", ATOMIC, "d['k']", "(1,)"),
        RESIZED.gives("d.get(key)", ATOMIC, "d.get('k')", "(1,)"),
        RESIZED.never("key in d", ATOMIC, "'k' not in d"),
        Scene("d = {'k': 1}\nsizes = (1, 2)", "d['x'] = 1\ndel d['x']").gives(
            "len(d)", ATOMIC, "len(d)", "sizes"
        ),
        EMPTY.row("d[key] = value", SAFE, "d[me, turn] = 1", count="len(d)"),
        EMPTY.row("del d[key]", SAFE, "d[me] = 1\ndel d[me]", wrong="bool(d)"),
        EMPTY.row("d.pop(key)", SAFE, "d[me] = turn\nif d.pop(me) != turn: raise RuntimeError"),
        Scene("d = {}\npopped = []").row(
            "d.popitem()",
            SAFE,
            "d[me, turn] = 1\npopped.append(d.popitem())",
            count="len(set(popped))",
            wrong="bool(d)",
        ),
        EMPTY.row(
            "d.setdefault(key, v)",
            SAFE,
            "got = d.setdefault(turn, [me])\nif d[turn] is not got: raise RuntimeError(got)",
        ),
        Scene(KEYS).row("d.pop(key), own __eq__", MIX, "d[Key(me)] = 1\nd.pop(Key(me))"),
        REFILLED.gives("d.copy()", ATOMIC, "d.copy()"),
        REFILLED.gives("d | other", ATOMIC, "d | {}"),
        RESIZED.never("d.keys()", ATOMIC, "'k' not in d.keys()"),
        RESIZED.row("d.values()", ATOMIC, "d.values()"),
        RESIZED.never("d.items()", ATOMIC, "('k', 1) not in d.items()"),
        Scene(
            "full = dict.fromkeys(range(40))\nsizes = (0, 40)\nd = {}",
            "d = full.copy()\nd.clear()",
        ).gives("d.clear()", ATOMIC, "len(d)", "sizes"),
        REFILLED.row(
            "d.update(a_dict)",
            ATOMIC,
            "got = {}\ngot.update(d)\nif got not in wholes: raise RuntimeError(got)",
        ),
        REFILLED.row(
            "d |= a_dict",
            ATOMIC,
            "got = {}\ngot |= d\nif got not in wholes: raise RuntimeError(got)",
        ),
        OVERWRITTEN.never("d == a_dict", ATOMIC, "d == mixed"),
        REWRITTEN_LIST.row(
            "d.update(other iterable)",
            MIX,
            "got = {}\ngot.update(lst)\nif got not in wholes: raise RuntimeError(got)",
        ),
        REWRITTEN_LIST.row(
            "d |= other iterable",
            MIX,
            "got = {}\ngot |= lst\nif got not in wholes: raise RuntimeError(got)",
        ),
        REWRITTEN_LIST.gives("dict.fromkeys(other iterable)", MIX, "dict.fromkeys(lst)", "keys"),
        Scene("d = {'k': 0}").row(
            "d[key] = d[key] + 1", NOT_ATOMIC, "d['k'] = d['k'] + 1", count="d['k']"
        ),
        EMPTY.row(
            "if key in d: del d[key]", NOT_ATOMIC, "if 'k' in d: del d['k']\nelse: d['k'] = 1"
        ),
        EMPTY.row(
            "for key, value in d.items()",
            NOT_ATOMIC,
            "d[me] = 1\nfor key, value in d.items(): pass\nd.pop(me)",
        ),
        EMPTY.row("d.pop(key, None)", SAFE, "d.pop('k', None)\nd['k'] = 1"),
        EMPTY.row(
            "try: del d[key]; except KeyError",
            SAFE,
            "try: del d['k']\nexcept KeyError: d['k'] = 1",
        ),
        EMPTY.row(
            "for key, value in d.copy().items()",
            SAFE,
            "d[me] = 1\nfor key, value in d.copy().items(): pass\nd.pop(me)",
        ),
        REFILLED.gives("list(d)", SILENT, "len(list(d))", "sizes"),
        REFILLED.gives("list(d.items())", SILENT, "len(list(d.items()))", "sizes"),
        REFILLED.gives("tuple(d)", SILENT, "len(tuple(d))", "sizes"),
        REFILLED.gives("sorted(d)", SILENT, "len(sorted(d))", "sizes"),
        REFILLED.gives("{**d}", SILENT, "{**d}"),
        REFILLED.gives("sum(d.values())", SILENT, "sum(d.values())", "sizes"),
        REFILLED.row("repr(d)", SILENT, "repr(d)"),
        REFILLED.gives("dict(d.items())", SILENT, "dict(d.items())"),
        Scene(
            "full = dict.fromkeys(range(40))\nsizes = (0, 40)\nd = {}",
            "d = {}\nd.update(full)",
        ).gives("len(d) during d.update()", SILENT, "len(d)", "sizes", known="gh-129519"),
    ),
)
