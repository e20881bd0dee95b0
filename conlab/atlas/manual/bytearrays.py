"""What the manual says of bytearrays."""

from conlab.atlas.guarantee import Promise, Scene, Section

ATOMIC, SAFE, MIX, NOT_ATOMIC, SILENT = Promise

# Bytes that are always one of two strings, of one length, with one # in both.
REWRITTEN = Scene(
    """
    before = b"#" + b"a" * 511
    after = b"b" + b"Z" * 510 + b"#"
    mixed = before[:256] + after[256:]
    wholes = (before, after)
    doubles = (before * 2, after * 2)
    texts = (before.decode(), after.decode())
    ba = bytearray(before)
    """,
    "ba[:] = after\nba[:] = before",
)
SHORT = Scene(
    "before, after = b'abcd', b'efgh'\nwholes = (before, after)\nba = bytearray(before)",
    "ba[:] = before\nba[:] = after",
)
EMPTY = Scene("ba = bytearray()")

SECTION = Section(
    "bytearray",
    "Thread Safety Guarantees, bytearray objects",
    (3, 14),
    False,
    (
        Scene("ba = bytearray(20)\nsizes = (20, 21)", "ba.append(1)\nba.pop()").gives(
            "len(ba)", ATOMIC, "len(ba)", "sizes"
        ),
        REWRITTEN.gives("ba + other", MIX, "ba + b''"),
        REWRITTEN.never("ba == other", MIX, "ba == mixed"),
        REWRITTEN.never("ba < other", MIX, "ba < before and ba < after"),
        Scene("ba = bytearray(1)", "ba[0] = 0\nba.extend(bytes(50))\ndel ba[1:]").gives(
            "ba[i]", SAFE, "ba[0]", "(0,)"
        ),
        REWRITTEN.gives("ba[i:j]", SAFE, "ba[:]"),
        Scene("ba = bytearray(9)").row(
            "ba[i] = x",
            SAFE,
            "ba.append(me)\nba[me] = turn % 256\n"
            "if ba[me] != turn % 256: raise RuntimeError\nba.pop()",
        ),
        REWRITTEN.row(
            "ba[i:j] = values",
            SAFE,
            "ba[:] = before\ngot = ba[:]\nif got not in wholes: raise RuntimeError(got)",
        ),
        EMPTY.row("ba.append(x)", SAFE, "ba.append(me)", count="len(ba)"),
        EMPTY.row(
            "ba.extend(other)",
            SAFE,
            "ba.extend(b'ab')",
            count="len(ba) / 2",
            wrong="bool(ba.replace(b'ab', b''))",
        ),
        EMPTY.row("ba.insert(i, x)", SAFE, "ba.insert(0, me)", count="len(ba)"),
        EMPTY.row("ba.pop()", SAFE, "ba.append(me)\nba.pop()", wrong="bool(ba)"),
        EMPTY.row("ba.pop(i)", SAFE, "ba.append(me)\nba.pop(0)", wrong="bool(ba)"),
        EMPTY.row("ba.remove(x)", SAFE, "ba.append(me)\nba.remove(me)", wrong="bool(ba)"),
        Scene(
            "before = bytes(range(200))\nwholes = (before, before[::-1])\nba = bytearray(before)"
        ).row(
            "ba.reverse()",
            SAFE,
            "ba.reverse()\ngot = ba[:]\nif got not in wholes: raise RuntimeError(got)",
        ),
        Scene(
            "full = bytes(40)\nsizes = (0, 40)\nba = bytearray()",
            "ba = bytearray(full)\nba.clear()",
        ).gives("ba.clear()", SAFE, "len(ba)", "sizes"),
        REWRITTEN.row(
            "ba[i:j] = a_bytearray",
            ATOMIC,
            "got = bytearray()\ngot[:] = ba\nif got not in wholes: raise RuntimeError(got)",
        ),
        REWRITTEN.gives("ba.copy()", ATOMIC, "ba.copy()"),
        REWRITTEN.gives("ba * n", ATOMIC, "ba * 2", "doubles"),
        REWRITTEN.never("x in ba", ATOMIC, "35 not in ba"),
        REWRITTEN.never("ba.find(x)", ATOMIC, "ba.find(b'#') < 0"),
        REWRITTEN.gives("ba.count(x)", ATOMIC, "ba.count(b'#')", "(1,)"),
        REWRITTEN.gives("ba.replace(x, y)", ATOMIC, "ba.replace(b'?', b'!')"),
        REWRITTEN.gives("ba.split()", ATOMIC, "ba.split()[0]"),
        REWRITTEN.gives("ba.decode()", ATOMIC, "ba.decode()", "texts"),
        EMPTY.row(
            "if x in ba: ba.remove(x)", NOT_ATOMIC, "if 1 in ba: ba.remove(1)\nelse: ba.append(1)"
        ),
        SHORT.gives("for byte in ba", NOT_ATOMIC, "bytes([byte for byte in ba])"),
        SHORT.gives("for byte in ba.copy()", SAFE, "bytes([byte for byte in ba.copy()])"),
        REWRITTEN.gives("bytes(ba)", SILENT, "bytes(ba)"),
        REWRITTEN.gives("b''.join([ba])", SILENT, "b''.join([ba, b''])"),
        REWRITTEN.gives("bytearray(ba)", SILENT, "bytearray(ba)"),
        EMPTY.row("ba += other", SILENT, "ba += b'ab'", count="len(ba) / 2"),
        Scene("ba = bytearray(b'1')", "ba[:] = b'2' * 40\nba[:] = b'1'").row(
            "int(ba)", SILENT, "int(ba)"
        ),
    ),
)
