"""How long a test waits for what must happen: an outer net, the wider the busier the machine is.

No test asserts that something is quick. What hangs is ended by such a limit; what is only slow,
because others have the cores, is not.
"""

import os


def patience(seconds: float) -> float:
    """So many seconds on an idle machine, and as many again for each thread that wants a core."""
    return seconds * (1 + load_per_core())


def load_per_core() -> float:
    """How many threads wanted each core in the last minute; 0 where the system does not tell."""
    if not hasattr(os, "getloadavg"):
        return 0.0
    return os.getloadavg()[0] / (os.cpu_count() or 1)
