"""Timeout does not stop the work: the caller gives up, and the job goes on to its end.

Symptom: The timeout fires on time, and the program still takes as long as the job.

Why: A thread cannot be stopped from outside. result(timeout) only stops waiting, and the end of the
`with` block then waits for the job after all.

Fix: Tell the job to stop, by something that it looks at between its steps; or run it in a process,
which can be killed.

Detect: none known. A test of the result fails.

Source: https://docs.python.org/3/library/concurrent.futures.html#concurrent.futures.Future.result
and https://github.com/python/cpython/issues/72165

Run: python timeout_does_not_stop_work.py broken|fixed; conlab study timeout_does_not_stop_work
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event

FAILURE = "leak"
SHOWS = "returned 1000"
EVIDENCE = "judged"

PAGES = 1_000
SECONDS_A_PAGE = 0.0005


def broken() -> int:
    stop = Event()
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(crawl, stop)
        try:
            return job.result(timeout=0)
        except TimeoutError:
            pass
    return job.result()


def fixed() -> int:
    stop = Event()
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(crawl, stop)
        try:
            return job.result(timeout=0)
        except TimeoutError:
            stop.set()
    return job.result()


def holds(pages: int) -> bool:
    """The job did not go on to its end."""
    return pages < PAGES


def crawl(stop: Event) -> int:
    """Fetch page after page until told to stop; how many."""
    for page in range(PAGES):
        if stop.wait(SECONDS_A_PAGE):
            return page
    return PAGES


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"{(pages := side())} of {PAGES} pages fetched:", "right" if holds(pages) else "wrong")
