"""Crawls with Scrapy in a process of its own: a line of JSON in, a crawl, a line of JSON out.

Started as ``python -m conlab.bench.peers.scrapy_child SETTINGS`` by ``scrapy_crawl``. A line that
comes in lists the sites' front pages. The line that goes out holds the seconds that the crawl took
by Scrapy's own statistics, and {URL: [title, items, links]}. The process ends with its input.
"""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

from scrapy import Request, Spider
from scrapy.crawler import AsyncCrawlerRunner
from scrapy.http import HtmlResponse, Response
from scrapy.settings import Settings
from scrapy.utils.reactor import install_reactor
from w3lib.url import canonicalize_url

REACTOR = "twisted.internet.asyncioreactor.AsyncioSelectorReactor"
AMOUNT = re.compile(r"\d[\d,]*(?:\.\d+)?")


class Shop(Spider):
    """Takes from each page what ``scrape_sites`` takes, in the way that Scrapy's tutorial shows."""

    name = "shop"
    allowed_domains = ("127.0.0.1",)
    sites: list[str]
    records: dict[str, Any]

    async def start(self) -> AsyncIterator[Request]:
        """Ask for the front pages."""
        for url in self.sites:
            yield Request(url)

    def parse(self, response: Response, **_: Any) -> Iterator[Request]:
        """Record the page and ask for what it links to."""
        if not isinstance(response, HtmlResponse):
            self.records[response.url] = ("", [], [])
            return
        items = [
            (in_one_line(name), price_in_cents(price))
            for item in response.css(".item")
            if (name := item.css(".name::text").get()) and (price := item.css(".price::text").get())
        ]
        hrefs = dict.fromkeys(response.css("a::attr(href)").getall())
        urls = (response.urljoin(href.strip()) for href in hrefs)
        links = dict.fromkeys(canonicalize_url(url) for url in urls if url.startswith("http"))
        title = in_one_line(response.css("title::text").get(""))
        self.records[response.url] = (title, items, list(links))
        for link in links:
            yield Request(link)


def in_one_line(text: str) -> str:
    """The text, each white space in it one blank."""
    return " ".join(text.split())


def price_in_cents(price: str) -> int:
    """The cents of an amount such as €1,234.50; 0 if there is none."""
    amount = AMOUNT.search(price)
    return int(Decimal(amount[0].replace(",", "")) * 100) if amount else 0


async def crawl_on_demand(settings: dict[str, Any]) -> None:
    """Crawl once for each line of the standard input."""
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        records: dict[str, Any] = {}
        runner = AsyncCrawlerRunner(Settings(settings))
        crawler = runner.create_crawler(Shop)
        await runner.crawl(crawler, sites=json.loads(line), records=records)
        seconds = crawler.stats.get_value("elapsed_time_seconds")
        answer = {"seconds": seconds, "records": records}
        print(json.dumps(answer), flush=True)


def main() -> None:
    """Install Scrapy's reactor, and crawl within it."""
    settings = json.loads(sys.argv[1])
    install_reactor(REACTOR, settings.get("ASYNCIO_EVENT_LOOP"))
    from twisted.internet.defer import Deferred
    from twisted.internet.task import react

    def crawls(_reactor: Any) -> Any:
        return Deferred.fromFuture(asyncio.ensure_future(crawl_on_demand(settings)))

    react(crawls)


if __name__ == "__main__":
    main()
