"""What each fix costs: both sides of every pitfall that comes to an end, one beside the other."""

import importlib
from typing import Any

import pytest

from conlab import pitfall
from conlab.pitfall import ORACLE, Pitfall

ROUNDS = 10  # of the whole side, its threads and processes included


# Those whose broken side returns by itself and leaves no exception for pytest to find. One whose
# order must be forced may do anything here.
ENDING = [
    each
    for each in pitfall.collect()
    if each.shows.startswith("returned") and not each.lost and not each.order
]


@pytest.mark.parametrize("side", ["broken", "fixed"])
@pytest.mark.parametrize("pitfall", ENDING, ids=str)
def bench_fix(pitfall: Pitfall, side: str, benchmark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(pitfall.path.parent))  # spawned children import it by name
    module = importlib.import_module(pitfall.name)
    benchmark.group = f"what the fix costs: {pitfall}"
    benchmark.extra_info.update(pitfall=str(pitfall), side=side)
    value = benchmark.pedantic(getattr(module, side), rounds=ROUNDS, warmup_rounds=1)
    assert side == "broken" or getattr(module, ORACLE)(value)
