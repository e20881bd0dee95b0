"""scrape_sites, fuzzed: whatever servers say, a job ends in a record or in a RequestError."""

import pickle

import pytest

pytest.importorskip("aiohttp", reason="no wheel of aiohttp for this Python")
pytest.importorskip("selectolax", reason="no wheel of selectolax for this Python")
pytest.importorskip("hypothesis", reason="no wheel of hypothesis for this Python")

from encodings.aliases import aliases

from hypothesis import example, given, settings
from hypothesis import strategies as st
from yarl import URL

from workloads.http_client import RequestError
from workloads.models.failure import attempt
from workloads.robots import Rules
from workloads.scrape_sites import (
    Fetched,
    Frontier,
    Job,
    Moved,
    Page,
    compute,
    drive,
    normal,
    normal_links,
    site_of,
)

fuzzed = settings(max_examples=250, database=None)
fuzzed_crawl = settings(fuzzed, max_examples=50)

HERE = ("http://a.test/", "http://a.test/b/c.html", "http://a.test:81/b/c/", "http://a.test/b?q=/c")
PARTS = ("a", "b.html", "..", ".", "/", "//", "?", "#", "=", "&", "~x", "-", "_", ":", "%20", "é")
ODD = (
    *("http:", "https://", "@", "[", "]", "[::1]", ":99999", ":0", "\\", "\0", "\ud800", "\u2100"),
    *(
        "%",
        "%zz",
        "%ED%A0%80",
        "+",
        ";",
        "*",
        "$",
        "\u00b2",
        "a.test",
        "\n",
        " ",
        "xn--a",
        "9" * 70,
    ),
)

hrefs = st.one_of(st.lists(st.sampled_from(PARTS + ODD), max_size=8).map("".join), st.text())


@given(st.sampled_from(HERE), st.lists(st.sampled_from(PARTS), max_size=6).map("".join))
@fuzzed
def test_the_short_way_with_a_plain_path_gives_the_url_of_the_long_way(
    here: str, href: str
) -> None:
    url = normal(URL(here), href)
    assert list(normal_links(URL(here), [href])) == ([] if url is None else [url])


@given(st.sampled_from(HERE), hrefs)
@fuzzed
def test_an_address_is_normal_once_and_for_all_or_none(here: str, href: str) -> None:
    for url in (normal(URL(here), href), *normal_links(URL(here), [href])):
        if url is not None:
            assert normal(URL(url), url) == url
            assert url.startswith((f"{site_of(url)}/", "http"))
            assert url.isascii()
            frontier = Frontier()
            frontier.open(url, Rules.read(url, "User-agent: *\nDisallow: /*a\nAllow: /b", "x"))
            frontier.add(Job(url))


lines = st.one_of(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(("User-agent", "Disallow", "Allow", "Crawl-delay", "Request-rate", "Host")),
        st.sampled_from((":", ": ", " : ", "")),
        st.one_of(st.just("*"), hrefs),
    ),
    st.text(),
)


@given(st.lists(lines), st.sampled_from("\n\r"), hrefs)
@example(["User-agent: *", "Crawl-delay: \u00b2"], "\n", "/")
@example(["User-agent: *", "Disallow: //["], "\n", "/")
@fuzzed
def test_a_robots_txt_says_yes_or_no_to_each_address(said: list[str], end: str, path: str) -> None:
    body = end.join(said).encode(errors="surrogatepass")
    rules = compute(Job("http://a.test/robots.txt", robots=True), Fetched(body, "", None))
    assert isinstance(rules, Rules)
    assert rules.allow(path) in (True, False)
    assert pickle.loads(pickle.dumps(rules)) == rules


labels = st.one_of(
    st.sampled_from(sorted({*aliases, *aliases.values()})),
    st.sampled_from(("idna", "undefined", "unicode_escape", "\0", "x" * 9_999, "utf-16", "utf-7")),
    st.text(),
)
snippets = st.one_of(
    st.sampled_from(
        (
            *("<title>", "</title>", "<p class=item>", "<b class=name>", "<b class=price>", "</b>"),
            *("<a href=", "<base href=", ">", '"', "'", "<template>", "<svg>", "<!--", "<table>"),
            *("<meta charset=", "&#xD800;", "&#0;", "\u00b2", "9" * 5_000, ",", "€1.50", "\\u"),
        )
    ),
    hrefs,
)
markup = st.lists(snippets, max_size=20).map("".join)
bodies = st.one_of(
    st.binary(),
    markup.map(lambda text: text.encode(errors="surrogatepass")),
    markup.map(lambda text: text.encode("utf-16", errors="surrogatepass") + b"\0"),
)


@given(bodies, st.builds("text/html; charset={}".format, labels), st.none() | hrefs)
@example(b"+2AA-", "text/html; charset=utf-7", None)
@fuzzed
def test_an_answer_is_a_record_or_a_request_error(
    body: bytes, content_type: str, location: str | None
) -> None:
    try:
        result = compute(Job(HERE[1]), Fetched(body, content_type, location))
    except RequestError:
        return
    assert isinstance(result, Page | Moved)
    assert pickle.loads(pickle.dumps(result)) == result
    assert repr(result).encode()


@given(st.lists(hrefs, max_size=5), st.lists(hrefs, max_size=5))
@fuzzed_crawl
def test_a_crawl_ends_whatever_pages_link_and_move_to(links: list[str], moves: list[str]) -> None:
    page = "".join(f"<a href='{href}'>" for href in links).encode(errors="replace")
    asked = []

    def answer(job: Job) -> object:
        asked.append((job.url, job.robots))
        turn = len(asked)
        location = moves[turn % len(moves)] if moves and turn % 2 else None
        return attempt(compute, job, Fetched(page, "text/html", location))

    first = [Job("http://a.test/robots.txt", robots=True), Job("http://a.test/")]
    records = drive(lambda _, jobs: map(answer, jobs), answer, first)
    assert len(asked) == len(set(asked))
    assert set(records) <= {url for url, _ in asked}
