"""The way onward: which pages a group of pages leads to, and which of them this snapshot should see."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from torwatch.model import PageKind
from torwatch.store import frontier
from torwatch.store.frontier import Visit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from torwatch.reading import Read
    from torwatch.store.database import Store

PAGED = frozenset({PageKind.LISTING_INDEX, PageKind.FEEDBACK})  # kinds whose pages make up lists


def lead_onward(
    store: Store, market_id: int, good: Iterable[Read], followed: Collection[PageKind], fresh_since: dt.datetime
) -> list[Visit]:
    """The pages to see: lists always; single pages when new, when their index row changed, or when last read before `fresh_since`."""
    listings, vendors, visits = gather_links(good)
    since = fresh_since.astimezone(dt.UTC).isoformat(timespec="seconds")
    known = frontier.own_pages(store, "listing", market_id, listings)
    for key, (path, row_digest) in listings.items():
        read_at, digest_then = known.get(key, ("", None))
        changed = key not in known or (row_digest is not None and digest_then != row_digest)
        if changed or read_at <= since:
            visits.append(Visit(path, PageKind.LISTING, key, stale=not changed))
    read_vendors = frontier.own_pages(store, "vendor", market_id, vendors)
    for key, path in vendors.items():
        if key not in read_vendors or read_vendors[key][0] <= since:
            visits.append(Visit(path, PageKind.VENDOR, key, stale=key in read_vendors))
    return [visit for visit in visits if visit.kind in followed]


def gather_links(good: Iterable[Read]) -> tuple[dict[str, tuple[str, str | None]], dict[str, str], list[Visit]]:
    """(listing key → path and digest of its index row, vendor key → path, pages to see in any case) of a group of pages."""
    listings: dict[str, tuple[str, str | None]] = {}
    vendors: dict[str, str] = {}
    visits: list[Visit] = []
    for parsed, staged in ((read.parsed, read.staged) for read in good if read.parsed is not None):
        for row in staged.listings:
            if row.path and parsed.kind is not PageKind.LISTING:
                listings[row.key] = (row.path, row.row_digest if parsed.kind is PageKind.LISTING_INDEX else None)
        for link in parsed.links:
            if link.kind is PageKind.LISTING and link.key:
                listings.setdefault(link.key, (link.path, None))
            elif link.kind is PageKind.VENDOR and link.key:
                vendors.setdefault(link.key, link.path)
            elif link.kind is not PageKind.OTHER:
                visits.append(Visit(link.path, link.kind, link.key))
    return listings, vendors, visits


def page_number(read: Read) -> int | None:
    """The number that a page of a list says it has."""
    return read.parsed.info.page_number if read.parsed and read.parsed.info else None


def shown_on(read: Read) -> set[str]:
    """The keys of what a page of a list shows."""
    return {row.key for row in read.staged.listings} | {str(row["key"]) for row in read.staged.feedback}
