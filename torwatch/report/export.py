"""Exports: the tables that others work with, whole or as a public data set without texts and names."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torwatch.errors import UsageError
from torwatch.report.guard import BINNED, FEW_VENDORS, SMALL_CELL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from torwatch.report.guard import Guard

BATCH_ROWS = 20_000
FORMATS = ("csv", "jsonl", "parquet")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it means, its type (text, integer, real), and what a public export does with it.

    `public`: keep, drop (free text), hash (a pseudonym), day, round, or bin (where few share the row's binned values together, "other").
    """

    name: str
    meaning: str
    type: str = "text"
    public: str = "keep"


@dataclass(frozen=True, slots=True)
class Table:
    """One exported table: its SQL gives `columns` in order, and `month` (YYYY-MM) for partitions last."""

    name: str
    meaning: str
    sql: str
    columns: tuple[Column, ...]


MARKET = Column("market", "market as torwatch names it")
TABLES = (
    Table(
        "listings",
        "Every listing ever seen, with its claims as last read.",
        "SELECT market.name AS market, listing.key, listing.vendor, listing.title, listing.category, CAST(listing.price AS REAL) AS price,"
        " listing.currency, listing.ship_from, listing.ship_to, coalesce(listing.claimed_origin, 'undeclared') AS claimed_origin,"
        " coalesce(listing.substance_group, 'unknown') AS substance_group, listing.standing, first.started_at AS first_seen,"
        " seen.at AS last_seen, first.source, substr(first.started_at, 1, 7) AS month FROM listing"
        " JOIN market ON market.id = listing.market_id JOIN snapshot AS first ON first.id = listing.first_snapshot_id"
        " JOIN listing_seen AS seen ON seen.listing_id = listing.id ORDER BY market.name, listing.id",
        (
            MARKET,
            Column("key", "the market's own id of the listing, or a digest", public="hash"),
            Column("vendor", "vendor account", public="hash"),
            Column("title", "title as displayed", public="drop"),
            Column("category", "the market's own category path", public="drop"),
            Column("price", "price of one order in `currency`", "real", "round"),
            Column("currency", "ISO 4217 or BTC, XMR …", public="bin"),
            Column("ship_from", "claimed origin as displayed", public="drop"),
            Column("ship_to", "claimed destinations as displayed", public="drop"),
            Column(
                "claimed_origin", "claimed origin: ISO 3166-1 codes, a region, or world, digital, undeclared, unparseable", public="bin"
            ),
            Column("substance_group", "group of goods as normalised", public="bin"),
            Column("standing", "1: offered as far as is known", "integer"),
            Column("first_seen", "beginning of the snapshot that first saw it, UTC", public="day"),
            Column("last_seen", "beginning of the snapshot that last saw it, UTC", public="day"),
            Column("source", "crawl or import"),
            Column("month", "month of first_seen"),
        ),
    ),
    Table(
        "vendors",
        "Vendor accounts. An account is not a seller: one seller may hold several.",
        "SELECT market.name AS market, vendor.key, vendor.name, coalesce(vendor.claimed_origin, '') AS claimed_origin, vendor.standing,"
        " (SELECT count(*) FROM listing WHERE listing.vendor_id = vendor.id AND listing.standing = 1) AS standing_listings,"
        " first.started_at AS first_seen, substr(first.started_at, 1, 7) AS month FROM vendor JOIN market ON market.id = vendor.market_id"
        " JOIN snapshot AS first ON first.id = vendor.first_snapshot_id ORDER BY market.name, vendor.id",
        (
            MARKET,
            Column("key", "the market's own id of the account, or its name; what `listings.vendor` holds", public="hash"),
            Column("name", "displayed name", public="drop"),
            Column("claimed_origin", "origin claimed on the profile", public="bin"),
            Column("standing", "1: seen as far as is known", "integer"),
            Column("standing_listings", "listings that stand now", "integer"),
            Column("first_seen", "beginning of the snapshot that first saw it, UTC", public="day"),
            Column("month", "month of first_seen"),
        ),
    ),
    Table(
        "changes",
        "What changed, field by field.",
        "SELECT market.name AS market, snapshot.started_at AS at, change.entity, change.key, change.field, change.old, change.new, change.cause,"
        " substr(snapshot.started_at, 1, 7) AS month FROM change JOIN snapshot ON snapshot.id = change.snapshot_id"
        " JOIN market ON market.id = change.market_id ORDER BY change.id",
        (
            MARKET,
            Column("at", "beginning of the snapshot that saw it, UTC", public="day"),
            Column("entity", "listing, vendor or feedback"),
            Column("key", "id of the listing, vendor or feedback entry", public="hash"),
            Column("field", "claim that changed; empty: the whole thing came, went or returned"),
            Column("old", "old value", public="drop"),
            Column("new", "new value; for cause new the first state as JSON", public="drop"),
            Column("cause", "new, changed, refined, back, gone_explicit, missed"),
            Column("month", "month of at"),
        ),
    ),
    Table(
        "snapshots",
        "Every walk over a market, and every import.",
        "SELECT market.name AS market, snapshot.id AS snapshot, snapshot.started_at, snapshot.ended_at, snapshot.state, snapshot.source,"
        " snapshot.listings, snapshot.announced_listings, snapshot.pages, substr(snapshot.started_at, 1, 7) AS month FROM snapshot"
        " JOIN market ON market.id = snapshot.market_id WHERE snapshot.state <> 'running' ORDER BY snapshot.id",
        (
            MARKET,
            Column("snapshot", "number", "integer"),
            Column("started_at", "UTC", public="day"),
            Column("ended_at", "UTC", public="day"),
            Column("state", "complete, partial, failed, held or rejected"),
            Column("source", "crawl or import"),
            Column("listings", "distinct listings seen", "integer"),
            Column("announced_listings", "listings as the market counts them", "integer"),
            Column("pages", "pages visited", "integer"),
            Column("month", "month of started_at"),
        ),
    ),
)


