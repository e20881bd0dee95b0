"""What a program finds outside itself is set back before each run, and its locks are controlled."""

import functools
import inspect
import itertools
import random
import sys
import threading
import time
from array import array
from collections import UserDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple

import pytest

from conlab.errors import UserError
from conlab.explorer import explore
from tests.explorer.running import run_all


class Account:
    __slots__ = ("balance", "lock", "owner")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.balance = 0

    def deposit(self) -> None:
        with self.lock:
            self.balance += 1
            self.owner = threading.current_thread().name


class Cache(dict[int, int]):
    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()
        self.misses = 0

    def clear(self) -> None:
        raise AssertionError("what the program overrides is the program's business")

    def once(self) -> None:
        with self.lock:
            if 1 not in self:
                self.misses += 1
                self[1] = 2


@dataclass(frozen=True, slots=True)
class Journal:
    lock: Any = field(default_factory=threading.Lock)
    lines: list[int] = field(default_factory=list)


class Pair(NamedTuple):
    lock: Any
    name: str


class Clocked:
    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, wait: Any = time.sleep
    ) -> None:
        self.clock, self.wait = clock, wait


class Lazy:
    made: ClassVar[list[int]] = []

    @functools.cached_property
    def value(self) -> int:
        self.made.append(1)
        return len(self.made)


def new_lazy() -> Any:
    class Own:
        made: ClassVar[list[int]] = []

        @functools.cached_property
        def value(self) -> int:
            self.made.append(1)
            return len(self.made)

    return Own()


class Session(threading.local):
    user: str | None = None

    def __init__(self, first: int, *, step: int = 1) -> None:
        super().__init__()
        self.number, self._step = first, step

    @property
    def step(self) -> int:
        return self._step

    def advance(self) -> tuple[int, str | None]:
        self.number += self.step
        was, self.user = self.user, "somebody"
        return self.number, was


def raise_by_one(lock: Any, *boxes: Any) -> None:
    with lock:
        for box in boxes:
            box["n"] += 1
        ARRAY[0] += 1
        NAMESPACE.drawn = RANDOM.random()


ARRAY = array("i", [0])
NAMESPACE = SimpleNamespace(drawn=0.0)
RANDOM = random.Random(7)
_, DRAWN = map(random.Random.random, [random.Random(7)] * 2)  # the second of two
DATA = UserDict({"n": 0})
raise_both = functools.partial(raise_by_one, threading.Lock(), DATA, {"n": 0})
ACCOUNT = Account()
NAMES = {id(ACCOUNT): "first"}
SESSION = Session(5, step=2)
CACHE = Cache()
JOURNAL = Journal()
STRIPES = (threading.Lock(), Pair(threading.Lock(), "inner"))
BY_NAME: defaultdict[str, Any] = defaultdict(threading.Lock)
NUMBERS = itertools.count(1)
COUNTDOWN = itertools.count(3, -1).__next__
LOADED: list[int] = []
STATE: str | None = None


@functools.cache
def load() -> object:
    LOADED.append(1)
    return object()


def slots() -> tuple[int, bool]:
    before = hasattr(ACCOUNT, "owner")
    run_all(ACCOUNT.deposit, ACCOUNT.deposit)
    return ACCOUNT.balance, before


def subclass_of_a_dict() -> tuple[int, dict[int, int]]:
    run_all(CACHE.once, CACHE.once)
    return CACHE.misses, dict(CACHE)


def frozen_dataclass_with_slots() -> list[int]:
    def write() -> None:
        with JOURNAL.lock:
            JOURNAL.lines.append(len(JOURNAL.lines))

    run_all(write, write)
    return JOURNAL.lines


def locks_in_tuples() -> int:
    count = 0

    def add() -> None:
        nonlocal count
        with STRIPES[0], STRIPES[1].lock:
            count += 1

    run_all(add, add)
    return count


def locks_of_a_defaultdict() -> int:
    count = 0

    def add() -> None:
        nonlocal count
        with BY_NAME["a"]:
            count += 1

    run_all(add, add)
    return count


def counters() -> tuple[set[int], set[int]]:
    got: list[tuple[int, int]] = []

    def take() -> None:
        got.append((next(NUMBERS), COUNTDOWN()))

    run_all(take, take)
    return {one for one, _ in got}, {other for _, other in got}


def cache_behind_a_lock() -> int:
    lock = threading.Lock()

    def get() -> None:
        with lock:
            load()

    run_all(get, get)
    return len(LOADED)


def clock_as_a_default() -> bool:
    clocked = Clocked()
    began = time.monotonic()
    clocked.wait(3600)
    return clocked.clock() - began >= 3600


def threads_of_their_own_local() -> list[Any]:
    local, seen = threading.local(), []

    def look() -> None:
        seen.append(getattr(local, "user", None))
        local.user = 1

    for _ in range(2):
        run_all(look)
    return seen


def subclass_of_a_local() -> tuple[list[object], bool]:
    seen: list[object] = []
    run_all(lambda: seen.append(SESSION.advance()), lambda: seen.append(SESSION.advance()))
    return [*seen, SESSION.advance()], isinstance(SESSION, Session)


def main_thread() -> list[bool]:
    main, seen = threading.main_thread(), []

    def look() -> None:
        seen.append(main.is_alive())
        seen.append(threading.get_ident() == main.ident)

    run_all(look)
    return [*seen, threading.get_ident() == main.ident]


