"""Ordinary programs of threads, each with its verdict: what a reader would first try to explore."""

import contextvars
import functools
import logging
import queue
import sched
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.explorer.running import run_all

log = logging.getLogger(__name__)
name_of_request: contextvars.ContextVar[str] = contextvars.ContextVar("request", default="none")


# -- what the standard library offers -----------------------------------------------------------


def timer_fires() -> None:
    fired: list[str] = []
    timer = threading.Timer(3, fired.append, ["late"])
    timer.start()
    timer.join()
    assert fired == ["late"]


def timer_that_is_cancelled_fires_or_does_not() -> None:
    fired: list[str] = []
    timer = threading.Timer(3, fired.append, ["late"])
    timer.start()
    timer.cancel()
    timer.join()
    assert fired in ([], ["late"])


def scheduler_keeps_the_order_of_times() -> None:
    done: list[str] = []
    plan = sched.scheduler(time.monotonic, time.sleep)
    plan.enter(20, 1, done.append, ("second",))
    plan.enter(10, 1, done.append, ("first",))
    run_all(plan.run)
    assert done == ["first", "second"]


def pool_gives_results_in_order() -> None:
    with ThreadPoolExecutor(2) as pool:
        assert [*pool.map(str, (1, 2))] == ["1", "2"]


def consumer_stops_at_a_sentinel() -> None:
    tasks: queue.Queue[int | None] = queue.Queue(2)
    taken: list[int] = []

    def consume() -> None:
        while (task := tasks.get()) is not None:
            taken.append(task)

    consumer = threading.Thread(target=consume)
    consumer.start()
    for task in (1, 2, None):
        tasks.put(task)
    consumer.join()
    assert taken == [1, 2]


def bounded_queue_keeps_the_order() -> None:
    line: queue.Queue[int] = queue.Queue(1)
    taken: list[int] = []

    def produce() -> None:
        for number in (1, 2):
            line.put(number)

    run_all(produce, lambda: taken.extend([line.get(), line.get()]))
    assert taken == [1, 2]


def least_comes_first() -> None:
    urgent: queue.PriorityQueue[int] = queue.PriorityQueue()
    run_all(lambda: urgent.put(7), lambda: urgent.put(3))
    assert urgent.get() == 3


def simple_queue_hands_over() -> None:
    handed: queue.SimpleQueue[str] = queue.SimpleQueue()
    giver = threading.Thread(target=handed.put, args=("it",))
    giver.start()
    assert handed.get() == "it"
    giver.join()


def simple_queue_gives_up_after_a_time() -> None:
    handed: queue.SimpleQueue[str] = queue.SimpleQueue()
    giver = threading.Thread(target=handed.put, args=("it",))
    giver.start()
    assert handed.get(timeout=60) == "it"  # unless the other is slow
    giver.join()


def daemon_that_serves_for_ever_is_left_behind() -> None:
    requests: queue.Queue[int] = queue.Queue()

    def serve() -> None:
        while True:
            requests.get()
            requests.task_done()

    threading.Thread(target=serve, daemon=True).start()
    requests.put(1)
    requests.join()


def thread_that_nobody_joins_is_waited_for() -> None:
    threading.Thread(target=[].append, args=(1,)).start()


def thread_that_nobody_joins_waits_for_ever() -> None:
    threading.Thread(target=threading.Event().wait).start()


class Squares(threading.Thread):
    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.square: int | None = None

    def run(self) -> None:
        self.square = self.number**2


