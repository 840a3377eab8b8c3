"""Derived values: what the normalisers make of raw claims, one set of rows a distinct raw input and market, never a change row.

The normalisers come in as functions with a version. What is new is found from the change rows written since the last time, so a snapshot
that changed nothing costs one look at an index; a version that differs from the stored one makes every distinct input of the market
be normalised again, also the inputs that no listing shows any more (reports on the past need them).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from torwatch.model import Quantity, Shipping, Substance
    from torwatch.store.database import Store

BATCH_INPUTS = 1_000  # inputs of one transaction: other snapshots of the daemon wait for it
Row = tuple[Any, ...]
Batch = Sequence[Row]  # inputs that are normalised and stored together
# (normaliser, batches of inputs one after another, inputs in all of them) → each batch, in order, with the rows of each input
Spread = Callable[["Normaliser", Iterable[Batch], int], Iterator[tuple[Batch, list[list[Row]]]]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of derived value; its table has this name.

    `inputs`: columns that hold the raw input; `values`: columns derived from it; `claims`: entity → the claims that are the input;
    `short`: entity → (column that holds the present value for filtering, SQL of it with `e` as the entity).
    """

    name: str
    inputs: tuple[str, ...]
    values: tuple[str, ...]
    claims: Mapping[str, tuple[str, ...]]
    short: Mapping[str, tuple[str, str]]

    def same_input(self, alias: str, entity: str) -> str:
        """SQL: the row `alias` of this table is about what `e`, a row of the entity, claims."""
        pairs = zip(self.inputs, self.claims[entity], strict=True)
        return " AND ".join(f"{alias}.{column} = coalesce(e.{claim}, '')" for column, claim in pairs)


@dataclass(frozen=True, slots=True)
class Normaliser:
    """What makes rows of a kind: `rows` takes the raw input (one text a column of `kind.inputs`) and gives rows of `kind.values`."""

    kind: Kind
    version: str
    rows: Callable[..., Iterable[Row]]


SHIPPING_VALUES = ("code", "class", "excluded", "method", "confidence")
SHORT_ORIGIN = (
    "(SELECT CASE WHEN max(class) IN ('country', 'region') THEN group_concat(replace(code, 'region:', ''), ', ') ELSE max(class) END"
    " FROM (SELECT o.class, o.code FROM origin AS o WHERE o.market_id = e.market_id AND o.raw = coalesce(e.ship_from, '')"
    " AND o.excluded = 0 ORDER BY o.code))"
)
SHORT_GROUP = (
    "(SELECT s.substance_group FROM substance AS s WHERE s.market_id = e.market_id AND s.title = coalesce(e.title, '')"
    " AND s.category = coalesce(e.category, ''))"
)
GOODS = ("title", "category")

ORIGIN = Kind(
    "origin",
    ("raw",),
    SHIPPING_VALUES,
    {"listing": ("ship_from",), "vendor": ("ship_from",)},
    {
        "listing": ("claimed_origin", SHORT_ORIGIN),
        "vendor": ("claimed_origin", f"CASE WHEN e.ship_from IS NOT NULL THEN {SHORT_ORIGIN} END"),  # many profiles have no such field
    },
)
DESTINATION = Kind("destination", ("raw",), SHIPPING_VALUES, {"listing": ("ship_to",), "vendor": ("ship_to",)}, {})
QUANTITY = Kind("quantity", GOODS, ("amount", "unit", "dose", "dose_unit", "pack_count", "method", "confidence"), {"listing": GOODS}, {})
SUBSTANCE = Kind(
    "substance",
    GOODS,
    ("substance_group", "answer_group", "is_drug", "method", "confidence"),
    {"listing": GOODS},
    {
        "listing": (
            "substance_group",
            SHORT_GROUP,
        )
    },
)
KINDS = (ORIGIN, DESTINATION, QUANTITY, SUBSTANCE)


def shipping_rows(claim: Shipping) -> list[Row]:
    """Rows of origin or destination: one a code named or ruled out; one without a code where a claim names none."""
    named = [(code, 0) for code in (*claim.countries, *(f"region:{region}" for region in claim.regions))] or [("", 0)]
    ruled_out = [(code, 1) for code in (*claim.excluded, *(f"region:{region}" for region in claim.excluded_regions))]
    return [(code, claim.ship_class.value, excluded, claim.method, claim.confidence) for code, excluded in (*named, *ruled_out)]


def quantity_rows(quantity: Quantity) -> list[Row]:
    """The one row of table quantity."""
    return [
        (
            quantity.amount,
            quantity.unit,
            quantity.dose,
            quantity.dose_unit,
            quantity.pack_count,
            quantity.method,
            quantity.confidence,
        )
    ]


def substance_rows(substance: Substance, answer_group: str) -> list[Row]:
    """The one row of table substance."""
    is_drug = None if substance.is_drug is None else int(substance.is_drug)
    return [(substance.group, answer_group, is_drug, substance.method, substance.confidence)]


def normalise_here(normaliser: Normaliser, batches: Iterable[Batch], _count: int) -> Iterator[tuple[Batch, list[list[Row]]]]:
    """Each batch with the rows of each of its inputs, made in this process."""
    for batch in batches:
        yield batch, [list(normaliser.rows(*raw)) for raw in batch]


