"""Publishers, workers, timers, limits: what a service is made of."""
import contextlib
import contextvars
import enum
import logging
import os
import queue
import sched
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace


def run(*targets):
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# -- publish and subscribe


class Bus:
    def __init__(self):
        self.subscribers = {}

    def subscribe(self, name, handler):
        self.subscribers[name] = handler

    def publish(self, event):
        for handler in self.subscribers.values():
            handler(event)

    def publish_to_all(self, event):
        for handler in list(self.subscribers.values()):
            handler(event)


def publishes_while_one_subscribes():
    bus, got = Bus(), []
    bus.subscribe("a", got.append)
    run(lambda: bus.publish(1), lambda: bus.subscribe("b", got.append))


def publishes_to_a_copy():
    bus, got = Bus(), []
    bus.subscribe("a", got.append)
    run(lambda: bus.publish_to_all(1), lambda: bus.subscribe("b", got.append))
    assert len(got) in (1, 2)


# -- workers and their end


def worker_looks_for_the_stop():
    jobs, stop, done = queue.Queue(), threading.Event(), []

    def work():
        while not stop.is_set():
            with contextlib.suppress(queue.Empty):
                done.append(jobs.get(timeout=1))
                jobs.task_done()

    worker = threading.Thread(target=work)
    worker.start()
    jobs.put(1)
    jobs.join()
    stop.set()
    worker.join()
    assert done == [1]


def worker_stops_before_it_is_done():
    jobs, stop, done = queue.Queue(), threading.Event(), []

    def work():
        while not stop.is_set():
            with contextlib.suppress(queue.Empty):
                done.append(jobs.get(timeout=1))
                jobs.task_done()

    worker = threading.Thread(target=work)
    worker.start()
    jobs.put(1)
    stop.set()
    worker.join()
    assert done == [1]


def one_sentinel_for_two_workers():
    jobs = queue.Queue()

    def work():
        while jobs.get() is not None:
            pass

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    jobs.put(None)
    for worker in workers:
        worker.join()


def sentinel_is_handed_on():
    jobs = queue.Queue()

    def work():
        while jobs.get() is not None:
            pass
        jobs.put(None)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    jobs.put(None)
    for worker in workers:
        worker.join()
    assert jobs.qsize() == 1


def puts_more_than_fits():
    jobs = queue.Queue(1)
    jobs.put(1)
    jobs.put(2)


def barrier_of_too_many():
    barrier = threading.Barrier(3)
    run(barrier.wait, barrier.wait)


def event_is_cleared_too_late():
    asked, left = threading.Event(), []

    def serve():
        for _ in range(2):
            asked.wait()
            asked.clear()
            left.append(1)

    def ask():
        asked.set()

    run(serve, ask, ask)


def joins_itself():
    thread = threading.Thread(target=lambda: threading.current_thread().join())
    thread.start()
    thread.join()


# -- timers


class Heartbeat:
    def __init__(self):
        self.beats = 0
        self.timer = None

    def beat(self):
        self.beats += 1
        self.timer = threading.Timer(1, self.beat)
        self.timer.start()

    def stop(self):
        self.timer.cancel()


def heartbeat_goes_on_after_stop():
    heart = Heartbeat()
    heart.beat()
    heart.stop()


class SafeHeartbeat:
    def __init__(self):
        self.lock, self.stopped, self.timer = threading.Lock(), False, None

    def beat(self):
        with self.lock:
            if self.stopped:
                return
            self.timer = threading.Timer(1, self.beat)
            self.timer.start()

    def stop(self):
        with self.lock:
            self.stopped = True
            self.timer.cancel()


def heartbeat_stops():
    heart = SafeHeartbeat()
    heart.beat()
    heart.stop()


def schedule_is_cancelled():
    plan, done = sched.scheduler(time.monotonic, time.sleep), []
    event = plan.enter(5, 1, done.append, ("late",))
    runner = threading.Thread(target=plan.run)
    runner.start()
    with contextlib.suppress(ValueError):
        plan.cancel(event)
    runner.join()
    assert done in ([], ["late"])


# -- logging


class Counting(logging.Handler):
    def __init__(self):
        super().__init__()
        self.count = 0

    def emit(self, record):
        self.count += 1


class CountingFilter(logging.Filter):
    def __init__(self):
        super().__init__()
        self.count = 0

    def filter(self, record):
        self.count += 1
        return True


def handler_counts():
    log, handler = logging.Logger("orders"), Counting()
    log.addHandler(handler)
    run(*[lambda: log.warning("late")] * 2)
    assert handler.count == 2


def filter_counts():
    log, counting = logging.Logger("orders"), CountingFilter()
    log.addFilter(counting)
    log.addHandler(logging.NullHandler())
    run(*[lambda: log.warning("late")] * 2)
    assert counting.count == 2


