"""scrape_sites: every page once and no other, a record of each, whatever the web does."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pytest

pytest.importorskip("aiohttp", reason="no wheel of aiohttp for this Python")
pytest.importorskip("selectolax", reason="no wheel of selectolax for this Python")

from yarl import URL

from conlab.origin import Faults, Origin, Served, Settings, dead_ends, expected_records, serve
from conlab.origin.pages import ENDLESS
from tests.workloads.scripted import Say, scripted
from tests.workloads.ways import Do
from workloads import http_client, scrape_sites
from workloads.models import coroutines, hybrid, serial, threads
from workloads.models.failure import Failure
from workloads.robots import Rules
from workloads.scrape_sites import Fetched, Job, Moved, Page, compute, normal

HTML = "text/html; charset=utf-8"
Records = dict[str, Page | Failure]
Crawl = Callable[[Iterable[str]], Records]


def crawl_with(pool: Any, work: Any, sites: Iterable[str]) -> Records:
    """The records of a crawl through a model's pool."""
    with pool as run:
        return scrape_sites.drive(run, work, scrape_sites.jobs(tuple(sites)))


def serially(sites: Iterable[str]) -> Records:
    """The records of a crawl one page after the other."""
    return crawl_with(serial.pool(scrape_sites.client), scrape_sites.work, sites)


def with_threads(sites: Iterable[str]) -> Records:
    """The records of a crawl by eight threads."""
    pool = threads.pool(scrape_sites.client, in_flight=8)
    return crawl_with(pool, scrape_sites.work, sites)


def with_coroutines(sites: Iterable[str]) -> Records:
    """The records of a crawl on the event loop, eight pages at once."""
    pool = coroutines.pool(scrape_sites.client_async, in_flight=8, loop="asyncio")
    return crawl_with(pool, scrape_sites.work_async, sites)


def with_hybrid(sites: Iterable[str]) -> Records:
    """The records of a crawl that waits on the event loop and parses in processes."""
    pool = hybrid.pool(
        scrape_sites.client_async,
        in_flight=8,
        workers=2,
        start_method="forkserver",
        loop="asyncio",
    )
    return crawl_with(pool, (scrape_sites.fetch_async, scrape_sites.compute), sites)


@pytest.fixture(params=[serially, with_coroutines], ids=["blocking", "aiohttp"])
def crawl(request: pytest.FixtureRequest) -> Crawl:
    way: Crawl = request.param
    return way


# The whole web of the origin.


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with serve(Settings(sites=3, pages=40)) as running:
        yield running


@pytest.mark.parametrize("way", [serially, with_threads, with_coroutines, with_hybrid])
def test_a_crawl_finds_what_is_there(origin: Origin, way: Crawl) -> None:
    records = way(origin.urls)
    found = {url: record for url, record in records.items() if isinstance(record, Page)}
    expected = expected_records(origin.settings, origin.urls)
    assert found == {
        url: Page(record.title, record.items, record.links) for url, record in expected.items()
    }
    assert records.keys() - found.keys() == dead_ends(origin.urls)


def test_the_dead_ends_are_named(origin: Origin) -> None:
    records = serially(origin.urls)
    site = origin.urls[0]
    assert records[f"{site}missing.html"] == Failure(
        "StatusError", f"{site}missing.html: status 404"
    )
    assert records[f"{site}endless.html"] == Failure(
        "PageSizeError", f"{site}endless.html: longer than {scrape_sites.MAX_PAGE_SIZE} bytes"
    )
    assert records[f"{site}loop/a"] == Failure(
        "RedirectError", f"{site}loop/a: redirected too often"
    )


def test_each_address_is_asked_once_and_none_that_robots_txt_forbids(
    origin: Origin, crawl: Crawl
) -> None:
    origin.reset()
    crawl(origin.urls)
    served = origin.take_log().served
    assert {entry.attempt for entry in served} == {1}
    assert not [entry for entry in served if entry.target.startswith(("/private/", "/basket"))]


