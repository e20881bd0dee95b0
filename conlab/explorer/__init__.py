"""The explorer runs an ordinary program under every schedule of its threads and asyncio tasks.

    from conlab.explorer import explore

    verdict = explore(module.broken, check=module.holds)
    assert verdict.failing and verdict.witness

    verdict = explore(module.fixed, check=module.holds, step=["httpcore"], bound=2)
    assert verdict.exhausted and not verdict.failing

**The program** is a function without arguments that creates its own threads, locks and queues, runs
to an end and returns a value; or an async function, or whatever else returns a coroutine, which
`asyncio.run` then runs; or a function that calls `asyncio.run`, `asyncio.Runner` or
`run_until_complete` itself. What would run nothing is refused: a generator function, a class, a
function that needs arguments. So is what runs elsewhere: an event loop of others, as uvloop's.

It is executed again for every schedule, so it must do the same thing each time when its threads are
scheduled the same way. The first schedule is executed twice before anything is searched: where the
outcome or the choices differ there is no verdict, and it is said after which line the two part and
what may be the reason. Globals, closures, classes, slots and containers of the project's modules
are set back before each execution, and so are objects of installed libraries that these hold, an
`itertools.count`, a `random.Random` and a `functools.cache` that was empty, but no other iterator,
and no global of a library that is not stepped; real locks and clocks there are controlled. ``id``
of what an execution makes is a number, in the order of asking.

**What fails.** An exception out of the program itself, a deadlock, an execution that does not end
within ``limit`` steps; what nobody would see: a thread that died of an exception, a task whose
exception nobody retrieved or that was destroyed while pending, a coroutine that was never awaited,
a callback that raised. With ``check``, a value for which ``check(value)`` is false; without, a task
that was cancelled and returned all the same: whether that is right, the value tells. An
AssertionError of the check says that the value is wrong; any other exception is a failure of the
check. Where it judges the first schedule's value and raises for another's, that schedule fails, and
the verdict says what the check did.

**Which schedules.** Of those that differ only in the order of *independent* steps, one is executed.
Steps depend on each other when both touch the same attribute, global, closure cell, container,
lock, queue or thread, and one of them writes it; a step that does what nobody knows, most often a
call into C that is not in `stepping/known_calls.py`, depends on all, and ``unknown`` names the
commonest. Python code that is not stepped has no switch points, but what it touches is seen. A
search without a bound comes first, and where it ends the verdict holds for any number of
preemptions; if it takes long, it takes turns with searches within 0, 1, 2 … preemptions (switches
away from a thread that could have gone on), which say up to how many it holds. What C does when it
frees an object, as a callback in C of a weak reference, is not seen, nor which thread is the last
to let go of one: where it matters who runs a ``__del__``, ask for ``reduction=False``. With that
every schedule of up to ``bound`` preemptions is executed, the fewest first; so it is for a program
with an event loop.

**The count.** The first failing schedule is told at once, and one with fewer preemptions is looked
for; then the explorer goes on, up to ``count_on`` further schedules, so that "k of N" is known.

**Where that has no end**, because ``seconds`` or ``schedules`` are over, the verdict says up to how
many preemptions every schedule was run. When a search has found nothing for a while, two executions
*predict*: conflicting accesses that nothing orders, locks taken in a circle; for each the schedule
is built that would confirm it. A third of the budget is kept for schedules drawn by chance, with
any number of preemptions: that they find nothing proves nothing, and the verdict says how likely
the next one would be a new one. What either finds is shrunk to few preemptions.

**Time is virtual**, on all clocks that Python code can read, wherever a library has kept one. A
sleep lets the others go first and costs nothing; that it ends, or that a wait with a timeout times
out, while others could go on costs one preemption. So does a step that takes half a minute: once in
an execution it may have done so where a clock is looked at, unless the same function has only just
looked and did nothing since; then a deadline is over that was computed by hand. A failure that
needs any of that says *with an early timeout*; with ``timeouts=False`` no timeout comes, and no
step is slow, while somebody can go on. A sleep is no timeout.

**Tasks** run on asyncio's own event loop, first in, first out, on virtual time. What may come in
any order is what a real loop does not order either, and each such departure from the ordinary
counts one against ``bound``, as a preemption does:

- While something is ready time stands still, unless a step is slow: then timers become due that
  were not, at any turn of the loop. They come by deadline, behind what is ready.
- Timers of one deadline come together, in the order in which they were set, unless another is
  first or some of them come a moment later: a real clock tells no two deadlines apart for certain,
  and neither does the heap that keeps them.
- Threads (``to_thread``, executors, ``threading``) are controlled as everywhere; their results come
  at a turn of the loop or at a ``call_soon``. What a thread does to a loop without
  ``call_soon_threadsafe`` does not wake it.
- The garbage collector comes while a task waits that only the awaited future keeps, as the loop
  does not. Elsewhere it does not come at all.

With ``cancellations`` a task is cancelled from outside that many times in an execution, at no cost
against ``bound``: between any two turns of the loop, before its first step, while it waits, when it
has been woken but not resumed, and while it cleans up. That is a task which the program function,
the coroutine that it runs, or a function nested in these has made (a gather or a TaskGroup counts
as its caller), and no main one; ``cancel`` names others by the name of the task or of its
coroutine. What asyncio makes in ``wait_for`` or ``shield``, and what a library makes for itself,
nobody outside could cancel. A timeout of the program is no cancellation from outside.

**Readings.** ``gil``: a switch only where this build of CPython was seen to switch. ``bytecode``: a
switch before every bytecode that touches shared state: the default. What fails only there is *safe
by accident*, and the verdict says so. Both only in the ``stepped`` files and at each operation of a
lock, queue or thread. By default those are the files of the reader's project that the program
imports, before it runs or meanwhile: the project is where the program's file lies, up to the
nearest ``pyproject.toml``, ``setup.py`` or ``.git``, and nothing that is installed belongs to it.
What only other processes of a shared search import while it runs is not stepped.

**Engines.** The threads run on real threads, or, with ``engine="greenlets"`` (on trial; the extra
``fast``), on greenlets in one real thread, between which a switch costs less. The schedules and
their ends are the same, and each failing schedule is executed again on real threads before it is
reported. What needs a real thread is noticed, and the search begins anew on real ones: an event
loop, a `threading.local` that the program makes, sqlite3, what is in `threads/thread_bound.py`. On
greenlets nobody notices a library in C that asks the system for the thread, or holds a lock for it,
and lets the program run meanwhile.

**What it cannot see.** The clocks that C reads itself, those of files among them, and of the system
(``os.times``). A cancellation between two callbacks of one turn. The garbage collector (but as
said), signals, other processes, real input
and output, and what happens inside a call into C, which is one step; on builds without the GIL
several are not. Sockets, pipes, subprocesses and signals of a loop are refused. The order in which
asyncio goes through a set of tasks is one and the same: on a real loop it is that of their
addresses. A step is taken to be slow as a whole: two timers set in one turn of the loop begin at
the same moment. Attributes that a base class outside the stepped files rebinds, if a stepped file
binds the same name. That a thread stops right before the standard library gives back a lock of its
own, inside a queue, an event or a pool: what comes of it is found with more preemptions. A call
into C that never returns and never lets the GIL go freezes the whole process.
"""

from conlab.explorer.exploration import ReadingName, explore, replay
from conlab.explorer.outcomes import (
    Deadlocked,
    Failure,
    Outcome,
    Raised,
    Returned,
    Unfinished,
    Waiting,
)
from conlab.explorer.search.schedule import Diverged
from conlab.explorer.threads.scheduler import Uncontrolled
from conlab.explorer.verdict import Exploration
from conlab.explorer.witnesses.accesses import Access
from conlab.explorer.witnesses.steps import Step
from conlab.explorer.witnesses.witness import Witness

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
