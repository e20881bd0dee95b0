"""The positive controls: cases that a tool surely finds, so that its silence means something.

Each is written out as a file of the shape of a pitfall, with the mistake as plain as it can be.
"""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent, indent

from conlab.catalogue import pitfall
from conlab.catalogue.pitfall import SECTIONS, Pitfall

HEAD = '''"""A control.

{story}
"""

{imports}

FAILURE = "wrong result"
SHOWS = {shows!r}
EVIDENCE = "judged"
STUCK_AT = {stuck_at!r}

'''
TAIL = '''

def holds(value: object) -> bool:
    """It is right."""
    return value == 1
'''

# Of each: what it imports, what comes before the sides, the broken side, the fixed side.
CONTROLS: Mapping[str, tuple[str, str, str, str]] = {
    "blocking_sleep": (
        "import asyncio\nimport time",
        "",
        """
        async def wait() -> int:
            time.sleep(0.3)
            return 1

        return asyncio.run(wait())
        """,
        """
        async def wait() -> int:
            await asyncio.sleep(0.3)
            return 1

        return asyncio.run(wait())
        """,
    ),
    "await_left_out": (
        "import asyncio",
        "async def save(saved: list[int]) -> None:\n    saved.append(1)",
        """
        async def run() -> int:
            saved: list[int] = []
            save(saved)
            return len(saved)

        return asyncio.run(run())
        """,
        """
        async def run() -> int:
            saved: list[int] = []
            await save(saved)
            return len(saved)

        return asyncio.run(run())
        """,
    ),
    "default_shared_by_calls": (
        "",
        "",
        """
        def add(item: int, items: list[int] = []) -> int:
            items.append(item)
            return len(items)

        add(1)
        return add(2)
        """,
        """
        def add(item: int, items: list[int] | None = None) -> int:
            items = [*(items or ()), item]
            return len(items)

        add(1)
        return add(2)
        """,
    ),
    "everything_caught": (
        "",
        "",
        """
        try:
            return int("one")
        except:
            pass
        return 0
        """,
        """
        try:
            return int("one")
        except ValueError:
            return 1
        return 0
        """,
    ),
    "locked_twice": (
        "import threading",
        "",
        """
        lock = threading.Lock()
        with lock:
            lock.acquire()
        return 1
        """,
        """
        lock = threading.RLock()
        with lock:
            lock.acquire()
        return 1
        """,
    ),
    "needs_two_at_once": (
        "import threading",
        "both = threading.Barrier(2)",
        """
        try:
            both.wait(timeout=1)
        except threading.BrokenBarrierError:
            return 1
        return 0
        """,
        """
        return 1
        """,
    ),
    "read_then_write": (
        "import threading",
        "class Count:\n    value = -1",
        """
        count = Count()

        def add() -> None:
            seen = count.value
            count.value = seen + 1

        threads = [threading.Thread(target=add) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return count.value
        """,
        """
        count = Count()
        lock = threading.Lock()

        def add() -> None:
            with lock:
                seen = count.value
                count.value = seen + 1

        threads = [threading.Thread(target=add) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return count.value
        """,
    ),
}
HANGS = {"locked_twice": "lock.acquire()"}


def write(name: str, folder: Path) -> Pitfall:
    """The control of that name, written into a folder of its family."""
    imports, before, broken, fixed = CONTROLS[name]
    stuck_at = HANGS.get(name)
    head = HEAD.format(
        story="\n\n".join(f"{section}: none." for section in SECTIONS),
        imports=imports,
        shows="hung" if stuck_at else "returned 0",
        stuck_at=(stuck_at,) if stuck_at else (),
    )
    sides = [
        f"def {side}() -> int:\n{indent(dedent(body).strip(), '    ')}"
        for side, body in (("broken", broken), ("fixed", fixed))
    ]
    path = folder / "controls" / f"control_{name}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(head + "\n\n\n".join([before, *sides]).lstrip() + "\n" + TAIL, "utf-8")
    return pitfall.read(path)
