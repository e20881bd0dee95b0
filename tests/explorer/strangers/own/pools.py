"""Pools of connections and of threads."""
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed, wait


def run(*targets):
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Pool:
    def __init__(self, size):
        self.free = [f"connection {n}" for n in range(size)]
        self.changed = threading.Condition()

    def acquire(self):
        with self.changed:
            while not self.free:
                self.changed.wait()
            return self.free.pop()

    def release(self, connection):
        with self.changed:
            self.free.append(connection)
            self.changed.notify()


class HastyPool(Pool):
    def acquire(self):
        with self.changed:
            if not self.free:  # and what if somebody else was faster?
                self.changed.wait()
            return self.free.pop()


def _use(pool):
    def use():
        connection = pool.acquire()
        try:
            pass  # ask the database
        finally:
            pool.release(connection)

    return use


def bounded_pool():
    pool = Pool(1)
    run(*[_use(pool)] * 3)
    assert len(pool.free) == 1


def bounded_pool_with_if():
    pool = HastyPool(1)
    run(*[_use(pool)] * 3)
    assert len(pool.free) == 1


def pool_leaks_on_error():
    pool = Pool(1)

    def use(fails):
        connection = pool.acquire()
        if fails:
            return  # as after an error that was logged
        pool.release(connection)

    run(lambda: use(True), lambda: use(False))


def semaphore_guards_a_list():
    permits, free = threading.BoundedSemaphore(2), ["a", "b"]

    def use():
        with permits:
            connection = free.pop()
            free.append(connection)

    run(*[use] * 3)
    assert sorted(free) == ["a", "b"]


def callbacks_with_lock():
    lock, done = threading.Lock(), [0]

    def count(_):
        with lock:
            done[0] += 1

    with ThreadPoolExecutor(2) as pool:
        for n in range(2):
            pool.submit(abs, n).add_done_callback(count)
    assert done[0] == 2


def callbacks_without_lock():
    done = [0]

    def count(_):
        done[0] += 1

    with ThreadPoolExecutor(2) as pool:
        for n in range(2):
            pool.submit(abs, n).add_done_callback(count)
    assert done[0] == 2


def sums_as_completed():
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(abs, -n) for n in range(2)]
        assert sum(future.result() for future in as_completed(futures)) == 1


def takes_the_first_as_completed():
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(abs, -n) for n in range(2)]
        assert next(as_completed(futures)) is futures[0]


def waits_for_inner_in_pool_of_one():
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: pool.submit(abs, -1).result()).result() == 1


def waits_for_inner_in_pool_of_two():
    with ThreadPoolExecutor(2) as pool:
        outer = [pool.submit(lambda: pool.submit(abs, -1).result()) for _ in range(2)]
        wait(outer)


def cancels_or_has_the_result():
    with ThreadPoolExecutor(1) as pool:
        pool.submit(abs, -1)
        second = pool.submit(abs, -2)
        assert second.cancel() or second.result() == 2


def believes_that_it_cancelled():
    with ThreadPoolExecutor(1) as pool:
        pool.submit(abs, -1)
        second = pool.submit(abs, -2)
        assert second.cancel()


def asks_for_a_result_after_shutdown():
    pool = ThreadPoolExecutor(1)
    futures = [pool.submit(abs, -n) for n in range(2)]
    pool.shutdown(cancel_futures=True)
    return [future.result() for future in futures]
