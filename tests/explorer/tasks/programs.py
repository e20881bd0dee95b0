"""Programs of tasks with known answers: a safe one passes every schedule, a racy one does not.

Written as people write asyncio. Nothing here knows of conlab.
"""

# mypy: ignore-errors
# ruff: noqa

import asyncio
import contextlib
import contextvars
import threading
import time
from asyncio import CancelledError, Event, Lock, Queue, Semaphore, create_task, gather, sleep
from concurrent.futures import ThreadPoolExecutor

PROGRAMS = []


def prog(expected, check=None, **options):
    def remember(program):
        PROGRAMS.append((program, check, expected, options))
        return program

    return remember


# -- check, then act -------------------------------------------------------------------------


@prog("racy", lambda n: n == 1)
async def double_checked_cache():
    cache, fetched = {}, []

    async def get(key):
        if key not in cache:
            fetched.append(key)
            await sleep(0.1)
            cache[key] = key.upper()
        return cache[key]

    await gather(get("a"), get("a"))
    return len(fetched)


@prog("safe", lambda n: n == 1)
async def double_checked_cache_locked():
    cache, fetched, lock = {}, [], Lock()

    async def get(key):
        if key not in cache:
            async with lock:
                if key not in cache:
                    fetched.append(key)
                    await sleep(0.1)
                    cache[key] = key.upper()
        return cache[key]

    await gather(get("a"), get("a"), get("a"))
    return len(fetched)


@prog("racy", lambda token: token == "valid")
async def token_refresh():
    state = {"token": None, "serial": 0}

    async def refresh():
        state["serial"] += 1
        mine = state["serial"]
        await sleep(0.1)
        state["token"] = "valid" if mine == state["serial"] else "revoked"

    async def call():
        if state["token"] is None:
            await refresh()

    await gather(call(), call())
    return state["token"] if state["serial"] == 1 else "revoked"


@prog("safe", lambda serial: serial == 1)
async def token_refresh_shared_future():
    state = {"refreshing": None, "serial": 0}

    async def refresh():
        await sleep(0.1)
        state["serial"] += 1
        return "valid"

    async def call():
        if state["refreshing"] is None:
            state["refreshing"] = create_task(refresh())
        return await asyncio.shield(state["refreshing"])

    await gather(call(), call(), call())
    return state["serial"]


@prog("racy", lambda balance: balance >= 0)
async def overdraft():
    balance = 100

    async def withdraw(amount):
        nonlocal balance
        if balance >= amount:
            await sleep(0)
            balance -= amount

    await gather(withdraw(80), withdraw(80))
    return balance


@prog("racy", lambda n: n == 3)
async def lost_update_over_await():
    count = 0

    async def add():
        nonlocal count
        seen = count
        await sleep(0.01)
        count = seen + 1

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(add())
    return count


@prog("safe", lambda n: n == 3)
async def update_without_await_between():
    count = 0

    async def add():
        nonlocal count
        await sleep(0.01)
        seen = count
        count = seen + 1

    await gather(add(), add(), add())
    return count


# -- orders ----------------------------------------------------------------------------------


@prog("safe", lambda log: log == ["a1", "b1", "a2", "b2"])
async def ready_tasks_run_first_in_first_out():
    log = []

    async def twice(name):
        log.append(name + "1")
        await sleep(0)
        log.append(name + "2")

    await gather(twice("a"), twice("b"))
    return log


@prog("safe", lambda log: log == [0, 1, 2, 3])
async def callbacks_run_first_in_first_out():
    log, done = [], asyncio.get_running_loop().create_future()
    for number in range(4):
        asyncio.get_running_loop().call_soon(log.append, number)
    asyncio.get_running_loop().call_soon(done.set_result, None)
    await done
    return log


@prog("racy", lambda first: first == "a")
async def first_of_two_equal_sleeps():
    async def fetch(name):
        await sleep(0.1)
        return name

    tasks = [create_task(fetch(name)) for name in "ab"]
    for done in asyncio.as_completed(tasks):
        first = await done
        break
    await gather(*tasks)
    return first


