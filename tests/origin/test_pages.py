"""The sites to crawl: a careful crawler finds just the records that the seed foretells."""

import socket
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from urllib.robotparser import RobotFileParser

import httpx
import pytest

from conlab.errors import UserError
from conlab.origin import (
    Origin,
    Record,
    Settings,
    dead_ends,
    expected_records,
    normal_url,
)
from conlab.origin.pages import ENDLESS, ENDLESS_BURST, FORBIDDEN, OFF_SITE, QUIRKS
from tests.patience import patience

HANG_UPS = 50
MOST_BYTES = 1024 * 1024
MOST_REDIRECTS = 5
MOST_LEVELS = 5  # four of pages, and one that an old address may add


class Scraper(HTMLParser):
    """Takes the record from a page, tag by tag: so broken nesting is nothing to it."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.reading = ""
        self.title = ""
        self.names: list[str] = []
        self.prices: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        match tag, dict(attrs):
            case "title", _:
                self.reading = "title"
            case "span", {"class": "name"}:
                self.reading = "name"
                self.names.append("")
            case "span", {"class": "price"}:
                self.reading = "price"
                self.prices.append("")
            case "a", {"href": str(link)}:
                self.links.append(normal_url(urljoin(self.url, link)))

    def handle_endtag(self, _tag: str) -> None:
        self.reading = ""

    def handle_data(self, data: str) -> None:
        match self.reading:
            case "title":
                self.title += data
            case "name":
                self.names[-1] += data
            case "price":
                self.prices[-1] += data

    def record(self) -> Record:
        cents = [int("".join(filter(str.isdecimal, price))) for price in self.prices]
        links = [link for link in self.links if link.startswith("http")]
        items = zip(self.names, cents, strict=True)
        return Record(self.title, tuple(items), tuple(dict.fromkeys(links)))


@dataclass
class Crawl:
    """What a crawl found, and how many levels it went down."""

    records: dict[str, Record] = field(default_factory=dict)
    failures: set[str] = field(default_factory=set)
    levels: int = 0


def fetched(client: httpx.Client, url: str) -> tuple[str, bytes, str] | None:
    """The final URL, the body and the charset of a page; None if it comes to nothing."""
    for _ in range(MOST_REDIRECTS):
        with client.stream("GET", url) as answer:
            if answer.is_redirect:
                url = normal_url(urljoin(url, answer.headers["Location"]))
                continue
            body = b""
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > MOST_BYTES:
                    return None
            return (url, body, answer.encoding or "utf-8") if answer.is_success else None
    return None


def crawl(client: httpx.Client, bases: tuple[str, ...]) -> Crawl:
    robots = {}
    for base in bases:
        robots[urlsplit(base).netloc] = parser = RobotFileParser()
        parser.parse(client.get(f"{base}robots.txt").text.splitlines())
    result, seen, level = Crawl(), set(bases), list(bases)
    while level:
        result.levels += 1
        found: list[str] = []
        for url in level:
            page = fetched(client, url)
            if page is None:
                result.failures.add(url)
                continue
            final, body, charset = page
            if final not in result.records:
                scraper = Scraper(final)
                scraper.feed(body.decode(charset, errors="replace"))
                result.records[final] = scraper.record()
                found += scraper.links
        level = [
            link
            for link in dict.fromkeys(found)
            if link not in seen
            and (site := robots.get(urlsplit(link).netloc))
            and site.can_fetch("test", link)
        ]
        seen.update(level)
    return result


def test_a_perfect_crawl_finds_what_was_foretold_and_nothing_else(
    origin: Origin, client: httpx.Client
) -> None:
    origin.reset()
    result = crawl(client, origin.urls)
    assert result.records == expected_records(origin.settings, origin.urls)
    assert result.failures == dead_ends(origin.urls)
    assert result.levels <= MOST_LEVELS
    targets = {served.target for served in origin.take_log().served}
    assert not targets & set(FORBIDDEN)
    assert targets > {"/", "/robots.txt", "/index.html", ENDLESS}


def test_every_trap_is_linked_to_from_every_site(origin: Origin) -> None:
    records = expected_records(origin.settings, origin.urls)
    for base in origin.urls:
        linked = {
            link for url, page in records.items() if url.startswith(base) for link in page.links
        }
        traps = {normal_url(urljoin(base, path)) for path in FORBIDDEN}
        assert linked > traps | {OFF_SITE} | dead_ends([base])


def test_robots_txt_forbids_what_is_forbidden_and_no_page(
    origin: Origin, client: httpx.Client
) -> None:
    parser = RobotFileParser()
    parser.parse(client.get(f"{origin.urls[0]}robots.txt").text.splitlines())
    assert not any(parser.can_fetch("test", origin.urls[0] + path[1:]) for path in FORBIDDEN)
    records = expected_records(origin.settings, origin.urls[:1])
    assert all(parser.can_fetch("test", url) for url in records)


def test_what_robots_txt_forbids_is_there_all_the_same(
    origin: Origin, client: httpx.Client
) -> None:
    assert {client.get(urljoin(origin.urls[0], path)).status_code for path in FORBIDDEN} == {200}


@pytest.mark.parametrize("pages", [1, 2, 5, 60, 500, 1000])
def test_all_pages_are_reached_within_four_levels(pages: int) -> None:
    base = "http://shop.test/"
    records = expected_records(Settings(sites=1, pages=pages), [base])
    assert len(records) == pages
    reached = level = {base}
    for _ in range(3):
        level = {link for url in level for link in records[url].links if link in records}
        reached = reached | level
    assert reached == set(records)


def test_sites_and_seeds_have_pages_of_their_own() -> None:
    def titles_and_items(seed: int, site: int) -> list[tuple[str, object]]:
        urls = ["http://shop.test/"] * 2
        settings = Settings(sites=2, pages=20, seed=seed)
        records = expected_records(settings, urls[: site + 1])
        return [(page.title, page.items) for page in records.values()]

    assert titles_and_items(0, 0) != titles_and_items(1, 0)
    assert titles_and_items(0, 0) != titles_and_items(0, 1)


def test_a_page_is_the_same_whatever_the_order_of_its_query(
    origin: Origin, client: httpx.Client
) -> None:
    first, second = (
        client.get(f"{origin.urls[0]}lookup?{query}")
        for query in ("id=27&view=full", "view=full&id=27")
    )
    assert first.status_code == 200
    assert first.content == second.content
    pages = [page.body for page in _pages(origin, client)]
    assert any(b"lookup?id=" in page for page in pages)
    assert any(b"lookup?view=" in page for page in pages)


def test_old_addresses_redirect_to_the_page_for_good(origin: Origin, client: httpx.Client) -> None:
    for old, new in (("index.html", "/"), ("old/1.html", "/shelf/1.html")):
        answer = client.get(origin.urls[0] + old)
        assert (answer.status_code, answer.headers["Location"]) == (301, new)


def test_a_redirect_loop_has_no_end(origin: Origin, client: httpx.Client) -> None:
    with pytest.raises(httpx.TooManyRedirects):
        client.get(f"{origin.urls[0]}loop/a", follow_redirects=True)


def test_each_quirk_of_the_wild_is_on_some_page(origin: Origin, client: httpx.Client) -> None:
    quirks = set()
    for page in _pages(origin, client):
        if "x-no-such-charset" in page.kind:
            quirks.add("unknown charset")
        if b'charset="iso-8859-1"' in page.body and "Café" in page.body.decode():
            quirks.add("meta lies")
        if b"</html>" not in page.body:
            quirks.add("broken markup")
        if b"\xff\xfe" in page.body:
            quirks.add("stray bytes")
    assert quirks == set(QUIRKS)


def test_the_endless_page_goes_on_for_as_long_as_it_is_read(
    origin: Origin, client: httpx.Client
) -> None:
    received = 0
    with client.stream("GET", urljoin(origin.urls[0], ENDLESS)) as answer:
        assert "Content-Length" not in answer.headers
        for piece in answer.iter_bytes():
            received += len(piece)
            if received > ENDLESS_BURST:
                break


def test_records_of_a_folder_of_the_readers_own_are_not_foretold(
    origin: Origin, tmp_path: Path
) -> None:
    settings = Settings(html=tmp_path)
    with pytest.raises(UserError, match="records are known of made pages only"):
        expected_records(settings, origin.urls)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("http://a.test", "http://a.test/"),
        ("http://a.test/x#top", "http://a.test/x"),
        ("http://a.test/x?b=2&a=1", "http://a.test/x?a=1&b=2"),
        ("http://a.test/x?a=", "http://a.test/x?a="),
    ],
)
def test_a_url_has_one_spelling(url: str, normal: str) -> None:
    assert normal_url(url) == normal_url(normal) == normal


@dataclass
class Page:
    """A page as it was received."""

    kind: str
    body: bytes


def _pages(origin: Origin, client: httpx.Client) -> list[Page]:
    pages = []
    for url in expected_records(origin.settings, origin.urls[:1]):
        answer = client.get(url)
        pages.append(Page(answer.headers["Content-Type"], answer.content))
    return pages


def test_clients_that_hang_up_amid_a_page_are_no_error_of_the_origin(origin: Origin) -> None:
    address = urlsplit(origin.urls[0])
    request = f"GET {ENDLESS} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n"
    for _ in range(HANG_UPS):
        with socket.create_connection((address.hostname, address.port), patience(10)) as connection:
            connection.sendall(request.encode())
            received = 0
            while received < MOST_BYTES:
                received += len(connection.recv(65536))
    ended, limit = 0, time.monotonic() + patience(30)
    while ended < HANG_UPS:
        assert time.monotonic() < limit, "the origin still sends to clients that left"
        ended += len(origin.take_log().served)  # raises what the origin's code raised
