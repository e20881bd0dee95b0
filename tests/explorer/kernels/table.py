"""The 29 small pthread programs of SCTBench, as data: name, the two sides, where they come from.

What their threads share are attributes of an object, which every tool that they are tried with can
see: closure cells and local lists are not watched by all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Literal

from tests.explorer import running
from tests.explorer.kernels import (
    account,
    arithmetic_prog,
    bluetooth_driver,
    bounded_queue,
    carter01,
    circular_buffer,
    deadlock01,
    din_phil,
    fsbench,
    lazy01,
    phase01,
    reorder,
    stack,
    sync01,
    sync02,
    token_ring,
    twostage,
    wronglock,
)

REPOSITORY = "mc-imperial/sctbench"
FOLDER = "benchmarks/concurrent-software-benchmarks"


@dataclass(frozen=True)
class Kernel:
    """A program with a side that fails and one that never does.

    ``source`` is the file of the broken side, in FOLDER of REPOSITORY; ``failure`` says how that
    side fails, and ``preemptions`` is the fewest that a schedule needs for it.
    """

    name: str
    module: ModuleType
    broken: Callable[[], None]
    correct: Callable[[], None]
    source: str
    failure: Literal["AssertionError", "IndexError", "deadlock"]
    preemptions: int

    @property
    def stepped(self) -> tuple[str, ...]:
        """The files to step: the kernel's own, and the one that starts its threads."""
        return str(self.module.__file__), str(running.__file__)

    def __str__(self) -> str:
        """Name it as its source does."""
        return self.name


def _kernel(
    source: str,
    module: ModuleType,
    preemptions: int = 0,
    failure: Literal["AssertionError", "IndexError", "deadlock"] = "AssertionError",
    side: str = "broken",
    **sizes: int,
) -> Kernel:
    name = source.removesuffix("_bad").removesuffix("_sat")
    broken, correct = getattr(module, side), module.correct
    if sizes:
        broken, correct = partial(broken, **sizes), partial(correct, **sizes)
    return Kernel(name, module, broken, correct, f"{source}.c", failure, preemptions)


LOCKED, KEPT = "broken_with_locked_count", "broken_with_lock_kept"
KERNELS = [
    _kernel("account_bad", account),
    _kernel("arithmetic_prog_bad", arithmetic_prog),
    _kernel("bluetooth_driver_bad", bluetooth_driver, 1),
    _kernel("carter01_bad", carter01, 1, "deadlock"),
    _kernel("circular_buffer_bad", circular_buffer, 1),
    _kernel("deadlock01_bad", deadlock01, 1, "deadlock"),
    _kernel("din_phil2_sat", din_phil, philosophers=2),
    _kernel("din_phil3_sat", din_phil, philosophers=3),
    _kernel("din_phil4_sat", din_phil, philosophers=4),
    _kernel("din_phil5_sat", din_phil, side=LOCKED, philosophers=5),
    _kernel("din_phil6_sat", din_phil, side=LOCKED, philosophers=6),
    _kernel("din_phil7_sat", din_phil, failure="deadlock", side=KEPT, philosophers=7),
    _kernel("fsbench_bad", fsbench, failure="IndexError"),
    _kernel("lazy01_bad", lazy01),
    _kernel("phase01_bad", phase01, failure="deadlock"),
    _kernel("queue_bad", bounded_queue, 1),
    _kernel("reorder_3_bad", reorder, 1, setting=2, checking=1),
    _kernel("reorder_4_bad", reorder, 1, setting=3, checking=1),
    _kernel("reorder_5_bad", reorder, 1, setting=4, checking=1),
    _kernel("reorder_10_bad", reorder, 1, setting=9, checking=1),
    _kernel("reorder_20_bad", reorder, 1, setting=10, checking=10),
    _kernel("stack_bad", stack, 1),
    _kernel("sync01_bad", sync01, failure="deadlock"),
    _kernel("sync02_bad", sync02, failure="deadlock"),
    _kernel("token_ring_bad", token_ring),
    _kernel("twostage_bad", twostage, 1, writing=1, reading=1),
    _kernel("twostage_100_bad", twostage, 1, writing=99, reading=1),
    _kernel("wronglock_bad", wronglock, 1, others=7),
    _kernel("wronglock_3_bad", wronglock, 1, others=3),
]
