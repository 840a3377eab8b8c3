"""Full-text search over titles and descriptions: any part of a word, in any case, present and past listings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.errors import UsageError
from torwatch.store.state import market_named

if TYPE_CHECKING:
    from torwatch.store.database import Store

TRIGRAM = 3  # the index knows parts of this many characters; shorter words are looked for in each row


@dataclass(frozen=True, slots=True)
class Hit:
    """One listing that holds every word."""

    market: str
    key: str
    title: str | None
    vendor: str | None
    claimed_origin: str | None
    standing: int
    snippet: str


def search_listings(
    store: Store, words: str, *, ship_from: str | None = None, market: str | None = None, with_past: bool = False, limit: int = 50
) -> list[Hit]:
    """Listings whose title or description holds every word of `words`, best first; a "quoted phrase" is one word.

    `ship_from`: an ISO code among its claimed origins, or the widest of them: a region, world, digital, undeclared, unparseable. Raises UsageError
    without a word, and for a market that nobody knows.
    """
    wanted = split_words(words)
    if not wanted:
        raise UsageError('nothing to look for: torwatch search "gbl"')
    if market is not None:
        market_named(store, market)
    long = [word for word in wanted if len(word) >= TRIGRAM]
    conditions, bound = [], {"market": market, "with_past": with_past, "limit": limit, "origin": ship_from}
    if long:
        conditions.append("listing_search MATCH :match")
        bound["match"] = " AND ".join('"' + word.replace('"', '""') + '"' for word in long)
    for number, word in enumerate(word for word in wanted if len(word) < TRIGRAM):
        conditions.append(
            f"instr(lower(coalesce(listing_search.title, '') || ' ' || coalesce(listing_search.description, '')), :short{number})"
        )
        bound[f"short{number}"] = word.lower()
    if ship_from is not None:
        conditions.append(
            "(lower(listing.claimed_origin) = lower(:origin) OR EXISTS (SELECT 1 FROM listing_origin"
            " WHERE listing_origin.listing_id = listing.id AND listing_origin.country = upper(:origin)))"
        )
    snippet = "snippet(listing_search, -1, '', '', '…', 40)" if long else "coalesce(listing_search.title, '')"
    rows = store.rows(
        "SELECT market.name AS market, listing.key, listing.title, listing.vendor, listing.claimed_origin, listing.standing,"
        f" {snippet} AS snippet FROM listing_search JOIN listing ON listing.id = listing_search.rowid"
        f" JOIN market ON market.id = listing.market_id WHERE {' AND '.join(conditions)} AND (:market IS NULL OR market.name = :market)"
        f" AND (:with_past OR listing.standing = 1) ORDER BY {'listing_search.rank' if long else 'listing.id'} LIMIT :limit",
        bound,
    )
    return [Hit(**dict(row)) for row in rows]


def split_words(text: str) -> list[str]:
    """The words of a query; what stands in double quotes is one."""
    words: list[str] = []
    for number, part in enumerate(text.split('"')):
        words += [part.strip()] if number % 2 else part.split()
    return [word for word in words if word]