def export_table(
    folder: Path, table: Table, rows: Iterable[Row], form: str, guard: Guard | None, *, clean: Callable[[str], str] = str
) -> int:
    """Write one table; gives the number of rows. `clean` makes a text cell harmless for a spreadsheet (CSV only)."""
    columns = guard.columns(table) if guard else table.columns
    ready = (guard.guard(table, row) for row in rows) if guard else rows
    if form == "parquet":
        return write_parquet(folder / table.name, columns, ready)
    path = folder / f"{table.name}.{form}"
    count = 0
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        if form == "csv":
            writer.writerow([column.name for column in columns])
        for count, row in enumerate(ready, 1):  # noqa: B007 - the count of what was written is the answer
            if form == "csv":
                writer.writerow([clean(cell) if isinstance(cell, str) else cell for cell in row.values()])
            else:
                handle.write(json.dumps(row, ensure_ascii=False) + "\n")
    return count


def write_parquet(folder: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    """A folder of Parquet files, market=NAME/month=YYYY-MM/…, as DuckDB, Spark and warehouses read it. Raises UsageError without pyarrow."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra: a daemon stays small without it
        from pyarrow import dataset  # noqa: PLC0415 - as above
    except ImportError as error:
        raise UsageError("Parquet needs pyarrow: pip install 'torwatch[parquet]'") from error
    types = {"text": pa.string(), "integer": pa.int64(), "real": pa.float64()}
    schema = pa.schema([(column.name, types[column.type]) for column in columns])
    counted = [0]

    def batches() -> Iterator[Any]:
        for group in in_batches(rows):
            counted[0] += len(group)
            yield pa.RecordBatch.from_pylist(group, schema=schema)

    partition = dataset.partitioning(pa.schema([("market", pa.string()), ("month", pa.string())]), flavor="hive")
    dataset.write_dataset(
        batches(), folder, schema=schema, format="parquet", partitioning=partition, existing_data_behavior="delete_matching"
    )
    return counted[0]


def in_batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows in groups of BATCH_ROWS."""
    group: list[Row] = []
    for row in rows:
        group.append(row)
        if len(group) == BATCH_ROWS:
            yield group
            group = []
    if group:
        yield group


def describe_export(counts: Mapping[str, int], *, made_at: str, version: str, public: bool) -> dict[str, Any]:
    """The data dictionary that goes with an export."""
    treatment = {
        "hash": "hashed with a secret of this export that was not kept",
        "bin": f'"{BINNED}" where fewer than {SMALL_CELL} rows or {FEW_VENDORS} accounts of a market share the binned values of the row',
        "day": "cut to the day",
        "round": "rounded to two digits",
    }
    return {
        "made_at": made_at,
        "torwatch": version,
        "public": public,
        "caution": "Claims read from anonymous marketplaces. A claim is a claim: nothing here proves who ships what from where.",
        "tables": {
            table.name: {
                "meaning": table.meaning,
                "rows": counts[table.name],
                "columns": {
                    column.name: {"meaning": column.meaning, "type": column.type}
                    | ({"treatment": treatment[column.public]} if public and column.public in treatment else {})
                    for column in table.columns
                    if not (public and column.public == "drop")
                },
                "withheld": [column.name for column in table.columns if public and column.public == "drop"],
            }
            for table in TABLES
        },
    }


def cite_export(*, made_at: str, version: str) -> str:
    """The citation file, in the Citation File Format 1.2.0."""
    return (
        "cff-version: 1.2.0\n"
        "message: If you use this data set, please cite it as below.\n"
        "type: dataset\n"
        f'title: "Listings on anonymous marketplaces, as watched by torwatch {version}"\n'
        "authors:\n  - name: The operators of this torwatch\n"
        f"date-released: {made_at[:10]}\n"
        f'version: "{made_at}"\n'
    )
