"""Time of check to time of use: two jobs find the folder missing, and both make it.

Symptom: FileExistsError for a folder that the line before has just found missing; only on a fresh
machine, and only when two programs start at once.

Why: exists() tells what was so when it looked. Before mkdir() runs, another thread or process may
have made the folder, and no lock of this program keeps the other from it.

Fix: One call that makes the folder and takes it well if it is there: exist_ok=True. For a file,
open it with mode "x", or write it under another name and os.replace() it.

Detect: none known. A test of the result fails, once the order is forced.

Source: https://github.com/python/mypy/pull/16642 and
https://github.com/borgbackup/borg/issues/5439

Run: python toctou_filesystem.py broken|fixed; conlab study toctou_filesystem
"""

import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

FAILURE = "exception"
SHOWS = "returned ['FileExistsError', 'saved']"
EVIDENCE = "judged"
BUILDS_ON = ("check_then_act_on_container",)
MEET = {"cache.mkdir()": 2, "cache.mkdir(exist_ok=True)": 2}


def broken() -> list[str]:
    def save(cache: Path, page: str) -> str:
        if not cache.exists():
            cache.mkdir()
        cache.joinpath(page).touch()
        return "saved"

    return both_at_once(save)


def fixed() -> list[str]:
    def save(cache: Path, page: str) -> str:
        cache.mkdir(exist_ok=True)
        cache.joinpath(page).touch()
        return "saved"

    return both_at_once(save)


def holds(outcomes: list[str]) -> bool:
    """Both pages were saved."""
    return outcomes == ["saved", "saved"]


def both_at_once(save: Callable[[Path, str], str]) -> list[str]:
    """Save two pages, each in a thread, in a cache that is not there yet; what became of them."""
    with TemporaryDirectory() as home, ThreadPoolExecutor(2) as pool:
        cache = Path(home, "cache")
        jobs = [pool.submit(save, cache, page) for page in ("page 1", "page 2")]
        return sorted(outcome(job) for job in jobs)


def outcome(job: "Future[str]") -> str:
    """What the job returned, or the name of what it raised."""
    error = job.exception()
    return type(error).__name__ if error else job.result()


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"The two jobs: {(outcomes := side())}:", right if holds(outcomes) else "wrong")
