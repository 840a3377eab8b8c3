"""Shipping claims that need a person's eye: raw texts that no rule understood, and origins that are only a form's first option."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.store.derived import DESTINATION, ORIGIN

if TYPE_CHECKING:
    from torwatch.store.database import Store

DIRECTIONS = {"from": ORIGIN, "to": DESTINATION}


@dataclass(frozen=True, slots=True)
class UnknownText:
    """One raw text not understood: how many listings claim it now (`standing`) and ever (`listings`), and how many vendor profiles."""

    direction: str  # "from" | "to"
    market: str
    raw: str
    standing: int
    listings: int
    vendors: int


@dataclass(frozen=True, slots=True)
class DefaultOrigin:
    """How often a market's declared origins equal the first option of its form; `flagged`: most do, so they say nothing.

    Flagged, never dropped (design: measurement 2.5). Counts are of standing listings that declare an origin.
    """

    market: str
    default_origin: str
    declared: int
    same: int
    percent: float
    flagged: bool


def unknown_texts(store: Store, market: str | None = None) -> list[UnknownText]:
    """Ship-from and ship-to texts that no rule understood, of one market or all, the most frequent first."""
    found = []
    for direction, kind in DIRECTIONS.items():
        claim = kind.claims["listing"][0]
        rows = store.rows(
            "SELECT market.name AS market, o.raw, coalesce(l.listings, 0) AS listings, coalesce(l.standing, 0) AS standing,"
            " coalesce(v.vendors, 0) AS vendors"
            f" FROM (SELECT DISTINCT market_id, raw FROM {kind.name} WHERE class = 'unparseable') AS o"
            " JOIN market ON market.id = o.market_id AND (:market IS NULL OR market.name = :market)"
            f" LEFT JOIN (SELECT market_id, {claim} AS raw, count(*) AS listings, sum(standing) AS standing FROM listing GROUP BY 1, 2) AS l"
            " ON l.market_id = o.market_id AND l.raw = o.raw"
            f" LEFT JOIN (SELECT market_id, {claim} AS raw, count(*) AS vendors FROM vendor GROUP BY 1, 2) AS v"
            " ON v.market_id = o.market_id AND v.raw = o.raw",
            {"market": market},
        )
        found += [UnknownText(direction, row["market"], row["raw"], row["standing"], row["listings"], row["vendors"]) for row in rows]
    return sorted(found, key=lambda text: (-text.listings, -text.vendors, text.market, text.raw, text.direction))


def note_default_origin(store: Store, market_id: int, default_origin: str | None) -> None:
    """Keep what a market's parser declares as the first option of its ship-from form."""
    known = store.value("SELECT default_origin FROM market WHERE id = ?", (market_id,))
    if known != (default_origin or None):
        with store.write() as connection:
            connection.execute("UPDATE market SET default_origin = ? WHERE id = ?", (default_origin or None, market_id))


def default_origins(store: Store) -> list[DefaultOrigin]:
    """Every market whose parser knows the first option of its form, with how often it is claimed."""
    rows = store.rows("SELECT * FROM default_origin_suspect ORDER BY market")
    return [
        DefaultOrigin(row["market"], row["default_origin"], row["declared"], row["same"], row["percent"], bool(row["flagged"]))
        for row in rows
    ]
