"""Shared memory's lifetime: a program that only read the segment removes it when it ends.

Symptom: The first reader finds the segment, the second gets FileNotFoundError, though its owner is
alive. The reader warned of "leaked shared_memory objects" that were not its own.

Why: Python's resource tracker cleans up what a program leaves. On POSIX it takes every segment that
a program attaches to for the program's own, and unlinks it at the end. Children started by
multiprocessing share the tracker of their parent; a program started in another way has its own.

Fix: SharedMemory(name, track=False) in the program that only attaches, from Python 3.13 on; before,
take the segment off the tracker's list. The owner unlinks.

Detect: python, python -X dev and asyncio debug ("UserWarning: resource_tracker: There appear to be
1 leaked s…"); -W error ("UserWarning: resource_tracker: '/psm_6a7283d3': [Errno 2] No…"). A test of
the result fails.

Source: https://github.com/python/cpython/issues/82300 and
https://github.com/python/cpython/pull/110778, which added `track`.

Run: python shared_memory_lifetime.py broken|fixed; conlab study shared_memory_lifetime
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

FAILURE = "wrong result"
SHOWS = "returned ['hello', 'FileNotFoundError']"
EVIDENCE = "judged"

TEXT = b"hello"


def broken() -> list[str]:
    with segment() as name:
        return [read_elsewhere(name, attach) for _ in range(2)]


def fixed() -> list[str]:
    with segment() as name:
        return [read_elsewhere(name, attach_untracked) for _ in range(2)]


def holds(read: list[str]) -> bool:
    """Both readers found the text."""
    return read == ["hello", "hello"]


def attach(name: str) -> SharedMemory:
    return SharedMemory(name)


def attach_untracked(name: str) -> SharedMemory:
    if sys.version_info >= (3, 13):
        return SharedMemory(name, track=False)
    memory = SharedMemory(name)
    resource_tracker.unregister(f"/{memory.name}", "shared_memory")
    return memory


@contextmanager
def segment() -> Iterator[str]:
    """The name of a new segment of shared memory that holds the text."""
    with closing(SharedMemory(create=True, size=len(TEXT))) as memory:
        assert memory.buf is not None  # it is None once the memory is closed
        memory.buf[: len(TEXT)] = TEXT
        yield memory.name
        with suppress(FileNotFoundError):
            memory.unlink()


def read_elsewhere(name: str, attach: Callable[[str], SharedMemory]) -> str:
    """What a program reads that multiprocessing did not start; or the error that it ends in."""
    here = Path(__file__)
    code = f"import {here.stem} as this; this.read({name!r}, this.{attach.__name__})"
    reader = subprocess.run(
        [sys.executable, "-c", code],
        cwd=here.parent,
        capture_output=True,  # to the end of its resource tracker, which holds these pipes too
        text=True,
        check=False,
    )
    return reader.stderr.splitlines()[-1].split(":")[0] if reader.returncode else reader.stdout


def read(name: str, attach: Callable[[str], SharedMemory]) -> None:
    """All that the other program does."""
    with closing(attach(name)) as memory:
        assert memory.buf is not None
        sys.stdout.write(bytes(memory.buf[: len(TEXT)]).decode())


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"Read {(read_there := side())}:", "right" if holds(read_there) else "wrong")
