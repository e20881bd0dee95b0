"""A program in which the last that lets go of an object runs code: which thread that is, no access
tells.
"""

import threading


class Noted:
    def __init__(self, log: list[str]) -> None:
        self.log = log

    def __del__(self) -> None:
        self.log.append(threading.current_thread().name)


def hold(_held: Noted) -> None:
    pass


def who_frees() -> list[str]:
    log: list[str] = []
    held = Noted(log)
    threads = [threading.Thread(target=hold, args=(held,), name=name) for name in ("one", "two")]
    del held
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return log