def test_faults_that_pass_change_nothing(crawl: Crawl) -> None:
    faults = Faults(
        dropped=0.05, reset=0.05, truncated=0.05, too_many=0.05, server_error=0.05, retry_after=0
    )
    with serve(Settings(sites=2, pages=20, seed=1, faults=faults)) as origin:
        records = crawl(origin.urls)
        faulty = [entry for entry in origin.take_log().served if entry.fault]
        assert faulty
        expected = expected_records(origin.settings, origin.urls)
        assert {url for url, record in records.items() if isinstance(record, Page)} == set(expected)


@pytest.mark.parametrize("way", [with_threads, with_coroutines])
def test_a_site_is_never_asked_more_at_once_than_is_polite(
    way: Crawl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrape_sites, "SITE_IN_FLIGHT", 2)
    with serve(Settings(sites=2, pages=30, latency=0.01)) as origin:
        way(origin.urls)
        served = origin.take_log().served
    for site in range(2):
        asked = [entry for entry in served if entry.site == site]
        assert len(asked) > 30
        assert most_at_once(asked) <= 2


def most_at_once(served: Sequence[Served]) -> int:
    """How many of a site's requests were under way at the same moment.

    Of a page without an end the origin hears late that the client has hung up, and has long been
    asked for the next: it counts as asked for as long as its answer had not begun.
    """
    ends = {
        id(entry): entry.started + entry.latency if entry.target == ENDLESS else entry.ended
        for entry in served
    }
    return max(
        sum(other.started <= entry.started < ends[id(other)] for other in served)
        for entry in served
    )


def test_32_in_flight_over_4_sites_are_polite() -> None:
    assert 4 * scrape_sites.SITE_IN_FLIGHT >= 32


# Robots, redirects and limits.


def link(*hrefs: str) -> bytes:
    """A page with these links."""
    return "".join(f'<a href="{href}">x</a>' for href in hrefs).encode()


def visited(records: Records) -> set[str]:
    """The paths of the pages that there is a record of."""
    return {URL(url).path for url, record in records.items() if isinstance(record, Page)}


def failures(records: Records) -> dict[str, str]:
    """The paths of the pages that failed, and how."""
    return {URL(url).path: f.type for url, f in records.items() if isinstance(f, Failure)}


def moved(to: str) -> Say:
    """A redirect."""
    return Say(status=301, headers={"Location": to})


def test_a_site_without_robots_txt_may_be_visited(crawl: Crawl) -> None:
    with scripted({"/": [Say(link("/a"))], "/a": [Say()]}) as site:
        assert visited(crawl([site.url("/")])) == {"/", "/a"}


def test_a_site_whose_robots_txt_is_out_of_reach_is_left_alone(crawl: Crawl) -> None:
    with scripted({"/robots.txt": [Say(status=500)], "/": [Say(link("/a"))]}) as site:
        records = crawl([site.url("/")])
        assert failures(records) == {"/robots.txt": "UnavailableError", "/": "RobotsError"}
        assert visited(records) == set()
        assert site.asked["/"] == 0


def test_a_site_that_is_left_alone_costs_no_other_its_pages(crawl: Crawl) -> None:
    wild = b"User-agent: *\n" + b"Disallow: /*a\nDisallow: /*b\n" + b"Allow: /*" + b"c" * 9_999
    with (
        scripted({"/robots.txt": [Say(wild)]}) as one,
        scripted({"/robots.txt": [Say(status=500)]}) as two,
        scripted({"/": [Say(link("/a"))], "/a": [Say()]}) as three,
    ):
        records = crawl([one.url("/"), two.url("/"), three.url("/")])
        assert {url: f.type for url, f in records.items() if isinstance(f, Failure)} == {
            one.url("/robots.txt"): "RulesError",
            one.url("/"): "RobotsError",
            two.url("/robots.txt"): "UnavailableError",
            two.url("/"): "RobotsError",
        }
        assert records[three.url("/a")] == Page()


def test_rules_count_for_all_and_for_us_by_name(crawl: Crawl) -> None:
    rules = b"User-agent: concurrency-lab\nDisallow: /a\n\nUser-agent: *\nDisallow: /\n"
    script = {"/robots.txt": [Say(rules)], "/": [Say(link("/a", "/b"))], "/b": [Say()]}
    with scripted(script) as site:
        assert visited(crawl([site.url("/")])) == {"/", "/b"}
        assert site.asked["/a"] == 0


