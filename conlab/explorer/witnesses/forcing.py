# mypy: ignore-errors
# ruff: noqa
"""Forces a schedule on real threads, or on a real event loop: what a script of --script runs.

The script has this file's text in it, below the program and the turns, and needs nothing of conlab.
"""

import _thread
import asyncio
import contextlib
import gc
import heapq
import importlib
import itertools
import linecache
import os
import sys
import threading
import time
import traceback
import types
import zlib

# What is written into the script, in place of these:
PROGRAM_FILE, PROGRAM_SOURCE, PROGRAM_MODULE, PROGRAM_FUNCTION = "", "", "", ""
CHECK, IS_ASYNC, FOLDERS, PYTHON, EXPECTED = "", False, [], "", ""
TURNS, REPEATED, COMING = [], [], []
# -- here begins what the script has of it --

PATIENCE = 5.0  # seconds in which nothing happens, after which the schedule does not fit
LOOK = 0.05  # seconds between two looks at whether anything happens
HANGS = 1.0  # and when all turns are over: then it hangs
REPEATING = 3.0  # seconds for which turns that repeat without an end are repeated
START_OF_TIME = 1_000_000_000.0  # what the clock of an event loop begins with
SHORT = 0.05  # seconds that a wait with a timeout takes, which is to end by time or soon
MONITORING = getattr(sys, "monitoring", None)  # settrace tells less of opcodes from 3.12 on


class Changed:
    """A condition in C alone: that of threading may be what the turns end in."""

    def __init__(self):
        self.lock = _thread.allocate_lock()
        self.waiters = []

    def __enter__(self):
        self.lock.acquire()

    def __exit__(self, *_):
        self.lock.release()

    def wait(self):
        """Let others have the lock until something has changed."""
        mine = _thread.allocate_lock()
        mine.acquire()
        self.waiters.append(mine)
        self.lock.release()
        mine.acquire()
        self.lock.acquire()

    def notify_all(self):
        """Wake all who wait."""
        for each in self.waiters:
            each.release()
        self.waiters.clear()


class Gate:
    """Lets each thread run in its turn only, up to where the turn ends."""

    def __init__(self):
        self.changed = Changed()
        self.at = 0  # which turn it is
        self.seen = 0  # how often its thread came to the place where it ends
        self.passed = False  # whether the thread has passed that place, and stops at the next
        self.moved = 0  # counts what happens
        self.started = time.monotonic()
        self.over = not TURNS and not REPEATED
        self.threads = {each[0] for each in [*TURNS, *REPEATED]}
        self.names = {(each[1], each[2]) for each in [*TURNS, *REPEATED] if len(each) > 2}
        self.wanted = {}  # of each code object, what it is called, or None
        self.numbers = {threading.get_ident(): 0}
        self.died = []
        self.rounds = 0

    def turn(self):
        """Return the turn that it is; behind the last begin those that repeat."""
        if self.at < len(TURNS):
            return TURNS[self.at]
        self.rounds = (self.at - len(TURNS)) // len(REPEATED)
        return REPEATED[(self.at - len(TURNS)) % len(REPEATED)]

    def advance(self):
        """Go on to the next turn."""
        self.at += 1
        self.seen, self.passed = 0, False
        self.moved += 1
        self.over = self.over or (self.at >= len(TURNS) and not REPEATED)
        self.changed.notify_all()

    def free(self):
        """Let everybody go on as they like."""
        with self.changed:
            self.over = True
            self.changed.notify_all()

    def begin(self, number):
        """Wait for the first turn of a thread."""
        with self.changed:
            while not self.over and self.turn()[0] != number:
                self.changed.wait()

    def end(self, number):
        """Take note that a thread has run to its end."""
        with self.changed:
            if not self.over and self.turn()[0] == number:
                if self.turn()[1] != "end":
                    misfit(f"{described(self.turn())}: it has ended before that")
                self.advance()

    def arrive(self, code, offset):
        """Stop here, before a bytecode, if that is where the turn of the thread ends."""
        number = self.numbers.get(threading.get_ident())
        name = self.wanted.get(code)
        if number is None or name is None or self.over:
            return
        self.moved += 1
        counted = False
        with self.changed:
            while not self.over:
                turn = self.turn()
                if turn[0] != number:
                    self.changed.wait()
                elif turn[1] == "end":
                    return
                elif turn[6] == 0 and turn[7] == "before":
                    self.advance()
                elif self.passed:
                    self.advance()
                    counted = True
                elif not counted and (*name, offset) == (turn[1], turn[2], turn[4]):
                    counted = True
                    self.seen += 1
                    if self.seen < turn[6]:
                        return
                    if turn[7] == "after":
                        self.passed = True
                        return
                    self.advance()
                else:
                    return

    def wants(self, code, module):
        """Say whether turns end in this code; leave if it is other code than it was."""
        if code not in self.wanted:
            name = (module, code.co_qualname)
            mine = code.co_filename == __file__
            self.wanted[code] = name if name in self.names and not mine else None
            crcs = {each[5] for each in [*TURNS, *REPEATED] if each[1:3] == name}
            if self.wanted[code] and zlib.crc32(code.co_code) not in crcs:
                misfit(f"{code.co_qualname} in {code.co_filename} is no longer what it was")
        return self.wanted[code] is not None


