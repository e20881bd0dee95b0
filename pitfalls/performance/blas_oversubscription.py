"""BLAS oversubscription: a worker for each core, and each calls a library that does the same.

Symptom: Slower with more workers; the load is the square of the cores, and most of the time goes to
switching between threads.

Why: BLAS, OpenMP and the like start a thread for each core, as they know nothing of each other. So
do pools of workers. One inside the other multiplies: 16 threads on 4 cores, 4,096 on 64. (Here a
pool of the standard library's stands for BLAS.)

Fix: One of the two gets all the cores. In each worker limit the library to one thread: by
threadpoolctl, by an initializer, or by OMP_NUM_THREADS, OPENBLAS_NUM_THREADS and MKL_NUM_THREADS
before the library is imported.

Detect: none known. A test of the result fails.

Source: https://github.com/joblib/joblib/issues/1846 and
https://github.com/joblib/joblib/issues/1824, about pools in pools.

Run: python blas_oversubscription.py broken|fixed; conlab study blas_oversubscription
"""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from threading import Lock

FAILURE = "needless cost"
SHOWS = "returned 16"
EVIDENCE = "measured"
MEET = {"product = sha256(rows).digest()": 16}

CORES = 4
PARTS = 4  # of a matrix, which the threads of the library share out
ROWS = bytes(8_000_000)  # in each


def broken() -> int:
    cores = Cores()
    in_all_workers(lambda: matrix_product(cores))
    return cores.most_busy


def fixed() -> int:
    cores = Cores()
    in_all_workers(lambda: matrix_product(cores, threads=1))
    return cores.most_busy


def holds(most_busy: int) -> bool:
    """There were never more threads at work than cores."""
    return most_busy <= CORES


class Cores:
    """Counts the threads that want a core at once."""

    def __init__(self) -> None:
        self.busy = self.most_busy = 0
        self.lock = Lock()

    def multiply(self, rows: bytes) -> bytes:
        """Something of the rows that needs a core, and no GIL."""
        with self.lock:
            self.busy += 1
            self.most_busy = max(self.most_busy, self.busy)
        product = sha256(rows).digest()
        with self.lock:
            self.busy -= 1
        return product


def matrix_product(cores: Cores, threads: int = CORES) -> bytes:
    """What a library such as BLAS does: multiply in a thread for each core."""
    with ThreadPoolExecutor(threads) as pool:
        return b"".join(pool.map(cores.multiply, [ROWS] * PARTS))


def in_all_workers(job: Callable[[], bytes]) -> None:
    """Do the job in a worker for each core."""
    with ThreadPoolExecutor(CORES) as workers:
        for done in [workers.submit(job) for _ in range(CORES)]:
            done.result()


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"Threads on {CORES} cores: {(busy := side())}:", right if holds(busy) else "wrong")
