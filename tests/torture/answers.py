"""Every hostile answer, to every client, in a process of its own whose peak of memory is looked at.

``python -m tests.torture.answers WAY URL`` is that process.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from tests.torture.case import MIB, Case, Tried
from tests.workloads import ways
from tests.workloads.hostile import Hostile, bomb, hostile
from tests.workloads.test_http_client import SIZES
from workloads import scrape_sites
from workloads.http_client import limits
from workloads.models.failure import Failure, attempt, attempt_async

AT_ONCE = 6  # most of them wait
MOST_ADDED = 64 * MIB  # above the chunk that is read at once, or the page
SLACK = 5.0  # seconds above the total limit, on a busy machine
LIMIT = limits.TOTAL_TIMEOUT + SLACK


def page_blocking(url: str) -> Any:
    """The page, by the crawl's blocking client, parsed."""
    with scrape_sites.client() as client:
        return attempt(scrape_sites.work, scrape_sites.Job(url), client)


def page_async(url: str) -> Any:
    """The same on the event loop."""

    async def main() -> Any:
        async with scrape_sites.client_async() as client:
            return await attempt_async(scrape_sites.work_async, scrape_sites.Job(url), client)

    return asyncio.run(main())


WAYS: dict[str, Callable[[str], Any]] = {
    "chunks, blocking": partial(ways.blocking, SIZES),
    "chunks, aiohttp": partial(ways.aiohttp, SIZES),
    "chunks, httpx async": partial(ways.httpx_async, SIZES),
    "page, blocking": page_blocking,
    "page, aiohttp": page_async,
}


def cases(until: ExitStack) -> Iterator[Case]:
    """One for each answer and each way to read it."""
    server = until.enter_context(hostile())
    for layers in (1, 2):
        bomb(layers)  # made now, or the first client would wait for it
    for name in server.names:
        for way in WAYS:
            yield Case(f"{name}, {way}", partial(read, server, name, way), AT_ONCE)


def read(server: Hostile, name: str, way: str) -> Tried:
    """Have a child read the answer."""
    command = [sys.executable, "-m", "tests.torture.answers", way, server.url(name)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=4 * LIMIT)
    if ended.returncode:
        return Tried(0.0, f"status {ended.returncode}: {ended.stderr[-300:]}")
    said = json.loads(ended.stdout)
    trouble = said["trouble"]
    if said["seconds"] > LIMIT:
        trouble += f" {said['seconds']:.1f} s"
    if said["added"] > MOST_ADDED + limits.CHUNK_SIZE:
        trouble += f" {said['added'] // MIB} MiB"
    return Tried(said["seconds"], trouble, said["added"])


def main(way: str, url: str) -> None:
    """Read the answer, and say what it took."""
    hello = url.rpartition("/")[0] + "/hello"
    WAYS[way](hello)  # what is imported, and stays, is not the answer's
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # let the peak begin here
    began = time.monotonic()
    result = WAYS[way](url)
    seconds = time.monotonic() - began
    trouble = ""
    if isinstance(result, Failure) and not result.type.endswith("Error"):
        trouble = repr(result)
    if isinstance(result, Failure) and not result.message.startswith(url):
        trouble = repr(result)  # no error of ours
    print(json.dumps({"seconds": seconds, "added": memory("VmHWM") - before, "trouble": trouble}))


def memory(field: str) -> int:
    """Bytes of this process, as /proc has them."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


if __name__ == "__main__":
    main(*sys.argv[1:])
