"""Takes note of what a run does: who works, how many at once, what the given functions are asked.

A profile function sees calls, of Python and of C, in every thread; an audit hook sees programs
started. Each process appends what it sees to one file, a line of JSON each. What is noted: that a
process began; that a *strand* (a thread, task or process other than the main one) runs code of the
file; a call of a given function, with how many plain values it was given; how many strands were
open at once, from their start to their join, by the order of the program and not of the clock; the
given functions that the main strand called while another was open, and whether it had any line to
run between a start and a join.
"""

import dis
import functools
import inspect
import itertools
import json
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

VARIABLE = "CONLAB_RECORD"  # holds the settings, as JSON: file, given, log, root
DEEPEST = 4  # containers in each other whose values are counted
PLAIN = (int, float, complex, str, bytes, type(None))
POOLS = (
    "ThreadPoolExecutor.submit",
    "ProcessPoolExecutor.submit",
    "InterpreterPoolExecutor.submit",
)


Place = tuple[int, CodeType, int]  # a call of a function, and a line in it


@dataclass
class Started:
    """A thread or process that was started: how to get it, where that was, and by whose code."""

    get: Callable[[], Any]
    place: Place
    is_own: bool  # the file's, and no library's
    was_waited_for: bool = False


class Recorder:
    """Takes note in this process."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.file: str = settings["file"]
        self.given = frozenset(settings["given"])
        self.root: int = settings["root"]
        self.log = os.open(settings["log"], os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        self.active: set[tuple[str, CodeType]] = set()
        self.open: list[Started] = []  # threads and processes that were not joined
        self.numbers_of_started = itertools.count(1)
        self.beside: set[str] = set()  # given functions that the main strand called meanwhile
        self.tasks: list[weakref.ref[Any]] = []
        self.jobs: list[tuple[Any, int]] = []  # futures not asked yet, how many their pool runs
        self.widest = 0, 0, 0  # strands, the file's own of these, and jobs of pools, at once
        self.main_tasks: dict[int, weakref.ref[Any]] = {}  # the first of each event loop
        self.numbers: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self.note(process=os.getpid())

    def note(self, **what: Any) -> None:
        """Append a line, which the system does as one step."""
        os.write(self.log, json.dumps(what).encode() + b"\n")

    def profile(self, frame: FrameType, event: str, arg: Any) -> None:
        """Look at a call or a return."""
        if event == "call":
            if frame.f_code.co_filename == self.file:
                self.runs(frame)
            else:
                self.opens(frame)
        elif event == "return":
            self.returns(frame, arg)
        elif event == "c_call" and frame.f_code.co_filename == self.file:
            self.calls_c(frame, arg)

    def runs(self, frame: FrameType) -> None:
        """Take note of code of the file that runs."""
        code = frame.f_code
        if code.co_name == "<module>" or frame.f_lasti > beginning(code):
            return
        strand = self.strand()
        if strand and (strand, code) not in self.active and touches_something(code):
            self.active.add((strand, code))
            self.note(active=strand, code=code.co_qualname)
        function, _, method = code.co_qualname.partition(".")
        if function in self.given and "<locals>" not in method and is_counted(code):
            values = arguments(frame, is_method=bool(method))
            is_driver = not method and any(map(is_handed_over, values))
            given_values = sum(map(plain_values, values))
            name = code.co_qualname
            self.note(call=name, values=given_values, driver=is_driver)
            is_new = not is_driver and not strand and name not in self.beside
            if is_new and self.is_open():
                self.beside.add(name)
                self.note(beside=name)

    def calls_c(self, frame: FrameType, function: Any) -> None:
        """Take note of a method in C of an object that is given."""
        owner = getattr(function, "__self__", None)
        if owner is None or inspect.ismodule(owner):
            return
        for name in self.given:
            if frame.f_globals.get(name) is owner and not function.__name__.startswith("__"):
                called = f"{name}.{function.__name__}"
                self.note(call=called, values=0, driver=False)

    def opens(self, frame: FrameType) -> None:
        """Take note of a thread or a process that is started."""
        code = frame.f_code
        if code.co_qualname in ("Thread.start", "BaseProcess.start"):
            started = frame.f_locals.get("self")
            if started is not None and not any(each.get() is started for each in self.open):
                place = place_of_caller(frame)
                is_own = place[1].co_filename == self.file
                self.open.append(Started(held(started), place, is_own))
                if is_own and is_of_another(started, self.file):
                    self.note(active=f"started {next(self.numbers_of_started)}", code="")
                self.note(opened=1)
                self.measure()

    def returns(self, frame: FrameType, value: Any) -> None:
        """Take note of what was made, and of what has been waited for."""
        name = frame.f_code.co_qualname
        if name in ("Thread.join", "BaseProcess.join"):
            joined = frame.f_locals.get("self")
            for each in self.open:
                if each.get() is joined and not each.was_waited_for:
                    each.was_waited_for = True
                    if nothing_between(each.place, place_of_caller(frame)):
                        self.note(waited_for_at_once=1)
            self.open = [each for each in self.open if each.get() is not joined or is_alive(joined)]
        elif name in POOLS and value is not None:
            pool = frame.f_locals.get("self")
            self.jobs.append((value, getattr(pool, "_max_workers", 1)))
            self.note(opened=1)
            self.measure()
        elif name in ("Future.result", "Future.exception"):
            asked = frame.f_locals.get("self")
            self.jobs = [each for each in self.jobs if each[0] is not asked]
        elif name == "BaseEventLoop.create_task" and value is not None:
            self.tasks = [each for each in self.tasks if is_pending(each())]
            self.tasks.append(weakref.ref(value))
            self.note(opened=1)
            self.measure()

    def measure(self) -> None:
        """Take note of how many strands are open, if they are more than ever."""
        tasks = max(0, len(self.tasks) - 1)  # without the one that runs the loop
        jobs = min(len(self.jobs), max((most for _, most in self.jobs), default=0))
        width = max(len(self.open) + tasks, jobs)
        own = max(sum(each.is_own for each in self.open) + tasks, jobs)
        widest = max(width, self.widest[0]), max(own, self.widest[1]), max(jobs, self.widest[2])
        if widest != self.widest:
            self.widest = widest
            self.note(width=widest[0], own=widest[1], jobs=widest[2])

    def is_open(self) -> bool:
        """Whether a strand other than the main one was started and not waited for."""
        tasks = sum(is_pending(each()) for each in self.tasks)
        return any(each.is_own for each in self.open) or bool(self.jobs) or tasks > 1

    def strand(self) -> str:
        """Name the strand that runs; nothing for the main one."""
        here = "" if os.getpid() == self.root else f"process {os.getpid()}"
        if threading.current_thread() is not threading.main_thread():
            here = f"{os.getpid()} thread {threading.get_ident()} {threading.current_thread().name}"
        task = running_task()
        if task is None:
            return here
        if task not in self.numbers:
            self.numbers[task] = len(self.numbers)
        main = self.main_tasks.setdefault(threading.get_ident(), weakref.ref(task))()
        if main is None:
            self.main_tasks[threading.get_ident()] = weakref.ref(task)
        return here if main is task or main is None else f"{here} task {self.numbers[task]}"

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take note of a program that is started."""
        if event == "subprocess.Popen":
            command = arguments[1]
            parts = [command] if isinstance(command, str | bytes) else list(command)
            self.note(program=[os.fsdecode(part) for part in parts])