def objects_of_the_library() -> tuple[object, ...]:
    run_all(raise_both, raise_both)
    return ARRAY[0], DATA["n"], raise_both.args[2]["n"], NAMESPACE.drawn


def address_taken_at_import() -> str:
    return NAMES[id(ACCOUNT)]


def order_by_address() -> int:
    class Box:
        lock: Any

    boxes = [Box(), Box()]
    for box in boxes:
        box.lock = threading.Lock()
    count = 0

    def add(*both: Box) -> None:
        nonlocal count
        first, second = sorted(both, key=id)
        with first.lock, second.lock:
            count += 1

    run_all(functools.partial(add, *boxes), functools.partial(add, *boxes[::-1]))
    return count


@pytest.mark.parametrize("reading", ["gil", "bytecode"])
@pytest.mark.parametrize(
    ("program", "expected"),
    [
        pytest.param(program, expected, id=program.__name__)
        for program, expected in [
            (slots, (2, False)),
            (subclass_of_a_dict, (1, {1: 2})),
            (frozen_dataclass_with_slots, [0, 1]),
            (locks_in_tuples, 2),
            (locks_of_a_defaultdict, 2),
            (counters, ({1, 2}, {3, 2})),
            (cache_behind_a_lock, 1),
            (clock_as_a_default, True),
            (threads_of_their_own_local, [None, None]),
            (subclass_of_a_local, ([(7, None)] * 3, True)),
            (main_thread, [True, False, True]),
            (objects_of_the_library, (2, 2, 2, DRAWN)),
            (address_taken_at_import, "first"),
            (order_by_address, 2),
        ]
    ],
)
def test_safe_program_passes(program: Any, expected: object, reading: Any) -> None:
    verdict = explore(program, check=lambda value: value == expected, reading=reading, bound=1)
    assert verdict.exhausted
    assert not verdict.failing, verdict.witness


def test_count_that_cannot_be_set_back_is_refused_in_a_sentence() -> None:
    halves = itertools.count(Fraction(1, 2))
    with pytest.raises(UserError, match=r"count\(Fraction\(1, 2\)\) outside the program cannot"):
        explore(lambda: next(halves))


@pytest.mark.parametrize("reading", ["gil", "bytecode"])
def test_cache_that_two_threads_fill_is_found(reading: Any) -> None:
    def fill() -> int:
        run_all(load, load)
        return len(LOADED)

    assert explore(fill, check=lambda count: count == 1, reading=reading).failing
    assert load.cache_info().currsize == 0


@pytest.mark.parametrize("reading", ["gil", "bytecode"])
@pytest.mark.parametrize("made", ["outside", "by the program"])
def test_cached_property_has_a_lock_until_3_11(made: str, reading: Any) -> None:
    def program() -> int:
        lazy = Lazy() if made == "outside" else new_lazy()
        run_all(lambda: lazy.value, lambda: lazy.value)
        return len(lazy.made)

    verdict = explore(program, check=lambda count: count == 1, reading=reading)
    assert bool(verdict.failing) == (sys.version_info >= (3, 12))


@pytest.mark.parametrize("reading", ["gil", "bytecode"])
def test_new_thread_may_run_before_its_starter_goes_on(reading: Any) -> None:
    def program() -> bool:
        given: list[int] = []
        seen: list[bool] = []
        thread = threading.Thread(target=lambda: seen.append(bool(given)))
        thread.start()
        given.append(1)
        thread.join()
        return seen[0]

    assert explore(program, check=bool, reading=reading).failing


@pytest.mark.parametrize("restored", ["excepthook", "__excepthook__"])
def test_hook_that_a_run_left_is_not_that_of_the_next(restored: str) -> None:
    def program() -> None:
        old = getattr(threading, restored)
        threading.excepthook = lambda _: None
        run_all(lambda: 1 / 0)
        threading.excepthook = old
        run_all(lambda: 1 / 0, list)
        threading.excepthook = lambda _: None

    verdict = explore(program, reduction=False)
    assert verdict.failing == verdict.schedules > 1


def test_write_through_the_module_is_one_to_its_global() -> None:
    # Not from where sys keeps it: a file that looks there may bind any global, so all are watched.
    here: Any = inspect.getmodule(slots)

    def program() -> list[object]:
        here.STATE = "open"
        seen: list[object] = []

        def use() -> None:
            if STATE is not None:
                seen.append(STATE)

        def close() -> None:
            here.STATE = None

        run_all(use, close)
        return seen

    assert explore(program, check=lambda seen: None not in seen, reading="bytecode").failing


@pytest.mark.parametrize("kind", [threading.Lock, threading.RLock])
def test_a_lock_that_outlives_its_exploration_can_be_taken_and_given_back(
    monkeypatch: pytest.MonkeyPatch, kind: Callable[[], Any]
) -> None:
    """As logging does at the exit with the locks of its handlers."""
    monkeypatch.setattr(sys, "left", None, raising=False)  # which nobody sets back

    def program() -> None:
        sys.left = kind()  # type: ignore[attr-defined]

    explore(program)
    left: Any = sys.left  # type: ignore[attr-defined]
    assert type(left).__module__.startswith("conlab.")
    assert left.acquire()
    left.release()