@prog("safe", lambda log: log == ["early", "late"])
async def earlier_deadline_comes_first():
    log = []

    async def after(delay, name):
        await sleep(delay)
        log.append(name)

    await gather(after(0.1, "early"), after(0.2, "late"))
    return log


@prog("racy", lambda log: log == ["written", "read"])
async def sleep_stands_for_an_order():
    log = []

    async def write():
        await sleep(0.1)
        await sleep(0.05)
        log.append("written")

    async def read():
        await sleep(0.2)
        log.append("read")

    await gather(write(), read())
    return log


@prog("safe", lambda log: log == ["written", "read"])
async def event_stands_for_an_order():
    log, ready = [], Event()

    async def write():
        await sleep(0.1)
        await sleep(0.05)
        log.append("written")
        ready.set()

    async def read():
        await ready.wait()
        log.append("read")

    await gather(write(), read())
    return log


@prog("racy", lambda answer: answer == "answer")
async def answer_or_timeout():
    async def ask():
        await sleep(0.1)
        return "answer"

    try:
        return await asyncio.wait_for(ask(), 0.1)
    except TimeoutError:
        return "timeout"


@prog("safe", lambda answer: answer in ("answer", "timeout"))
async def answer_or_timeout_is_one_of_the_two():
    async def ask():
        await sleep(0.1)
        return "answer"

    try:
        async with asyncio.timeout(0.1):
            return await ask()
    except TimeoutError:
        return "timeout"


# -- queues, pools ---------------------------------------------------------------------------


@prog("safe", lambda got: sorted(got) == [0, 1, 2])
async def producer_and_consumers():
    queue, got = Queue(maxsize=1), []

    async def produce():
        for number in range(3):
            await queue.put(number)
        for _ in range(2):
            await queue.put(None)

    async def consume():
        while (item := await queue.get()) is not None:
            await sleep(0.01)
            got.append(item)

    await gather(produce(), consume(), consume())
    return got


@prog("racy")
async def consumer_without_its_end():
    queue = Queue()

    async def produce():
        await queue.put(1)

    async def consume():
        while True:
            await queue.get()

    await gather(produce(), consume())


@prog("racy")
async def queue_join_without_task_done():
    queue = Queue()

    async def work():
        while True:
            await queue.get()

    worker = create_task(work())
    queue.put_nowait(1)
    await queue.join()
    worker.cancel()


@prog("safe", lambda free: free == ["c"])
async def pool_with_finally():
    free, limit = ["c"], Semaphore(1)

    async def query():
        async with limit:
            connection = free.pop()
            try:
                await sleep(0.01)
                await sleep(0.01)
            finally:
                free.append(connection)

    tasks = [create_task(query()) for _ in range(2)]
    await sleep(0.01)
    tasks[0].cancel()
    await asyncio.wait(tasks)
    return free


@prog("racy", lambda free: free == ["c"])
async def pool_without_finally():
    free, limit = ["c"], Semaphore(1)

    async def query():
        async with limit:
            connection = free.pop()
            await sleep(0.01)
            free.append(connection)

    async def impatient():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(query(), 0.02)

    await impatient()
    return free


@prog("racy", lambda free: free == ["c"], cancellations=1)
async def connection_lost_by_cancellation():
    free = ["c"]

    async def query():
        connection = free.pop()
        await sleep(0)
        try:
            await sleep(0)
        finally:
            free.append(connection)

    await asyncio.wait([create_task(query())])
    return free


@prog("safe", lambda free: free == ["c"], cancellations=1)
async def connection_kept_through_cancellation():
    free = ["c"]

    async def query():
        connection = free.pop()
        try:
            await sleep(0)
            await sleep(0)
        finally:
            free.append(connection)

    await asyncio.wait([create_task(query())])
    return free


@prog("safe", lambda free: free == ["c"], cancellations=2)
async def connection_by_context_manager():
    free = ["c"]

    @contextlib.asynccontextmanager
    async def connection():
        taken = free.pop()
        try:
            yield taken
        finally:
            free.append(taken)

    lock = Lock()

    async def query():
        async with lock, connection():
            await sleep(0.01)

    await asyncio.wait([create_task(query()) for _ in range(2)])
    return free


# -- hangs -----------------------------------------------------------------------------------


