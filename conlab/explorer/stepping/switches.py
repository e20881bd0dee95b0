"""Where each version of CPython was seen, untraced, to let another thread in: data, not opinion.

`tests/atlas/test_observation.py` repeats the observation. Seeing proves that a switch exists, never
that none does.
"""

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Switches:
    """What one version of CPython with the GIL lets happen between two of its instructions.

    ``quiet`` names the calls that let nobody in once their call site is specialised, which takes
    ``cold`` executions; ``entering`` and ``resuming`` are about Python functions and generators.
    """

    entering: bool
    resuming: bool
    quiet: frozenset[str]
    cold: int


PYTHON_CLASS = "a class with a Python __init__"
QUIET = frozenset(["len", "isinstance", "type", "list.append"])
QUIETER = QUIET | {PYTHON_CLASS}
SWITCHES = {
    (3, 11): Switches(entering=True, resuming=True, quiet=QUIET, cold=8),
    (3, 12): Switches(entering=True, resuming=True, quiet=QUIET, cold=2),
    (3, 13): Switches(entering=True, resuming=True, quiet=QUIETER, cold=2),
    (3, 14): Switches(entering=True, resuming=True, quiet=QUIETER, cold=2),
    (3, 15): Switches(entering=True, resuming=True, quiet=QUIETER, cold=2),
}


def switches_here() -> Switches:
    """Return the table of the running version, or of the newest one known."""
    version = sys.version_info[:2]
    return SWITCHES.get(version, SWITCHES[max(SWITCHES)])
