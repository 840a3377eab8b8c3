"""Normalised origins and destinations, one set of rows a distinct raw text and market, so that re-normalising touches few rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from torwatch.model import Shipping

DIRECTIONS = {"origin": "ship_from", "destination": "ship_to"}


def missing_texts(connection: sqlite3.Connection, direction: str, market_id: int, version: str) -> list[str]:
    """Raw texts claimed on a market that have no normalised rows of this version; "" stands for nothing declared."""
    column = DIRECTIONS[direction]
    rows = connection.execute(
        f"SELECT DISTINCT coalesce({column}, '') FROM listing WHERE market_id = :market"
        f" EXCEPT SELECT raw FROM {direction} WHERE market_id = :market AND version = :version",
        {"market": market_id, "version": version},
    )
    return [row[0] for row in rows]


def write_shipping(
    connection: sqlite3.Connection, direction: str, market_id: int, version: str, normalise: Callable[[str], Shipping]
) -> int:
    """Normalise the texts that lack rows of this version and store them. Gives how many texts were new."""
    texts = missing_texts(connection, direction, market_id, version)
    for raw in texts:
        claim = normalise(raw)
        connection.execute(f"DELETE FROM {direction} WHERE market_id = ? AND raw = ?", (market_id, raw))
        codes = [(code, 0) for code in (*claim.countries, *(f"region:{region}" for region in claim.regions))] or [("", 0)]
        codes += [(code, 1) for code in claim.excluded]
        connection.executemany(
            f"INSERT INTO {direction} (market_id, raw, code, class, excluded, method, confidence, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(market_id, raw, code, claim.ship_class.value, out, claim.method, claim.confidence, version) for code, out in codes],
        )
    return len(texts)


def write_claimed_origin(connection: sqlite3.Connection, market_id: int) -> None:
    """Set `listing.claimed_origin`, the short form people filter by: "NL", "DE, NL", "world", "undeclared" …."""
    connection.execute(
        "UPDATE listing SET claimed_origin = fresh.short FROM"
        " (SELECT raw, CASE WHEN max(class) IN ('country', 'region') THEN group_concat(replace(code, 'region:', ''), ', ') ELSE max(class) END AS short"
        "  FROM (SELECT raw, class, code FROM origin WHERE market_id = ?1 AND excluded = 0 ORDER BY raw, code) GROUP BY raw) AS fresh"
        " WHERE listing.market_id = ?1 AND fresh.raw = coalesce(listing.ship_from, '') AND listing.claimed_origin IS NOT fresh.short",
        (market_id,),
    )
