"""What a public export does to its cells: texts are withheld, pseudonyms hashed, values that few share binned, moments and prices rounded."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torwatch.report.export import Column, Row, Table

SMALL_CELL = 5  # rows: what fewer share could point at one of them
FEW_VENDORS = 3  # accounts: what fewer have could point at one of them, however many rows it has
BINNED = "other"
HASH_CHARACTERS = 16

Combination = tuple[Any, ...]  # a market and values of its columns


@dataclass(frozen=True, slots=True)
class Guard:
    """What a public export does to the cells: `secret` is of this export only and is not kept.

    `binned`: a market and the values of the binned columns, where few share them → the values that go out.
    """

    secret: bytes
    binned: Mapping[Combination, Combination]

    def columns(self, table: Table) -> tuple[Column, ...]:
        """The columns that go out."""
        return tuple(column for column in table.columns if column.public != "drop")

    def guard(self, table: Table, row: Row) -> Row:
        """One row as it goes out."""
        bins = binned_columns(table)
        values = combination(row, bins)
        safe = dict(zip(("market", *bins), self.binned.get(values, values), strict=True))
        return {column.name: safe[column.name] if column.public == "bin" else self.cell(column, row) for column in self.columns(table)}

    def cell(self, column: Column, row: Row) -> Any:
        """One cell as it goes out, where it is not binned."""
        value = row[column.name]
        if value is None or column.public == "keep":
            return value
        if column.public == "hash":
            text = f"{row['market']}\x1f{value}".encode()
            return hmac.new(self.secret, text, hashlib.sha256).hexdigest()[:HASH_CHARACTERS]
        if column.public == "day":
            return str(value)[:10]
        return float(f"{value:.2g}")  # round: two digits, so that an exact price finds no page again


def binned_columns(table: Table) -> tuple[str, ...]:
    """The columns of a table whose values are binned, the one that is given up last first."""
    return tuple(column.name for column in table.columns if column.public == "bin")


def combination(row: Row, columns: Sequence[str]) -> Combination:
    """The market and the values of some columns."""
    return (row["market"], *(row[name] for name in columns))


def small_cells(table: Table, rows: Iterable[Row]) -> dict[Combination, Combination]:
    """What goes out in place of the combinations of binned values that fewer than SMALL_CELL rows or FEW_VENDORS accounts share.

    The last column becomes "other" first; where the combination is then still of few, the one before it as well. Where all that is left of a
    market so is of few itself, its smallest other combinations go with it, all but the largest one.
    """
    columns = binned_columns(table)
    if not columns:
        return {}
    who = "vendor" if any(column.name == "vendor" for column in table.columns) else "key"
    counted: Counter[Combination] = Counter()
    vendors: dict[Combination, set[str]] = {}
    for row in rows:
        values = combination(row, columns)
        counted[values] += 1
        known = vendors.setdefault(values, set())
        if len(known) < FEW_VENDORS:  # more of them tell no more: memory stays flat
            known.add(str(row[who]))
    guarded = {values: values for values in counted}
    for place in range(len(columns), 0, -1):
        together = _together(guarded, counted, vendors)
        for values, now in guarded.items():
            if _few(*together[now]):
                guarded[values] = (*now[:place], BINNED, *now[place + 1 :])
    _fill_rest(guarded, counted, vendors)
    return {values: now for values, now in guarded.items() if values != now}


def _together(
    guarded: Mapping[Combination, Combination], counted: Mapping[Combination, int], vendors: Mapping[Combination, set[str]]
) -> dict[Combination, tuple[int, set[str]]]:
    """Rows and accounts (not all of them where they are many) of every combination that goes out."""
    found: dict[Combination, tuple[int, set[str]]] = {}
    for values, now in guarded.items():
        rows, who = found.get(now, (0, set()))
        found[now] = (rows + counted[values], who | vendors[values])
    return found


def _few(rows: int, accounts: set[str]) -> bool:
    return rows < SMALL_CELL or len(accounts) < FEW_VENDORS


def _fill_rest(
    guarded: dict[Combination, Combination], counted: Mapping[Combination, int], vendors: Mapping[Combination, set[str]]
) -> None:
    """Where what is left of a market, all its values "other", is still of few: give up its smallest other combinations too, until it is not."""
    together = _together(guarded, counted, vendors)
    for rest in [now for now in together if set(now[1:]) == {BINNED}]:
        rows, accounts = together[rest]
        others = sorted((size, now) for now, (size, _) in together.items() if now[0] == rest[0] and now != rest)
        for size, now in others[:-1]:  # the largest stays: a market that goes out as "other" alone tells nothing at all
            if not _few(rows, accounts):
                break
            rows, accounts = rows + size, accounts | together[now][1]
            guarded.update({values: rest for values, goes in guarded.items() if goes == now})
