"""Jobs that wait half of their time and compute the rest: nothing is the matter with them."""

import time


def jobs() -> range:
    return range(24)


def work(number: int) -> int:
    time.sleep(0.01)
    return sum(one * number for one in range(150_000))
