"""Pipelines, groups, limits, caches and shutdowns of asyncio."""
import asyncio
import contextlib
import contextvars
import threading


async def three_stages():
    first, second, out = asyncio.Queue(1), asyncio.Queue(1), []

    async def produce():
        for n in range(3):
            await first.put(n)
        await first.put(None)

    async def double():
        while (n := await first.get()) is not None:
            await second.put(2 * n)
        await second.put(None)

    async def collect():
        while (n := await second.get()) is not None:
            out.append(n)

    await asyncio.gather(produce(), double(), collect())
    assert out == [0, 2, 4]


async def worker_dies_and_join_waits():
    jobs = asyncio.Queue()

    async def work():
        while True:
            job = await jobs.get()
            1 / job
            jobs.task_done()

    worker = asyncio.create_task(work())
    for job in (1, 0, 2):
        jobs.put_nowait(job)
    await jobs.join()
    worker.cancel()


async def group_gives_results():
    async def fetch(n):
        await asyncio.sleep(0.1)
        return n

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(fetch(n)) for n in range(3)]
    assert [task.result() for task in tasks] == [0, 1, 2]


async def group_cleans_up():
    opened, closed = [], []

    async def use(n):
        opened.append(n)
        try:
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(0)
            closed.append(n)

    async def fail():
        await asyncio.sleep(0)
        raise ValueError

    with contextlib.suppress(BaseExceptionGroup):
        async with asyncio.TaskGroup() as group:
            for n in range(2):
                group.create_task(use(n))
            group.create_task(fail())
    assert sorted(opened) == sorted(closed)


class Limit:
    def __init__(self):
        self.running = self.peak = 0
        self.semaphore = asyncio.Semaphore(1)

    async def job(self):
        self.running += 1
        self.peak = max(self.peak, self.running)
        await asyncio.sleep(0.1)
        self.running -= 1


async def limits_by_semaphore():
    limit = Limit()

    async def one():
        async with limit.semaphore:
            await limit.job()

    await asyncio.gather(one(), one(), one())
    assert limit.peak == 1


async def limits_by_looking():
    limit = Limit()

    async def one():
        while limit.running:
            await asyncio.sleep(0.1)
        await asyncio.sleep(0)  # say so in the log
        await limit.job()

    await asyncio.gather(one(), one())
    assert limit.peak == 1


async def cache_stampede():
    known, loads = {}, []

    async def get(key):
        if key not in known:
            await asyncio.sleep(0.1)
            loads.append(key)
            known[key] = 1
        return known[key]

    await asyncio.gather(get("a"), get("a"))
    assert loads == ["a"]


async def cache_with_one_flight():
    flights, loads = {}, []

    async def load(key):
        await asyncio.sleep(0.1)
        loads.append(key)
        return 1

    async def get(key):
        if key not in flights:
            flights[key] = asyncio.ensure_future(load(key))
        return await asyncio.shield(flights[key])

    assert await asyncio.gather(get("a"), get("a")) == [1, 1]
    assert loads == ["a"]


async def retries_three_times():
    for attempt in range(3):
        try:
            async with asyncio.timeout(1):
                await asyncio.sleep(0.5)
            return attempt
        except TimeoutError:
            if attempt == 2:
                raise


async def lock_survives_a_cancellation():
    lock, turns = asyncio.Lock(), []

    async def turn():
        async with lock:
            await asyncio.sleep(0.1)
            turns.append(1)

    await asyncio.wait([asyncio.create_task(turn()) for _ in range(3)])
    return len(turns)


async def permit_is_lost_with_a_cancellation():
    permits = asyncio.Semaphore(1)

    async def use():
        await permits.acquire()
        await asyncio.sleep(0.1)
        permits.release()

    await asyncio.wait([asyncio.create_task(use()) for _ in range(2)])


async def swallows_its_cancellation():
    async def poll():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(1)

    await asyncio.wait([asyncio.create_task(poll())])


user = contextvars.ContextVar("user", default=None)