GATE = Gate()
REAL_START = threading.Thread.start
REAL_WAIT = threading.Condition.wait
REAL_JOIN = threading.Thread.join
PASSED = [0.0]  # seconds that were let pass without waiting for them


def described(turn):
    """Say which turn it is, for a person."""
    who = NAMES.get(turn[0], f"thread {turn[0]}")
    where = "to its end" if turn[1] == "end" else f"to line {turn[3]} of {turn[2]} in {turn[1]}"
    return f"turn {GATE.at + 1}, in which {who} runs {where}, is not possible"


NAMES = {}
STARTED = itertools.count(1)


def start(thread):
    """Number a thread in the order of starting, and have it wait for its turns."""
    number = next(STARTED)
    run = thread.run
    NAMES[number] = thread.name

    def in_turns():
        if number in GATE.threads:  # else nobody knows of it, and it goes on as it likes
            GATE.numbers[threading.get_ident()] = number
            GATE.begin(number)
        try:
            if MONITORING is None:
                sys.settrace(trace)
            run()
        finally:
            sys.settrace(None)
            GATE.end(number)

    thread.run = in_turns
    with aside():
        REAL_START(thread)


@contextlib.contextmanager
def aside():
    """Do what is one step, though it is made of several in Python."""
    number = GATE.numbers.pop(threading.get_ident(), None)
    try:
        yield
    finally:
        if number is not None:
            GATE.numbers[threading.get_ident()] = number


# -- coming to a bytecode ------------------------------------------------------------------------


def trace(frame, event, _):
    """Trace the opcodes of the functions in which turns end."""
    if GATE.over or not GATE.wants(frame.f_code, frame.f_globals.get("__name__")):
        return None
    frame.f_trace_lines, frame.f_trace_opcodes = False, True
    entered = frame.f_lasti
    GATE.arrive(frame.f_code, entered)

    def opcodes(frame, event, _):
        nonlocal entered
        if event == "opcode":
            if frame.f_lasti != entered:
                GATE.arrive(frame.f_code, frame.f_lasti)
            entered = None
        elif event == "call":
            entered = frame.f_lasti
        return opcodes

    return opcodes


def monitor():
    """Have the same by sys.monitoring."""
    events = MONITORING.events
    entered = {}  # by thread

    def begins(code, offset):
        """Take note of a function that begins or goes on."""
        if not GATE.wants(code, sys._getframe(1).f_globals.get("__name__")):
            return MONITORING.DISABLE
        MONITORING.set_local_events(TOOL, code, events.INSTRUCTION | events.PY_RESUME)
        entered[threading.get_ident()] = code, offset
        GATE.arrive(code, offset)
        return None

    def instruction(code, offset):
        """Take note of a bytecode."""
        if entered.pop(threading.get_ident(), None) != (code, offset):
            GATE.arrive(code, offset)

    MONITORING.use_tool_id(TOOL, "forced schedule")
    MONITORING.register_callback(TOOL, events.PY_START, begins)
    MONITORING.register_callback(TOOL, events.PY_RESUME, begins)
    MONITORING.register_callback(TOOL, events.INSTRUCTION, instruction)
    MONITORING.set_events(TOOL, events.PY_START)
    for code, module in list(functions()):  # a function that has begun is met only from its next on
        if GATE.wants(code, module):
            MONITORING.set_local_events(TOOL, code, events.INSTRUCTION | events.PY_RESUME)


def functions():
    """Give the code of each function of the modules in which turns end."""
    for name in {module for module, _ in GATE.names} & set(sys.modules):
        module = sys.modules[name]
        seen = list(vars(module).values())
        for kind in [
            each for each in seen if issubclass(type(each), type) and each.__module__ == name
        ]:
            seen += vars(kind).values()
        for each in seen:
            each = getattr(each, "__func__", getattr(each, "fget", each))
            each = getattr(each, "__wrapped__", each)
            if type(each) is types.FunctionType and each.__module__ == name:
                yield from ((code, name) for code in nested(each.__code__))


def nested(code):
    """Give a code object and those of the functions inside it."""
    yield code
    for each in code.co_consts:
        if type(each) is types.CodeType:
            yield from nested(each)


TOOL = 3


