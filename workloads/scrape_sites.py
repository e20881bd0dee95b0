"""Crawl several web sites at once: visit each page once, as robots.txt allows, and record it."""

import codecs
import re
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from typing import Any, TypeVar

import aiohttp
import httpx
from selectolax.lexbor import LexborHTMLParser, LexborNode
from yarl import URL

from . import http_client
from .http_client import REDIRECTS, AddressError, Answer, RedirectError, RequestError
from .markup import tree_of
from .models.failure import Failure
from .robots import Rules

MAX_PAGES = 20_000
MAX_PAGES_PER_SITE = 5_000
MAX_PAGE_SIZE = 1024 * 1024  # bytes
SITE_IN_FLIGHT = 16  # requests at once that one site is troubled with, whatever the model allows

HTML = ("text/html", "application/xhtml+xml", "")  # the last: the server did not say
MAX_LINKS = MAX_PAGES_PER_SITE  # of a page: a site needs no more to lead to each of its pages
MAX_ADDRESS = 2_048  # characters: as long as one may be in a sitemap (sitemaps.org)
MAX_ITEMS = 10_000  # of a page: one in each 100 bytes of the longest
MAX_TEXT = 4_000  # characters of a title or a name, which items in items may share
MAX_DIGITS = 15  # of a price: more are no exact number for a reader of JSON

# Bounded in each part: of a run of blanks, a repeat beside a repeat tries every division.
CHARSET = re.compile(r"charset\s{0,9}=[\s\"']{0,9}([\w.:-]{1,40})", re.IGNORECASE | re.ASCII)
# Python's own, which no browser knows, and UTF-7, which browsers must not.
NOT_OF_THE_WEB = {
    "charmap", "idna", "mbcs", "oem", "punycode", "raw-unicode-escape", "undefined",
    "unicode-escape", "utf-7",
}  # fmt: skip
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF16_LE: "utf-16",
}  # fmt: skip
HEAD = 1024  # bytes in which a page can name its charset (WHATWG HTML, 13.2.3.2)
# Segments that are neither empty nor dots, of letters that need no encoding (RFC 3986, 2.3).
PLAIN_PATH = re.compile(r"(?=.)/?(?:\w[\w.~-]*/)*(?:\w[\w.~-]*)?", re.ASCII)
HOST = re.compile(r"[^\x00-\x20%<>^|\x7f]+")  # as browsers have it (WHATWG URL, 3.1)
AMOUNT = re.compile(r"\d[\d,]*(?:\.\d+)?")

Cuttable = TypeVar("Cuttable", str, list[str], list[LexborNode])


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
    cut: tuple[str, ...] = ()  # what the page has more of than is read


@dataclass(frozen=True, slots=True)
class Moved:
    """A redirect: where the page is instead. The crawl says whether to go there."""

    to: str


class PageSizeError(RequestError):
    """A page that is too long, or never ends."""

    words = f"longer than {MAX_PAGE_SIZE} bytes"


class RobotsError(RequestError):
    """A page of a site that does not say where we may go (RFC 9309, 2.3.1.4)."""

    words = "not visited, as the robots.txt of its site could not be had"


# One job: to fetch is to wait, to parse is to compute.


def jobs(sites: Sequence[str]) -> Iterator[Job]:
    """The robots.txt and the first page of each of the ``sites``, which are URLs."""
    for site in sites:
        yield Job(str(URL(site).with_path("/robots.txt")), robots=True)
        yield Job(normal(URL(site), "") or site)


def work(job: Job, client: "Client") -> Page | Moved | Rules:
    """Fetch and parse with the blocking client."""
    return compute(job, fetch(job, client))


async def work_async(job: Job, client: aiohttp.ClientSession) -> Page | Moved | Rules:
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


def compute(job: Job, fetched: Fetched) -> Page | Moved | Rules:
    """What a page says."""
    if job.robots:
        text = fetched.body.decode(errors="replace")
        return Rules.read(job.url, text, http_client.USER_AGENT)
    if fetched.location is not None:
        to = normal(URL(job.url), fetched.location)
        if to is None or len(to) > MAX_ADDRESS:
            raise AddressError.at(job.url)
        return Moved(to)
    if fetched.content_type.partition(";")[0].strip().lower() not in HTML:
        return Page()
    return parse(job.url, decoded(fetched))


def decoded(fetched: Fetched) -> str:
    """The text of a page; as in a browser, bytes that are wrong in its charset become U+FFFD."""
    charset = next(filter(is_known, charsets(fetched)), "utf-8")
    return fetched.body.decode(charset, "replace")


