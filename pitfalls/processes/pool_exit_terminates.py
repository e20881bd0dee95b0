"""Pool exit terminates: the end of the `with` block kills the workers, whatever is left to do.

Symptom: Files are missing, some or all, and there is no error. With a pause at the end of the block
they are all there.

Why: Leaving `with multiprocessing.Pool()` calls terminate(), not close() and join(). map_async()
and apply_async() only hand the work over, so the block ends long before the work does. An executor
of concurrent.futures is the other way round: its block waits.

Fix: Ask for the results inside the block, which also raises what went wrong in a job; or close()
and join() the pool there.

Detect: none known. A test of the result fails.

Source: https://github.com/python/cpython/issues/74140, closed as "won't fix".

Run: python pool_exit_terminates.py broken|fixed; conlab study pool_exit_terminates
"""

import multiprocessing
import sys
import tempfile
from pathlib import Path

FAILURE = "wrong result"
SHOWS = "returned []"
EVIDENCE = "judged"
AT_REST = ('file.write_text("a page")', "return saved(folder)")

SPAWN = multiprocessing.get_context("spawn")
NAMES = ["index", "news", "contact"]


def broken() -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        with SPAWN.Pool(1) as pool:
            pool.map_async(save, files(folder))
        return saved(folder)


def fixed() -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        with SPAWN.Pool(1) as pool:
            pool.map_async(save, files(folder)).get()
        return saved(folder)


def holds(names: list[str]) -> bool:
    """Every page was saved."""
    return names == sorted(NAMES)


def files(folder: str) -> list[Path]:
    """Where the pages belong."""
    return [Path(folder, name) for name in NAMES]


def save(file: Path) -> None:
    """The job: save one page."""
    file.write_text("a page")


def saved(folder: str) -> list[str]:
    """The pages that are there, by name."""
    return sorted(file.name for file in Path(folder).iterdir())


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"Saved {(names := side())}:", right if holds(names) else "wrong")
