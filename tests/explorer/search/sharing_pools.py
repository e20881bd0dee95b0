"""Programs with a pool whose traces are compared: alone in their file, so only they are stepped."""

import threading
from concurrent.futures import ThreadPoolExecutor


def square(number: int) -> int:
    return number * number


def one_and_its_end() -> int:
    with ThreadPoolExecutor(2) as pool:
        future = pool.submit(square, 3)
        return future.result()


def two_and_their_end() -> int:
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(square, 3), pool.submit(square, 4)]
        return sum([future.result() for future in futures])


def two_mapped() -> list[int]:
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(square, range(2)))


def two_that_nobody_ends() -> int:
    """Leave the pool to its workers, of which each may be the last that holds it."""
    pool = ThreadPoolExecutor(2)
    first, second = pool.submit(square, 3), pool.submit(square, 4)
    return first.result() + second.result()


def submitted_at_the_end() -> None:
    """Fail if the pool still takes something: it does until the main thread ends."""
    pool = ThreadPoolExecutor(1)

    def submit() -> None:
        try:
            pool.submit(square, 3)
        except RuntimeError:
            return
        raise AssertionError("taken")

    submitting = threading.Thread(target=submit)
    submitting.start()