def charsets(fetched: Fetched) -> Iterator[str]:
    """What calls itself the charset of a page: header, byte order mark, the page, in this order."""
    if named := CHARSET.search(fetched.content_type):
        yield named[1]
    for mark, charset in BYTE_ORDER_MARKS.items():
        if fetched.body.startswith(mark):
            yield charset
    for meta in LexborHTMLParser(fetched.body[:HEAD]).css("meta"):
        attributes = meta.attributes
        pragma = (attributes.get("http-equiv") or "").lower() == "content-type"
        said = attributes.get("content") if pragma else f"charset={attributes.get('charset')}"
        named = CHARSET.search(said or "")
        # This was read as ASCII, so it is no charset in which it would be something else.
        if named and is_known(named[1]) and b"<".decode(named[1], "replace") == "<":
            yield named[1]


def is_known(charset: str) -> bool:
    """Say whether a page may be in this charset; an unknown one counts for nothing."""
    try:
        known = codecs.lookup(charset).name not in NOT_OF_THE_WEB
        return known and bool(b"<".decode(charset, "replace"))
    except LookupError:  # none, or none of text, as base64
        return False


def parse(url: str, markup: str) -> Page:
    """The record of the page at ``url``."""
    tree, cut = tree_of(markup)
    bounds = Bounds(cut)
    items = [
        (text(name, bounds), price_in_cents(price.text(), bounds))
        for item in bounds.first(MAX_ITEMS, "items", tree.css(".item"))
        if (name := item.css_first(".name")) and (price := item.css_first(".price"))
    ]
    bases = [node.attributes["href"] or "" for node in tree.css("base[href]")[:1]]
    here = URL(url)
    for base in bounds.short(bases):
        here = URL(normal(here, base) or url)
    hrefs = dict.fromkeys(node.attributes["href"] or "" for node in tree.css("a[href]"))
    links = normal_links(here, bounds.first(MAX_LINKS, "links", bounds.short(hrefs)))
    return Page(
        title=text(tree.css_first("title"), bounds),
        items=tuple(items),
        links=tuple(bounds.short(dict.fromkeys(links))),
        cut=tuple(bounds.cut),
    )


class Bounds:
    """The bounds of a page's parts, and in words what was cut there."""

    def __init__(self, cut: Iterable[str]) -> None:
        self.cut = dict.fromkeys(cut)  # each once

    def first(self, limit: int, what: str, parts: Cuttable) -> Cuttable:
        """The first ``limit`` of the ``parts``."""
        if len(parts) > limit:
            self.cut[f"{what} after the first {limit}"] = None
        return parts[:limit]

    def short(self, addresses: Collection[str]) -> list[str]:
        """The addresses that are not too long."""
        short = [address for address in addresses if len(address) <= MAX_ADDRESS]
        if len(short) < len(addresses):
            self.cut[f"addresses longer than {MAX_ADDRESS} characters"] = None
        return short


def text(node: LexborNode | None, bounds: Bounds) -> str:
    """The text of ``node``, each white space in it one blank."""
    if node is None:
        return ""
    return " ".join(bounds.first(MAX_TEXT, "characters of a text", node.text()).split())


def price_in_cents(price: str, bounds: Bounds) -> int:
    """The cents of an amount such as €1,234.50; 0 if there is none, or of too many digits."""
    if (amount := AMOUNT.search(price)) is None:
        return 0
    number = amount[0].replace(",", "")
    if len(number) > MAX_DIGITS:
        bounds.cut[f"prices of more than {MAX_DIGITS} digits"] = None
        return 0
    return int(Decimal(number) * 100)


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
    if not href.isascii():  # halves of a character, from a header, are none
        href = href.encode(errors="surrogatepass").decode(errors="replace")
    try:
        url = here.join(URL(href.partition("#")[0]))
    except ValueError:
        return None
    if url.scheme not in ("http", "https") or not HOST.fullmatch(url.raw_host or ""):
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
            case Rules():
                frontier.open(job.url, result)
            case Failure(type="StatusError"):
                frontier.open(job.url, Rules())  # 4xx: there are none (RFC 9309, 2.3.1.3)
            case failure:
                records[job.url] = failure  # and we stay away (2.3.1.4)

    moves: dict[str, str] = {}
    for job in first:
        if job.robots:
            continue
        if frontier.is_open(job.url):
            frontier.add(job)
        else:
            records[job.url] = Failure.of(RobotsError.at(job.url))
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
        self.rules: dict[str, Rules] = {}
        self.seen: set[str] = set()
        self.visits: Counter[str] = Counter()
        self.waiting: dict[str, list[Job]] = {}

    def open(self, url: str, rules: Rules) -> None:
        """Let the site of ``url`` be visited, as its robots.txt says."""
        self.rules[site_of(url)] = rules

    def is_open(self, url: str) -> bool:
        """Say whether pages of the site of ``url`` may be visited."""
        return site_of(url) in self.rules

    def add(self, job: Job) -> None:
        """Take ``job`` into the next level, if there is a reason to visit its page."""
        site = site_of(job.url)
        if job.url in self.seen or site not in self.rules:
            return
        self.seen.add(job.url)
        if (
            self.visits[site] < MAX_PAGES_PER_SITE
            and self.visits.total() < MAX_PAGES
            and self.rules[site].allow(job.url[len(site) :])
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