# -- states


class Ready(enum.Flag):
    DISK = enum.auto()
    NET = enum.auto()


def flags_are_joined():
    state = [Ready(0)]

    def set_flag(flag):
        state[0] |= flag

    run(lambda: set_flag(Ready.DISK), lambda: set_flag(Ready.NET))
    assert state[0] == Ready.DISK | Ready.NET


def flags_are_joined_under_a_lock():
    state, lock = [Ready(0)], threading.Lock()

    def set_flag(flag):
        with lock:
            state[0] |= flag

    run(lambda: set_flag(Ready.DISK), lambda: set_flag(Ready.NET))
    assert state[0] == Ready.DISK | Ready.NET


@dataclass
class Point:
    x: int = 0
    y: int = 0


@dataclass(frozen=True)
class FrozenPoint:
    x: int = 0
    y: int = 0


def reads_a_torn_point():
    point, seen = Point(), []

    def move():
        point.x = 1
        point.y = 1

    run(move, lambda: seen.append((point.x, point.y)))
    assert seen[0] in [(0, 0), (1, 1)]


def reads_a_whole_point():
    place, seen = [FrozenPoint()], []

    def move():
        place[0] = replace(place[0], x=1, y=1)

    def look():
        point = place[0]
        seen.append((point.x, point.y))

    run(move, look)
    assert seen[0] in [(0, 0), (1, 1)]


request = contextvars.ContextVar("request", default="none")


def context_goes_with_the_job():
    request.set("7")
    with ThreadPoolExecutor(1) as pool:
        context = contextvars.copy_context()
        assert pool.submit(context.run, request.get).result() == "7"


# -- limits and locks


class Bucket:
    """Two tokens, and one more each second."""

    def __init__(self):
        self.tokens, self.at, self.lock = 2.0, time.monotonic(), threading.Lock()

    def take(self):
        with self.lock:
            now = time.monotonic()
            self.tokens = min(2.0, self.tokens + now - self.at)
            self.at = now
            if self.tokens < 1:
                return False
            self.tokens -= 1
            return True


def bucket_gives_two():
    bucket, got = Bucket(), []
    run(*[lambda: got.append(bucket.take())] * 3)
    assert sum(got) == 2


@contextlib.contextmanager
def _within(lock, seconds):
    if not lock.acquire(timeout=seconds):
        raise TimeoutError("busy")
    try:
        yield
    finally:
        lock.release()


def lock_within_a_second():
    lock, count = threading.Lock(), [0]

    def add():
        with _within(lock, 1):
            count[0] += 1

    run(add, add)
    assert count[0] == 2


class Account:
    def __init__(self):
        self.lock, self.money = threading.Lock(), 10


def _transfer(first, second, giver, taker):
    with first.lock, second.lock:
        giver.money -= 1
        taker.money += 1


def transfers_in_order_of_id():
    a, b = Account(), Account()

    def transfer(giver, taker):
        _transfer(*sorted((giver, taker), key=id), giver, taker)

    run(lambda: transfer(a, b), lambda: transfer(b, a))
    assert a.money == b.money == 10


def transfers_in_order_of_asking():
    a, b = Account(), Account()
    run(lambda: _transfer(a, b, a, b), lambda: _transfer(b, a, b, a))
    assert a.money == b.money == 10


class Flaky:
    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if self.calls < 3:
            raise ConnectionError
        return "answer"


def _retry(call, times):
    for attempt in range(times):
        try:
            return call()
        except ConnectionError:
            if attempt == times - 1:
                raise
            time.sleep(2**attempt)


def retries_each_on_its_own():
    got = []
    run(*[lambda: got.append(_retry(Flaky(), 3))] * 2)
    assert got == ["answer", "answer"]


def retries_share_a_budget():
    budget, got = [3], []

    def attempt(call):
        while budget[0] > 0:
            budget[0] -= 1
            with contextlib.suppress(ConnectionError):
                got.append(call())
                return

    run(lambda: attempt(Flaky()), lambda: attempt(Flaky()))
    assert len(got) == 1


# -- heartbeats: who looks again each second, while somebody sleeps for three


def _beats_until(stop, wait):
    def beat():
        while not stop.is_set():
            wait()

    thread = threading.Thread(target=beat)
    thread.start()
    time.sleep(3)
    stop.set()
    thread.join()


def heartbeat_sleeps():
    _beats_until(threading.Event(), lambda: time.sleep(1))


def heartbeat_waits_for_the_stop():
    stop = threading.Event()
    _beats_until(stop, lambda: stop.wait(1))


# -- signals


def tells_itself_to_end():
    os.kill(os.getpid(), signal.SIGTERM)


# -- recursion


def _asks_itself():
    return _asks_itself()


def recurses_without_end():
    run(_asks_itself)