def test_a_robots_txt_that_moved_is_followed(crawl: Crawl) -> None:
    script = {
        "/robots.txt": [moved("/rules")],
        "/rules": [Say(b"User-agent: *\nDisallow: /a\n")],
        "/": [Say(link("/a"))],
    }
    with scripted(script) as site:
        assert visited(crawl([site.url("/")])) == {"/"}


def test_an_off_site_link_is_recorded_and_not_followed(crawl: Crawl) -> None:
    with scripted({"/": [Say()]}) as other:
        with scripted(
            {"/": [Say(link(other.url("/"), "/gone"))], "/gone": [moved(other.url("/"))]}
        ) as site:
            records = crawl([site.url("/")])
        page = records[site.url("/")]
        assert isinstance(page, Page)
        assert other.url("/") in page.links
        assert other.asked.total() == 0
        assert visited(records) == {"/"}
        assert failures(records) == {}


def test_a_page_behind_a_redirect_is_known_by_its_final_address(crawl: Crawl) -> None:
    script = {
        "/": [Say(link("/old", "/new", "/new#part", "./new", "/old"))],
        "/old": [moved("new")],
        "/new": [Say()],
    }
    with scripted(script) as site:
        assert visited(crawl([site.url("/")])) == {"/", "/new"}
        assert site.asked["/new"] == 1
        assert site.asked["/old"] == 1


@pytest.mark.parametrize(
    ("hops", "named"),
    [
        ({"/a": "/a"}, "/a"),
        ({"/a": "/b", "/b": "/a"}, "/a"),
        ({"/a": "/b", "/b": "/c", "/c": "/b"}, "/b"),
        ({"/b": "/a", "/a": "/b", "/": "/"}, "/"),
    ],
    ids=["itself", "two", "a tail before it", "the first page"],
)
def test_a_circle_of_redirects_fails_once_for_the_page_met_first(
    crawl: Crawl, hops: dict[str, str], named: str
) -> None:
    script = {"/": [Say(link(*hops))]} | {url: [moved(to)] for url, to in hops.items()}
    with scripted(script) as site:
        records = crawl([site.url("/")])
        assert failures(records) == {named: "RedirectError"}
        assert max(site.asked.values()) == 1


def test_redirects_without_an_end_are_cut_by_count(
    crawl: Crawl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client.limits, "MAX_REDIRECTS", 3)
    chain = {f"/{n}": [moved(f"/{n + 1}")] for n in range(9)}
    with scripted({"/": [Say(link("/0"))]} | chain) as site:
        assert failures(crawl([site.url("/")])) == {"/3": "RedirectError"}
        assert site.asked["/4"] == 0


def test_a_redirect_to_no_address_is_a_failure(crawl: Crawl) -> None:
    with scripted({"/": [moved("mailto:nobody@example.test")]}) as site:
        assert failures(crawl([site.url("/")])) == {"/": "AddressError"}


