"""One tool on one side of one kernel, in a process of its own.

    python -m tests.explorer.kernels.trial TOOL KERNEL SIDE SECONDS

It prints, as JSON, what the tool claims, after how many schedules and seconds of CPU; or is ended
by SIGPROF when the tool has used that many. Each tool gets the side as its documentation says,
stops at its first failure, and is spared what it does after that.
"""

import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal

from conlab.explorer import explore
from tests.explorer.kernels.table import KERNELS, Kernel

Side = Literal["broken", "correct"]
# The side fails; it is safe under every schedule, or under those with so few preemptions; it passes
# what was run; or the tool has no verdict, and says so.
Claim = Literal["fails", "safe", "safe within bound", "passes", "no verdict"]

SAMPLES = 200  # schedules of a correct side that are sampled
AT_ONCE = 50  # schedules of a sampling search between two looks at the time
MOST_STEPS = 5_000  # of a schedule that frontrun samples, which needs more than its default of 300
PREEMPTIONS = 2


@dataclass(frozen=True)
class Claimed:
    """What a tool claims of a side, after so many schedules."""

    claim: Claim
    schedules: int
    detail: str = ""


@dataclass(frozen=True)
class Task:
    """What a tool is to do: a side of a kernel, sampled for at most so many seconds of CPU."""

    kernel: Kernel
    side: Side
    seconds: float

    @property
    def program(self) -> Callable[[], None]:
        """The side itself."""
        return self.kernel.broken if self.side == "broken" else self.kernel.correct

    def sampled(self, sample: Callable[[int], Claimed]) -> Claimed:
        """Call ``sample`` with seeds until it finds something, or enough was sampled."""
        most = SAMPLES if self.side == "correct" else sys.maxsize
        schedules = seed = 0
        while schedules < most and time.process_time() < self.seconds:
            claimed = sample(seed := seed + 1)
            schedules += claimed.schedules
            if claimed.claim != "passes":
                return Claimed(claimed.claim, schedules, claimed.detail)
        return Claimed("passes", schedules)


def safe(exhausted: bool, bound: int | None) -> Claim:
    """Say what is claimed of a side that does not fail."""
    if not exhausted:
        return "passes"
    return "safe" if bound is None else "safe within bound"


def conlab(task: Task) -> Claimed:
    """Search by reduction, up to two preemptions, and to any number where that is soon done."""
    verdict = explore(
        task.program,
        reading="bytecode",
        bound=PREEMPTIONS,
        stepped=task.kernel.stepped,
        count_on=0,
        reduction=True,
    )
    if verdict.failing:
        return Claimed("fails", verdict.executions)
    return Claimed(safe(verdict.exhausted, verdict.bound), verdict.executions, str(verdict))


def frontrun(task: Task, **options: Any) -> Claimed:
    """Have frontrun explore the threads of the side; what one dies of is a failure."""
    library: Any = importlib.import_module("frontrun")
    executions = 0

    def setup() -> tuple[Callable[[], object], ...]:
        nonlocal executions
        executions += 1
        return threads_of(task)

    workers = [partial(run_one, number) for number in range(len(threads_of(task)))]
    # There is no I/O in a kernel; and on a virtual clock, waits for a condition get a verdict.
    options |= {"reproduce_on_failure": 0, "detect_io": False, "clock": "virtual"}
    try:
        result = library.explore(setup, workers, always, **options)
    except (AssertionError, IndexError) as death:
        return Claimed("fails", executions, repr(death))
    if result.property_holds is None:
        return Claimed("no verdict", executions, result.inconclusive_reason)
    if not result.property_holds:
        return Claimed("fails", executions, result.explanation)
    sampling = options.get("strategy") == "random"
    return Claimed(safe(not sampling, options.get("preemption_bound")), executions)


def frontrun_sampling(task: Task) -> Claimed:
    """Have frontrun sample schedules."""
    random = {"strategy": "random", "max_attempts": AT_ONCE, "max_ops": MOST_STEPS}
    return task.sampled(lambda seed: frontrun(task, seed=seed, **random))


def threads_of(task: Task) -> tuple[Callable[[], object], ...]:
    """Build the side's state anew, and return what its threads run instead of starting them."""
    threads: list[tuple[Callable[[], object], ...]] = []
    task.kernel.module.run_all = lambda *targets: threads.append(targets)  # type: ignore[attr-defined]
    task.program()
    return threads[0]


def run_one(number: int, threads: tuple[Callable[[], object], ...]) -> None:
    """Run one of the threads."""
    threads[number]()


def always(_: object) -> bool:
    """Hold: what is wrong is asserted inside the threads."""
    return True


def interleave_test(task: Task, strategy: str, seed: int, iterations: int) -> Claimed:
    """Have interleave-test explore the side."""
    library: Any = importlib.import_module("interleave_test")
    result = library.explore(
        task.program,
        strategy=strategy,
        seed=seed,
        iterations=iterations,
        max_preemptions=PREEMPTIONS,
        raise_on_failure=False,
    )
    if result.failure:
        return Claimed("fails", result.schedules_run, result.failure.kind)
    return Claimed(safe(result.exhausted, PREEMPTIONS), result.schedules_run)


def interleave_test_sampling(strategy: str, task: Task) -> Claimed:
    """Have interleave-test sample schedules."""
    return task.sampled(lambda seed: interleave_test(task, strategy, seed, AT_ONCE))


@dataclass(frozen=True)
class Tool:
    """A library and its way to search: how it is called, and on which sides."""

    library: str
    strategy: str
    run: Callable[[Task], Claimed]
    sides: tuple[Side, ...] = ("broken", "correct")

    def __str__(self) -> str:
        """Name library and strategy."""
        return f"{self.library}, {self.strategy}"


def _dpor(order: str) -> Tool:
    # On a correct side every order takes all that the first does.
    run = partial(frontrun, search=order, preemption_bound=PREEMPTIONS)
    return Tool("frontrun", f"dpor 2, {order}", run, ("broken",))


# frontrun's fourth, marker schedules, needs a program with markers in it.
TOOLS = [
    Tool("conlab", "reduction", conlab),
    Tool("frontrun", "dpor", partial(frontrun, preemption_bound=None)),
    Tool("frontrun", "dpor 2", partial(frontrun, preemption_bound=PREEMPTIONS)),
    *map(_dpor, ["bit-reversal", "round-robin", "stride", "conflict-first"]),
    Tool("frontrun", "random", frontrun_sampling),
    Tool("interleave-test", "dfs 2", lambda task: interleave_test(task, "dfs", 1, sys.maxsize)),
    Tool("interleave-test", "random", partial(interleave_test_sampling, "random")),
    Tool("interleave-test", "pct", partial(interleave_test_sampling, "pct")),
]


def main(tool_name: str, kernel_name: str, side: Side, seconds: float) -> None:
    """Run the trial, and leave without waiting for threads that a tool has left behind."""
    tool = next(tool for tool in TOOLS if str(tool) == tool_name)
    kernel = next(kernel for kernel in KERNELS if kernel.name == kernel_name)
    importlib.import_module(tool.library.replace("-", "_"))
    began = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, seconds)
    claimed = tool.run(Task(kernel, side, seconds * 0.9))
    spent = time.process_time() - began
    print(json.dumps(asdict(claimed) | {"seconds": spent}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    match sys.argv[1:]:
        case [tool, kernel, "broken" | "correct" as side, seconds]:
            main(tool, kernel, side, float(seconds))
        case _:
            sys.exit(__doc__)
