"""The rival: a Scrapy spider as its users write one, with torwatch's own parser; run by crawl_race.py with the Python of .venv-bench.

Arguments: address of the market, parser, proxy, connections, file for the records. Prints one line of JSON: seconds from the first request to
the last record, and pages.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

sys.path += [
    str(Path(__file__).parents[2]),
    *map(str, Path(__file__).parents[2].glob(".venv/lib/python3*/site-packages")),
]  # for the parser

import scrapy
from scrapy.crawler import CrawlerProcess

from torwatch.parsing.parse_page import parse_bytes
from torwatch.parsing.registry import load_parser


class MarketSpider(scrapy.Spider):
    """Follows what the parser finds, and yields every record."""

    name = "market"

    def __init__(self, address, parser, proxy, **options):
        super().__init__(**options)
        self.address = address
        self.parser = load_parser(parser)
        self.proxy = proxy

    async def start(self):
        for path in self.parser.market.start:
            yield self.request(path)

    def request(self, path):
        return scrapy.Request(self.address + path, meta={"proxy": self.proxy})

    def parse(self, response):
        parsed = parse_bytes(
            self.parser,
            response.body,
            path=response.url,
            content_type=response.headers.get("Content-Type", b"").decode("latin-1"),
            fetched_at=dt.datetime.now(dt.UTC),
        )
        for record in (*parsed.listings, *parsed.vendors, *parsed.feedback):
            yield {"kind": type(record).__name__, **asdict(record)}
        for link in parsed.links:
            yield self.request(link.path)


def main(address, parser, proxy, connections, records):
    process = CrawlerProcess(
        {
            "CONCURRENT_REQUESTS": int(connections),
            "CONCURRENT_REQUESTS_PER_DOMAIN": int(connections),
            "DOWNLOAD_DELAY": 0,
            "ROBOTSTXT_OBEY": False,
            "LOG_LEVEL": "ERROR",
            "TELNETCONSOLE_ENABLED": False,
            "FEEDS": {records: {"format": "jsonlines"}},
        }
    )
    crawler = process.create_crawler(MarketSpider)
    started = time.monotonic()
    process.crawl(crawler, address=address, parser=parser, proxy=proxy)
    process.start()
    seconds = time.monotonic() - started
    stats = crawler.stats.get_stats()
    said = {
        "seconds": seconds,
        "pages": stats.get("downloader/response_status_count/200", 0),
        "records": stats.get("item_scraped_count", 0),
        "errors": sum(count for name, count in stats.items() if name.startswith(("spider_exceptions", "retry/max_reached"))),
    }
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
