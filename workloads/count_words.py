"""Count the words of many texts into one tally: Python code that computes and keeps the GIL.

The tally is a shared resource, and there are two ways to manage one. ``work`` counts into a tally
of its own, and the partial tallies are merged at the end: nothing is shared while it counts.
``threads_one_dict`` lets all threads count into one dict, under a lock for every word.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from threading import Lock
from typing import Any

JOBS = 16

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Job:
    """A text file in UTF-8."""

    text: Path


Tally = dict[str, int]
Run = Callable[[Any, Iterable[Job]], Iterator[Any]]


def jobs(texts: Path, count: int | None) -> Iterator[Job]:
    """One job a file of ``texts``, in the order of their names; over again if ``count`` is more."""
    files = sorted(path for path in texts.rglob("*") if path.is_file())
    return map(Job, files if count is None else islice(cycle(files), count))


def words(job: Job) -> Iterator[str]:
    """The words of a text, in small letters. Raises UnicodeDecodeError if it is not UTF-8."""
    return (match[0] for match in WORD.finditer(job.text.read_text("utf-8").lower()))


def work(job: Job) -> Tally:
    """How often each word stands in one text."""
    tally: Tally = {}
    for word in words(job):
        tally[word] = tally.get(word, 0) + 1
    return tally


def drive(run: Run, work: Any, jobs: Iterable[Job]) -> tuple[Tally, list[Any]]:
    """Merge the partial tallies; give the tally of all texts and the failures."""
    total: Counter[str] = Counter()
    failures = []
    for tally in run(work, jobs):
        if isinstance(tally, dict):
            total.update(tally)
        else:
            failures.append(tally)
    return dict(total), failures


def threads_one_dict(run: Run, _work: Any, jobs: Iterable[Job]) -> tuple[Tally, list[Any]]:
    """Count into one dict that all threads share; each increment holds its lock."""
    total: Tally = {}
    lock = Lock()

    def work_into_total(job: Job) -> None:
        for word in words(job):
            with lock:
                total[word] = total.get(word, 0) + 1

    failures = [result for result in run(work_into_total, jobs) if result is not None]
    return total, failures
