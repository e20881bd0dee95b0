"""What the manual says of lists."""

from conlab.atlas.guarantee import Promise, Scene, Section

ATOMIC, SAFE, MIX, NOT_ATOMIC, SILENT = Promise

# A list that is always one of two, of one length, with one 99 in both.
REWRITTEN = Scene(
    """
    before = [*range(40), 99]
    after = [99, *range(50, 90)]
    mixed = before[:20] + after[20:]
    wholes = (before, after)
    lst = before.copy()
    """,
    "lst[:] = after\nlst[:] = before",
)
SHIFTED = Scene("lst = list(range(20))", "lst.insert(0, -1)\nlst.pop(0)")
REFILLED_SET = Scene(
    "full = set(range(40))\ns = full.copy()\nsizes = (0, 40)", "s.clear()\ns.update(full)"
)
REFILLED_DICT = Scene(
    "full = dict.fromkeys(range(40))\nd = full.copy()\nsizes = (0, 40)", "d.clear()\nd.update(full)"
)
OWN = """
class Own(list):
    pass
before = [*range(40), 99]
after = [99, *range(50, 90)]
wholes = (before, after)
own = Own(before)
"""
ITEMS = """
class Item:
    def __init__(self, n): self.n = n
    def __eq__(self, other): return self.n == other.n
lst = []
"""