def write_derived(
    store: Store, market_id: int, normalisers: Sequence[Normaliser], *, again: bool = False, spread: Spread = normalise_here
) -> dict[str, int]:
    """Bring the derived values of a market up to date; gives for each kind how many distinct inputs were normalised.

    `again` does every input anew, whatever its version; `spread` runs a normaliser over many inputs. A kill at any moment loses nothing: what is missing is found the next time.
    """
    newest = int(store.value("SELECT coalesce(max(id), 0) FROM change") or 0)
    done = {row["kind"]: row for row in store.rows("SELECT kind, version, change_id FROM normalised WHERE market_id = ?", (market_id,))}
    counts = {normaliser.kind.name: 0 for normaliser in normalisers}
    behind: list[tuple[Normaliser, int | None]] = []  # with the last change row that was looked at; None: look at everything
    for normaliser in normalisers:
        last = done.get(normaliser.kind.name)
        if again or last is None or last["version"] != normaliser.version:
            behind.append((normaliser, None))
        elif last["change_id"] < newest:
            behind.append((normaliser, int(last["change_id"])))
    if not behind:
        return counts
    for normaliser, after in behind:
        counts[normaliser.kind.name] = normalise_missing(store, market_id, normaliser, after, again=again, spread=spread)
    with store.write() as connection:
        for normaliser, after in behind:
            write_short(connection, market_id, normaliser.kind, after)
            connection.execute(
                "INSERT INTO normalised (market_id, kind, version, change_id) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET version = excluded.version, change_id = excluded.change_id",
                (market_id, normaliser.kind.name, normaliser.version, newest),
            )
    return counts


def touched_sql(entity: str, after: int | None) -> str:
    """SQL: the rows of an entity that changed after a change row, or all of the market."""
    if after is None:
        return f"SELECT * FROM {entity} WHERE market_id = :market"
    # The unary + keeps SQLite on the primary key of `change`: only the rows written since are read.
    changed = f"SELECT key FROM change WHERE id > :after AND +market_id = :market AND entity = '{entity}'"
    return f"SELECT * FROM {entity} WHERE market_id = :market AND key IN ({changed})"


def missing_sql(kind: Kind, after: int | None) -> str:
    """SQL: distinct raw inputs without rows of this version; "" stands for a claim that is not there."""
    wanted = []
    for entity, claims in kind.claims.items():
        known = f"SELECT 1 FROM {kind.name} AS k WHERE k.market_id = :market AND {kind.same_input('k', entity)} AND k.version = :version"
        shown = ", ".join(f"coalesce(e.{claim}, '') AS {column}" for column, claim in zip(kind.inputs, claims, strict=True))
        wanted.append(f"SELECT DISTINCT {shown} FROM ({touched_sql(entity, after)}) AS e WHERE :again OR NOT EXISTS ({known})")
    if after is None:
        wanted.append(f"SELECT {', '.join(kind.inputs)} FROM {kind.name} WHERE market_id = :market AND (:again OR version <> :version)")
    return " UNION ".join(wanted)


@contextlib.contextmanager
def missing_inputs(
    store: Store, market_id: int, normaliser: Normaliser, after: int | None, *, again: bool = False
) -> Iterator[tuple[int, Iterator[Batch]]]:
    """How many distinct raw inputs have no rows of this version, and the batches of them.

    They wait in a temporary table, of which one batch at a time is read: a large market has more than fit in memory.
    """
    kind = normaliser.kind
    table = f"temp.missing_{kind.name}_{market_id}"  # its own: another market may be normalised on this connection meanwhile
    bound = {"market": market_id, "version": normaliser.version, "after": after, "again": again}
    store.rows(f"CREATE TABLE {table} ({', '.join(kind.inputs)})")
    try:
        store.rows(f"INSERT INTO {table} {missing_sql(kind, after)}", bound)
        count = int(store.value(f"SELECT count(*) FROM {table}"))
        yield count, pages_of(store, table, kind.inputs, count)
    finally:
        store.rows(f"DROP TABLE {table}")


def pages_of(store: Store, table: str, columns: Sequence[str], count: int) -> Iterator[Batch]:
    """The rows of a table that was filled at once, a batch at a time; nothing of it is held between two batches."""
    page = f"SELECT {', '.join(columns)} FROM {table} WHERE rowid > ? AND rowid <= ? ORDER BY rowid"
    for start in range(0, count, BATCH_INPUTS):
        yield [tuple(row) for row in store.rows(page, (start, start + BATCH_INPUTS))]


def normalise_missing(
    store: Store, market_id: int, normaliser: Normaliser, after: int | None, *, again: bool = False, spread: Spread = normalise_here
) -> int:
    """Normalise what is missing and store it in short transactions; the normaliser itself runs outside them."""
    kind = normaliser.kind
    columns = ("market_id", *kind.inputs, *kind.values, "version")
    insert = f"INSERT INTO {kind.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    delete = f"DELETE FROM {kind.name} WHERE market_id = ? AND {' AND '.join(f'{column} = ?' for column in kind.inputs)}"
    with missing_inputs(store, market_id, normaliser, after, again=again) as (count, batches):
        for batch, made in spread(normaliser, batches, count):
            rows = [
                (market_id, *raw, *values, normaliser.version) for raw, values_of in zip(batch, made, strict=True) for values in values_of
            ]
            with store.write() as connection:
                connection.executemany(delete, [(market_id, *raw) for raw in batch])
                connection.executemany(insert, rows)
    return count


def write_short(connection: sqlite3.Connection, market_id: int, kind: Kind, after: int | None) -> None:
    """Set the short present values that people filter by: "NL", "DE, NL", "world", "undeclared"; the substance group."""
    for entity, (column, value) in kind.short.items():
        connection.execute(
            f"UPDATE {entity} SET {column} = fresh.short FROM (SELECT e.id, {value} AS short FROM ({touched_sql(entity, after)}) AS e) AS fresh"
            f" WHERE fresh.id = {entity}.id AND {entity}.{column} IS NOT fresh.short",
            {"market": market_id, "after": after},
        )
