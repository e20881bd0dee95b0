"""The smallest race, in a file of its own, so that a witness of it has no other file's lines."""

import threading


def lost_update() -> int:
    count = 0

    def add() -> None:
        nonlocal count
        old = count
        count = old + 1

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count
