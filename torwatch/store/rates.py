"""Exchange rates in the store: imported by the operator, or read from a market's own double quotes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from statistics import median
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from torwatch.store.database import Store
    from torwatch.store.snapshots import Snapshot

LEAST_QUOTES = 3  # prices or pages that must quote a pair before their median is a rate


class RateLike(Protocol):
    """One unit of `base` was worth `rate` units of `quote` at `at` (aware), as `source` says."""

    @property
    def base(self) -> str: ...  # noqa: D102 - said above
    @property
    def quote(self) -> str: ...  # noqa: D102 - said above
    @property
    def rate(self) -> Decimal: ...  # noqa: D102 - said above
    @property
    def at(self) -> dt.datetime: ...  # noqa: D102 - said above
    @property
    def source(self) -> str: ...  # noqa: D102 - said above


@dataclass(frozen=True, slots=True)
class StoredRate:
    """A rate as stored; `market` is the one whose quotes it comes from, None for an imported rate."""

    base: str
    quote: str
    rate: Decimal
    at: dt.datetime
    source: str
    market: str | None = None


@dataclass(frozen=True, slots=True)
class PairSummary:
    """What is stored of one pair from one source."""

    base: str
    quote: str
    source: str
    rates: int
    first_at: str
    last_at: str
    last_rate: str


@dataclass(frozen=True, slots=True)
class RateImport:
    """What an import did; `conflicts` are rates that stand in the store with another figure, as (new, stored)."""

    added: int = 0
    known: int = 0
    replaced: int = 0
    conflicts: tuple[tuple[RateLike, str], ...] = ()


def plain(value: Decimal) -> str:
    """A decimal without exponent, as stored."""
    return format(value, "f")


def time_text(at: dt.datetime) -> str:
    """ISO 8601 in UTC; texts sort as the times do, fractions of a second are kept where there are any."""
    return at.astimezone(dt.UTC).isoformat()


def compare_rates(store: Store, rates: Sequence[RateLike]) -> tuple[list[RateLike], RateImport]:
    """(rates not stored yet, what is known or in conflict); nothing is written."""
    new, conflicts, known = [], [], 0
    for rate in rates:
        stored = store.value(
            "SELECT rate FROM rate WHERE base = ? AND quote = ? AND at = ? AND source = ?",
            (rate.base, rate.quote, time_text(rate.at), rate.source),
        )
        if stored is None:
            new.append(rate)
        elif Decimal(stored) == rate.rate:
            known += 1
        else:
            conflicts.append((rate, str(stored)))
    return new, RateImport(known=known, conflicts=tuple(conflicts))


def add_rates(store: Store, rates: Sequence[RateLike], *, replace: bool = False) -> RateImport:
    """Store imported rates in one transaction. A rate that is stored already is left; with `replace` another figure overwrites it."""
    new, found = compare_rates(store, rates)
    replaced = [rate for rate, _ in found.conflicts] if replace else []
    if new or replaced:
        with store.write() as connection:
            connection.executemany(
                "INSERT INTO rate (base, quote, at, rate, source) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET rate = excluded.rate",
                [(rate.base, rate.quote, time_text(rate.at), plain(rate.rate), rate.source) for rate in (*new, *replaced)],
            )
    return RateImport(len({rate_key(rate) for rate in new}), found.known, len(replaced), () if replace else found.conflicts)


def rate_key(rate: RateLike) -> tuple[str, str, str, str]:
    """What tells one stored rate from another."""
    return rate.base, rate.quote, time_text(rate.at), rate.source


def write_market_rates(connection: sqlite3.Connection, snapshot: Snapshot) -> int:
    """Make the double quotes that a snapshot staged rates of its market: the median of each pair. Gives how many; inside a transaction.

    A pair quoted fewer than LEAST_QUOTES times gives none: one odd price must not price a whole market.
    """
    quotes: dict[tuple[str, str], list[Decimal]] = {}
    for row in connection.execute("SELECT base, quote, rate FROM stage_rate WHERE snapshot_id = ?", (snapshot.id,)):
        try:
            value = Decimal(row["rate"])
        except InvalidOperation:
            continue
        if value.is_finite() and value > 0:
            quotes.setdefault((row["base"], row["quote"]), []).append(value)
    rates = [
        (base, quote, snapshot.started_at, plain(median(values)), f"quotes of {snapshot.market}", snapshot.market_id)
        for (base, quote), values in sorted(quotes.items())
        if len(values) >= LEAST_QUOTES
    ]
    connection.executemany("INSERT OR REPLACE INTO rate (base, quote, at, rate, source, market_id) VALUES (?, ?, ?, ?, ?, ?)", rates)
    return len(rates)


SELECT = "SELECT rate.*, market.name AS market FROM rate LEFT JOIN market ON market.id = rate.market_id"


def from_row(row: sqlite3.Row) -> StoredRate:
    """A rate from a row of SELECT."""
    at = dt.datetime.fromisoformat(row["at"])
    return StoredRate(row["base"], row["quote"], Decimal(row["rate"]), at, row["source"], row["market"])


def read_rates(store: Store, market: str | None = None) -> list[StoredRate]:
    """The imported rates, oldest first; `market` adds that market's own quotes, never another's."""
    rows = store.rows(f"{SELECT} WHERE rate.market_id IS NULL OR market.name = ? ORDER BY at, rate.source", (market,))
    return [from_row(row) for row in rows]


def all_rates(store: Store, base: str, quote: str) -> list[StoredRate]:
    """Every stored rate of a pair as quoted, imported or a market's own, oldest first."""
    rows = store.rows(f"{SELECT} WHERE base = ? AND quote = ? ORDER BY at, rate.source", (base, quote))
    return [from_row(row) for row in rows]


def summarise_rates(store: Store) -> list[PairSummary]:
    """One line for each pair and source."""
    rows = store.rows(
        "SELECT base, quote, source, count(*) AS rates, (SELECT min(at) FROM rate AS f WHERE f.base = rate.base AND f.quote = rate.quote"
        " AND f.source = rate.source) AS first_at, max(at) AS last_at, rate AS last_rate"  # rate is of the row that has the maximum
        " FROM rate GROUP BY base, quote, source ORDER BY base, quote, source"
    )
    return [PairSummary(**dict(row)) for row in rows]