# -- time, which is let pass without waiting for it ----------------------------------------------


def sleep(seconds):
    """Let the time pass at once: who goes on when, the turns say."""
    PASSED[0] += seconds


def wait(condition, timeout=None):
    """Wait for a moment where it is for a time: whoever ends the wait has come by then."""
    done = REAL_WAIT(condition, timeout and min(timeout, SHORT))
    if timeout and not done:
        PASSED[0] += timeout
    return done


def join(thread, timeout=None):
    """Wait for a moment where it is for a time."""
    with aside():
        REAL_JOIN(thread, timeout and min(timeout, SHORT))
    if timeout and thread.is_alive():
        PASSED[0] += timeout


def set_clocks():
    """Have the clocks go on by what was let pass."""
    import queue

    for module, name in [
        (time, "time"),
        (time, "monotonic"),
        (time, "perf_counter"),
        (threading, "_time"),
        (queue, "time"),
    ]:
        real = getattr(module, name)
        setattr(module, name, lambda real=real: real() + PASSED[0])
    time.sleep = sleep
    threading.Condition.wait = wait
    threading.Thread.join = join


# -- an event loop -------------------------------------------------------------------------------


class Loop(asyncio.SelectorEventLoop):
    """asyncio's own event loop, but for its clock and for what is to come from outside."""

    made = []

    def __init__(self):
        self.timers = []
        super().__init__()
        self._clock_resolution = 0.0
        self.number = len(Loop.made)
        Loop.made.append(self)
        self.asked = -1
        self.really_select = self._selector.select
        self._selector.select = self.select

    def time(self):
        """Return what was let pass, in seconds."""
        return START_OF_TIME + PASSED[0]

    def call_at(self, when, callback, *args, context=None):
        """Number the timers as they are set."""
        timer = super().call_at(when, callback, *args, context=context)
        self.timers.append(timer)
        return timer

    async def shutdown_default_executor(self, timeout=None):
        """Let the threads of the pool end, which takes one more: the program is over."""
        GATE.free()
        await super().shutdown_default_executor()

    def call_exception_handler(self, context):
        """Take note of what asyncio says that nobody sees."""
        GATE.died.append(context["message"])
        super().call_exception_handler(context)

    def select(self, timeout):
        """Have come what is to come at this turn of the loop."""
        self.asked += 1
        GATE.moved += 1
        coming = [each for each in COMING if each[:2] == (self.number, self.asked)]
        for _, _, what, *which in coming:
            if what == "cancel":
                self.cancel(which[0])
            elif what == "collect":
                gc.collect()
            else:
                self.bring(which[0], [self.timers[number] for number in which[1:]])
        if coming or timeout == 0:
            return self.really_select(0)
        events = self.really_select(0)
        if events or timeout is None or not GATE.over:
            return events or self.really_select(timeout and min(timeout, PATIENCE))
        PASSED[0] += timeout
        return []

    def cancel(self, name):
        """Cancel the task of this name."""
        tasks = [each for each in asyncio.all_tasks(self) if each.get_name() == name]
        if not tasks:
            misfit(f"there is no task {name} to be cancelled at turn {self.asked} of the loop")
        tasks[0].cancel()

    def bring(self, now, timers):
        """Let time pass until then, and have these timers come, in this order, and no others."""
        PASSED[0] = max(PASSED[0], now)
        for timer in timers:
            timer._scheduled = False
            self._ready.append(timer)
        self._scheduled = [each for each in self._scheduled if each not in timers]
        for timer in self._scheduled:
            if timer._when <= self.time():
                timer._when = self.time() + 2e-4
        heapq.heapify(self._scheduled)


# -- what comes of it ----------------------------------------------------------------------------