@prog("racy")
async def two_locks_two_orders():
    a, b = Lock(), Lock()

    async def both(first, second):
        async with first:
            await sleep(0)
            async with second:
                pass

    await gather(both(a, b), both(b, a))


@prog("safe")
async def two_locks_one_order():
    a, b = Lock(), Lock()

    async def both(first, second):
        async with first:
            await sleep(0)
            async with second:
                pass

    await gather(both(a, b), both(a, b))


@prog("racy")
async def lock_taken_twice():
    lock = Lock()
    async with lock:
        async with lock:
            pass


@prog("racy")
async def notify_before_wait():
    condition = asyncio.Condition()

    async def notify():
        await sleep(0.1)
        async with condition:
            condition.notify()

    async def wait():
        await sleep(0.1)
        async with condition:
            await condition.wait()

    await gather(wait(), notify())


@prog("safe")
async def wait_for_a_predicate():
    condition, ready = asyncio.Condition(), []

    async def notify():
        await sleep(0.1)
        async with condition:
            ready.append(1)
            condition.notify_all()

    async def wait():
        await sleep(0.1)
        async with condition:
            await condition.wait_for(lambda: ready)

    await gather(wait(), notify())


@prog("racy")
async def barrier_one_short():
    barrier = asyncio.Barrier(3)
    await gather(barrier.wait(), barrier.wait())


@prog("safe", lambda log: log[:2] == ["in", "in"])
async def barrier_lets_all_go():
    barrier, log = asyncio.Barrier(2), []

    async def meet(delay):
        await sleep(delay)
        log.append("in")
        await barrier.wait()
        log.append("out")

    await gather(meet(0.1), meet(0.2))
    return log


@prog("racy")
async def tasks_that_await_each_other():
    tasks = []

    async def other(number):
        await sleep(0)
        await tasks[1 - number]

    tasks += [create_task(other(0)), create_task(other(1))]
    await asyncio.wait(tasks)


@prog("racy")
async def semaphore_not_given_back():
    limit = Semaphore(1)

    async def use():
        await limit.acquire()
        await sleep(0)

    await gather(use(), use())


@prog("racy", limit=500)
async def polite_for_ever():
    flag = False
    while not flag:
        await sleep(0)


@prog("safe")
async def polling_that_ends():
    flag = False

    async def set_it():
        nonlocal flag
        await sleep(1)
        flag = True

    task = create_task(set_it())
    while not flag:
        await sleep(0)
    await task


# -- what is lost ----------------------------------------------------------------------------


@prog("racy")
async def exception_never_retrieved():
    async def fail():
        raise ValueError("lost")

    task = create_task(fail())
    await sleep(0.1)
    return task.done()


@prog("safe")
async def exception_retrieved():
    async def fail():
        raise ValueError("seen")

    task = create_task(fail())
    await asyncio.wait([task])
    return str(task.exception())


@prog("racy")
async def second_exception_of_a_gather():
    async def fail(name):
        await sleep(0)
        raise ValueError(name)

    tasks = [create_task(fail("a")), create_task(fail("b"))]
    with contextlib.suppress(ValueError):
        await tasks[0]


@prog("racy")
async def forgotten_await():
    async def save():
        pass

    save()


@prog("racy")
async def swallows_its_cancellation():
    async def work():
        with contextlib.suppress(CancelledError):
            await sleep(1)

    task = create_task(work())
    await sleep(0)
    task.cancel()
    await asyncio.wait([task])


@prog("safe")
async def passes_its_cancellation_on():
    async def work():
        try:
            await sleep(1)
        except CancelledError:
            raise

    task = create_task(work())
    await sleep(0)
    task.cancel()
    await asyncio.wait([task])


