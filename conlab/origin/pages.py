"""The sites to crawl: graphs of shop pages from a seed, and what a perfect crawl finds in them.

A site's pages form a tree of at most four levels below which no page lies; the rest of the links
criss-cross it. Around the pages stand the things a crawler meets in the wild: see ``DEAD_ENDS``.
"""

import itertools
import posixpath
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from html import escape
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from conlab.errors import UserError
from conlab.origin.resources import PIECE, Resource, held
from conlab.origin.settings import Settings

ROBOTS = """\
User-agent: *
Disallow: /private/
Disallow: /basket
"""
FORBIDDEN = ("/private/accounts.html", "/private/orders.html", "/basket?add=1")
LOOP = "/loop/a"
REDIRECTING = 8  # so many pages of a site are also linked to by an old address
REDIRECTS = {LOOP: "/loop/b", "/loop/b": LOOP, "/index.html": "/"}
MISSING = "/missing.html"
ENDLESS = "/endless.html"
DEAD_ENDS = (LOOP, MISSING, ENDLESS)  # allowed by robots.txt, and yet no record comes of them
OFF_SITE = "http://off-site.invalid/"  # RFC 2606: never resolves

# How fast the endless page is: as fast as it is read up to here, so that a client's limit in bytes
# is met at once, and then slowly enough to cost the origin nothing.
ENDLESS_BURST = 4 * 1024 * 1024
ENDLESS_PERIOD = 0.1

ADJECTIVES = ("Amber", "Brisk", "Calm", "Dusty", "Faint", "Hollow", "Jagged", "Keen", "Lunar")
NOUNS = ("anchor", "basin", "candle", "easel", "flask", "globe", "hinge", "inkwell", "lantern")
ITEMS_A_PAGE = 10


@dataclass(frozen=True, slots=True)
class Record:
    """What a scraper takes from a page.

    ``items`` are pairs of a name and a price in cents, in the order of the page. ``links`` are
    the page's links to http addresses as ``normal_url`` gives them, each once, in that order.
    """

    title: str
    items: tuple[tuple[str, int], ...]
    links: tuple[str, ...]


def normal_url(url: str) -> str:
    """The one spelling of a URL: no fragment, the query's parameters sorted, at least ``/``."""
    parts = urlsplit(url)
    query = urlencode(sorted(parse_qsl(parts.query, keep_blank_values=True)))
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, ""))


def expected_records(settings: Settings, urls: Sequence[str]) -> dict[str, Record]:
    """What a perfect crawl of the sites at ``urls`` finds: {final URL: record}.

    Faults aside: an attempt that a fault spoils is taken to be repeated until it passes. Raises
    UserError for sites that are a folder of the reader's own, as nothing is known of those.
    """
    if settings.html is not None:
        raise UserError(f"html is {str(settings.html)!r}: records are known of made pages only")
    records = {}
    for site, base in enumerate(urls):
        for number in range(settings.pages):
            page = _page(settings.seed, site, settings.pages, number)
            url = normal_url(urljoin(base, page.target))
            links = (urljoin(url, link) for link in page.links)
            kept = (normal_url(link) for link in links if link.startswith("http"))
            records[url] = Record(page.title, page.items, tuple(dict.fromkeys(kept)))
    return records


def dead_ends(urls: Sequence[str]) -> set[str]:
    """The URLs at ``urls`` that a crawl must try, and that end in a failure."""
    return {urljoin(base, target) for base in urls for target in DEAD_ENDS}


def page_resource(settings: Settings, site: int, path: str, query: str) -> Resource | None:
    """The page at a path, robots.txt among them; None where there is none."""
    if path == "/robots.txt":
        return held(ROBOTS.encode(), '"robots"', "text/plain; charset=utf-8")
    if path == "/basket" or path.startswith("/private/"):
        return _FORBIDDEN_PAGE
    number = _number_at(settings, path, query)
    if number is None:
        return None
    return _rendered(settings.seed, site, settings.pages, number)


