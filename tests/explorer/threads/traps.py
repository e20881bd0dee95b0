"""Programs that a reduction easily gets wrong: each tells, by what it returns, in which order."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

Program = Callable[[], object]


def _started(*work: Callable[[], object], daemon: bool = False) -> list[threading.Thread]:
    threads = [threading.Thread(target=each, daemon=daemon) for each in work]
    for thread in threads:
        thread.start()
    return threads


def _ended(*work: Callable[[], object]) -> None:
    for thread in _started(*work):
        thread.join()


def a_daemon_that_nobody_waits_for() -> list[int]:
    seen: list[int] = []
    _started(lambda: seen.append(1), lambda: seen.append(2), daemon=True)
    return list(seen)


def a_thread_started_by_a_thread() -> list[str]:
    seen: list[str] = []

    def outer() -> None:
        seen.append("before")
        inner = _started(lambda: seen.append("inner"))
        seen.append("after")
        inner[0].join()

    _ended(outer, lambda: seen.append("other"))
    return seen


def one_of_two_waiters_is_notified() -> tuple[list[int], list[int]]:
    condition = threading.Condition()
    ready: list[int] = []
    woken: list[int] = []

    def wait(number: int) -> None:
        with condition:
            if condition.wait_for(lambda: ready, timeout=5):
                woken.append(number)

    def notify() -> None:
        with condition:
            ready.append(1)
            condition.notify(1)

    _ended(lambda: wait(1), lambda: wait(2), notify)
    return ready, woken


def a_lock_taken_twice_by_its_owner() -> list[int]:
    lock = threading.RLock()
    seen: list[int] = []

    def work(number: int) -> None:
        with lock:
            seen.append(number)
            with lock:
                seen.append(number)
        seen.append(0)

    _ended(lambda: work(1), lambda: work(2))
    return seen


def a_wait_that_may_time_out() -> tuple[bool, list[int]]:
    event = threading.Event()
    seen: list[int] = []

    def set_it() -> None:
        seen.append(1)
        event.set()

    thread = _started(set_it)[0]
    in_time = event.wait(1)
    seen.append(2)
    thread.join()
    return in_time, seen


def what_a_step_touches_depends_on_the_order() -> tuple[list[int], dict[str, int]]:
    chosen, other = [0], [0]
    which = {"list": 0}

    def write() -> None:
        (chosen if which["list"] else other)[0] += 1

    def read() -> None:
        chosen.append(other[0])

    def choose() -> None:
        which["list"] = 1

    _ended(write, read, choose)
    return chosen + other, which


def three_threads_on_one_object() -> list[int]:
    seen = [0]

    def add(number: int) -> None:
        seen[0] = seen[0] * 4 + number

    _ended(*(lambda number=number: add(number) for number in (1, 2, 3)))
    return seen


def the_last_thread_may_be_first() -> list[int]:
    lock, seen = threading.Lock(), [0, 0]

    def look() -> None:
        with lock:
            seen[1] += seen[0]

    def write() -> None:
        with lock:
            seen[0] += 1

    _ended(look, look, write)
    return seen


def a_wait_is_over_while_others_go_on() -> list[int]:
    items: queue.Queue[int] = queue.Queue()
    seen: list[int] = []

    def take() -> None:
        seen.append(items.get())
        seen.append(seen[0] + 1)

    def give() -> None:
        seen.append(7)
        items.put(5)
        seen.append(8)

    _ended(take, give)
    return seen


def a_name_turns_out_to_be_shared_in_one_order_only() -> tuple[int, bool]:
    count, late = 0, [False]

    def switch() -> None:
        late[0] = True

    def add() -> None:
        nonlocal count
        if late[0]:
            count += 1

    _ended(switch, add, add)
    return count, late[0]


def two_sleepers() -> tuple[list[int], list[int]]:
    one, other = [0], [0]

    def sleep(seconds: float, mine: list[int]) -> None:
        time.sleep(seconds)
        mine[0] += 1

    _ended(lambda: sleep(1, one), lambda: sleep(2, other))
    return one, other


def a_reader_of_the_clock() -> list[float]:
    began = time.monotonic()
    seen: list[float] = []
    _ended(lambda: time.sleep(1), lambda: seen.append(time.monotonic() - began))
    return seen


def a_deadline_made_by_hand() -> list[bool]:
    end = time.monotonic() + 3
    seen: list[bool] = []

    def work(seconds: float) -> None:
        time.sleep(seconds)
        seen.append(time.monotonic() < end)

    _ended(lambda: work(1), lambda: work(2))
    return seen


def a_sleeper_and_what_it_leaves_to_others() -> list[str]:
    seen: list[str] = []

    def late() -> None:
        time.sleep(1)
        seen.append("late")

    _ended(late, late, lambda: seen.append("soon"))
    return seen


def numbers_in_the_order_of_asking() -> list[int]:
    seen: list[int] = []

    def ask() -> None:
        mine = object()
        seen.append(id(mine) % 7)

    _ended(ask, ask)
    return seen


def names_in_the_order_of_making() -> list[str]:
    seen: list[str] = []

    def make() -> None:
        seen.append(threading.Thread(target=int).name)

    _ended(make, make)
    return seen


def a_generator_that_two_threads_share() -> tuple[list[int], list[str]]:
    def count() -> Iterator[int]:
        yield from range(3)

    shared = count()
    seen: list[int] = []
    refused: list[str] = []

    def take() -> None:
        try:
            seen.append(next(shared))
        except ValueError as error:
            refused.append(str(error))

    _ended(take, take)
    return seen, refused


def a_namespace_read_whole() -> str:
    shared = SimpleNamespace(value=0)
    seen: list[str] = []

    def write() -> None:
        shared.value = 1
        shared.value = 2

    _ended(write, lambda: seen.append(repr(shared)))
    return seen[0]


def what_a_call_gives_is_iterated_over() -> list[int]:
    items = [1]

    def current() -> list[int]:
        return items

    seen: list[int] = []

    def walk() -> None:
        for each in current():
            seen.append(each)  # noqa: PERF402 - each a step

    _ended(walk, lambda: items.append(2))
    return seen
