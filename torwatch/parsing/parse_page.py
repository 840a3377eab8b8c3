"""One page through one parser, in this process: pure, and nothing but ParserError is ever raised."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from torwatch.errors import ParserError
from torwatch.model import Evidence, Feedback, Link, Listing, Outcome, PageInfo, PageKind, Parsed, Vendor
from torwatch.parserkit import KindSpec, Market, Obstacle, Page, open_page
from torwatch.parserkit.decode import MAX_BYTES
from torwatch.parserkit.page import split_host
from torwatch.parserkit.selectors import find

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from torwatch.parsing.registry import Parser

MAX_COUNT = 10**18  # of entries and pages: what is announced above it is no number of either
_LINK_IDENTITY = attrgetter("path", "priority", "key", "kind")
LOST_BELOW = 0.5  # a mandatory field in fewer of a page's records than this is lost


def parse_bytes(
    parser: Parser, body: bytes, *, path: str = "", content_type: str = "", fetched_at: dt.datetime, max_bytes: int = MAX_BYTES
) -> Parsed:
    """Parse one page; `path` is path and query (or the full URL: then links to other hosts are dropped), `fetched_at` aware UTC.

    Whatever a page can be is an outcome in the result. An exception of the parser's own that is neither Obstacle nor LayoutChanged is a
    fault of the parser and becomes ParserError; the worker turns that into `layout_changed`, so that a snapshot goes on and nothing is lost.
    """
    promised = parser.market.kind_of(split_host(path)[1])[0] or PageKind.OTHER
    try:
        page = open_page(parser.market, body, path=path, content_type=content_type, fetched_at=fetched_at, max_bytes=max_bytes)
    except Obstacle as met:
        return Parsed(met.outcome, promised, reason=met.reason)
    try:
        records = list(parser.parse(page))
    except Obstacle as met:
        return Parsed(met.outcome, page.kind, reason=met.reason, unmatched=tuple(page.unmatched), truncated=page.truncated)
    except Exception as error:  # a parser is foreign code: whatever it raises is its fault, named
        raise ParserError(f"parser {parser.name} failed on {path or 'a page'}: {type(error).__name__}: {error}") from error
    return gather(parser.market, page, records)


def find_strange_links(market: Market, body: bytes, *, path: str = "", content_type: str = "", fetched_at: dt.datetime) -> tuple[str, ...]:
    """Give the paths that a page leads to and that fit no pattern of the market's kinds, so that none is ever followed; of a gate none."""
    try:
        page = open_page(market, body, path=path, content_type=content_type, fetched_at=fetched_at)
    except Obstacle:
        return ()
    paths = dict.fromkeys(filter(None, map(page.local, find(page.root, "a@href"))))
    return tuple(one for one in paths if market.link_to(one, every=True) is None)


def gather(market: Market, page: Page, records: Sequence[object]) -> Parsed:
    """Sort the records of one page into a Parsed, and check them against what the market declares for this kind of page."""
    sorted_out: dict[type, list[Any]] = {Listing: [], Vendor: [], Feedback: [], Link: [], PageInfo: []}
    for record in records:
        try:
            sorted_out[type(record)].append(record)
        except KeyError:
            raise ParserError(f"parser {market.name} gave a {type(record).__name__}, which is no record") from None
    listings = tuple(one for one in sorted_out[Listing] if one.key)
    vendors = tuple(one for one in sorted_out[Vendor] if one.name)
    feedback = tuple(sorted_out[Feedback])
    links = tuple({_LINK_IDENTITY(one): one for one in sorted_out[Link]}.values())
    info = next(map(_storable, sorted_out[PageInfo]), None)
    why = "" if page.truncated else find_loss(market, page, {Listing: listings, Vendor: vendors, Feedback: feedback})
    if why:
        return Parsed(Outcome.LAYOUT_CHANGED, page.kind, reason=why, unmatched=tuple(page.unmatched))
    return Parsed(Outcome.OK, page.kind, listings, vendors, feedback, links, info, "", tuple(page.unmatched), page.truncated)


def _storable(info: PageInfo) -> PageInfo:
    """Leave out what no list can have: a page number of twenty digits is nonsense, and SQLite refuses it."""
    number, pages, total = (one if one is None or 0 <= one < MAX_COUNT else None for one in (info.page_number, info.pages, info.total))
    return replace(info, page_number=number, pages=pages, total=total)


RECORD_OF: dict[PageKind, type] = {
    PageKind.LISTING_INDEX: Listing,
    PageKind.LISTING: Listing,
    PageKind.VENDOR: Vendor,
    PageKind.FEEDBACK: Feedback,
}


def find_loss(market: Market, page: Page, records: dict[type, tuple[object, ...]]) -> str:
    """Say why the layout changed: a record that must be there is not, or a mandatory field is lost; '' where all is well."""
    spec: KindSpec | None = market.specs.get(page.kind)
    if spec is None or spec.evidence is Evidence.GATE_ONLY or page.kind not in RECORD_OF:
        return ""
    rows = records[RECORD_OF[page.kind]]
    if not rows:
        if page.kind is PageKind.FEEDBACK or (page.kind is PageKind.LISTING_INDEX and market.empty and page.all(market.empty)):
            return ""
        return f"no record on a {page.kind} page" + (" and no word that the list is empty" if page.kind is PageKind.LISTING_INDEX else "")
    for name in spec.mandatory:
        filled = sum(getattr(row, name) not in (None, "", ()) for row in rows)
        if filled < LOST_BELOW * len(rows) or not filled:
            return f"mandatory field {name} is lost: in {filled} of {len(rows)} records of a {page.kind} page"
    return ""
