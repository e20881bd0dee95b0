"""How fast the explorer is on a two-thread counter with one lock."""

import threading
from typing import Any

from conlab.explorer import explore

INCREMENTS = 4


def counter() -> int:
    count = 0
    lock = threading.Lock()

    def add() -> None:
        nonlocal count
        for _ in range(INCREMENTS):
            with lock:
                count += 1

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count


def bench_two_thread_counter(benchmark: Any) -> None:
    def run() -> int:
        verdict = explore(
            counter,
            check=lambda count: count == 2 * INCREMENTS,
            reading="bytecode",
            bound=3,
            reduction=False,
        )
        assert verdict.exhausted
        assert not verdict.failing
        return verdict.schedules

    schedules = benchmark.pedantic(run, rounds=5, warmup_rounds=1)
    if benchmark.stats:
        benchmark.extra_info["schedules a second"] = round(schedules / benchmark.stats.stats.median)
