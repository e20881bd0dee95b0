"""Pool worker killed: the system kills a worker for its memory, and map() waits for ever.

Symptom: A long computation stops at some per cent. The workers are idle, nothing is logged.

Why: multiprocessing.Pool replaces a worker that died and forgets the job that it had taken, so the
result that map() waits for never comes.

Fix: ProcessPoolExecutor watches its workers, and raises BrokenProcessPool from every waiting
future.

Detect: pytest-timeout and faulthandler's dump_traceback_later(), whose stacks show `return
str(pool.map(square, NUMBERS))`.

Source: https://github.com/python/cpython/issues/96062 and
https://github.com/python/cpython/issues/66587

Run: python pool_worker_killed.py broken|fixed; conlab study pool_worker_killed
"""

import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor

FAILURE = "deadlock"
SHOWS = "hung"
EVIDENCE = "judged"
STUCK_AT = ("return str(pool.map(square, NUMBERS))",)

SPAWN = multiprocessing.get_context("spawn")
NUMBERS = [1, 2, 3]
TOO_LARGE = 2


def broken() -> str:
    with SPAWN.Pool(1) as pool:
        try:
            return str(pool.map(square, NUMBERS))
        except BrokenExecutor:
            return "a worker died"


def fixed() -> str:
    with ProcessPoolExecutor(1, mp_context=SPAWN) as pool:
        try:
            return str(list(pool.map(square, NUMBERS)))
        except BrokenExecutor:
            return "a worker died"


def holds(answer: str) -> bool:
    """The caller is told."""
    return answer == "a worker died"


def square(number: int) -> int:
    """The job; one of the numbers takes more memory than the system will give."""
    if number == TOO_LARGE:
        os.kill(os.getpid(), signal.SIGKILL)  # as the system does when memory runs out
    return number * number


def end_with_children() -> None:
    """End this process, and first its children, which would wait for ever without it."""
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(1)


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    if side is broken:
        print("This will hang; its stacks follow in a second.", flush=True)
        faulthandler.dump_traceback_later(1)
        deadline = threading.Timer(1.5, end_with_children)
        deadline.daemon = True
        deadline.start()
    print(f"The caller hears: {(answer := side())}:", "right" if holds(answer) else "wrong")
