"""Programs whose traces are compared: alone in their file, so that nothing else is stepped."""

import queue
import threading


def wait_no_time() -> bool:
    condition = threading.Condition()
    told = []

    def tell() -> None:
        with condition:
            condition.notify()

    telling = threading.Thread(target=tell)
    telling.start()
    with condition:
        told.append(condition.wait(0))
    telling.join()
    return told[0]


def take_again() -> bool:
    lock = threading.Lock()
    lock.acquire()
    giving = threading.Thread(target=lock.release)
    giving.start()
    taken = lock.acquire(blocking=False)
    giving.join()
    return taken


def give_back_what_another_takes() -> str:
    lock = threading.Lock()

    def take() -> None:
        lock.acquire()

    taking = threading.Thread(target=take)
    taking.start()
    try:
        lock.release()
    except RuntimeError as error:
        return str(error)
    finally:
        taking.join()
    return ""


def give_back_twice() -> list[str]:
    lock = threading.Lock()
    said: list[str] = []

    def give() -> None:
        try:
            lock.release()
        except RuntimeError as error:
            said.append(str(error))

    lock.acquire()
    giving = [threading.Thread(target=give) for _ in range(2)]
    for thread in giving:
        thread.start()
    for thread in giving:
        thread.join()
    return said


def worker_without_a_pool(items: int) -> list[int]:
    """Do what the pool does with one worker: it asks without waiting whether that is idle."""
    todo: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    done: queue.SimpleQueue[int] = queue.SimpleQueue()
    idle = threading.Semaphore(0)
    workers: list[threading.Thread] = []

    def work() -> None:
        while (item := todo.get()) is not None:
            done.put(item)
            idle.release()

    for item in range(items):
        todo.put(item)
        if not idle.acquire(timeout=0) and not workers:
            workers.append(threading.Thread(target=work))
            workers[0].start()
    todo.put(None)
    workers[0].join()
    return [done.get() for _ in range(items)]


def two_items() -> list[int]:
    return worker_without_a_pool(2)


def two_items_sorted() -> list[int]:
    """Wait for what the worker has done out of a generator that a sort iterates over."""
    todo: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    done: queue.SimpleQueue[int] = queue.SimpleQueue()
    idle = threading.Semaphore(0)
    workers: list[threading.Thread] = []
    for item in range(2):
        todo.put(item)
        if not idle.acquire(timeout=0) and not workers:
            working = threading.Thread(target=_work, args=(todo, idle, done))
            working.start()
            workers.append(working)
    squares = sorted(done.get() for _ in range(2))
    todo.put(None)
    for working in workers:
        working.join()
    return squares


def _work(
    todo: "queue.SimpleQueue[int | None]",
    idle: threading.Semaphore,
    done: "queue.SimpleQueue[int]",
) -> None:
    while True:
        item = todo.get()
        if item is None:
            todo.put(None)
            return
        done.put(item * item)
        idle.release()
