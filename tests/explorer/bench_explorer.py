"""How fast the explorer is: schedules a second on a two-thread counter with one lock, and peers."""

import threading

import pytest

from conlab.explorer import explore

INCREMENTS = 4


def counter() -> int:
    """Count to eight with two threads and one lock."""
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


def holds(count: int) -> bool:
    return count == 2 * INCREMENTS


def bench_two_thread_counter(benchmark: pytest.FixtureRequest) -> None:
    verdict = benchmark.pedantic(  # type: ignore[attr-defined]
        lambda: explore(counter, check=holds, reading="bytecode", bound=3),
        rounds=5,
        warmup_rounds=1,
    )
    assert verdict.exhausted
    assert not verdict.failing
    seconds = benchmark.stats.stats.median  # type: ignore[attr-defined]
    benchmark.extra_info["schedules a second"] = round(verdict.schedules / seconds)  # type: ignore[attr-defined]
