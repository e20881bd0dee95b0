"""Programs with far too many schedules to run each, of which few fail.

`reorder` and `twostage` follow reorder_20_bad.c and twostage_100_bad.c of SCTBench
(github.com/mc-imperial/sctbench, benchmarks/concurrent-software-benchmarks; Thomson, Donaldson and
Betts, PPoPP 2014): their structure, their numbers of threads and their bug; the code is our own.
"""

import threading
from collections.abc import Callable

from tests.explorer.running import run_all


def reorder(setters: int, checkers: int) -> Callable[[], bool]:
    """Each setter writes both numbers, in two steps; a checker may come between them."""

    def program() -> bool:
        a = b = 0
        torn = False

        def set_both() -> None:
            nonlocal a, b
            a = 1
            b = -1

        def check() -> None:
            nonlocal torn
            if not ((a == 0 and b == 0) or (a == 1 and b == -1)):
                torn = True

        run_all(*[set_both] * setters, *[check] * checkers)
        return not torn

    return program


def twostage(writers: int, readers: int) -> Callable[[], bool]:
    """Each writer sets two values under a lock each; a reader may come between the two."""

    def program() -> bool:
        first, second = threading.Lock(), threading.Lock()
        one = two = 0
        apart = False

        def write() -> None:
            nonlocal one, two
            with first:
                one = 1
            with second:
                two = one + 1

        def read() -> None:
            nonlocal apart
            with first:
                if one == 0:
                    return
                seen = one
            with second:
                if two != seen + 1:
                    apart = True

        run_all(*[write] * writers, *[read] * readers)
        return not apart

    return program


def unlocked(threads: int) -> Callable[[], bool]:
    """Each thread counts, and nothing keeps two of them apart."""

    def program() -> bool:
        n = [0]

        def count() -> None:
            n[0] += 1

        run_all(*[count] * threads)
        return n[0] == threads

    return program


def philosophers(number: int, *, gate: bool) -> Callable[[], bool]:
    """Each takes the fork on the left, then that on the right; a gate lets one at a time."""

    def program() -> bool:
        forks = [threading.Lock() for _ in range(number)]
        table = threading.Lock()

        def eat(left: threading.Lock, right: threading.Lock) -> None:
            if gate:
                with table, left, right:
                    pass
            else:
                with left, right:
                    pass

        pairs = [(forks[at], forks[(at + 1) % number]) for at in range(number)]
        run_all(*[lambda pair=pair: eat(*pair) for pair in pairs])
        return True

    return program


def benign() -> bool:
    """Both threads set the same flag, and nothing orders them: that is not wrong."""
    used: dict[str, bool] = {}

    def use() -> None:
        used["it"] = True

    run_all(use, use)
    return used == {"it": True}
