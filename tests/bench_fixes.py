"""What each fix costs: both sides of every pitfall that comes to an end, one beside the other."""

import importlib
import time
from collections.abc import Callable
from typing import Any

import pytest

from conlab.catalogue import pitfall
from conlab.catalogue.pitfall import ORACLE, Pitfall

BUDGET = 1.0  # seconds of rounds that a side gets, if that is not too few rounds
FEWEST_ROUNDS = 4  # of the whole side, its threads and processes included
MOST_ROUNDS = 10


# Those whose broken side returns by itself and leaves no exception for pytest to find. One whose
# order must be forced may do anything here.
ENDING = [
    each
    for each in pitfall.collect()
    if each.shows.startswith("returned") and not each.lost and not each.order
]


# From 3.15 on it would be an error after the fork; pytest-xdist's workers have a second thread.
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("side", ["broken", "fixed"])
@pytest.mark.parametrize("pitfall", ENDING, ids=str)
def bench_fix(pitfall: Pitfall, side: str, benchmark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(pitfall.path.parent))  # spawned children import it by name
    module = importlib.import_module(pitfall.name)
    benchmark.group = f"what the fix costs: {pitfall}"
    benchmark.extra_info.update(pitfall=str(pitfall), side=side)

    def anew() -> None:
        importlib.reload(module)  # what it keeps outlives no round

    def run() -> Any:
        return getattr(module, side)()

    rounds = 1 if benchmark.disabled else rounds_of(run)
    value = benchmark.pedantic(run, setup=anew, rounds=rounds)
    assert side == "broken" or getattr(module, ORACLE)(value)


def rounds_of(run: Callable[[], Any]) -> int:
    """How many rounds there is time for, by one that warms up."""
    began = time.perf_counter()
    run()
    return max(FEWEST_ROUNDS, min(MOST_ROUNDS, int(BUDGET / (time.perf_counter() - began))))