def test_a_site_has_its_limit_of_pages_and_the_crawl_another(
    crawl: Crawl, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = {f"/{n}": [Say()] for n in range(9)}
    with scripted({"/": [Say(link(*pages))]} | pages) as one, scripted(one.script) as two:
        sites = [one.url("/"), two.url("/")]
        monkeypatch.setattr(scrape_sites, "MAX_PAGES_PER_SITE", 4)
        assert len(crawl(sites)) == 8
        monkeypatch.setattr(scrape_sites, "MAX_PAGES", 6)
        assert len(crawl(sites)) == 6


def test_a_level_asks_the_sites_in_turns() -> None:
    frontier = scrape_sites.Frontier()
    for site in ("http://a.test", "http://b.test"):
        frontier.open(f"{site}/robots.txt", Rules())
    for url in ("http://a.test/1", "http://a.test/2", "http://a.test/3", "http://b.test/1"):
        frontier.add(Job(url))
    urls = [job.url for job in frontier.next_level()]
    assert urls == ["http://a.test/1", "http://b.test/1", "http://a.test/2", "http://a.test/3"]
    assert frontier.next_level() == []


def test_a_page_may_be_as_long_as_the_limit_and_no_longer(
    do: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrape_sites, "MAX_PAGE_SIZE", 1000)
    with scripted({"/": [Say(bytes(1000))], "/long": [Say(bytes(1001))]}) as site:
        assert isinstance(do(scrape_sites, Job(site.url("/"))), Page)
        assert do(scrape_sites, Job(site.url("/long"))).type == "PageSizeError"


# What a page says.


def page(markup: str | bytes, content_type: str = HTML, url: str = "http://a.test/b/c") -> Page:
    """The record of a page with this markup."""
    body = markup if isinstance(markup, bytes) else markup.encode()
    result = compute(Job(url), Fetched(body, content_type, None))
    assert isinstance(result, Page)
    return result


def test_titles_items_and_links_are_recorded() -> None:
    markup = """
        <title> Fish &amp;
        chips </title>
        <div class="item hot"><b class=name>Cod</b> <i class=price>&euro;1,234.50</i></div>
        <div class=item><b class=name>Peas</b></div>
        <a href="/x">x</a> <a name=anchor>no link</a> <a href>here</a> <a href=" ../y ">y</a>
    """
    assert page(markup) == Page(
        "Fish & chips",
        (("Cod", 123_450),),
        ("http://a.test/x", "http://a.test/b/c", "http://a.test/y"),
    )


@pytest.mark.parametrize(
    "markup",
    [
        "<ul><li class=item><a href=/x><b class=name>Cod</a></b><i class='price'>$ 3<p></div></ul>",
        "<a href='/x'><table><div class=item><span class=name>Cod<span class=price>3.00",
        "</html><body></p><div class=item><a href=/x></a><p class=name>Cod<p class=price>3<//div>",
    ],
)
def test_broken_markup_is_read_as_a_browser_reads_it(markup: str) -> None:
    record = page(markup)
    assert [name.split()[0][:3] for name, _ in record.items] == ["Cod"]
    assert [cents for _, cents in record.items] == [300]
    assert record.links == ("http://a.test/x",)


@pytest.mark.parametrize("rubbish", [b"", b"\0" * 100, bytes(range(256)), b"<" * 1000])
def test_rubbish_is_an_empty_page(rubbish: bytes) -> None:
    assert page(rubbish) == Page()


@pytest.mark.parametrize(
    ("body", "content_type", "title"),
    [
        ("<title>café</title>".encode(), "text/html; charset=UTF-8", "café"),
        ("<title>café</title>".encode("latin-1"), 'text/html;charset="iso-8859-1"', "café"),
        ("<meta charset=iso-8859-1><title>café</title>".encode(), HTML, "café"),
        ("<meta charset=iso-8859-1><title>café</title>".encode("latin-1"), "text/html", "café"),
        ("<title>café</title>".encode(), "text/html", "café"),
        ("<title>café</title>".encode(), "", "café"),
        ("\ufeff<title>café</title>".encode("utf-16"), "text/html", "café"),
        ("<title>café</title>".encode(), "text/html; charset=no-such", "café"),
        ("<title>café</title>".encode("latin-1"), HTML, "caf\ufffd"),
        ("<title>café</title>".encode("latin-1"), "text/html; charset=rot13", "caf\ufffd"),
        *(
            (b"<title>caf\\x</title>", f"text/html; charset={label}", "caf\\x")
            for label in ("idna", "punycode", "undefined", "unicode_escape", "base64", "a" * 9_999)
        ),
        (b"<title>caf+2AA-</title>", "text/html; charset=utf-7", "caf+2AA-"),
        (b"<title>x</title>", "text/html; charset=\0", "x"),
        (b"<meta charset=punycode><title>a-b</title>", "text/html", "a-b"),
        (b"<meta charset=utf-16><title>x</title>", "text/html", "x"),
        (
            "<meta http-equiv=Content-Type content='x; charset=latin1'><title>é".encode("latin-1"),
            "text/html",
            "é",
        ),
        (b" " * 1_025 + "<meta charset=latin1><title>é".encode("latin-1"), "text/html", "\ufffd"),
        ("<title>é".encode("utf-16-le") + b"<", "text/html; charset=utf-16-le", "é\ufffd"),
    ],
    ids=[
        "header",
        "header, not UTF-8",
        "header before meta",
        "meta",
        "none",
        "no content type",
        "byte order mark",
        "unknown",
        "wrong",
        "no charset at all",
        *("idna", "punycode", "undefined", "unicode_escape", "base64", "long"),
        "utf-7",
        "NUL",
        "meta, unusable",
        "meta, not what it was read in",
        "meta http-equiv",
        "meta too late",
        "half a character",
    ],
)
def test_the_charset_is_found_and_wrong_bytes_are_survived(
    body: bytes, content_type: str, title: str
) -> None:
    assert page(body, content_type).title == title


@pytest.mark.parametrize(
    "content_type", ["image/png", "text/plain; charset=utf-8", "application/json"]
)
def test_what_is_no_html_is_an_empty_page(content_type: str) -> None:
    assert page("<title>x</title><a href=/x>", content_type) == Page()


def test_links_start_from_the_base_that_the_page_names() -> None:
    assert page('<base href="/d/"><a href="x">').links == ("http://a.test/d/x",)
    assert page('<base href="http://[">' + '<a href="x">').links == ("http://a.test/b/x",)


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("", "http://a.test/b/c?q=1"),
        ("#top", "http://a.test/b/c?q=1"),
        ("d", "http://a.test/b/d"),
        ("../../../d", "http://a.test/d"),
        ("?y=2&x=1#top", "http://a.test/b/c?x=1&y=2"),
        ("//b.test", "http://b.test/"),
        ("HTTP://A.test:80/d/../e", "http://a.test/e"),
        ("https://a.test:443/", "https://a.test/"),
        ("/caf\u00e9 1", "http://a.test/caf%C3%A9%201"),
        ("mailto:a@a.test", None),
        ("javascript:go('/x')", None),
        ("ftp://a.test/x", None),
        ("http://[bad/", None),
        ("http://a.test:99999/", None),
        ("http://a b.test/", None),
        ("http://a%62.test/", None),
        ("/a\udce9", "http://a.test/a%EF%BF%BD%EF%BF%BD%EF%BF%BD"),
    ],
)
def test_each_page_has_one_address(href: str, url: str | None) -> None:
    assert normal(URL("http://a.test/b/c?q=1"), href) == url


