"""The clocks: all that Python code can read tell the virtual time, wherever they are kept.

`time` and `datetime` are in C. What `time` has are functions: they are replaced in their module and
wherever else something has kept one, under a name that it imported, as a default argument or in an
attribute. The methods of `datetime` and `date` cannot be kept apart from their class, so they are
replaced in it, for all its subclasses as well.

A step may be as slow as it likes. So at each look at a clock much time may have passed, at a cost
of one preemption: then a deadline is over that was computed by hand, as a wait can time out. Not so
where the standard library looks, of which the waits are modelled.
"""

import ctypes
import datetime
import dis
import functools
import gc
import sys
import sysconfig
import time
import warnings
from _thread import get_ident
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from types import CellType, CodeType, FrameType, FunctionType, ModuleType
from typing import Any

from conlab.explorer.proxies import namespace_of, stands_for_another
from conlab.explorer.threads.reference import address_of
from conlab.explorer.threads.scheduler import START_OF_TIME, Scheduler

SECONDS = ("time", "monotonic", "perf_counter", "process_time", "thread_time")
STANDARD = tuple(
    {sysconfig.get_path(name) + "/" for name in ("stdlib", "platstdlib")} | {"<frozen "}
)
INSTALLED = ("/site-packages/", "/dist-packages/")
OURS = ("conlab.", "unittest.mock")  # modules that keep the originals on purpose
WORK = ("CALL", "FOR_ITER", "JUMP_BACKWARD", "YIELD", "SEND", "BEFORE_", "IMPORT", "LOAD_SPECIAL")
NANO = 1_000_000_000
MOST_NEAR = 1_500  # objects that can be reached from a program and are looked into


def functions(scheduler: Scheduler) -> dict[str, Callable[..., Any]]:
    """Return what takes the place of each function of `time` that tells the time."""

    def now() -> float:
        return START_OF_TIME + scheduler.asked_for_time(
            may_be_late=may_be_late(scheduler, _asker())
        )

    def now_ns() -> int:
        return int(now() * NANO)

    def of(original: Callable[..., Any]) -> Callable[..., Any]:
        return lambda seconds=None: original(now() if seconds is None else seconds)

    localtime = of(time.localtime)
    asctime, strftime = time.asctime, time.strftime
    replaced: dict[str, Callable[..., Any]] = {
        "localtime": localtime,
        "gmtime": of(time.gmtime),
        "ctime": of(time.ctime),
        "asctime": lambda moment=None: asctime(localtime() if moment is None else moment),
        "strftime": lambda pattern, moment=None: strftime(
            pattern, localtime() if moment is None else moment
        ),
    }
    for name in SECONDS:
        replaced |= {name: now, f"{name}_ns": now_ns}
    if hasattr(time, "clock_gettime"):
        replaced |= {"clock_gettime": lambda _: now(), "clock_gettime_ns": lambda _: now_ns()}
    return {name: ours for name, ours in replaced.items() if hasattr(time, name)}


@contextmanager
def virtual_dates(scheduler: Scheduler) -> Iterator[None]:
    """Have `datetime.now`, `datetime.utcnow`, `datetime.today` and `date.today` tell that time."""
    idents = scheduler.idents
    moment = functions(scheduler)["time"]
    before: list[tuple[dict[str, Any], str, Any]] = []

    def replace(owner: type, name: str, ours: Callable[..., Any]) -> None:
        [methods] = [each for each in gc.get_referents(owner.__dict__) if type(each) is dict]
        original = methods.get(name)
        ordinary = getattr(owner, name).__func__ if original is None else original

        @functools.wraps(getattr(owner, name))
        def choose(kind: Any, *arguments: Any, **options: Any) -> Any:
            if get_ident() in idents:
                return ours(kind, *arguments, **options)
            return ordinary.__get__(None, kind)(*arguments, **options)

        before.append((methods, name, original))
        methods[name] = classmethod(choose)
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(owner))

    def now(kind: Any, tz: datetime.tzinfo | None = None) -> Any:
        return kind.fromtimestamp(moment(), tz)

    def utcnow(kind: Any) -> Any:
        if sys.version_info >= (3, 12):
            said = "datetime.datetime.utcnow() is deprecated"
            warnings.warn(said, DeprecationWarning, stacklevel=3)
        return kind.fromtimestamp(moment(), datetime.UTC).replace(tzinfo=None)

    def today(kind: Any) -> Any:
        return kind.fromtimestamp(moment())

    try:
        replace(datetime.datetime, "now", now)
        replace(datetime.datetime, "utcnow", utcnow)
        replace(datetime.date, "today", today)  # which `datetime` inherits
        yield
    finally:
        for methods, name, original in before:
            methods[name] = original
        for owner in (datetime.date, datetime.datetime):
            ctypes.pythonapi.PyType_Modified(ctypes.py_object(owner))


@contextmanager
def replaced_where_kept(replaced: dict[Any, Any], program: Any) -> Iterator[None]:
    """Put each value in the place of its key wherever something keeps that, and take it back.

    Not in what closes over it, nor in the locals of what runs.
    """
    ours_of = {id(original): ours for original, ours in replaced.items()}
    keepers = _keepers(list(replaced), program)
    undo = [back for keeper in keepers for back in _put(keeper, ours_of)]
    try:
        yield
    finally:
        for back in undo:
            back()


_found: list[Any] = []  # what kept a clock when the whole heap was looked through
_looked_into: set[str] = set()  # the modules that there were


