"""Jobs that never end, but for serial's: each leaves a mark in the folder MARKS as it begins."""

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
    alone = threading.current_thread() is threading.main_thread()
    if not alone or multiprocessing.parent_process() is not None:
        mark()
        time.sleep(3600)
    return job


async def work_async(_job: int) -> None:
    mark()
    await asyncio.sleep(3600)


def mark() -> None:
    Path(os.environ["MARKS"], f"{os.getpid()}-{threading.get_ident()}").touch()
