"""What it costs to send a job to another process and its result back, measured on a few of them."""

import pickle
import statistics
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing import Pipe
from typing import Any

MOST_TRIED = 3  # jobs, each made anew and let go at once
PATIENCE = 10.0  # seconds for one to come through


@dataclass(frozen=True, slots=True)
class Sent:
    """Pickled bytes of a job and its result, and seconds to pickle, send and unpickle both."""

    size: int
    seconds: float


def sending(jobs: Iterable[Any], results: Any) -> Sent | None:
    """The medians over the first jobs; None where one of them cannot be sent."""
    found = []
    results = results if isinstance(results, list) else []
    for number, job in enumerate(islice(jobs, MOST_TRIED)):
        there = sent(job)
        back = sent(results[number]) if number < len(results) else Sent(0, 0.0)
        if not (there and back):
            return None
        found.append(Sent(there.size + back.size, there.seconds + back.seconds))
    if not found:
        return None
    sizes, seconds = [one.size for one in found], [one.seconds for one in found]
    return Sent(int(statistics.median(sizes)), statistics.median(seconds))


def sent(thing: Any) -> Sent | None:
    """Send a thing through a pipe to another thread; None if it cannot be pickled."""
    reading, writing = Pipe(duplex=False)
    came = threading.Event()

    def receive() -> None:
        with suppress(Exception):  # whatever unpickling raises; then nothing came
            reading.recv()
            came.set()

    receiver = threading.Thread(target=receive, daemon=True)
    began = time.perf_counter()
    with reading, writing:
        try:
            data = pickle.dumps(thing, pickle.HIGHEST_PROTOCOL)
            receiver.start()
            writing.send_bytes(data)
        except Exception:  # pickling runs the reader's own code, which may raise anything
            return None
        receiver.join(PATIENCE)
        return Sent(len(data), time.perf_counter() - began) if came.is_set() else None