# Bounds: what is beyond them is cut, and said.


def test_a_page_within_all_bounds_has_nothing_cut() -> None:
    assert page("<title>x</title><div class=item><b class=name>y</b><b class=price>1</b>").cut == ()


@pytest.mark.parametrize(
    ("price", "cents"),
    [("9" * 15, 10**17 - 100), ("1,234.5", 123_450), ("9" * 16, 0), ("9" * 900_000, 0)],
    ids=["the most digits", "fewer", "one too many", "very many"],
)
def test_a_price_of_too_many_digits_counts_as_none(price: str, cents: int) -> None:
    record = page(f"<div class=item><b class=name>Cod</b><b class=price>{price}")
    assert record.items == (("Cod", cents),)
    assert record.cut == (() if cents else ("prices of more than 15 digits",))
    assert repr(record)


def test_a_page_has_so_many_links_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrape_sites, "MAX_LINKS", 3)
    assert page(link("/1", "/2", "/3", "/1")).cut == ()
    record = page(link("/1", "/2", "/3", "/4"))
    assert record.links == ("http://a.test/1", "http://a.test/2", "http://a.test/3")
    assert record.cut == ("links after the first 3",)


def test_a_page_has_so_many_items_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrape_sites, "MAX_ITEMS", 2)
    item = "<p class=item><b class=name>Cod</b> <b class=price>3</b>"
    assert page(item * 2) == Page(items=(("Cod", 300),) * 2)
    assert page(item * 3) == Page(items=(("Cod", 300),) * 2, cut=("items after the first 2",))


