"""Executor.map is eager: all of the input is read and queued before the first result comes.

Symptom: Memory grows with the input, however large the pool; over an endless input the call never
returns.

Why: The built-in map() asks for the next item when its result is wanted. Executor.map() submits
a job for every item first, so that the pool has work, and keeps them all in its queue.

Fix: buffersize, the number of jobs that may be in the queue (Python 3.14). Before that, submit so
many, and one more for each result taken.

Detect: none known. A test of the result fails.

Source: https://github.com/python/cpython/issues/74028 and
https://github.com/agronholm/pythonfutures/issues/39

Run: python executor_map_is_eager.py broken|fixed; conlab study executor_map_is_eager
"""

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

FAILURE = "needless cost"
SHOWS = "returned 1000"
EVIDENCE = "measured"

LINES = 1_000
BUFFER = 4


def broken() -> int:
    log = Log()
    with Pool(2) as pool:
        lengths = pool.map(len, log.lines())
        next(lengths)
        return log.lines_read


def fixed() -> int:
    log = Log()
    with Pool(2) as pool:
        lengths = pool.map(len, log.lines(), buffersize=BUFFER)
        next(lengths)
        return log.lines_read


def holds(lines_read: int) -> bool:
    """When the first result came, no more was read than the buffer holds, and that one."""
    return lines_read <= BUFFER + 1


class Log:
    """A file too long for the memory, which counts the lines that were read of it."""

    def __init__(self) -> None:
        self.lines_read = 0

    def lines(self) -> Iterator[str]:
        """Read line after line, each when it is asked for."""
        for number in range(LINES):
            self.lines_read += 1
            yield f"line {number}"


class Pool(ThreadPoolExecutor):
    """A pool whose map() takes a buffersize on every Python."""

    def map(
        self,
        fn: Callable[..., Any],
        *iterables: Iterable[Any],
        buffersize: int | None = None,
        **options: Any,
    ) -> Iterator[Any]:
        """As ThreadPoolExecutor's own, from Python 3.14 on."""
        if buffersize is None:
            return super().map(fn, *iterables, **options)
        if sys.version_info >= (3, 14):
            return super().map(fn, *iterables, buffersize=buffersize, **options)
        return self._buffered(fn, iterables, buffersize)

    def _buffered(
        self, fn: Callable[..., Any], iterables: Iterable[Iterable[Any]], buffersize: int
    ) -> Iterator[Any]:
        waiting: deque[Future[Any]] = deque()
        for arguments in zip(*iterables, strict=False):
            waiting.append(self.submit(fn, *arguments))
            if len(waiting) > buffersize:
                yield waiting.popleft().result()
        yield from (future.result() for future in waiting)


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"{(read := side())} of {LINES} lines read:", "right" if holds(read) else "wrong")