def subclass_of_thread_keeps_its_result() -> None:
    threads = [Squares(2), Squares(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [thread.square for thread in threads] == [4, 9]


# -- locks and the like -------------------------------------------------------------------------


@dataclass
class Account:
    balance: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def lock_in_a_dataclass() -> None:
    account = Account()

    def deposit() -> None:
        with account.lock:
            account.balance += 5

    run_all(deposit, deposit)
    assert account.balance == 10


def nobody_locks_the_account() -> None:
    account = Account()

    def deposit() -> None:
        account.balance += 5

    run_all(deposit, deposit, deposit)
    assert account.balance == 15


def synchronized(function: Callable[[], None]) -> Callable[[], None]:
    lock = threading.Lock()

    @functools.wraps(function)
    def run() -> None:
        with lock:
            function()

    return run


def decorator_locks() -> None:
    visits = 0

    @synchronized
    def visit() -> None:
        nonlocal visits
        visits = visits + 1

    run_all(visit, visit)
    assert visits == 2


def lock_is_taken_twice() -> None:
    lock, entries = threading.RLock(), [0]

    def enter() -> None:
        with lock, lock:
            entries[0] += 1

    run_all(enter, enter)
    assert entries == [2]


def semaphore_of_one_is_a_lock() -> None:
    one, entries = threading.BoundedSemaphore(1), [0]

    def enter() -> None:
        with one:
            entries[0] += 1

    run_all(enter, enter)
    assert entries == [2]


def all_have_come_behind_a_barrier() -> None:
    barrier, come = threading.Barrier(2), list[int]()

    def come_and_wait() -> None:
        come.append(1)
        barrier.wait()
        assert len(come) == 2

    run_all(come_and_wait, come_and_wait)


def condition_is_looked_at_again() -> None:
    condition, letters = threading.Condition(), list[str]()

    def deliver() -> None:
        with condition:
            letters.append("letter")
            condition.notify()

    courier = threading.Thread(target=deliver)
    courier.start()
    with condition:
        while not letters:
            condition.wait(timeout=60)
    courier.join()


def condition_is_not_looked_at_before() -> None:
    condition = threading.Condition()

    def deliver() -> None:
        with condition:
            condition.notify()

    courier = threading.Thread(target=deliver)
    courier.start()
    with condition:
        condition.wait()
    courier.join()


# -- what each thread has for itself, caches, and what dies --------------------------------------


def each_thread_has_its_own() -> None:
    mine = threading.local()

    def keep(what: str) -> None:
        mine.kept = what
        assert mine.kept == what

    run_all(lambda: keep("one"), lambda: keep("other"))


def each_context_has_its_own() -> None:
    def handle(name: str) -> None:
        name_of_request.set(name)
        assert name_of_request.get() == name

    run_all(
        lambda: contextvars.copy_context().run(handle, "one"),
        lambda: contextvars.copy_context().run(handle, "other"),
    )
    assert name_of_request.get() == "none"


@functools.lru_cache(maxsize=4)
def prices(shop: str) -> list[str]:
    return [shop * 2]


def cached_results_are_equal() -> None:
    found: list[list[str]] = []
    run_all(lambda: found.append(prices("a")), lambda: found.append(prices("a")))
    assert found == [["aa"], ["aa"]]


def cached_results_are_one() -> None:
    found: list[list[str]] = []
    run_all(lambda: found.append(prices("a")), lambda: found.append(prices("a")))
    assert found[0] is found[1]


class Report:
    written = 0

    @functools.cached_property
    def text(self) -> int:
        self.written += 1
        return self.written


def cached_property_is_computed_once() -> None:
    report, seen = Report(), list[int]()
    run_all(lambda: seen.append(report.text), lambda: seen.append(report.text))
    assert seen == [1, 1]


def what_nobody_keeps_dies() -> None:
    dead: list[int] = []

    def make_and_drop() -> None:
        made = Report()
        reference = weakref.ref(made, lambda _: dead.append(1))
        del made
        assert reference() is None

    run_all(make_and_drop, make_and_drop)
    assert dead == [1, 1]


# -- the world outside --------------------------------------------------------------------------


def both_print() -> None:
    run_all(lambda: print("one"), lambda: print("other"))


def both_log() -> None:
    run_all(lambda: log.debug("one %d", 1), lambda: log.debug("other %d", 2))


def each_writes_its_own_file() -> None:
    with tempfile.TemporaryDirectory() as folder:
        run_all(
            lambda: [Path(folder, "one").write_text("1")].clear(),
            lambda: [Path(folder, "other").write_text("2")].clear(),
        )
        assert sorted(path.name for path in Path(folder).iterdir()) == ["one", "other"]


def both_count_in_a_file() -> None:
    with tempfile.TemporaryDirectory() as folder:
        counter = Path(folder, "counter")
        counter.write_text("0")

        def count() -> None:
            counter.write_text(str(int(counter.read_text() or 0) + 1))

        run_all(count, count)
        assert counter.read_text() == "2"


# -- loops that wait, busily --------------------------------------------------------------------


def works_until_told_to_stop() -> int:
    stop, turns = threading.Event(), [0]

    def work() -> None:
        while not stop.is_set():
            turns[0] += 1

    worker = threading.Thread(target=work)
    worker.start()
    time.sleep(0.2)
    stop.set()
    worker.join()
    return turns[0]


def works_until_a_wait_is_given_up() -> int:
    stop, never, seen = threading.Event(), threading.Event(), list[int]()

    def work() -> None:
        while not stop.is_set():
            seen.append(len(seen))

    worker = threading.Thread(target=work)
    worker.start()
    assert not never.wait(2)
    stop.set()
    worker.join()
    return len(seen)


def works_until_a_deadline() -> None:
    def work() -> None:
        turns, end = 0, time.monotonic() + 90
        while time.monotonic() < end:
            turns += 1

    run_all(work)


def waits_alone_until_a_deadline() -> None:
    end = time.time_ns() + 10**11
    while time.time_ns() < end:
        pass


def waits_until_a_deadline_when_the_others_have_ended() -> None:
    run_all(list, list)
    end = time.monotonic() + 90
    while time.monotonic() < end:
        pass


def works_until_a_deadline_before_it_is_asked() -> bool:
    worked: list[int] = []

    def work() -> None:
        turns, end = 0, time.monotonic() + 2
        while time.monotonic() < end:
            turns += 1
        worked.append(turns)

    worker = threading.Thread(target=work)
    worker.start()
    time.sleep(20)
    worker.join()
    assert worked
    return bool(worked)


class Poller:
    """A worker as many are written, that ends when it is closed."""

    def __init__(self) -> None:
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.polls = 0

    def open(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._poll()

    def _poll(self) -> None:
        self.polls += 1


def poller_is_closed() -> int:
    poller = Poller()
    poller.open()
    time.sleep(1)
    poller.close()
    return poller.polls


def counts_with_a_lock_until_told_to_stop() -> int:
    stop, lock, turns = threading.Event(), threading.Lock(), [0]

    def work() -> None:
        while not stop.is_set():
            with lock:
                turns[0] += 1

    worker = threading.Thread(target=work)
    worker.start()
    with lock:
        turns[0] += 1
    stop.set()
    worker.join()
    return turns[0]


def loops_within_a_loop_until_told_to_stop() -> int:
    stop, turns = list[bool](), [0]

    def work() -> None:
        while not stop:
            left, turns[0] = 2, turns[0] + 1
            while left > 0:
                left -= 1

    worker = threading.Thread(target=work)
    worker.start()
    time.sleep(0.2)
    stop.append(True)
    worker.join()
    return turns[0]


def two_work_until_told_to_stop() -> list[int]:
    stop, done = threading.Event(), list[int]()

    def work() -> None:
        turns = 0
        while not stop.is_set():
            turns += 1
        done.append(turns)

    run_all(work, work, stop.set)
    return done


def waits_for_the_end_of_another() -> int:
    turns, worker = 0, threading.Thread(target=lambda: sum([1, 2]))
    worker.start()
    while worker.is_alive():
        turns += 1
    return turns


def asks_for_an_item_again_and_again() -> None:
    items: queue.Queue[int] = queue.Queue()
    giver = threading.Thread(target=items.put, args=(1,))
    giver.start()
    while items.empty():
        time.sleep(0)
    assert items.get() == 1
    giver.join()


def two_lose_a_turn_until_told_to_stop() -> None:
    stop, total, own = threading.Event(), [0], [0, 0]

    def work(number: int) -> None:
        while not stop.is_set():
            total[0] += 1
            own[number] += 1

    run_all(lambda: work(0), lambda: work(1), stop.set)
    assert total[0] == sum(own)


def works_on_what_is_closed_already() -> None:
    stop, opened, wrong = threading.Event(), [True], list[int]()

    def work() -> None:
        turns = 0
        while not stop.is_set():
            turns += 1
            if not opened[0]:
                wrong.append(turns)

    worker = threading.Thread(target=work)
    worker.start()
    time.sleep(1)
    opened[0] = False
    stop.set()
    worker.join()
    assert not wrong


def works_until_nobody_tells_it_to_stop() -> None:
    stop = threading.Event()

    def work() -> None:
        turns = 0
        while not stop.is_set():
            turns += 1

    run_all(work)


def both_wait_for_the_other_to_go_first() -> None:
    gone, turns = [False, False], [0]

    def go_after(other: int) -> None:
        while not gone[other]:
            turns[0] += 1
        gone[1 - other] = True

    run_all(lambda: go_after(0), lambda: go_after(1))


PASSES, FAILS = "passes", "fails"
Programs = dict[Callable[[], Any], str]

ORDINARY: Programs = {
    timer_fires: PASSES,
    timer_that_is_cancelled_fires_or_does_not: PASSES,
    scheduler_keeps_the_order_of_times: PASSES,
    pool_gives_results_in_order: PASSES,
    consumer_stops_at_a_sentinel: PASSES,
    bounded_queue_keeps_the_order: PASSES,
    least_comes_first: PASSES,
    simple_queue_hands_over: PASSES,
    simple_queue_gives_up_after_a_time: FAILS,  # the queue is still empty then
    daemon_that_serves_for_ever_is_left_behind: PASSES,
    thread_that_nobody_joins_is_waited_for: PASSES,
    thread_that_nobody_joins_waits_for_ever: FAILS,
    subclass_of_thread_keeps_its_result: PASSES,
    lock_in_a_dataclass: PASSES,
    nobody_locks_the_account: FAILS,
    decorator_locks: PASSES,
    lock_is_taken_twice: PASSES,
    semaphore_of_one_is_a_lock: PASSES,
    all_have_come_behind_a_barrier: PASSES,
    condition_is_looked_at_again: PASSES,
    condition_is_not_looked_at_before: FAILS,  # it was notified before it waited
    each_thread_has_its_own: PASSES,
    each_context_has_its_own: PASSES,
    cached_results_are_equal: PASSES,
    cached_results_are_one: FAILS,  # both compute what is not cached yet
    # Until 3.11 it has a lock.
    cached_property_is_computed_once: PASSES if sys.version_info < (3, 12) else FAILS,
    what_nobody_keeps_dies: PASSES,
    both_print: PASSES,
    both_log: PASSES,
    each_writes_its_own_file: PASSES,
    both_count_in_a_file: FAILS,
}
BUSY: Programs = {
    works_until_told_to_stop: PASSES,
    works_until_a_wait_is_given_up: PASSES,
    works_until_a_deadline: PASSES,
    waits_alone_until_a_deadline: PASSES,
    waits_until_a_deadline_when_the_others_have_ended: PASSES,
    works_until_a_deadline_before_it_is_asked: PASSES,
    poller_is_closed: PASSES,
    counts_with_a_lock_until_told_to_stop: PASSES,
    loops_within_a_loop_until_told_to_stop: PASSES,
    two_work_until_told_to_stop: PASSES,
    waits_for_the_end_of_another: PASSES,
    asks_for_an_item_again_and_again: PASSES,
    two_lose_a_turn_until_told_to_stop: FAILS,
    works_on_what_is_closed_already: FAILS,
    works_until_nobody_tells_it_to_stop: FAILS,  # a livelock
    both_wait_for_the_other_to_go_first: FAILS,  # a livelock
}
