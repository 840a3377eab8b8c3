"""What a page costs in the archive, against warcio's plain gzip writer; and what the same page costs when it comes again."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import random
from io import BytesIO
from pathlib import Path

import pytest
from invented import held, say
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from torwatch.archive.index import Entry, index_path, write_index
from torwatch.archive.strip import strip_data_uris
from torwatch.archive.writer import open_archive
from torwatch.config_sections import TOR_BROWSER_HEADERS, TOR_BROWSER_USER_AGENT
from torwatch.model import Fetched, Outcome

BAR_FIRST = 1.05  # of the bytes that the plain writer needs
BAR_AGAIN = 0.1
ONION = "http://" + "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz234567", k=55)) + "d.onion"
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
HEADERS = (("Content-Type", "text/html; charset=utf-8"), ("Server", "nginx"), ("Date", "Sun, 01 Mar 2026 12:00:00 GMT"))
ASKED = (("User-Agent", TOR_BROWSER_USER_AGENT), *TOR_BROWSER_HEADERS.items())
STAND_INS = 60  # pages, about as large as the median of saved ones


@pytest.fixture(scope="module")
def bodies(checkout):
    """Distinct saved pages where they are, without data: URIs; else invented ones of their size."""
    folder = Path(os.environ.get("TORWATCH_CORPUS") or checkout.parent / "shared" / "corpus") / "pages"
    found = sorted({strip_data_uris(file.read_bytes())[0] for file in folder.glob("*/*.html")}) if folder.is_dir() else []
    say(f"\n{len(found)} saved pages" if found else f"\n{STAND_INS} invented pages")
    return found or [invented_page(random.Random(number)) for number in range(STAND_INS)]


def invented_page(rng):
    words = ["".join(rng.choices("abcdefghijklmnop", k=6)) for _ in range(2000)]
    rows = (
        f'<div class="row"><a href="/item/{rng.randrange(10**6)}">{rng.choice(words)} {rng.choice(words)}</a></div>' for _ in range(700)
    )
    return "".join(rows).encode()


def take(warc, bodies, day):
    """Bytes that one snapshot of the pages takes; with its index, as the end of a walk leaves it."""
    entries = []
    with open_archive(warc, referenced_bytes=0) as archive:
        for number, body in enumerate(bodies):
            digest = hashlib.sha256(body).hexdigest()
            at = NOON + dt.timedelta(days=day, seconds=number)
            page = Fetched(f"{ONION}/item/{number}", Outcome.OK, at, 900, 200, HEADERS, body, digest=digest, request_headers=ASKED)
            offset, length = archive.write_exchange(page, body, 0)
            entries.append(Entry(page.url, f"{at:%Y%m%d%H%M%S}", "ok", "listing", 200, digest, warc.name, offset, length))
        size = archive.sync()
    write_index(index_path(warc), entries)
    return size


def take_plainly(bodies, *, requests):
    """Bytes that warcio's own writer needs for the same pages, with or without a record of each request."""
    sink = BytesIO()
    writer = WARCWriter(sink, gzip=True, warc_version="WARC/1.1")
    for number, body in enumerate(bodies):
        url = f"{ONION}/item/{number}"
        head = StatusAndHeaders("200 OK", list(HEADERS), "HTTP/1.1")
        response = writer.create_warc_record(url, "response", payload=BytesIO(body), length=len(body), http_headers=head)
        if requests:
            asked = StatusAndHeaders(f"GET /item/{number} HTTP/1.1", list(ASKED), is_http_request=True)
            request = writer.create_warc_record(url, "request", payload=BytesIO(b""), length=0, http_headers=asked)
            writer.write_request_response_pair(request, response)
        else:
            writer.write_record(response)
    return len(sink.getvalue())


def bench_bytes_per_page(bodies, tmp_path):
    first, again = take(tmp_path / "00000001.warc.gz", bodies, 0), take(tmp_path / "00000002.warc.gz", bodies, 7)
    plain, bare = take_plainly(bodies, requests=True), take_plainly(bodies, requests=False)
    pages = len(bodies)
    say(
        f"a page of {sum(map(len, bodies)) / pages:,.0f} bytes takes {first / pages:,.0f} in the archive, {first / plain:.3f} of warcio's plain"
        f" writer ({first / bare:.3f} of one that keeps no requests); when it comes again {again / pages:,.0f} bytes, {again / plain:.3f}"
    )
    held("a first snapshot against warcio's plain gzip writer", first / plain, BAR_FIRST)
    held("the same pages again", again / plain, BAR_AGAIN)
