"""The right verdict on every program of strangers, decided by hand, and why where one may ask.

A row is a function of a file with its options. Without options the command's own hold: reading
bytecode, up to 2 preemptions or departures, no cancellations, and a step may be so slow that any
timeout fires and any deadline passes; that is why some programs that their authors call correct
fail without `--no-timeouts`. The budget is counted in schedules, so the verdict is the same on
every machine.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.explorer.strangers.exploring import DEADLOCK, NO_END, WRONG_VALUE

FOLDER = Path(__file__).parent
FIRST, NEVER = (3, 0), (9, 0)  # versions of Python
MENDED = (3, 12, 2)  # eager tasks crash before
ENOUGH = 3_000  # schedules, for what comes to an end
FEW = 150  # for what does not


@dataclass(frozen=True)
class Passes:
    """Every schedule was run and none fails: status 0."""


@dataclass(frozen=True)
class Fails:
    """A schedule fails in one of these ways, exceptions or what has a name above: status 1."""

    ways: frozenset[str]


@dataclass(frozen=True)
class Refused:
    """There can be no verdict, and a sentence says why; it matches this pattern: status 2."""

    why: str


@dataclass(frozen=True)
class FoundNothing:
    """The budget was over before the search: no verdict, status 2."""


Right = Passes | Fails | Refused | FoundNothing


@dataclass(frozen=True)
class Row:
    """The right verdict on one program.

    It holds from Python ``since`` on and ``before`` another, where the ``library`` that the program
    needs is installed (or, with ``absent``, is not). ``longer`` is for the longer run. ``wrong``
    says what is still wrong with the verdict that is given, and what it needs to be right.
    """

    file: str
    function: str  # "" is the file itself, run as a script
    right: Right
    options: tuple[str, ...] = ()
    since: tuple[int, ...] = FIRST
    before: tuple[int, ...] = NEVER
    library: str = ""
    absent: bool = False
    schedules: int = ENOUGH
    longer: bool = False
    because: str = ""
    wrong: str = ""

    def __str__(self) -> str:
        """Say the command's arguments, as the test's id."""
        target = f"{self.file}:{self.function}" if self.function else self.file
        return " ".join([target, *self.options, *(["longer"] if self.longer else [])])


PASSES = Passes()
LOST = "Task exception was never retrieved"
DESTROYED = "Task was destroyed but it is pending!"

STILL = "time: who looks at a clock twice in a row is never late between, by our rule"

CANCEL = ("--cancellations", "1")
NO_TIMEOUTS = ("--no-timeouts",)
SLOW = "a step that is slow enough makes it late, as on a real machine"


def fails(*ways: str) -> Fails:
    """Say in what ways it may fail."""
    return Fails(frozenset(ways))


def each(file: str, functions: str, right: Right, **more: object) -> Iterator[Row]:
    """Give a row for each of the functions, which are named in one string."""
    for function in functions.split():
        yield Row(file, function, right, **more)  # type: ignore[arg-type]


def needing_arguments(file: str, functions: str) -> Iterator[Row]:
    """Give the rows of functions that cannot be called without arguments, such as checks."""
    return each(file, functions, Refused(r"argument"))


def classes(file: str, functions: str) -> Iterator[Row]:
    """Give the rows of classes: to make an object of one is no program."""
    return each(file, functions, Refused(r"\ba class\b"))


def late(file: str, function: str, *ways: str, **more: object) -> Iterator[Row]:
    """Give the two rows of a program that only a slow step breaks: it does, and it need not."""
    yield Row(file, function, fails(*ways), because=SLOW, **more)  # type: ignore[arg-type]
    yield Row(file, function, PASSES, NO_TIMEOUTS, because="no step is slow")


def asleep(file: str, function: str, *ways: str) -> Iterator[Row]:
    """Give the two rows of a program that waits by sleeping: without timeouts it fails as well."""
    yield Row(file, function, fails(*ways), because=SLOW)
    slept = "a sleep is no timeout: who relies on how long one takes relies on it without them"
    yield Row(file, function, fails(*ways), NO_TIMEOUTS, because=slept)


def too_large(file: str, functions: str) -> Iterator[Row]:
    """Give the rows of programs that have more orders than there is budget for, and no mistake."""
    large = "more orders than there is budget for"
    yield from each(file, functions, FoundNothing(), schedules=FEW, because=large)


def needing(library: str, file: str, functions: str, right: Right, **more: object) -> Iterator[Row]:
    """Give the rows of programs that import a library in vain where it is not installed."""
    yield from each(file, functions, right, library=library, **more)
    yield from each(file, functions, fails("ModuleNotFoundError"), library=library, absent=True)


def threads() -> Iterator[Row]:
    """Programs of threads."""
    dt = "threads/dt.py"
    clocks = "all clocks are one; that two readings in a row are a minute apart is nobody's concern"
    yield Row(dt, "now", PASSES, because="an hour of sleep is an hour on every clock")
    yield from each(dt, "mixed localtime", PASSES, because=clocks)

    errs = "threads/errs.py"
    blocks = r"blocks .*errs\.py"
    yield from needing_arguments(errs, "takes")
    yield Row(errs, "gen", Refused(r"generator"))
    yield from classes(errs, "K")
    yield Row(errs, "mp_lock", Refused(blocks), because="a lock of another kind, held by who waits")
    yield Row(errs, "sock", Refused(blocks), because="it reads what the paused thread would send")
    yield Row(errs, "sock_block", Refused(blocks), because="the same the other way round")
    yield Row(errs, "raw_thread", Refused(r"_thread\.start_new_thread"))
    yield Row(errs, "sub", Refused(r"starts another process"))
    yield Row(errs, "sig", Refused(r"alarm"))
    yield Row(errs, "inp", fails("EOFError"), because="there is nothing on the standard input here")
    real = "a lock, queue or pool of a module is as good as one made inside"
    yield from each(errs, "held_global module_q module_pool", PASSES, because=real)
    yield Row(errs, "module_thread_again", fails("RuntimeError"), because="it was started before")
    yield Row(errs, "sysexit", fails("SystemExit"), because="3 is no success")
    yield Row(errs, "lock_not_owned", fails("RuntimeError"))
    yield Row(errs, "nonzero_daemon_print", PASSES)

    stops = "how long it works is open, that it ends is not"
    yield from each("threads/growing.py", "sleep_append wait_counter", PASSES, because=stops)

    yield from each("threads/helper.py", "bump bump_bad", PASSES, because="a single thread")

    yield from ordinary_threads()

    differs = Refused(r"\brandom\b")
    yield Row("threads/rnd.py", "program", differs, because="chance chooses the code")

    runfor = "threads/runfor.py"
    yield from each(runfor, "counter deadline waits", PASSES, because=stops)
    turns = "the deadline may be over before the first turn, and `holds` takes 0 for no"
    yield Row(runfor, "deadline_main", fails(WRONG_VALUE), because=turns, wrong=STILL)
    yield Row(runfor, "deadline_main", PASSES, NO_TIMEOUTS, because="no step is slow")
    yield from needing_arguments(runfor, "holds")

    lost = "both read n before either writes it"
    yield Row("threads/script.py", "", fails("AssertionError"), because=lost)
    yield Row("threads/script.py", "main", fails("AssertionError"), because=lost)
    yield Row("threads/script.py", "inc", PASSES, because="a single thread")
    yield Row("threads/script_args.py", "", Refused(r"argument|exit"))
    yield Row("threads/script_exit.py", "", PASSES, because="0 is success")
    yield Row("threads/script_exit.py", "main", PASSES)

    app = "threads/shop/app.py"
    both = "both see the last one before either takes it"
    yield Row(app, "program", fails(WRONG_VALUE), because=both)
    safe = "CPython with its GIL switches nowhere between the test and the subtraction"
    gil = ("--reading", "gil")
    yield Row(app, "program", PASSES, gil, because=safe)
    yield from each(app, "holds", Refused(r"argument"))
    yield from classes("threads/shop/stock.py", "Stock")

    tests = "threads/shop_tests.py"
    yield Row(tests, "", Refused(r"tests?\b"), because="a file of tests runs nothing")
    names = "test_finds test_default_misses test_default_default test_local"
    yield from each(tests, names, Refused(r"argument|fixture"))

    spins = "whom it waits for comes to its end whatever the order"
    functions = "spin poll event_poll event_wait_poll is_alive_poll trylock_poll sleep0_poll"
    yield from each("threads/spin.py", functions, PASSES, because=spins)
    yield from too_large("threads/spin.py", "queue_nowait_poll")
    yield Row("threads/spin.py", "queue_nowait_poll", PASSES, longer=True, because=spins)

    database = "a thread waits in C for what a paused one has locked: no fault of the program"
    refused = Refused(r"blocks|uncontrolled|does not control")
    yield Row("threads/sq.py", "default_timeout", refused, schedules=60, because=database)

    yield Row("threads/useshelper.py", "good", PASSES)
    missed = "helper is stepped, and both read N before either writes it"
    yield Row("threads/useshelper.py", "bad", fails("AssertionError"), because=missed)


def ordinary_threads() -> Iterator[Row]:
    """Programs that are correct unless their name begins with bad, as their author says."""
    file = "threads/ordinary.py"
    functions = """timer timer_cancel prio local sem rlock cond_timeout weak weakdict ctxvars logs
    dataclass_ lru sched_ subclass daemon_left nondaemon_left rand prints synchronized four
    prodcons"""
    yield from each(file, functions, PASSES)
    yield from late(file, "simpleq", "Empty")  # the author's 100 s are waited for to be safe
    yield Row(file, "bad_cond_timeout", fails(DEADLOCK), because="notify() may come before wait()")
    twice = "both miss the cache, which is asked again only after the call: two lists"
    yield Row(file, "bad_lru_identity", fails("AssertionError"), because=twice)
    locked = "functools.cached_property has a lock up to Python 3.11"
    yield Row(file, "cachedprop", PASSES, before=(3, 12), because=locked)
    open_ = "functools.cached_property has no lock from Python 3.12 on: both compute"
    yield Row(file, "cachedprop", fails("AssertionError"), since=(3, 12), because=open_)
    yield Row(file, "bad_nondaemon_stuck", fails(DEADLOCK), because="nobody sets the event")
    chance = "chance chooses the code"
    yield Row(file, "rand_branch", Refused(r"\brandom\b"), because=chance)
    torn = "both read the file before either writes it"
    yield Row(file, "bad_files", fails("AssertionError"), schedules=FEW, because=torn)
    database = "a thread waits in C for what a paused one has locked: no fault of the program"
    refused = Refused(r"blocks|uncontrolled|does not control")
    yield Row(file, "sqlite", refused, schedules=20, because=database)
    yield from needing("readerwriterlock", file, "rwlock", PASSES)
    yield from needing("filelock", file, "flock", PASSES, options=("--bound", "0"))
    yield Row(file, "bad_eight", fails("AssertionError"), schedules=FEW)
    yield from classes(file, "Acc Sub")
    yield from needing_arguments(file, "_many")
    yield Row(file, "sq", Refused(r"argument"))

    none, one = ("--bound", "0"), ("--bound", "1")
    yield from each(file, "pool_map barrier pool8", PASSES, options=none)
    yield Row(file, "sentinel", PASSES, none)
    yield Row(file, "files", PASSES, one)
    yield from too_large(file, "pool_map sentinel barrier pool8 six eight")
    yield Row(file, "threadpool", FoundNothing(), schedules=FEW)
    yield Row(file, "sentinel", PASSES, one, longer=True)
    yield Row(file, "files", PASSES, longer=True)
    yield Row(file, "barrier", PASSES, one, longer=True, schedules=5_000)


def tasks() -> Iterator[Row]:
    """Programs of tasks."""
    timing = "tasks/cancel_timing.py"
    yield Row(timing, "broken", PASSES, because="only who is cancelled leaves the lock broken")
    turn = "cancelled in the turn in which the holder lets go, it is skipped but still in the queue"
    yield Row(timing, "broken", fails(DEADLOCK), CANCEL, because=turn)
    same = "three timers of one deadline: the canceller's may be the first"
    yield Row(timing, "broken_with_canceller", fails(DEADLOCK), because=same)
    yield Row(timing, "by_hand", PASSES, because="it cancels who is left after a second")
    yield from classes(timing, "BrokenLock")

    yield from late("tasks/clock_deadline.py", "program", "TimeoutError")
    yield from late("tasks/clock_deadline2.py", "program", "AssertionError")
    certain = "half a second of work is certain here"
    yield Row("tasks/clock_deadline2.py", "", fails("AssertionError"), because=certain)

    yield Row("tasks/counter_mod.py", "add", PASSES)

    eager = "ok raises nogroup_suspend_raise unawaited"
    unknown = "asyncio has no eager tasks before 3.12"
    yield from each(
        "tasks/eager312.py", eager, fails("AttributeError"), before=(3, 12), because=unknown
    )
    yield from eager_tasks("tasks/eager312.py", eager)

    for_ever = "it never ends, as asked"
    yield Row("tasks/forever.py", "server_loop", fails(NO_END), longer=True, because=for_ever)
    swallowed = "asyncio.run waits for a task that swallows its cancellation"
    yield Row("tasks/forever.py", "deaf", fails(NO_END), longer=True, because=swallowed)

    yield Row("tasks/lib_a.py", "one", PASSES)
    yield Row("tasks/lib_b.py", "two", PASSES)

    library = "tasks/library_task.py"
    yield Row(library, "program", PASSES)
    private = "a user may be cancelled, the cache's own task may not"
    yield Row(library, "program", PASSES, CANCEL, because=private)
    asked = "both users lose their value when the cache's task is cancelled, as asked for"
    yield Row(
        library,
        "program",
        fails(WRONG_VALUE),
        (*CANCEL, "--cancel", "_load"),
        because=asked,
    )
    both = ("--cancellations", "2")
    yield Row(library, "program", fails(WRONG_VALUE), both, because="both users may be cancelled")
    yield from classes(library, "Cache")
    yield from needing_arguments(library, "holds")

    big = "tasks/ordinary_big.py"
    yield Row(big, "program", PASSES)
    workers = "the workers are the shop's own: nobody outside can cancel them"
    yield Row(big, "program", PASSES, CANCEL, because=workers)
    yield from classes(big, "Order Prices Limiter Bus Shop")
    yield from needing_arguments(big, "holds")

    yield from first_tasks()
    yield from second_tasks()

    uv = "tasks/ordinary_uv.py"
    order = "two timers of one deadline come in either order"
    yield from each(uv, "racy plain", fails("AssertionError"), because=order)
    foreign = Refused(r"uvloop")
    yield from needing("uvloop", uv, "uv uv_factory uv_policy", foreign)
    yield from needing_arguments(uv, "slow")
    returned = "the coroutine that it returns is run, and fails each time"
    yield Row(uv, "lam", fails("AssertionError"), because=returned)

    tests = "tasks/pytest_file.py"
    yield Row(tests, "", Refused(r"tests?\b"), because="a file of tests runs nothing")
    yield Row(tests, "test_order", fails("AssertionError"), because=order)
    yield Row(tests, "test_fix", Refused(r"argument|fixture"))
    yield Row(tests, "client", Refused(r"fixture|function"))

    yield from needing_arguments("tasks/registry.py", "register")
    yield Row("tasks/state_outside.py", "program", PASSES)
    yield from needing_arguments("tasks/state_outside.py", "holds")
    argument = Refused(r"importing .* KeyError")
    yield Row("tasks/stepped_relative.py", "program", argument, because="it reads sys.argv")

    yield from late("tasks/time_silent.py", "program", WRONG_VALUE)
    yield from needing_arguments("tasks/time_silent.py", "holds")
    yield Row("tasks/two_files.py", "program", PASSES, because="without a check 1 is as good as 2")
    inner = "an exploration inside of another has nothing to do with it"
    yield Row("tasks/two_files.py", "", Refused(r"explore"), because=inner)

    missed = "tasks/uvloop_missed.py"
    yield from each(missed, "program with_asyncio", fails("AssertionError"), because=order)
    functions = "with_uvloop certain_deadlock_free_sleep"
    yield from needing("uvloop", missed, functions, foreign)

    yield from vacuous()

    silent = "tasks/witness_silent.py"
    yield Row(silent, "leak", PASSES)
    gone = "who is cancelled keeps the connection: the other waits for ever, or it is missing"
    yield Row(silent, "leak", fails(DEADLOCK, WRONG_VALUE), CANCEL, because=gone)
    yield from needing_arguments(silent, "holds")


def vacuous() -> Iterator[Row]:
    """What can be mistaken for a program, or a check, that is not run."""
    file = "tasks/vacuous.py"
    yield Row(file, "fails", fails("ValueError"))
    yield from each(file, "returns_it decorated callable_object", fails("ValueError"))
    yield Row(file, "generator", Refused(r"generator"))
    yield from needing_arguments(file, "decorated_ async_check raising_check none_check")
    yield from classes(file, "Callable_")
    yield Row(file, "good", PASSES)
    true = "a coroutine is always true"
    yield Row(
        file,
        "good",
        Refused(r"async_check"),
        ("--check", "async_check"),
        because=true,
    )
    check = "the check fails, not the program"
    yield Row(
        file,
        "good",
        Refused(r"raising_check.*TypeError|TypeError.*raising_check"),
        ("--check", "raising_check"),
        because=check,
    )
    said = "an assert in the check is its verdict"
    yield Row(file, "good", fails(WRONG_VALUE), ("--check", "none_check"), because=said)


def eager_tasks(file: str, functions: str) -> Iterator[Row]:
    """Give the rows of eager tasks that end at once, where asyncio has them."""
    crash = Refused(r"begun at once crash")
    why = "the interpreter crashes"
    yield from each(file, functions, crash, since=(3, 12), before=MENDED, because=why)
    yield from each(file, functions, PASSES, since=MENDED)


def first_tasks() -> Iterator[Row]:
    """What a program of asyncio is made of, one function an idea."""
    file = "tasks/ordinary_ord1.py"
    functions = """queue_pc semaphore event_condition_barrier timeout_cm wait_for_shield
    as_completed gather_exc taskgroup_err call_later agen agen_not_closed ctxvars runner
    runner_debug
    loop_by_hand poll_sleep time_monotonic_deadline heartbeat heartbeat_not_cancelled
    many_tasks wait_first streamreader wait_for_queue_get async_lock_cm threadsafe_call
    fire_and_forget_set fire_and_forget_nokeep chained_wrapper returns_coroutine"""
    yield from each(file, functions, PASSES)
    one = ("--bound", "1")
    yield from each(file, "threads many_timers many_timers_distinct", PASSES, options=one)
    yield from too_large(file, "threads many_timers many_timers_distinct")
    yield from eager_tasks(file, "eager")
    yield Row(file, "eager", PASSES, before=(3, 12), because="it returns at once")

    yield from late(file, "deadline_poll", "TimeoutError")
    yield from late(file, "run_coroutine_threadsafe", "TimeoutError")  # of result(5)
    outside = Refused(r"not controlled")
    yield from each(file, "streams server subprocess signals", outside)
    process = Refused(r"starts another process")
    yield Row(file, "proc_pool", process)
    yield from needing("uvloop", file, "uses_uvloop", Refused(r"uvloop"))
    yield Row(file, "async_race", fails("AssertionError"), because="both read, then both write")
    yield Row(file, "deadlock2", fails(DEADLOCK), because="two locks in two orders, each time")
    never = "coroutine 'never_awaited.<locals>.f' was never awaited"
    yield Row(file, "never_awaited", fails(never))
    yield Row(file, "nested_run", fails("RuntimeError"), because="a loop is running already")
    yield from needing_arguments(file, "needs_args")


def second_tasks() -> Iterator[Row]:
    """The same, with what is late, never ends, is lost, or is different each time."""
    file = "tasks/ordinary_ord2.py"
    functions = """background_forever prints logging_ timeout_nested timeout_vs_result holds_dummy
    hash_order"""
    yield from each(file, functions, PASSES)
    yield from each(file, "background_forever_thread t20_bound", PASSES, options=("--bound", "1"))
    yield from too_large(file, "t20_bound")
    yield Row(file, "background_forever_thread", PASSES, longer=True)
    yield from late(file, "elapsed_assert", "AssertionError")
    yield from asleep(file, "sleep_chain_race", "KeyError")
    yield from asleep(file, "weakref_gc", "AssertionError")
    # A stated limit: two timers that are set in one turn of the loop begin at the same moment, so
    # that nobody is slow between them.
    yield Row(file, "two_sleeps_order", PASSES, because="both sleeps begin at the same moment")
    chance = "whatever chance says, the same choices are met and the same comes of it"
    yield from each(file, "rnd rnd_branch uuid_", PASSES, because=chance)

    yield Row(file, "livelock", fails(NO_END), longer=True)
    yield Row(file, "forever_timer", fails(NO_END), longer=True)
    computing = "it never ends, which cannot be told from a long computation"
    yield Row(file, "busy", Refused(r"has computed for"), longer=True, because=computing)
    swallowed = "asyncio.run waits for a task that swallows its cancellation"
    yield from each(
        file, "swallow_base swallow_base_end", fails(NO_END), longer=True, because=swallowed
    )
    yield Row(file, "sysexit", fails("SystemExit"), because="3 is no success")
    yield Row(file, "kbd", fails("KeyboardInterrupt"), because="nobody pressed a key")
    yield Row(file, "agen_prog", Refused(r"generator"))
    yield Row(file, "inputs", fails("EOFError"), because="nothing is on the standard input here")
    yield Row(file, "urllib_", fails("URLError"), because="nobody listens at port 9")
    lost = "shield() lets go of who was cancelled, so nobody takes the exception of the inner one"
    yield Row(file, "shield_lost", fails(LOST), because=lost)
    kept = "only the future that the task waits for keeps it, and only the task keeps the future"
    yield Row(file, "task_gc", fails(DESTROYED), because=kept)


ROWS: list[Row] = [*threads(), *tasks()]
