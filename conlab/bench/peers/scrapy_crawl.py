"""Scrapy, which crawls web sites: what scrape_sites is compared with."""

import importlib.metadata
import importlib.util
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import conlab
from conlab.bench.peers import Peer, PeerAbsent, PeerFailed, Round, programs

END_LIMIT = 10.0  # seconds that a crawler has to end when its input does


@contextmanager
def crawler(
    sites: Sequence[str], in_flight: int, user_agent: str, max_page_size: int, loop: str | None
) -> Iterator[Peer]:
    """Scrapy, its process started and its reactor running, to crawl ``sites`` again and again.

    ``loop`` is the class of its event loop, None for asyncio's own. A round's seconds are those
    between Scrapy's own start_time and finish_time, so nothing of the process's start is in them;
    its result is {URL: [title, items, links]}. Raises PeerAbsent.
    """
    if importlib.util.find_spec("scrapy") is None:
        raise PeerAbsent("scrapy is not installed: pip install scrapy")
    settings = {
        # The same work as ours.
        "CONCURRENT_REQUESTS": in_flight,
        # A slot is a host, whatever its port: all our sites share one, so it is given them all.
        "CONCURRENT_REQUESTS_PER_DOMAIN": in_flight,
        "ROBOTSTXT_OBEY": True,
        "USER_AGENT": user_agent,
        "DOWNLOAD_MAXSIZE": max_page_size,
        "DOWNLOAD_WARNSIZE": 0,
        # What its documentation advises for broad crawls, and what this crawl has no use for.
        "AUTOTHROTTLE_ENABLED": False,
        "COOKIES_ENABLED": False,
        "COMPRESSION_ENABLED": False,
        "REFERER_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "LOG_ENABLED": False,
        # Items of one response to process at once: there are none, and 100 tasks would be made.
        "CONCURRENT_ITEMS": 1,
    }
    if loop:
        settings["ASYNCIO_EVENT_LOOP"] = loop
    command = [sys.executable, "-m", "conlab.bench.peers.scrapy_child", json.dumps(settings)]
    root = str(Path(conlab.__file__).parent.parent)
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": root},
    )

    def run() -> Round:
        answer = ask(process, list(sites))
        return Round(answer["seconds"], answer["records"])

    try:
        yield Peer(
            "Scrapy",
            importlib.metadata.version("scrapy"),
            " ".join(f"{name}={value}" for name, value in settings.items()),
            f"on Twisted's asyncio reactor, event loop {loop or 'asyncio'}; parsel; start-up"
            " excluded (start_time to finish_time, in a reactor that has crawled before)",
            run,
        )
    finally:
        end(process)


def ask(process: "subprocess.Popen[bytes]", sites: list[str]) -> dict[str, Any]:
    """What the crawler answers, within the time limit of a peer's round."""
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(json.dumps(sites).encode() + b"\n")
        process.stdin.flush()
    except OSError as error:
        raise PeerFailed(f"Scrapy's process has ended: {error}") from error
    deadline = time.monotonic() + programs.LIMIT
    line = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(deadline - time.monotonic()):
                raise PeerFailed(f"Scrapy did not end its crawl within {programs.LIMIT:g} s")
            piece = os.read(process.stdout.fileno(), 1024 * 1024)
            if not piece:
                raise PeerFailed("Scrapy's process ended in the middle of a crawl")
            line += piece
    answer: dict[str, Any] = json.loads(line)
    return answer


def end(process: "subprocess.Popen[bytes]") -> None:
    """Hang up, and kill the process if it does not end."""
    assert process.stdin
    assert process.stdout
    process.stdin.close()
    try:
        process.wait(END_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