def _keepers(originals: list[Any], program: Any) -> list[Any]:
    """Find what keeps one of these functions: namespaces, lists, objects, functions by default.

    The whole heap is looked through once a process, which may take a second where it is large; then
    what is new: the modules, and what can be reached from the program.
    """
    modules = dict(sys.modules)
    new = [module for name, module in modules.items() if name not in _looked_into]
    known = set(map(id, modules.values())).difference(map(id, new))
    cells = [cell for cell in getattr(program, "__closure__", None) or () if _has_content(cell)]
    contents = [cell.cell_contents for cell in cells]
    near: list[Any] = []
    if _looked_into:
        near = [*_near(contents, known), *_near([program], known), *_near(new, known)]
    if not _looked_into:
        _found.extend(_all_keepers(originals))
    _looked_into.update(modules)
    return list({id(each): each for each in [*_found, *near]}.values())


def _has_content(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - whether that can be had
    except ValueError:
        return False
    return True


def _near(roots: list[Any], known: set[int]) -> list[Any]:
    """Give what can be reached from these, the nearest first, and so much of it.

    Not by way of modules that are ``known``: into these was looked before.
    """
    waiting: deque[Any] = deque(roots)
    seen = known | {id(each) for each in roots}
    found: list[Any] = []
    while waiting and len(found) < MOST_NEAR:
        each = waiting.popleft()
        found.append(each)
        for part in gc.get_referents(each):
            if gc.is_tracked(part) and id(part) not in seen and type(part) is not FrameType:
                seen.add(id(part))
                waiting.append(part)
    return [each for each in found if not issubclass(type(each), ModuleType | tuple | CellType)]


def _all_keepers(originals: list[Any]) -> list[Any]:
    referrers = gc.get_referrers(*originals)
    within = {id(each): each for each in referrers if type(each) is tuple or _is_of_class(each)}
    owners = gc.get_referrers(*within.values()) if within else []
    found = [each for each in referrers if id(each) not in within and _is_object(each)]
    found += [each for each in owners if issubclass(type(each), type)]
    found += [each for each in owners if type(each) is FunctionType]
    return found


def _is_of_class(keeper: Any) -> bool:
    """Whether it is the namespace of a class, which nobody may change but by the class."""
    return type(keeper) is dict and "__module__" in keeper and "__doc__" in keeper


def _is_object(keeper: Any) -> bool:
    return not issubclass(type(keeper), tuple | FrameType | CellType | ModuleType | FunctionType)


def _put(keeper: Any, ours_of: dict[int, Any]) -> Iterator[Callable[[], None]]:
    """Replace what a keeper keeps; give what undoes it."""
    if stands_for_another(keeper):
        return
    match keeper:
        case dict():
            if str(keeper.get("__name__", "")).startswith(OURS) or keeper is _TIME:
                return
            for name, value in [each for each in keeper.items() if id(each[1]) in ours_of]:
                if name == "__wrapped__":  # by what takes its place, here or elsewhere
                    continue
                keeper[name] = ours = ours_of[id(value)]
                yield functools.partial(_put_back, keeper, name, ours, value)
        case list():
            for at, value in [each for each in enumerate(keeper) if id(each[1]) in ours_of]:
                keeper[at] = ours = ours_of[id(value)]
                yield functools.partial(_put_back, keeper, at, ours, value)
        case type() if not str(keeper.__module__).startswith(OURS):
            for name, value in [each for each in vars(keeper).items() if id(each[1]) in ours_of]:
                with suppress(TypeError):
                    setattr(keeper, name, ours_of[id(value)])
                    yield functools.partial(setattr, keeper, name, value)
        case FunctionType() if not str(keeper.__module__).startswith(OURS):
            original = keeper.__defaults__ or ()
            keeper.__defaults__ = tuple(ours_of.get(id(each), each) for each in original)
            yield functools.partial(setattr, keeper, "__defaults__", original)
        case FunctionType() | type():
            pass
        case _ if not str(type(keeper).__module__).startswith(OURS):
            names = namespace_of(keeper)  # from 3.11 on it need not exist before
            if type(names) is dict:
                yield from _put(names, ours_of)


def _put_back(keeper: Any, at: Any, ours: Any, original: Any) -> None:
    """Put the original back, unless the program has put something else there."""
    with suppress(LookupError):
        if keeper[at] is ours:
            keeper[at] = original


_TIME = time.__dict__  # where the originals are replaced by name


def _asker() -> FrameType | None:
    """Return the frame that looks at a clock: the first that is none of the explorer's."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("conlab.explorer."):
        frame = frame.f_back
    return frame


def may_be_late(scheduler: Scheduler, frame: FrameType | None) -> bool:
    """Whether much time may have passed when this frame looks at a clock.

    Not if the standard library does, nor if the same function has only just done so and did nothing
    since: a program may count on it that what it begins at once is begun in time.
    """
    if frame is None or not is_no_library(frame.f_code.co_filename):
        return False
    me = scheduler.current
    before = me.looked
    me.looked = here = address_of(frame), frame.f_code, frame.f_lasti
    if before is None or before[:2] != here[:2]:
        return True
    return _does_something(frame.f_code, before[2], frame.f_lasti)


@cache
def _does_something(code: CodeType, start: int, end: int) -> bool:
    """Whether a function that goes on from one call to another does more than names and numbers."""
    met = {each.offset: each.opname for each in dis.get_instructions(code)}
    # A call may say that it is at the last of its caches.
    first, last = (max(at for at in met if at <= offset) for offset in (start, end))
    between = [name for at, name in met.items() if first < at < last]
    return last <= first or any(name.startswith(WORK) for name in between)


@cache
def is_no_library(file: str) -> bool:
    """Whether a file is none of the standard library."""
    return not file.startswith(STANDARD) or any(name in file for name in INSTALLED)