@prog("safe")
async def timeouts_and_groups_swallow_only_their_own():
    async def slow():
        await sleep(5)

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            await slow()

    async def fail():
        raise LookupError

    with contextlib.suppress(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(slow())
            group.create_task(fail())


@prog("racy")
def pending_when_the_loop_is_closed():
    async def background():
        await asyncio.Event().wait()

    async def main():
        keep.append(create_task(background()))
        await sleep(0)

    keep = []
    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    loop.close()


@prog("racy")
async def task_that_nobody_keeps():
    async def wait_for_ever():
        await Event().wait()

    create_task(wait_for_ever())
    await sleep(0)
    await sleep(0)


@prog("safe")
async def task_that_is_kept():
    async def wait_for_ever():
        await Event().wait()

    kept = create_task(wait_for_ever())
    await sleep(0)
    await sleep(0)
    kept.cancel()


@prog("racy")
async def callback_raises():
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await sleep(0)


# -- the rest of asyncio ---------------------------------------------------------------------


@prog("safe", lambda got: got == [0, 1, 2])
async def async_generator():
    async def count():
        for number in range(3):
            await sleep(0.01)
            yield number

    return [number async for number in count()]


@prog("safe", lambda log: log == ["closed"])
async def async_generator_left_early():
    log = []

    async def count():
        try:
            while True:
                yield 1
                await sleep(0)
        finally:
            log.append("closed")

    async with contextlib.aclosing(count()) as numbers:
        async for _ in numbers:
            break
    return log


request = contextvars.ContextVar("request", default="none")


@prog("safe", lambda seen: seen == ["a", "b", "none"])
async def each_task_has_its_context():
    async def handle(name):
        request.set(name)
        await sleep(0.01)
        return request.get()

    seen = await gather(handle("a"), handle("b"))
    return [*seen, request.get()]


current = None


@prog("racy", lambda seen: seen == ["a", "b"])
async def global_instead_of_context():
    async def handle(name):
        global current
        current = name
        await sleep(0.01)
        return current

    return await gather(handle("a"), handle("b"))


guard = asyncio.Lock()
served = []


@prog("safe", lambda served: served == [1, 1])
async def lock_of_the_module():
    async def serve():
        async with guard:
            await sleep(0)
            served.append(1)

    await gather(serve(), serve())
    return list(served)


@prog("safe", lambda kept: kept == "kept")
async def shield_keeps_the_work():
    done = []

    async def work():
        await sleep(0.1)
        done.append("kept")

    inner = create_task(work())
    outer = create_task(asyncio.wait_for(asyncio.shield(inner), 0.05))
    await asyncio.wait([outer])
    outer.cancelled() or outer.exception()
    await inner
    return done[0]


@prog("safe", lambda counts: counts[0] >= 1 and sum(counts) == 2)
async def wait_for_the_first():
    async def fetch():
        await sleep(0.1)

    tasks = [create_task(fetch()) for _ in range(2)]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await gather(*pending)
    return len(done), len(pending)


@prog("racy", lambda pending: pending == 0)
async def wait_for_the_first_and_count_on_both():
    async def fetch():
        await sleep(0.1)

    tasks = [create_task(fetch()) for _ in range(2)]
    _, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await gather(*pending)
    return len(pending)


@prog("safe", lambda log: log == ["a", "b"])
def runner_runs_twice():
    log = []

    async def say(name):
        await sleep(0.01)
        log.append(name)

    with asyncio.Runner() as runner:
        runner.run(say("a"))
        runner.run(say("b"))
    return log


@prog("safe", lambda total: total == 3)
async def loop_run_in_the_old_way():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_later(1, future.set_result, 3)
    return await future


# -- threads ---------------------------------------------------------------------------------


@prog("safe", lambda values: values == [1, 2], bound=1)
async def to_thread():
    return await gather(asyncio.to_thread(lambda: 1), asyncio.to_thread(lambda: 2))


@prog("racy", lambda order: order == [1, 2], bound=1)
async def threads_end_in_any_order():
    order = []
    await gather(asyncio.to_thread(order.append, 1), asyncio.to_thread(order.append, 2))
    return order


@prog("racy", lambda n: n == 2, bound=1)
async def thread_and_task_share_a_counter():
    count = 0

    def add():
        nonlocal count
        seen = count
        count = seen + 1

    async def main_side():
        add()

    await gather(asyncio.to_thread(add), main_side())
    return count


@prog("safe", lambda n: n == 2, bound=1)
async def thread_and_task_share_a_lock():
    count, lock = 0, threading.Lock()

    def add():
        nonlocal count
        with lock:
            seen = count
            count = seen + 1

    async def main_side():
        add()

    await gather(asyncio.to_thread(add), main_side())
    return count


@prog("racy", bound=1)
async def put_nowait_from_a_thread():
    queue = Queue()
    thread = threading.Thread(target=queue.put_nowait, args=(1,))
    thread.start()
    await queue.get()
    thread.join()


@prog("safe", lambda item: item == 1, bound=1)
async def put_through_call_soon_threadsafe():
    queue, loop = Queue(), asyncio.get_running_loop()
    put = lambda: loop.call_soon_threadsafe(queue.put_nowait, 1)
    thread = threading.Thread(target=put)
    thread.start()
    item = await queue.get()
    thread.join()
    return item


@prog("safe", lambda value: value == 5, bound=1)
async def coroutine_from_a_thread():
    loop = asyncio.get_running_loop()

    async def five():
        return 5

    def ask():
        return asyncio.run_coroutine_threadsafe(five(), loop).result()

    return await asyncio.to_thread(ask)


@prog("racy")
async def waits_in_the_loop_for_the_loop():
    loop = asyncio.get_running_loop()

    async def five():
        return 5

    return asyncio.run_coroutine_threadsafe(five(), loop).result()


@prog("racy")
async def thread_lock_across_await():
    lock = threading.Lock()

    async def work():
        with lock:
            await sleep(0)

    await gather(work(), work())


@prog("safe", lambda values: values == [0, 1, 4], bound=1)
async def own_executor():
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as pool:
        jobs = [loop.run_in_executor(pool, lambda n=n: n * n) for n in range(3)]
        return await gather(*jobs)


@prog("racy", lambda seconds: 2.9 < seconds < 3.5)  # a step is slow
@prog("safe", lambda seconds: 2.9 < seconds < 3.5, timeouts=False)
async def virtual_time():
    began = time.monotonic()
    await gather(sleep(1), sleep(3))
    return time.monotonic() - began


# -- unseen when the explorer was written -------------------------------------------------------


@prog("safe", lambda r: r == [0, 1, 4, 9])
async def bounded_map():
    sem = asyncio.Semaphore(2)

    async def one(n):
        async with sem:
            await asyncio.sleep(0.1)
            return n * n

    return await asyncio.gather(*map(one, range(4)))


@prog("racy", lambda r: r <= 2)
async def semaphore_check_by_hand():
    running = peak = 0
    limit = 2

    async def one():
        nonlocal running, peak
        while running >= limit:
            await asyncio.sleep(0.1)
        await asyncio.sleep(0)
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(0.1)
        running -= 1

    await asyncio.gather(*[one() for _ in range(4)])
    return peak


@prog("safe", lambda r: sorted(r) == list(range(5)))
async def workers_with_join():
    q = asyncio.Queue()
    out = []

    async def w():
        while True:
            n = await q.get()
            try:
                await asyncio.sleep(0.01)
                out.append(n)
            finally:
                q.task_done()

    ws = [asyncio.create_task(w()) for _ in range(2)]
    for n in range(5):
        q.put_nowait(n)
    await q.join()
    for x in ws:
        x.cancel()
    await asyncio.gather(*ws, return_exceptions=True)
    return out


@prog("racy", lambda r: r == ["start", "stop"])
async def start_stop_by_shared_state():
    log = []
    state = "new"

    async def start():
        nonlocal state
        await asyncio.sleep(1)
        state = "on"
        log.append("start")

    async def stop():
        await asyncio.sleep(1)
        if state == "on":
            log.append("stop")

    await asyncio.gather(start(), stop())
    return log


@prog("racy")
async def lost_notification_event_clear():
    e = asyncio.Event()

    async def waiter():
        await asyncio.sleep(1)
        await e.wait()

    async def pulser():
        await asyncio.sleep(1)
        e.set()
        e.clear()

    await asyncio.gather(waiter(), pulser())


@prog("safe")
async def taskgroup_cancels_siblings():
    async def bad():
        await asyncio.sleep(0.1)
        raise ValueError

    async def good():
        try:
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(0)

    try:
        async with asyncio.TaskGroup() as tg:
            tg.create_task(bad())
            tg.create_task(good())
    except* ValueError:
        pass


@prog("racy", lambda r: r == 0, cancellations=1)
async def counter_leaks_on_cancel():
    n = 0

    async def job():
        nonlocal n
        n += 1
        await asyncio.sleep(1)
        n -= 1

    await asyncio.wait([asyncio.create_task(job()) for _ in range(2)])
    return n


@prog("safe", lambda r: r == 0, cancellations=2)
async def counter_finally():
    n = 0

    async def job():
        nonlocal n
        n += 1
        try:
            await asyncio.sleep(1)
        finally:
            n -= 1

    await asyncio.wait([asyncio.create_task(job()) for _ in range(2)])
    return n


@prog("safe", lambda r: r is True, cancellations=1)
async def lock_released_on_cancel():
    lock = asyncio.Lock()

    async def job():
        async with lock:
            await asyncio.sleep(1)

    await asyncio.wait([asyncio.create_task(job()) for _ in range(3)])
    return not lock.locked()


@prog("racy", cancellations=1)
async def acquire_without_with():
    lock = asyncio.Lock()

    async def job():
        await lock.acquire()
        await asyncio.sleep(1)
        lock.release()

    await asyncio.wait([asyncio.create_task(job()) for _ in range(2)])


@prog("racy")
async def reader_writer_deadlock_by_gather_in_lock():
    lock = asyncio.Lock()

    async def inner():
        async with lock:
            pass

    async with lock:
        await asyncio.gather(inner(), inner())


@prog("racy", lambda r: r == 2, bound=1)
def two_loops_share_a_counter():
    n = 0

    async def f():
        nonlocal n
        v = n
        await asyncio.sleep(1)
        n = v + 1

    ts = [threading.Thread(target=lambda: asyncio.run(f())) for _ in range(2)]
    for t in ts:
        t.start()
    for t in ts:
        t.join()
    return n


@prog("safe", lambda r: r == "done", bound=1)
def loop_in_a_thread_fed_from_main():
    loop = asyncio.new_event_loop()
    t = threading.Thread(target=loop.run_forever)
    t.start()

    async def f():
        await asyncio.sleep(1)
        return "done"

    r = asyncio.run_coroutine_threadsafe(f(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    t.join()
    loop.close()
    return r


@prog("racy", bound=1)
def loop_stop_without_threadsafe():
    loop = asyncio.new_event_loop()
    t = threading.Thread(target=loop.run_forever)
    t.start()
    loop.stop()
    t.join()
    loop.close()


@prog("racy", lambda r: r == ["x"])
async def event_polling_timeout():
    log = []

    async def prod():
        await asyncio.sleep(0.5)
        log.append("x")

    t = asyncio.create_task(prod())
    with contextlib.suppress(asyncio.TimeoutError):
        async with asyncio.timeout(0.5):
            await t
    return log


@prog("safe", lambda r: r == 1, bound=1)
async def to_thread_with_result_check():
    cache = {}
    lock = asyncio.Lock()
    n = 0

    def compute():
        nonlocal n
        n += 1
        return 1

    async def get():
        async with lock:
            if "k" not in cache:
                cache["k"] = await asyncio.to_thread(compute)
        return cache["k"]

    await asyncio.gather(get(), get())
    return n


@prog("racy", lambda r: r == 1, bound=1)
async def to_thread_without_lock():
    cache = {}
    n = 0

    def compute():
        nonlocal n
        n += 1
        return 1

    async def get():
        if "k" not in cache:
            cache["k"] = await asyncio.to_thread(compute)
        return cache["k"]

    await asyncio.gather(get(), get())
    return n


@prog("racy")
async def future_set_twice():
    f = asyncio.get_running_loop().create_future()

    async def one():
        await asyncio.sleep(1)
        f.set_result(1)

    await asyncio.gather(one(), one())


@prog("safe")
async def agen_finalize():
    async def g():
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)

    async for x in g():
        break


@prog("safe", lambda r: r == [1, 1])
async def lru_future_cache():
    calls = []
    cache = {}

    async def load():
        calls.append(1)
        await asyncio.sleep(1)
        return 1

    def get():
        if "k" not in cache:
            cache["k"] = asyncio.ensure_future(load())
        return cache["k"]

    r = await asyncio.gather(get(), get())
    return r if len(calls) == 1 else None