def install() -> None:
    """Take note in this process, and in all threads that it starts."""
    recorder = Recorder(json.loads(os.environ[VARIABLE]))
    sys.addaudithook(recorder.hear)
    threading.setprofile(recorder.profile)
    sys.setprofile(recorder.profile)


@functools.cache
def beginning(code: CodeType) -> int:
    """The offset of the bytecode at which a call, and no resumption, is seen."""
    return next((each.offset for each in dis.get_instructions(code) if each.opname == "RESUME"), 0)


def place_of_caller(frame: FrameType) -> Place:
    """The call, and the line of it, from which this one was made."""
    caller = frame.f_back or frame
    return id(caller), caller.f_code, caller.f_lineno


def nothing_between(start: Place, join: Place) -> bool:
    """Whether there is no line to run between these places of one call."""
    if start[:2] != join[:2]:
        return False
    lines = {line for _, _, line in start[1].co_lines() if line is not None}
    return start[2] <= join[2] and not any(start[2] < line < join[2] for line in lines)


def touches_something(code: CodeType) -> bool:
    """Whether a function does anything beyond itself, which one that stands for work does not."""
    return bool(code.co_names or code.co_freevars)


def is_counted(code: CodeType) -> bool:
    """Whether calls of it are work: not a class's body, nor a generator, which only hands it on.

    Nor special methods, which come with the syntax, but for what makes an object.
    """
    is_function = bool(code.co_flags & inspect.CO_OPTIMIZED)
    special = code.co_name.startswith("__") and code.co_name != "__init__"
    return is_function and not code.co_flags & inspect.CO_GENERATOR and not special


def arguments(frame: FrameType, *, is_method: bool) -> list[Any]:
    """The arguments of the call, without the object whose method it is."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    names = code.co_varnames[is_method:count]
    return [frame.f_locals.get(name) for name in names]


def is_handed_over(value: Any) -> bool:
    """Whether it is work, to be called or awaited by who gets it."""
    return any(
        callable(each) or inspect.isawaitable(each) or type(each).__qualname__.count("<locals>")
        for each in flat(value)
    )


def plain_values(value: Any) -> int:
    """How many plain values there are in an argument."""
    return sum(
        len(each) if isinstance(each, range) else isinstance(each, PLAIN) for each in flat(value)
    )


def flat(value: Any, depth: int = 0) -> Iterator[Any]:
    """The values in a container, and in those that it holds."""
    if isinstance(value, list | tuple | set | frozenset) and depth < DEEPEST:
        for each in value:
            yield from flat(each, depth + 1)
    elif isinstance(value, dict) and depth < DEEPEST:
        yield from flat(list(value.values()), depth + 1)
    else:
        yield value


def running_task() -> Any:
    """The task of asyncio that runs in this thread, if asyncio is there and one does."""
    asyncio = sys.modules.get("asyncio")
    events = sys.modules.get("asyncio.events")
    if asyncio is None or events is None:
        return None
    loop = events._get_running_loop()
    return None if loop is None else asyncio.current_task(loop)


def is_of_another(started: Any, file: str) -> bool:
    """Whether a thread of the file runs what is not the file's, such as a queue's put()."""
    target = getattr(started, "_target", None)
    code = getattr(target, "__code__", None)
    return target is not None and (code is None or code.co_filename != file)


def held(started: Any) -> Callable[[], Any]:
    """A thread; or a process, if it is there still: who holds it keeps its pipes open."""
    if isinstance(started, threading.Thread):
        return lambda: started
    return weakref.ref(started)


def is_alive(started: Any) -> bool:
    """Whether a thread or a process was joined in vain."""
    try:
        return bool(started.is_alive())
    except (ValueError, AssertionError):  # it is closed, or another process's
        return False


def is_pending(task: Any) -> bool:
    """Whether a task is still there and not done."""
    return task is not None and not task.done()