def redirect_target(settings: Settings, path: str) -> str | None:
    """Where a path redirects to, or None."""
    if path in REDIRECTS:
        return REDIRECTS[path]
    number = _digits(path, "/old/", ".html")
    if number is None or number >= min(settings.pages, REDIRECTING):
        return None
    return _target(number, settings.pages)


def endless_pieces() -> Iterator[bytes]:
    """The endless page: a head, pieces of ``PIECE`` bytes up to the burst, then small ones."""
    yield b"<!doctype html><html><head><title>Endless</title></head><body><ul>"
    row = b'<li><a href="/">more and more and more</a>'
    large = row * (PIECE // len(row))
    yield from itertools.repeat(large, ENDLESS_BURST // len(large))
    yield from itertools.repeat(row * 4)


@dataclass(frozen=True, slots=True)
class _Page:
    """A page before it is markup: ``links`` are as they are spelled in it, in its order."""

    target: str
    title: str
    items: tuple[tuple[str, int], ...]
    item_links: tuple[str, ...]
    navigation: tuple[str, ...]
    asides: tuple[str, ...]
    quirk: str

    @property
    def links(self) -> tuple[str, ...]:
        return self.navigation + self.item_links + self.asides


QUIRKS = ("broken markup", "unknown charset", "stray bytes", "meta lies")


@cache
def _fan_out(pages: int) -> int:
    """The least number of children a page that puts all pages within four levels."""
    return next(n for n in itertools.count(1) if 1 + n + n**2 + n**3 >= pages)


def _target(number: int, pages: int) -> str:
    """The path, and for some the query, of a page: the spelling its own site redirects to."""
    if number == 0:
        return "/"
    if number * _fan_out(pages) + 1 < pages:
        return f"/shelf/{number}.html"
    if number % 10 == 7:
        return f"/lookup?id={number}&view=full"
    return f"/ware/{number}.html"


def _number_at(settings: Settings, path: str, query: str) -> int | None:
    if path == "/lookup":
        number = _digits(dict(parse_qsl(query)).get("id", ""), "", "")
    else:
        number = _digits(path, "/shelf/", ".html")
        number = _digits(path, "/ware/", ".html") if number is None else number
        number = 0 if path == "/" else number
    if number is None or number >= settings.pages:
        return None
    canonical = _target(number, settings.pages).partition("?")
    asked = "&".join(sorted(query.split("&"))) if path == "/lookup" else ""
    return number if (path, asked) == (canonical[0], canonical[2]) else None


def _digits(text: str, before: str, after: str) -> int | None:
    digits = text.removeprefix(before).removesuffix(after)
    if text != before + digits + after or not digits.isascii() or not digits.isdecimal():
        return None
    return int(digits) if len(digits) <= 9 else None


def _page(seed: int, site: int, pages: int, number: int) -> _Page:
    chance = random.Random(f"page {seed} {site} {number}")
    fan_out = _fan_out(pages)
    children = range(number * fan_out + 1, min(pages, (number + 1) * fan_out + 1))
    linked = [*children, *(chance.randrange(pages) for _ in range(ITEMS_A_PAGE - len(children)))]
    target = _target(number, pages)
    items = tuple(
        (
            f"{chance.choice(ADJECTIVES)} {chance.choice(NOUNS)} no. {other}",
            chance.randrange(99, 250_000),
        )
        for other in linked
    )
    quirk = QUIRKS[number // 6 % len(QUIRKS)] if number % 6 == 5 else ""
    if quirk == "meta lies":
        items = tuple((f"Café {name}", price) for name, price in items)
    return _Page(
        target=target,
        title=f"{'Home' if number == 0 else f'Page {number}'} & more of shop {site}",
        items=items,
        item_links=tuple(_spelled(chance, target, _target(other, pages)) for other in linked),
        navigation=("/", f"/old/{chance.randrange(min(pages, REDIRECTING))}.html", "/index.html"),
        asides=_asides(seed, site, pages, number),
        quirk=quirk,
    )


def _spelled(chance: random.Random, here: str, there: str) -> str:
    """A link as an author might have written it: all spellings mean the same page."""
    path, _, query = there.partition("?")
    if chance.random() < 0.5:
        query = "&".join(reversed(query.split("&")))
    if chance.random() < 0.5 and path != "/":
        path = posixpath.relpath(path, posixpath.dirname(here.partition("?")[0]))
    fragment = chance.choice(("", "", "#top", "#reviews"))
    return path + (query and f"?{query}") + fragment


def _asides(seed: int, site: int, pages: int, number: int) -> tuple[str, ...]:
    """The traps among a page's links: each stands on one page near the root."""
    chance = random.Random(f"asides {seed} {site}")
    near_the_root = min(pages, 1 + _fan_out(pages))
    traps = (*FORBIDDEN, *DEAD_ENDS, OFF_SITE, "mailto:shop@off-site.invalid", "#top")
    return tuple(trap for trap in traps if chance.randrange(near_the_root) == number)


_FORBIDDEN_PAGE = held(
    b"<!doctype html><title>Private</title><p>robots.txt said not to come here.",
    '"forbidden"',
    "text/html; charset=utf-8",
)


@lru_cache(maxsize=4096)
def _rendered(seed: int, site: int, pages: int, number: int) -> Resource:
    page = _page(seed, site, pages, number)
    content_type, meta = "text/html; charset=utf-8", "utf-8"
    match page.quirk:
        case "unknown charset":
            content_type = "text/html; charset=x-no-such-charset"
        case "meta lies":
            meta = "iso-8859-1"
    text = _broken_markup(page) if page.quirk == "broken markup" else _markup(page, meta)
    body = text.encode()
    if page.quirk == "stray bytes":
        body = body.replace(b"<footer>", b"<footer>caf\xe9 \xff\xfe ")
    return held(body, f'"{seed}-{site}-{number}-{len(body)}"', content_type)


def _markup(page: _Page, charset: str) -> str:
    rows = "\n".join(
        f'    <li class="item">\n      <a href="{escape(link)}">'
        f'<span class="name">{escape(name)}</span></a>\n'
        f'      <span class="price">&euro;{cents // 100:,}.{cents % 100:02}</span>\n'
        f"      <p>{FILLER}</p>\n    </li>"
        for (name, cents), link in zip(page.items, page.item_links, strict=True)
    )
    return f"""\
<!doctype html>
<html lang="en">
<head>
  <meta charset="{charset}">
  <title>{escape(page.title)}</title>
  <link rel="stylesheet" href="/style.css">
  <script>var price = "<li class='item'>none</li>";</script>
</head>
<body>
  <nav>{"".join(f'<a href="{escape(link)}">{escape(link)}</a> ' for link in page.navigation)}</nav>
  <h1>{escape(page.title)}</h1>
  <ul class="items">
{rows}
  </ul>
  <!-- <a href="/commented-out.html">not a link</a> -->
  <aside>{"".join(f'<a href="{escape(link)}">aside</a> ' for link in page.asides)}</aside>
  <footer>All prices are made up.</footer>
</body>
</html>
"""


def _broken_markup(page: _Page) -> str:
    """The same page as a person might have typed it, which browsers read all the same."""
    rows = "\n".join(
        f'<LI class=item><a href="{link}"><span class=name>{name}</span></a></b>'
        f"<span class='price'>&euro;{cents // 100:,}.{cents % 100:02}</span><p>{FILLER}"
        for (name, cents), link in zip(page.items, page.item_links, strict=True)
    )
    return f"""\
<html><head><title>{page.title}</title>
<body bgcolor=white><nav>{"".join(f"<a href={link}>{link}</a> " for link in page.navigation)}</nav>
<h1>{page.title}</h2>
<ul class=items>
{rows}
</div></ul><aside>{"".join(f"<a href='{link}'>aside</a> " for link in page.asides)}
"""


FILLER = (
    "Made to order by people who take their time. Wipe with a dry cloth, keep out of the rain, and"
    " do not leave it on a window sill in the sun for longer than an afternoon. Dispatched within"
    " three days; returns are taken for thirty."
)
