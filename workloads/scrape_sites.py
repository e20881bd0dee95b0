"""Crawl several web sites at once: visit each page once, as robots.txt allows, and record it."""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from typing import Any
from urllib.robotparser import RobotFileParser

import aiohttp
import httpx
from selectolax.lexbor import LexborHTMLParser, LexborNode
from yarl import URL

from . import http_client
from .http_client import REDIRECTS, AddressError, Answer, RedirectError, RequestError
from .models.failure import Failure

MAX_PAGES = 20_000
MAX_PAGES_PER_SITE = 5_000
MAX_PAGE_SIZE = 1024 * 1024  # bytes
SITE_IN_FLIGHT = 16  # requests at once that one site is troubled with, whatever the model allows

HTML = ("text/html", "application/xhtml+xml", "")  # the last: the server did not say
CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s\"';]+)", re.IGNORECASE)
# Segments that are neither empty nor dots, of letters that need no encoding (RFC 3986, 2.3).
PLAIN_PATH = re.compile(r"(?=.)/?(?:\w[\w.~-]*/)*(?:\w[\w.~-]*)?", re.ASCII)
AMOUNT = re.compile(r"\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Job:
    """One request: for a page, or for the robots.txt of a site."""

    url: str
    robots: bool = False
    redirects: int = 0  # that led here


@dataclass(frozen=True, slots=True)
class Fetched:
    """What waiting for a page brings."""

    body: bytes
    content_type: str
    location: str | None  # where it redirects to


@dataclass(frozen=True, slots=True)
class Page:
    """The record of a page, empty if it is no HTML."""

    title: str = ""
    items: tuple[tuple[str, int], ...] = ()  # name, and price in cents
    links: tuple[str, ...] = ()  # normal URLs, each once, in the order of the page


@dataclass(frozen=True, slots=True)
class Moved:
    """A redirect: where the page is instead. The crawl says whether to go there."""

    to: str


@dataclass(frozen=True, slots=True)
class Robots:
    """A robots.txt."""

    text: str


class PageSizeError(RequestError):
    """A page that is too long, or never ends."""

    words = f"longer than {MAX_PAGE_SIZE} bytes"


# One job: to fetch is to wait, to parse is to compute.


def jobs(sites: Sequence[str]) -> Iterator[Job]:
    """The robots.txt and the first page of each of the ``sites``, which are URLs."""
    for site in sites:
        yield Job(str(URL(site).with_path("/robots.txt")), robots=True)
        yield Job(normal(URL(site), "") or site)


def work(job: Job, client: "Client") -> Page | Moved | Robots:
    """Fetch and parse with the blocking client."""
    return compute(job, fetch(job, client))


async def work_async(job: Job, client: aiohttp.ClientSession) -> Page | Moved | Robots:
    """Fetch and parse on the event loop, which waits while a page is parsed."""
    return compute(job, await fetch_async(job, client))


def fetch(job: Job, client: "Client") -> Fetched:
    """The page, or as much of it as shows that it is too long."""

    def once(deadline: float) -> Fetched:
        with (
            client.turn_at(job.url),
            http_client.get(client.http, job.url, deadline, follow=job.robots) as answer,
        ):
            body = bytearray()
            for chunk in answer.chunks:
                extend(body, chunk, job)
        return fetched(answer, body)

    return http_client.with_retries(once)


async def fetch_async(job: Job, client: aiohttp.ClientSession) -> Fetched:
    """The twin of ``fetch``; the client lets ``SITE_IN_FLIGHT`` requests at a site."""

    async def once() -> Fetched:
        async with http_client.get_async(client, job.url, follow=job.robots) as answer:
            body = bytearray()
            async for chunk in answer.chunks:
                extend(body, chunk, job)
        return fetched(answer, body)

    return await http_client.with_retries_async(job.url, once)


def extend(body: bytearray, chunk: bytes, job: Job) -> None:
    """Append ``chunk``, unless the page is then too long."""
    body += chunk
    if len(body) > MAX_PAGE_SIZE:
        raise PageSizeError.at(job.url)


def fetched(answer: Answer[Any], body: bytearray) -> Fetched:
    """What is needed of an answer later on, and can be sent to another process."""
    location = answer.headers.get("Location") if answer.status in REDIRECTS else None
    return Fetched(bytes(body), answer.headers.get("Content-Type", ""), location)


def compute(job: Job, fetched: Fetched) -> Page | Moved | Robots:
    """What a page says."""
    if job.robots:
        return Robots(fetched.body.decode(errors="replace"))
    if fetched.location is not None:
        if (to := normal(URL(job.url), fetched.location)) is None:
            raise AddressError.at(job.url)
        return Moved(to)
    if fetched.content_type.partition(";")[0].strip().lower() not in HTML:
        return Page()
    return parse(job.url, LexborHTMLParser(decoded(fetched), encoding=True))


def decoded(fetched: Fetched) -> str | bytes:
    """The text, if the header names the charset; else the bytes, for the parser to look in there.

    As in a browser, an unknown charset counts for nothing, and wrong bytes become U+FFFD.
    """
    charset = CHARSET.search(fetched.content_type)
    try:
        return fetched.body.decode(charset[1], "replace") if charset else fetched.body
    except LookupError:
        return fetched.body


def parse(url: str, tree: LexborHTMLParser) -> Page:
    """The record of the page at ``url``."""
    items = (
        (text(name), price_in_cents(text(price)))
        for item in tree.css(".item")
        if (name := item.css_first(".name")) and (price := item.css_first(".price"))
    )
    here = URL(url)
    if base := tree.css_first("base[href]"):
        here = URL(normal(here, base.attributes["href"] or "") or url)
    hrefs = dict.fromkeys(node.attributes["href"] or "" for node in tree.css("a[href]"))
    return Page(
        title=text(tree.css_first("title")),
        items=tuple(items),
        links=tuple(dict.fromkeys(normal_links(here, hrefs))),
    )


def text(node: LexborNode | None) -> str:
    """The text of ``node``, each white space in it one blank."""
    return " ".join(node.text().split()) if node else ""


def price_in_cents(price: str) -> int:
    """The cents of an amount such as €1,234.50; 0 if there is none."""
    amount = AMOUNT.search(price)
    return int(Decimal(amount[0].replace(",", "")) * 100) if amount else 0


def normal_links(here: URL, hrefs: Iterable[str]) -> Iterator[str]:
    """The normal URLs of the links of the page ``here``, itself a normal URL.

    A plain path is only put behind its site or folder: most links are such, and to take a URL to
    pieces is what a crawl spends most of its own time on.
    """
    page = str(here).partition("?")[0]
    site, folder = site_of(page), page[: page.rindex("/") + 1]
    for href in hrefs:
        path = href.partition("#")[0]
        if PLAIN_PATH.fullmatch(path):
            yield (site if path[0] == "/" else folder) + path
        elif link := normal(here, href.strip()):
            yield link


def normal(here: URL, href: str) -> str | None:
    """The one spelling that the crawl knows a page by; None if ``href`` is no address of the web.

    Absolute, without dots, default port and fragment, the parameters of the query sorted.
    """
    try:
        url = here.join(URL(href.partition("#")[0]))
    except ValueError:
        return None
    if url.scheme not in ("http", "https") or not url.raw_host:
        return None
    if url.raw_query_string:
        url = url.with_query(sorted(url.query.items()))
    return str(url) if url.raw_path != "/" else str(url.with_path("/", keep_query=True))


# The blocking client.


class Client:
    """The blocking client, and for each site who may ask it now."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http
        self.turns: dict[str, threading.Semaphore] = {}

    def turn_at(self, url: str) -> threading.Semaphore:
        """What to hold while asking the site of ``url``."""
        # setdefault is one step, under the GIL and without: all threads get the same semaphore.
        return self.turns.setdefault(site_of(url), threading.Semaphore(SITE_IN_FLIGHT))


@contextmanager
def client() -> Iterator[Client]:
    """The blocking client, for any number of threads."""
    with http_client.client() as http:
        yield Client(http)


def client_async() -> AbstractAsyncContextManager[aiohttp.ClientSession]:
    """The client of the event loop, which knows turns itself."""
    return http_client.client_async(per_site=SITE_IN_FLIGHT)


# The crawl.


def drive(
    run: Callable[[Callable[..., Any], Iterable[Job]], Iterator[Any]],
    work: Callable[..., Any],
    jobs: Iterable[Job],
) -> dict[str, Page | Failure]:
    """Crawl level by level, each level being run by the model: {final URL: record or failure}.

    Where to go next depends on the results in the order of the jobs, never on which came first,
    so every model sees the same pages.
    """
    first = list(jobs)
    frontier = Frontier()
    records: dict[str, Page | Failure] = {}
    level = [job for job in first if job.robots]
    for job, result in zip(level, run(work, level), strict=True):
        match result:
            case Robots(rules):
                frontier.open(job.url, rules)
            case Failure(type="StatusError"):
                frontier.open(job.url, "")  # 4xx: there are no rules (RFC 9309, 2.3.1.3)
            case failure:
                records[job.url] = failure  # and we stay away (2.3.1.4)

    moves: dict[str, str] = {}
    for job in first:
        if not job.robots:
            frontier.add(job)
    while level := frontier.next_level():
        for job, result in zip(level, run(work, level), strict=True):
            match result:
                case Moved(to) if job.redirects < http_client.limits.MAX_REDIRECTS:
                    moves[job.url] = to
                    frontier.add(Job(to, redirects=job.redirects + 1))
                case Moved():
                    records[job.url] = Failure.of(RedirectError.at(job.url))
                case Page(links=links):
                    records[job.url] = result
                    for link in links:
                        frontier.add(Job(link))
                case _:
                    records[job.url] = result
    for url in circles(moves):
        records[url] = Failure.of(RedirectError.at(url))
    return records


class Frontier:
    """The pages to visit next: none twice, none that robots.txt forbids, none beyond the limits."""

    def __init__(self) -> None:
        self.rules: dict[str, RobotFileParser] = {}
        self.seen: set[str] = set()
        self.visits: Counter[str] = Counter()
        self.waiting: dict[str, list[Job]] = {}

    def open(self, url: str, rules: str) -> None:
        """Let the site of ``url`` be visited, as its robots.txt says."""
        parser = RobotFileParser()
        parser.parse(rules.splitlines())
        self.rules[site_of(url)] = parser

    def add(self, job: Job) -> None:
        """Take ``job`` into the next level, if there is a reason to visit its page."""
        if job.url in self.seen:
            return
        self.seen.add(job.url)
        site = site_of(job.url)
        if (
            site in self.rules
            and self.visits[site] < MAX_PAGES_PER_SITE
            and self.visits.total() < MAX_PAGES
            and self.rules[site].can_fetch(http_client.USER_AGENT, job.url)
        ):
            self.visits[site] += 1
            self.waiting.setdefault(site, []).append(job)

    def next_level(self) -> list[Job]:
        """The jobs taken in, the sites in turns: so none is asked more than the others at once."""
        turns = zip_longest(*self.waiting.values())
        self.waiting = {}
        return [job for turn in turns for job in turn if job is not None]


def circles(moves: dict[str, str]) -> Iterator[str]:
    """One URL of each circle of redirects: the one that the crawl met first."""
    settled: set[str] = set()
    for url in moves:
        path: set[str] = set()
        while url in moves and url not in settled:
            settled.add(url)
            path.add(url)
            url = moves[url]
        if url in path:
            yield url


def site_of(url: str) -> str:
    """Scheme, host and port."""
    return url[: url.index("/", url.index("//") + 2)]
