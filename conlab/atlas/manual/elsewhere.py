"""What the manual says of threads at single modules and terms, of every build."""

from conlab.atlas.guarantee import Promise, Scene, Section

SAFE, NOT_ATOMIC = Promise.SAFE, Promise.NOT_ATOMIC

DEQUE = Scene("from collections import deque\nd = deque()\npopped = []")
CACHE = """
from functools import lru_cache
calls = []
@lru_cache(maxsize=4)
def double(n): return 2 * n
@lru_cache
def once(n):
    calls.append(n)
    return n
"""

SECTION = Section(
    "elsewhere",
    "collections.deque, functools.lru_cache, glossary: iterator, generator",
    (3, 0),
    None,
    (
        DEQUE.row("deque.append(x)", SAFE, "d.append((me, turn))", count="len(set(d))"),
        DEQUE.row("deque.appendleft(x)", SAFE, "d.appendleft((me, turn))", count="len(set(d))"),
        DEQUE.row(
            "deque.pop()",
            SAFE,
            "d.append((me, turn))\npopped.append(d.pop())",
            count="len(set(popped))",
            wrong="bool(d)",
        ),
        DEQUE.row(
            "deque.popleft()",
            SAFE,
            "d.append((me, turn))\npopped.append(d.popleft())",
            count="len(set(popped))",
            wrong="bool(d)",
        ),
        Scene(CACHE).row(
            "lru_cache: the right value",
            SAFE,
            "if double(turn % 9) != turn % 9 * 2: raise RuntimeError",
        ),
        Scene(CACHE).row(
            "lru_cache: one call a key",
            NOT_ATOMIC,
            "once(turn)",
            wrong="len(set(calls)) < len(calls)",
        ),
        Scene("it = iter(range(10**9))\ngot = []").row(
            "next(shared iterator)", NOT_ATOMIC, "got.append(next(it))", count="len(set(got))"
        ),
        Scene(
            "def numbers():\n    n = 0\n    while True:\n        n += 1\n        yield n\n"
            "shared = numbers()"
        ).row("next(shared generator)", NOT_ATOMIC, "next(shared)"),
    ),
)
