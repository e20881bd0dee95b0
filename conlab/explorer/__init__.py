"""The explorer runs an ordinary threaded program under every schedule of its threads.

    from conlab.explorer import explore

    verdict = explore(module.broken, check=module.holds)
    assert verdict.failing and verdict.witness

    verdict = explore(module.fixed, check=module.holds, reading="bytecode", bound=2)
    assert verdict.exhausted and not verdict.failing

**The program** is a function without arguments that creates its own threads, locks and queues,
runs to an end and returns a value. It is run again for every schedule, so it must do the same
thing each time when its threads are scheduled the same way: what differs by address, hash order
or chance is met as a *diverging replay* and is an error. Globals, closures and class attributes
of the stepped files are set back before each run, and real locks among them are controlled.

**What fails.** With ``check``: a value for which ``check(value)`` is false. Without: a thread that
died of an exception. Either way: an exception out of the program itself, a deadlock, and a run that
does not end within ``limit`` steps.

**The order.** Schedules come by rising number of preemptions (a switch away from a thread that
could have gone on), so the first failing one has the fewest. After it the explorer finishes that
number of preemptions, up to ``count_on`` further schedules, so that "k of N" is known, and stops;
``bound`` is then that number.

**Time is virtual.** A sleep lets the others go first and costs nothing; that it ends, or that a
wait with a timeout times out, while others could go on costs one preemption.

**Readings.** ``gil``: a switch only where this build of CPython was seen to switch. ``bytecode``: a
switch before every bytecode that touches shared state. Both only in the ``stepped`` files (by
default the file in which the program is defined) and at each operation of a lock, queue or thread.

**What it cannot see.** The garbage collector, signals, other processes, real input and output, and
what happens inside a call into C, which is one step; on builds without the GIL several are not.
Attributes that a base class outside the stepped files rebinds, if a stepped file binds the same
name. A call into C that never returns and never lets the GIL go freezes the whole process.
"""

from conlab.explorer.exploration import Exploration, ReadingName, explore, replay
from conlab.explorer.outcomes import (
    Deadlocked,
    Failure,
    Outcome,
    Raised,
    Returned,
    Unfinished,
    Waiting,
)
from conlab.explorer.search import Diverged
from conlab.explorer.stage import Uncontrolled
from conlab.explorer.witness import Access, Step, Witness

__all__ = [
    "Access",
    "Deadlocked",
    "Diverged",
    "Exploration",
    "Failure",
    "Outcome",
    "Raised",
    "ReadingName",
    "Returned",
    "Step",
    "Uncontrolled",
    "Unfinished",
    "Waiting",
    "Witness",
    "explore",
    "replay",
]
