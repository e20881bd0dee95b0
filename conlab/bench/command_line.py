"""The command that this process was started by, as one would type it again."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

typed: list[list[str]] = []  # sys.argv of this process, while a reader's file has its own


@contextmanager
def as_a_script_has(path: Path) -> Iterator[None]:
    """Let sys.argv be what the file would see as a script, as worker processes then do.

    A file that reads its arguments as it is imported would take this command's for its own.
    """
    typed.append(sys.argv)
    sys.argv = [str(path)]
    try:
        yield
    finally:
        sys.argv = typed.pop()


def command_line() -> str:
    """The command with its options, quoted for a shell."""
    first, *rest = (typed[0] if typed else sys.argv) or [""]
    path = Path(first)
    if path.name == "__main__.py":
        return shlex.join(["python", "-m", path.parent.name, *rest])
    return shlex.join([path.name.removesuffix(".exe"), *rest])
