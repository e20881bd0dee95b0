"""Ctrl-C with a pool: the worker is interrupted as well, and join() waits for the job that it lost.

Symptom: After Ctrl-C the workers print tracebacks, and the program stays there, idle, until
somebody ends it.

Why: The terminal sends SIGINT to every process in the foreground. KeyboardInterrupt is no
Exception, so it ends the worker in the middle of its job. multiprocessing.Pool starts a new worker
and forgets the job, and after close() join() waits until no job is left.

Fix: Let the workers ignore SIGINT, so that the parent alone decides what becomes of the jobs; and
there terminate(), which waits for none. Either ends the hang: without the first the workers still
print tracebacks, without the second all the jobs are done before the program stops.

Detect: python ("KeyboardInterrupt"); pytest-timeout and faulthandler's dump_traceback_later(),
whose stacks show `pool.join()`.

Source: https://github.com/uqfoundation/pathos/issues/114 and
https://github.com/cokelaer/easydev/issues/6

Run: python ctrl_c_with_pool.py broken|fixed; conlab study ctrl_c_with_pool
"""

import faulthandler
import multiprocessing
import os
import signal
import sys
import threading

FAILURE = "deadlock"
SHOWS = "hung"
EVIDENCE = "judged"
STUCK_AT = ("pool.join()",)

SPAWN = multiprocessing.get_context("spawn")
PICTURES = [1, 2, 3]
INTERRUPTED = 1


def broken() -> str:
    hear_ctrl_c()
    pool = SPAWN.Pool(1)
    try:
        return str(pool.map(shrink, PICTURES))
    except KeyboardInterrupt:
        pool.close()
        pool.join()
    return "stopped"


def fixed() -> str:
    hear_ctrl_c()
    pool = SPAWN.Pool(1, ignore_ctrl_c)
    try:
        return str(pool.map(shrink, PICTURES))
    except KeyboardInterrupt:
        pool.terminate()
        pool.join()
    return "stopped"


def holds(end: str) -> bool:
    """The program has stopped."""
    return end == "stopped"


def shrink(picture: int) -> int:
    """The job. In the middle of one somebody presses Ctrl-C: the terminal tells both processes."""
    if picture == INTERRUPTED:
        for process in (multiprocessing.parent_process(), multiprocessing.current_process()):
            assert process is not None
            assert process.pid is not None
            os.kill(process.pid, signal.SIGINT)
    return picture


def ignore_ctrl_c() -> None:
    """Leave Ctrl-C to the parent: what each worker does first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def hear_ctrl_c() -> None:
    """Raise KeyboardInterrupt at Ctrl-C, also where a shell started this in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
    print(f"The program says {(end := side())!r}:", "right" if holds(end) else "wrong")
