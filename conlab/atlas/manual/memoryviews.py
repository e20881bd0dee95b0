"""What the manual says of memoryviews, and of what they look at."""

from conlab.atlas.guarantee import Promise, Scene, Section

ATOMIC, SAFE, MIX, NOT_ATOMIC, SILENT = Promise

READ = Scene("data = bytes(range(200))\nview = memoryview(data)")
WRITTEN = """
data = bytearray(b'a' * 500)
view = memoryview(data)
wholes = (b'a' * 500, b'b' * 500)
"""
LOCKED = "import threading\nlock = threading.Lock()\n"

SECTION = Section(
    "memoryview",
    "Thread Safety Guarantees, memoryview objects",
    (3, 14),
    False,
    (
        Scene("data = bytearray(200)\ndef fixed():\n    data.append(1)\n    return False").row(
            "memoryview(data), view.release()",
            SAFE,
            "memoryview(data).release()",
            wrong="fixed()",  # a view that was not released keeps the size
        ),
        READ.row("view[i:j] of a shared view", SAFE, "view[10:20]", known="gh-155606"),
        READ.gives("view.shape, view.format", SAFE, "(view.shape, view.format)", "[((200,), 'B')]"),
        READ.gives("reading bytes by own views", SAFE, "bytes(memoryview(data))", "(data,)"),
        READ.gives(
            "reading bytes by a shared view", SILENT, "bytes(view[:])", "(data,)", known="gh-155606"
        ),
        Scene(WRITTEN, "view[:] = b'b' * 500\nview[:] = b'a' * 500").gives(
            "view[i:j] = x", NOT_ATOMIC, "bytes(view)"
        ),
        Scene(
            LOCKED + WRITTEN.strip(),
            "with lock: view[:] = b'b' * 500\nwith lock: view[:] = b'a' * 500",
        ).row(
            "with lock: view[i:j] = x",
            SAFE,
            "with lock: got = bytes(view)\nif got not in wholes: raise RuntimeError(got)",
        ),
        Scene("data = bytearray(20)").row(
            "resizing what a view looks at raises",
            SAFE,
            "with memoryview(data):\n"
            "    try: data.append(1)\n"
            "    except BufferError: pass\n"
            "    else: raise RuntimeError",
        ),
    ),
)
