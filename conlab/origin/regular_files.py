"""Opens regular files and nothing else: to open a FIFO may never return, to read a device neither.

The origin has one thread, and a job that blocks holds up its worker, so none of them may wait for
what somebody else has to write.
"""

import os
import stat
from io import BufferedReader
from pathlib import Path

# A FIFO opens at once and a terminal does not become ours. Windows has none of these; there a file
# would be read as text.
FLAGS = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY")
)


def opened(path: Path) -> BufferedReader:
    """The file, open to be read. Raises OSError for one that may not be, or that is no file.

    It is looked at twice: before, as some devices act when they are opened; and after, as what
    stands under the name may have changed meanwhile.
    """
    _check(path, path.stat())
    descriptor = os.open(path, FLAGS)
    try:
        _check(path, os.fstat(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def is_readable(path: Path) -> bool:
    """Say whether this is a regular file, or a link to one, that may be read."""
    try:
        opened(path).close()
    except (OSError, ValueError):
        return False
    return True


def _check(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{path.name} is no regular file")
