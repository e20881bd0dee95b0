"""Measures the function of a benchmark, in the process of its test: one call, or round by round."""

import gc
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psutil

from conlab.bench import contention, costs
from conlab.versus.pairs.clock import TreeClock, ended_children

SIZING = 0.3  # seconds of calls that are enough to tell how long one takes
MOST_CALLS = 1_000_000  # in a round
WAITS = 0.5  # the share of its time from which a function waits, and does not only compute
ONE_THREAD = 1.1  # CPU seconds in a second, at most
SETUP_SHARE = 4  # a round with its setups takes no longer than that many rounds without


@dataclass(frozen=True)
class Benchmark:
    """What a test gave to its benchmark.

    ``setup`` gives the arguments of each call anew, or None. ``most`` is how often the function may
    be called in a process; None if as often as one likes. ``unsaid``: its author did not say.
    """

    target: Callable[..., Any]
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    setup: Callable[[], Any] | None = None
    teardown: Callable[..., Any] | None = None
    most: int | None = None
    disable_gc: bool = False
    unsaid: bool = False

    def arguments(self) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """The arguments of the next call."""
        made = self.setup() if self.setup else None
        return made or (self.args, self.kwargs)


class Rounds:
    """Calls the function of a benchmark so and so often, and tells what that took."""

    def __init__(self, benchmark: Benchmark) -> None:
        self.benchmark = benchmark
        self.clock = TreeClock()
        self.result: Any = None
        self.calls = 0

    def run(self, times: int) -> dict[str, float]:
        """The wall and the CPU seconds of that many calls, their setups left out."""
        gc.collect()
        self.clock.look()
        collects = gc.isenabled()
        if self.benchmark.disable_gc:
            gc.disable()
        try:
            each = self.benchmark.setup or self.benchmark.teardown
            wall, cpu = self.one_by_one(times) if each else self.in_a_row(times)
        finally:
            if collects:
                gc.enable()
        self.calls += times
        new = self.clock.look()
        return {"wall": wall, "cpu": cpu + new}

    def in_a_row(self, times: int) -> tuple[float, float]:
        """Call it that often between two looks at the clocks."""
        target, args, kwargs = (
            self.benchmark.target,
            self.benchmark.args,
            self.benchmark.kwargs,
        )
        result = None
        used = self.clock.seconds()
        began = time.perf_counter()
        for _ in range(times):
            result = target(*args, **kwargs)
        wall = time.perf_counter() - began
        self.result = result
        return wall, max(0.0, self.clock.seconds() - used)

    def one_by_one(self, times: int) -> tuple[float, float]:
        """Call it that often, each call with its own setup, of which no clock takes notice."""
        wall = cpu = 0.0
        for _ in range(times):
            args, kwargs = self.benchmark.arguments()
            used = self.clock.seconds()
            began = time.perf_counter()
            self.result = self.benchmark.target(*args, **kwargs)
            wall += time.perf_counter() - began
            cpu += max(0.0, self.clock.seconds() - used)
            if self.benchmark.teardown:
                self.benchmark.teardown(*args, **kwargs)
        return wall, cpu

    def size(self, lasting: float, share: float, most_rounds: int, fewest: int) -> dict[str, Any]:
        """How many calls make a round ``lasting`` these seconds, and how many rounds a ``share``.

        Also whether it only computes, and whether one thread does it all.
        """
        most = self.benchmark.most
        threads, ended = psutil.Process().num_threads(), ended_children()
        began, ready = time.perf_counter(), seconds_ready()
        taken = self.run(1)  # cold
        times = 1
        while taken["wall"] < lasting and (times == 1 or time.perf_counter() - began < SIZING):
            if most is not None and self.calls + 2 * times > most:
                break
            times, ready = min(2 * times, MOST_CALLS), seconds_ready()
            whole = time.perf_counter()
            try:
                taken = self.run(times)
            except Exception:
                if not self.benchmark.unsaid:
                    raise
                times, most = 1, 1  # it cannot be called again: so a pair is one call of each
                break
            taken["with_setup"] = time.perf_counter() - whole
        ready = min(seconds_ready() - ready, taken["wall"])
        seconds = max(taken["wall"] / times, 1e-9)
        with_setup = max(taken.get("with_setup", 0.0) / times, seconds)
        calls = min(lasting / seconds, SETUP_SHARE * lasting / with_setup)
        alone = (
            taken["cpu"] <= ONE_THREAD * taken["wall"]
            and psutil.Process().num_threads() == threads
            and ended_children() == ended
            and not self.clock.members
        )
        plan = planned(
            max(1, min(MOST_CALLS, round(calls))),
            max(fewest, min(most_rounds, int(share / (seconds * max(1.0, calls))))),
            most,
        )
        return {
            **plan,
            "seconds": seconds,
            "computes": costs.waiting_share(taken["wall"], taken["cpu"], ready) < WAITS,
            "alone": alone,
        }


def planned(calls: int, rounds: int, most: int | None) -> dict[str, int]:
    """Calls of a round, rounds, and calls before them to warm up: ``most`` in all, if that is set.

    Whoever says that a function is to be called once has a reason: then a pair is one call of each.
    """
    if most is None or calls * (rounds + 1) <= most:
        return {"calls": calls, "rounds": rounds, "warm_up": calls}
    if most < 3:
        return {"calls": 1, "rounds": most, "warm_up": 0}
    calls = max(1, most // (rounds + 1))
    return {"calls": calls, "rounds": min(rounds, most // calls - 1), "warm_up": calls}


def calls_of_pedantic(setup: Any, rounds: int, warmup_rounds: int, iterations: int) -> int | None:
    """How often ``benchmark.pedantic`` would call; None if there is a setup before each call."""
    if setup is not None:
        return None
    extra = 1 if iterations > 1 else 0  # that gives the result
    return math.prod((rounds + warmup_rounds, iterations)) + extra


def seconds_ready() -> float:
    """For how long this thread has stood ready so far; 0 where the system does not tell."""
    return contention.seconds_ready() or 0.0
