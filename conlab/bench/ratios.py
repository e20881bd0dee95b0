"""The ratios that a run made: they carry from one machine to another, which seconds do not."""

from collections.abc import Iterable, Iterator
from typing import Any

from conlab.bench.readings.figures import HELD
from conlab.bench.report import Group

SPEEDUP = "speedup"  # serial's time / the model's
FLOOR_SHARE = "floor_share"  # the least possible time / the cell's
BROKEN_TO_FIXED = "broken_to_fixed"  # the broken side's time / the fixed one's


def ratios(found: Iterable[Group], benchmarks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every ratio as plain data: which one, of what, over how many jobs, and its value."""
    return [*_of_cells(found), *_of_fixes(benchmarks)]


def _of_cells(found: Iterable[Group]) -> Iterator[dict[str, Any]]:
    for group in found:
        for measured in group.rows:
            if measured.cell.label.endswith(HELD):
                continue  # they stand beside the run and are none of its benchmarks
            about = {"of": measured.cell.id, "jobs": measured.jobs}
            speedup, share = group.speedup(measured), group.floor_share(measured)
            if speedup and measured.cell.label != "serial":
                yield {"ratio": SPEEDUP, **about, "value": speedup}
            if share:
                yield {"ratio": FLOOR_SHARE, **about, "value": share}


def _of_fixes(benchmarks: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    sides: dict[str, dict[str, float]] = {}
    for benchmark in benchmarks:
        about = benchmark["extra_info"]
        if "pitfall" in about:
            sides.setdefault(about["pitfall"], {})[about["side"]] = benchmark["stats"]["median"]
    for pitfall, seconds in sides.items():
        if seconds.get("broken") and seconds.get("fixed"):
            value = seconds["broken"] / seconds["fixed"]
            yield {"ratio": BROKEN_TO_FIXED, "of": pitfall, "jobs": None, "value": value}
