"""Jobs that never end: each leaves a mark in the folder MARKS as it begins.

Those of the calling thread do end, or no other model would be measured; unless SERIAL is set.
"""

import asyncio
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path


def jobs() -> Iterator[int]:
    yield from range(8)


def work(job: int) -> int:
    here = threading.current_thread() is threading.main_thread()
    if not here or multiprocessing.parent_process() is not None or "SERIAL" in os.environ:
        mark()
        time.sleep(3600)
    return job


async def work_async(_job: int) -> None:
    mark()
    await asyncio.sleep(3600)


async def fetch_async(job: int) -> int:
    return job


def compute(job: int, _fetched: int) -> int:
    return work(job)


def mark() -> None:
    Path(os.environ["MARKS"], f"{os.getpid()}-{threading.get_ident()}").touch()
