"""The command that this process was started by, as one would type it again."""

import shlex
import sys
from pathlib import Path


def command_line() -> str:
    """The command with its options, quoted for a shell."""
    first, *rest = sys.argv or [""]
    path = Path(first)
    if path.name == "__main__.py":
        return shlex.join(["python", "-m", path.parent.name, *rest])
    return shlex.join([path.name.removesuffix(".exe"), *rest])