def leave(status):
    """End, whatever still waits."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def misfit(why):
    """Say that this schedule is none of this program any more."""
    print(f"The schedule does not fit: {why}.\nMake the script anew.", file=sys.stderr)
    leave(2)


def hangs():
    """Say where everybody stands."""
    print("It hangs. Where everybody stands, the innermost line last:\n")
    frames = sys._current_frames()
    for thread in threading.enumerate():
        if thread is threading.current_thread() or thread.ident not in frames:
            continue
        print(f"{thread.name}:")
        stack = traceback.extract_stack(frames[thread.ident])
        stack = [each for each in stack if each.filename != __file__]
        show(itertools.dropwhile(lambda each: each.filename == threading.__file__, stack))
    for loop in Loop.made:
        for task in sorted(asyncio.all_tasks(loop), key=lambda each: each.get_name()):
            print(f"{task.get_name()} ({task.get_coro().__name__}):")
            stack = [
                traceback.FrameSummary(f.f_code.co_filename, f.f_lineno, f.f_code.co_name)
                for f in task.get_stack()  # of one that runs, down to this script
            ]
            show(each for each in stack if each.filename != __file__)
    print(f"The explorer found: {EXPECTED}")
    leave(1)


def has_died(args):
    """Say what ended a thread, by the frames that are its own."""
    GATE.died.append(args.exc_type.__name__)
    if args.exc_type is SystemExit:  # of which Python itself says nothing
        return
    print(f"Exception in thread {getattr(args.thread, 'name', '?')}:", file=sys.stderr)
    told = traceback.TracebackException(args.exc_type, args.exc_value, args.exc_traceback)
    told.stack[:] = [each for each in told.stack if each.filename != __file__]
    print("".join(told.format()), end="", file=sys.stderr, flush=True)


def show(stack):
    """Print the lines of a stack."""
    for each in stack:
        print(f"  {os.path.basename(each.filename)}:{each.lineno}  {each.line}")
    print()


def watch():
    """End it when nothing happens any more.

    Looks are counted, not seconds: a machine that stands still is no reason to say that it hangs.
    """
    moved, looks = -1, 0
    while True:
        REAL_SLEEP(LOOK)
        if REPEATED and GATE.rounds and REAL_MONOTONIC() - GATE.started > REPEATING:
            print(f"After {GATE.rounds:,} rounds of the same turns it has not ended: a livelock.")
            print(f"The explorer found: {EXPECTED}")
            leave(1)
        looks += 1
        if GATE.moved != moved:
            moved, looks = GATE.moved, 0
        elif GATE.over and looks * LOOK > HANGS:
            hangs()
        elif looks * LOOK > PATIENCE:
            misfit(described(GATE.turn()))


REAL_MONOTONIC, REAL_SLEEP = time.monotonic, time.sleep


def loaded():
    """Import the program, or make it of its source; return its function and that of the check."""
    sys.path[:0] = [each for each in FOLDERS if each not in sys.path]
    if not PROGRAM_SOURCE:
        module = importlib.import_module(PROGRAM_MODULE)
    else:
        module = types.ModuleType(PROGRAM_MODULE)
        module.__file__ = PROGRAM_FILE
        lines = PROGRAM_SOURCE.splitlines(keepends=True)
        linecache.cache[PROGRAM_FILE] = (len(PROGRAM_SOURCE), None, lines, PROGRAM_FILE)
        code = compile(PROGRAM_SOURCE, PROGRAM_FILE, "exec")
        if PROGRAM_FUNCTION == "":
            return lambda: exec(code, module.__dict__), None
        sys.modules[PROGRAM_MODULE] = module
        exec(code, module.__dict__)
    return getattr(module, PROGRAM_FUNCTION), getattr(module, CHECK) if CHECK else None


def main():
    """Run the program under the schedule, and say how it ends."""
    if sys.version.split()[0].rpartition(".")[0] != PYTHON:
        misfit(f"it names bytecodes of CPython {PYTHON}, and this is {sys.version.split()[0]}")
    program, check = loaded()
    if MONITORING is not None:
        monitor()  # while its functions are found by their names
    NAMES[0] = "main"
    threading.excepthook = has_died
    watcher = threading.Thread(target=watch, name="watch", daemon=True)
    with aside():
        REAL_START(watcher)
    threading.Thread.start = start
    asyncio.new_event_loop = asyncio.events.new_event_loop = Loop
    set_clocks()
    if MONITORING is None:
        sys.settrace(trace)
    try:
        value = asyncio.run(program()) if IS_ASYNC else program()
    except BaseException as error:
        sys.settrace(None)
        if isinstance(error, SystemExit) and not error.code:
            value = None
        else:
            traceback.print_exception(type(error), error, error.__traceback__.tb_next)
            print(f"It raised {type(error).__name__}: {error}".removesuffix(": "))
            leave(1)
    sys.settrace(None)
    GATE.end(0)
    ended(value, check)


def ended(value, check):
    """Judge what the program has returned, when its threads have ended."""
    for _ in range(int(PATIENCE / SHORT)):
        others = [each for each in threading.enumerate() if each is not threading.current_thread()]
        if GATE.over and all(each.daemon for each in others):
            break
        REAL_SLEEP(SHORT)
    gc.collect()
    GATE.free()
    print(f"It returned {value!r}.")
    right = not GATE.died and (check is None or check(value))
    if check is not None:
        print(f"{CHECK}({value!r}) is {check(value)!r}.")
    if GATE.died:
        print(f"What nobody sees: {', '.join(GATE.died)}.")
    as_found = check is None and repr(value) == EXPECTED.removeprefix("returned ")
    print(f"The explorer found: {EXPECTED}")
    if not right or as_found:
        leave(1)
    print("It did not go wrong.")
    leave(0)


if __name__ == "__main__":
    main()