@pytest.mark.parametrize(
    "markup", ["<title>{}", "<p class=item><b class=price>1</b><i class=name>{}"]
)
def test_texts_have_so_many_characters_and_no_more(
    markup: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrape_sites, "MAX_TEXT", 5)
    assert page(markup.format("abcde")).cut == ()
    record = page(markup.format("abcdef"))
    assert "abcde" in (record.title, *(name for name, _ in record.items))
    assert record.cut == ("characters of a text after the first 5",)


A_LONG_PATH = "/" + "a" * (scrape_sites.MAX_ADDRESS - len("http://a.test/"))


@pytest.mark.parametrize(
    "too_long",
    [A_LONG_PATH + "a", "/" + "../" * 300_000, "/?" + "&".join(f"{n}=" for n in range(100_000))],
    ids=["by one", "dots", "parameters"],
)
def test_an_address_has_so_many_characters_and_no_more(too_long: str) -> None:
    assert page(link(A_LONG_PATH)) == Page(links=(f"http://a.test{A_LONG_PATH}",))
    record = page(link(too_long, "/x"))
    assert record.links == ("http://a.test/x",)
    assert record.cut == ("addresses longer than 2048 characters",)


def test_links_do_not_grow_from_page_to_page() -> None:
    assert page(link("b"), url=f"http://a.test{A_LONG_PATH[:-1]}/").links == ()


def test_a_base_that_is_too_long_is_none() -> None:
    record = page(f'<base href="{A_LONG_PATH * 2}/">'.encode() + link("x"))
    assert record.links == ("http://a.test/b/x",)
    assert record.cut == ("addresses longer than 2048 characters",)


def test_a_redirect_to_an_address_that_is_too_long_is_a_failure() -> None:
    job = Job("http://a.test/")
    assert compute(job, Fetched(b"", HTML, A_LONG_PATH)) == Moved(f"http://a.test{A_LONG_PATH}")
    with pytest.raises(http_client.AddressError):
        compute(job, Fetched(b"", HTML, A_LONG_PATH + "a"))


def test_what_is_cut_is_the_same_under_every_model() -> None:
    deep = b"<div class=item><b class=name>Cod</b><b class=price>3</b>" + b"<div>" * 2_000
    script = {"/": [Say(link("/deep", "/sum"))], "/deep": [Say(deep)]} | {
        "/sum": [Say(b"<p class=item><b class=name>Cod</b><b class=price>" + b"9" * 9_000)]
    }
    with scripted(script) as site:
        ways = (serially, with_threads, with_coroutines, with_hybrid)
        records = [way([site.url("/")]) for way in ways]
        assert records == [records[0]] * len(ways)
        cut = {URL(url).path: record.cut for url, record in records[0].items()}  # type: ignore[union-attr]
        assert cut == {
            "/": (),
            "/deep": ("all after a depth of 256 elements",),
            "/sum": ("prices of more than 15 digits",),
        }


def test_a_redirect_says_where_to() -> None:
    job = Job("http://a.test/b/c")
    assert compute(job, Fetched(b"", HTML, "../d#x")) == Moved("http://a.test/d")


def test_a_robots_txt_is_text_whatever_its_bytes() -> None:
    job = Job("http://a.test/robots.txt", robots=True)
    rules = compute(job, Fetched(b"# caf\xe9\nUser-agent: *\nDisallow: /a\n", HTML, None))
    assert isinstance(rules, Rules)
    assert [rules.allow(path) for path in ("/a", "/b")] == [False, True]


def test_the_first_jobs_are_each_site_s_robots_txt_and_first_page() -> None:
    jobs = list(scrape_sites.jobs(["http://a.test", "http://b.test:8000/docs/"]))
    assert jobs == [
        Job("http://a.test/robots.txt", robots=True),
        Job("http://a.test/"),
        Job("http://b.test:8000/robots.txt", robots=True),
        Job("http://b.test:8000/docs/"),
    ]


def test_a_charset_is_looked_for_in_one_pass() -> None:
    assert not {"*", "+"} & set(scrape_sites.CHARSET.pattern)  # nothing repeats without a bound
    blanks = f"text/html; charset={' ' * 60_000}!"  # took 45 s of CPU
    page = scrape_sites.compute(Job("http://a.test/"), Fetched(b"<title>x", blanks, None))
    assert page == Page(title="x")
