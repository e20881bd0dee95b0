"""Jobs that wait, each for itself: nothing is the matter with them."""

import time


def jobs() -> range:
    return range(32)


def work(number: int) -> int:
    time.sleep(0.05)
    return number
