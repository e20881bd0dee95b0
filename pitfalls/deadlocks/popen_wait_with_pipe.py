"""Popen.wait() with a pipe: the parent waits for the child to end, the child for room in the pipe.

Symptom: A command hangs when it prints a lot, and never when it is tried by hand.

Why: A pipe holds about 64 KiB. The child that writes more waits until somebody reads, and the
parent does not read before the child has ended.

Fix: communicate(), which reads while it waits.

Detect: pytest-timeout and faulthandler's dump_traceback_later(), whose stacks show `child.wait()`.

Source: https://docs.python.org/3/library/subprocess.html#subprocess.Popen.wait and
https://github.com/dpkp/kafka-python/issues/1689

Run: python popen_wait_with_pipe.py broken|fixed; conlab study popen_wait_with_pipe
"""

import faulthandler
import sys
from subprocess import PIPE, Popen

FAILURE = "deadlock"
SHOWS = "hung"
EVIDENCE = "judged"
STUCK_AT = ("child.wait()",)

SIZE = 1_000_000  # bytes, well above what a pipe holds
PRINT_A_LOT = [sys.executable, "-I", "-c", f"print('.' * {SIZE}, end='')"]


def broken() -> int:
    with Popen(PRINT_A_LOT, stdout=PIPE) as child:
        child.wait()
        output, _ = child.communicate()
    return len(output)


def fixed() -> int:
    with Popen(PRINT_A_LOT, stdout=PIPE) as child:
        output, _ = child.communicate()
    return len(output)


def holds(received: int) -> bool:
    """All that was printed has come."""
    return received == SIZE


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    if side is broken:
        print("This will hang; its stacks follow in a second.", flush=True)
        faulthandler.dump_traceback_later(1, exit=True)
    print(
        f"{(received := side())} of {SIZE} bytes received:", "right" if holds(received) else "wrong"
    )
