"""What the manual's FAQ says, of builds with the GIL, and in all versions in the same words."""

from conlab.atlas.guarantee import Promise, Scene, Section

ATOMIC, NOT_ATOMIC = Promise.ATOMIC, Promise.NOT_ATOMIC

PAIR = Scene("lst = [1, 2]")
REWRITTEN = Scene(
    "before, after = list(range(40)), list(range(40, 80))\n"
    "wholes = (before, after)\nlst = before.copy()",
    "lst[:] = after\nlst[:] = before",
)
REFILLED = Scene(
    "full = {n: 1 for n in range(40)}\nwholes = ({}, full)\nd = full.copy()",
    "d.clear()\nd.update(full)",
)

SECTION = Section(
    "FAQ",
    "FAQ: What kinds of global value mutation are thread-safe?",
    (3, 0),
    True,
    (
        Scene("lst = []").row(
            "L.append(x)", ATOMIC, "lst.append((me, turn))", count="len(set(lst))"
        ),
        REWRITTEN.row(
            "L1.extend(L2)",
            ATOMIC,
            "got = []\ngot.extend(lst)\nif got not in wholes: raise RuntimeError(got)",
        ),
        Scene("lst = [[0]]", "lst[0] = [0]").gives("x = L[i]", ATOMIC, "lst[0]", "[[0]]"),
        Scene("lst = []\npopped = []").row(
            "x = L.pop()",
            ATOMIC,
            "lst.append((me, turn))\nx = lst.pop()\npopped.append(x)",
            count="len(set(popped))",
            wrong="bool(lst)",
        ),
        REWRITTEN.gives("L1[i:j] = L2", ATOMIC, "lst.copy()"),
        Scene("lst = list(range(400, 0, -1))", "lst.sort()\nlst.reverse()").never(
            "L.sort()", ATOMIC, "not lst"
        ),
        Scene("x = 0\nboth = ([1], [2])").row(
            "x = y", ATOMIC, "x = [1]\ny = x\nif y != [1]: raise RuntimeError(y)"
        ),
        Scene("class Box: pass\nbox = Box()\nbox.field = [1]").row(
            "x.field = y",
            ATOMIC,
            "box.field = [1]\ny = box.field\nif y != [1]: raise RuntimeError(y)",
        ),
        Scene("d = {}").row("D[x] = y", ATOMIC, "d[me, turn] = 1", count="len(d)"),
        REFILLED.row(
            "D1.update(D2)",
            ATOMIC,
            "got = {}\ngot.update(d)\nif got not in wholes: raise RuntimeError(got)",
        ),
        REFILLED.gives("D.keys()", ATOMIC, "len(list(d.keys()))", "(0, 40)"),
        Scene("i = 0").row("i = i + 1", NOT_ATOMIC, "i = i + 1", count="i"),
        Scene("lst = [0]", "lst.append(turn + 1)").row(
            "L.append(L[-1])", NOT_ATOMIC, "lst.append(lst[-1])", wrong="lst != sorted(lst)"
        ),
        Scene(
            "lst = [-1, -1]", "lst[1] = turn\nlst[0] = turn\nif lst[0] < turn: raise RuntimeError"
        ).row("L[i] = L[j]", NOT_ATOMIC, "lst[0] = lst[1]"),
        Scene("d = {'k': 0}").row(
            "D[x] = D[x] + 1", NOT_ATOMIC, "d['k'] = d['k'] + 1", count="d['k']"
        ),
    ),
)