SECTION = Section(
    "list",
    "Thread Safety Guarantees, list objects",
    (3, 14),
    False,
    (
        Scene("lst = [[0]]", "lst[0] = [0]\nlst.extend([[1]] * 50)\ndel lst[1:]").gives(
            "lst[i]", ATOMIC, "lst[0]", "[[0]]"
        ),
        REWRITTEN.never("item in lst", MIX, "99 not in lst"),
        REWRITTEN.row("lst.index(item)", MIX, "lst.index(99)"),
        REWRITTEN.gives("lst.count(item)", MIX, "lst.count(99)", "(1,)"),
        Scene("lst = [0] * 9").row(
            "lst[i] = x",
            SAFE,
            "lst.append(0)\nlst[me] = lst[me] + 1\nlst.pop()",
            count="sum(lst)",
        ),
        REWRITTEN.gives("lst1 + lst2", ATOMIC, "lst + []"),
        REWRITTEN.gives("x * lst", ATOMIC, "1 * lst"),
        REWRITTEN.gives("lst.copy()", ATOMIC, "lst.copy()"),
        Scene("lst = []").row(
            "lst.append(x)", ATOMIC, "lst.append((me, turn))", count="len(set(lst))"
        ),
        Scene("lst = []\npopped = []").row(
            "lst.pop()",
            ATOMIC,
            "lst.append((me, turn))\npopped.append(lst.pop())",
            count="len(set(popped))",
            wrong="bool(lst)",
        ),
        Scene(
            "full = list(range(40))\nsizes = (0, 40)\nlst = []", "lst = full.copy()\nlst.clear()"
        ).gives("lst.clear()", ATOMIC, "len(lst)", "sizes"),
        Scene(
            "up = list(range(400))\ndown = up[::-1]\nwholes = ([], up, down)\nlst = down.copy()",
            "lst.sort()\nlst.reverse()",
        ).gives("lst.sort(): never seen half sorted", SAFE, "lst.copy()"),
        Scene("lst = list(range(400, 0, -1))", "lst.sort()\nlst.reverse()").never(
            "lst.sort(): seen empty", NOT_ATOMIC, "not lst"
        ),
        Scene("def own(n): return n\nlst = [3, 1, 2]", "lst.sort(key=own)").never(
            "lst.sort(key=own): seen empty", NOT_ATOMIC, "not lst"
        ),
        SHIFTED.gives("lst.insert(i, item)", MIX, "lst.count(7)", "(1,)"),
        SHIFTED.never("lst.pop(i)", MIX, "7 not in lst"),
        Scene("lst = [0] * 20\ncounts = (20, 40)", "lst *= 2\ndel lst[20:]").gives(
            "lst *= x", MIX, "lst.count(0)", "counts"
        ),
        Scene(ITEMS).row(
            "lst.remove(x), own __eq__", MIX, "lst.append(Item(me))\nlst.remove(Item(me))"
        ),
        REWRITTEN.row(
            "lst.extend(a_list)",
            ATOMIC,
            "got = []\ngot.extend(lst)\nif got not in wholes: raise RuntimeError(got)",
        ),
        REFILLED_SET.row(
            "lst.extend(a_set)",
            ATOMIC,
            "got = []\ngot.extend(s)\nif len(got) not in sizes: raise RuntimeError(got)",
        ),
        REFILLED_DICT.row(
            "lst.extend(a_dict)",
            ATOMIC,
            "got = []\ngot.extend(d)\nif len(got) not in sizes: raise RuntimeError(got)",
        ),
        REFILLED_DICT.row(
            "lst.extend(d.items())",
            ATOMIC,
            "got = []\ngot.extend(d.items())\nif len(got) not in sizes: raise RuntimeError(got)",
        ),
        REFILLED_DICT.row(
            "lst.extend(d.values())",
            ATOMIC,
            "got = []\ngot.extend(d.values())\nif len(got) not in sizes: raise RuntimeError(got)",
        ),
        REFILLED_SET.row(
            "lst += a_set",
            ATOMIC,
            "got = []\ngot += s\nif len(got) not in sizes: raise RuntimeError(got)",
        ),
        Scene(OWN, "own[:] = after\nown[:] = before").row(
            "lst.extend(other iterable)",
            MIX,
            "got = []\ngot.extend(own)\nif got not in wholes: raise RuntimeError(got)",
        ),
        REWRITTEN.row(
            "lst[i:j] = a_list",
            ATOMIC,
            "got = []\ngot[:] = lst\nif got not in wholes: raise RuntimeError(got)",
        ),
        Scene(OWN, "own[:] = after\nown[:] = before").row(
            "lst[i:j] = other iterable",
            MIX,
            "got = []\ngot[:] = own\nif got not in wholes: raise RuntimeError(got)",
        ),
        Scene("lst = [0]").row(
            "lst[i] = lst[i] + 1", NOT_ATOMIC, "lst[0] = lst[0] + 1", count="lst[0]"
        ),
        Scene("lst = []").row(
            "if lst: lst.pop()", NOT_ATOMIC, "if lst: lst.pop()\nelse: lst.append(1)"
        ),
        REWRITTEN.gives("for item in lst", NOT_ATOMIC, "[item for item in lst]"),
        Scene("lst = [0] * 20\nsizes = (20, 21)", "lst.append(0)\nlst.pop()").gives(
            "len(lst)", SILENT, "len(lst)", "sizes"
        ),
        REWRITTEN.gives("lst[i:j]", SILENT, "lst[:]"),
        REWRITTEN.gives("list(lst)", SILENT, "list(lst)"),
        REWRITTEN.gives("tuple(lst)", SILENT, "list(tuple(lst))"),
        REWRITTEN.gives("sorted(lst)", SILENT, "sorted(lst)[-1]", "(99,)"),
        REWRITTEN.gives("max(lst)", SILENT, "max(lst)", "(99,)"),
        REWRITTEN.gives("sum(lst)", SILENT, "sum(lst)", "(sum(before), sum(after))"),
        REWRITTEN.never("lst == other", SILENT, "lst == mixed"),
        REWRITTEN.never("set(lst)", SILENT, "99 not in set(lst)"),
        Scene(
            "wholes = ('ab', 'cd')\nlst = ['a', 'b']", "lst[:] = 'c', 'd'\nlst[:] = 'a', 'b'"
        ).gives("''.join(lst)", SILENT, "''.join(lst)"),
        Scene("lst = [1, 1]", "lst[:] = 2, 2\nlst[:] = 1, 1").row(
            "a, b = lst", SILENT, "a, b = lst\nif a != b: raise RuntimeError(a, b)"
        ),
        Scene("lst = list(range(41))", "lst.reverse()").never(
            "lst.reverse(), seen by in", SILENT, "1 not in lst"
        ),
    ),
)
