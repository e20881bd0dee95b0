"""What is explored is read from its source each time.

Python takes the bytecode that it kept of a module for new as long as the source has the second and
the size that it had: who explores, changes a digit and explores again would be told of the program
of before.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def none_kept() -> Iterator[None]:
    """Keep no bytecode of what is imported meanwhile."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before