async def each_task_has_its_user():
    async def handle(name):
        user.set(name)
        await asyncio.sleep(0)
        return user.get()

    assert await asyncio.gather(handle("a"), handle("b")) == ["a", "b"]
    assert user.get() is None


shared_user = None


async def both_tasks_have_the_last_user():
    async def handle(name):
        global shared_user
        shared_user = name
        await asyncio.sleep(0)
        return shared_user

    assert await asyncio.gather(handle("a"), handle("b")) == ["a", "b"]


async def ticks_and_stops():
    async def ticks():
        n = 0
        while True:
            yield n
            n += 1
            await asyncio.sleep(1)

    async with contextlib.aclosing(ticks()) as stream:
        async for n in stream:
            if n == 2:
                break


async def first_of_two():
    async def answer(n):
        await asyncio.sleep(n)
        return n

    tasks = [asyncio.create_task(answer(n)) for n in (1, 2)]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    assert [task.result() for task in done] == [1]


async def stops_when_told():
    stop, served = asyncio.Event(), []

    async def serve():
        while not stop.is_set():
            served.append(1)
            await asyncio.sleep(0.1)

    workers = [asyncio.create_task(serve()) for _ in range(2)]
    await asyncio.sleep(0.25)
    stop.set()
    await asyncio.gather(*workers)


async def threads_count_together():
    count = [0]

    def add():
        count[0] += 1

    await asyncio.gather(asyncio.to_thread(add), asyncio.to_thread(add))
    assert count[0] == 2


async def threads_count_under_a_lock():
    count, lock = [0], threading.Lock()

    def add():
        with lock:
            count[0] += 1

    await asyncio.gather(asyncio.to_thread(add), asyncio.to_thread(add))
    assert count[0] == 2


async def thread_tells_the_loop():
    loop = asyncio.get_running_loop()
    told = loop.create_future()
    thread = threading.Thread(target=lambda: loop.call_soon_threadsafe(told.set_result, 1))
    thread.start()
    assert await told == 1
    thread.join()


async def thread_tells_nobody():
    loop = asyncio.get_running_loop()
    told = loop.create_future()
    thread = threading.Thread(target=lambda: loop.call_soon(told.set_result, 1))
    thread.start()
    assert await told == 1
    thread.join()


async def gather_stops_the_others():
    saved = []

    async def save():
        await asyncio.sleep(1)
        saved.append(1)

    async def fail():
        raise ValueError

    with contextlib.suppress(ValueError):
        await asyncio.gather(save(), fail())
    await asyncio.sleep(2)
    assert not saved


async def connects_once():
    lock, connected = asyncio.Lock(), []

    async def connect():
        async with lock:
            if not connected:
                await asyncio.sleep(0.1)
                connected.append(1)

    await asyncio.gather(connect(), connect())
    assert len(connected) == 1


async def connects_twice():
    connected = []

    async def connect():
        if not connected:
            await asyncio.sleep(0.1)
            connected.append(1)

    await asyncio.gather(connect(), connect())
    assert len(connected) == 1


async def notifies_who_waits():
    changed, ready = asyncio.Condition(), []

    async def wait():
        async with changed:
            await changed.wait_for(lambda: ready)

    async def tell():
        async with changed:
            ready.append(1)
            changed.notify_all()

    await asyncio.gather(tell(), wait(), wait())


async def notifies_nobody():
    changed = asyncio.Condition()

    async def wait():
        async with changed:
            await changed.wait()

    async def tell():
        async with changed:
            changed.notify_all()

    await asyncio.gather(tell(), wait())


async def urgent_comes_first():
    jobs = asyncio.PriorityQueue()
    for priority in (3, 1, 2):
        jobs.put_nowait(priority)
    assert [await jobs.get() for _ in range(3)] == [1, 2, 3]


async def fires_and_forgets():
    saved = []

    async def save():
        await asyncio.sleep(0.1)
        saved.append(1)

    asyncio.create_task(save())
    return saved


async def fires_and_waits():
    saved = []

    async def save():
        await asyncio.sleep(0.1)
        saved.append(1)

    await asyncio.create_task(save())
    assert saved == [1]
