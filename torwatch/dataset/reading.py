"""Reading a published data set: rows to listings, row by row; what cannot be read is a fault with its line, never lost silently."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.errors import UsageError
from torwatch.model import Listing, Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torwatch.dataset.layout import Layout

KEY_CHARACTERS = 32  # 128 bits of sha256 tell listings apart
FIELD_CHARACTERS = 1_000_000  # a description may be long; a whole file in one cell is a broken quote
NO_TEXT = re.compile(r"[\ud800-\udfff]")  # what stands for a byte that is none of the encoding
MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:[.,]\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?")

RawRow = tuple[int, "list[str]", "Sequence[str] | None"]  # line, cells, and the names of its columns where the layout knows them


@dataclass(frozen=True, slots=True)
class Row:
    """One row that could be read: its line, the moment it names (aware UTC) where the layout has one, and the listing.

    `damaged`: it holds bytes that are none of the layout's encoding; each is U+FFFD in the listing.
    """

    line: int
    at: dt.datetime | None
    listing: Listing
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """One row that could not be read, and why."""

    line: int
    reason: str


def read_rows(path: Path, layout: Layout) -> Iterator[Row | Fault]:
    """Read a file as its layout says, streaming. Raises UsageError when it cannot be read at all or lacks a mapped column."""
    for raw in raw_rows(path, layout):
        yield raw if isinstance(raw, Fault) else read_row(*raw, layout)


def raw_rows(path: Path, layout: Layout) -> Iterator[RawRow | Fault]:
    """The rows of a file as they stand there, without the empty ones, streaming. Raises UsageError as `read_rows` does."""
    try:
        refuse_utf16(path, layout)
        with path.open(encoding=layout.encoding, errors="surrogateescape", newline="") as handle:
            lines = split_lines(handle, layout.separator)
            names = None
            if layout.header:
                first = next(lines, None)
                if first is None or isinstance(first, Fault):
                    raise UsageError(f"{path} is empty: it has no header line")
                names = [NO_TEXT.sub("\ufffd", cell.strip()) for cell in first[1]]
                check_columns(path, layout, names)
            for item in lines:
                if isinstance(item, Fault):
                    yield item
                    continue
                line, cells = item
                if not any(map(str.strip, cells)):
                    continue
                yield line, cells, names if names is not None else layout.columns.get(len(cells))
    except LookupError as error:
        raise UsageError(f"layout {layout.name}: there is no encoding {layout.encoding!r}") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def split_lines(handle: Iterator[str], separator: str) -> Iterator[tuple[int, list[str]] | Fault]:
    """(line, cells) of each record. One sign separates as CSV does; more than one separates literally, since no CSV program knows that."""
    if len(separator) > 1:
        for number, text in enumerate(handle, 1):
            yield number, [cell.strip() for cell in text.rstrip("\r\n").split(separator)]
        return
    csv.field_size_limit(FIELD_CHARACTERS)
    taken: list[str] = []  # the lines of the record that is being read
    reader = csv.reader(_noting(handle, taken), delimiter=separator, strict=True)
    number = 1
    while True:
        taken.clear()
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error:
            # A quote that is never closed, or text behind one, swallows the rows after it: each line is read by itself instead.
            for place, line in enumerate(taken, number):
                yield _read_line(place, line, separator)
        number += len(taken)


def _noting(handle: Iterator[str], taken: list[str]) -> Iterator[str]:
    for line in handle:
        whole = line.replace("\0", "")
        taken.append(whole)
        yield whole


def _read_line(number: int, line: str, separator: str) -> tuple[int, list[str]] | Fault:
    try:
        return number, next(csv.reader([line], delimiter=separator), [])
    except csv.Error as error:
        return Fault(number, f"no CSV: {error}")


def refuse_utf16(path: Path, layout: Layout) -> None:
    """Raise UsageError for UTF-16 text that the layout takes for something else: its ASCII would come through, and all else be lost."""
    with path.open("rb") as handle:
        mark = handle.read(2)
    if mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) and not layout.encoding.lower().replace("_", "-").startswith("utf-16"):
        raise UsageError(f'{path} is UTF-16 text: say so in the layout, encoding = "utf-16"')


def check_columns(path: Path, layout: Layout, names: Sequence[str]) -> None:
    """Raise UsageError when the layout maps a column that the header does not have."""
    wanted = {column for columns in layout.fields.values() for column in columns} | set(layout.key) | ({layout.at} - {""})
    absent = sorted(wanted - set(names))
    if absent:
        raise UsageError(
            f"{path} has no column {absent[0]!r} (its header: {', '.join(names)[:200]}): use the layout that fits it, or write one (--map MAP.toml)"
        )


def read_row(line: int, cells: Sequence[str], names: Sequence[str] | None, layout: Layout) -> Row | Fault:
    """One row as a listing, or what is wrong with it."""
    if names is None:
        counts = " or ".join(str(count) for count in sorted(layout.columns, reverse=True))
        return Fault(line, f"{len(cells)} columns, expected {counts}")
    damaged = any(NO_TEXT.search(cell) for cell in cells)
    if damaged:
        cells = [NO_TEXT.sub("\ufffd", cell) for cell in cells]
    if len(cells) != len(names):
        return Fault(line, f"{len(cells)} columns, expected {len(names)}")
    values = {name: "" if cell.strip() in layout.missing else " ".join(cell.split()) for name, cell in zip(names, cells, strict=True)}
    found = {name: [values[column] for column in columns if values.get(column)] for name, columns in layout.fields.items()}
    texts = {name: " > ".join(parts) or None for name, parts in found.items() if name != "category"}
    if not texts.get("title"):
        return Fault(line, "no title")
    at = None
    if layout.at:
        at = read_moment(values.get(layout.at, ""))
        if at is None:
            return Fault(line, f"{values.get(layout.at, '')[:40]!r} in column {layout.at} is no date")
    both = texts.get(layout.glued)
    if both and not texts.get("ship_to_raw") and re.search(r"\bto\s*:", both, re.IGNORECASE):
        texts["ship_to_raw"] = both  # the normalisers take their own direction out of a glued text
    if texts.get("price_raw") and layout.currency:
        texts["price_raw"] = f"{texts['price_raw']} {layout.currency}"
    texts["key"] = texts.get("key") or key_of(values, layout, texts)
    listing = Listing(**texts, category=tuple(found.get("category", ())), source=Source.DETAIL)  # type: ignore[arg-type] # the layout's names are checked fields; all of them are texts
    return Row(line, at, listing, damaged)


def key_of(values: dict[str, str], layout: Layout, texts: dict[str, str | None]) -> str:
    """The identity of a listing: the data set's own id where one column is named, else a digest of the named columns."""
    if len(layout.key) == 1 and values.get(layout.key[0]):
        return values[layout.key[0]]
    parts = [values.get(column, "") for column in layout.key] if layout.key else [texts.get("vendor") or "", texts.get("title") or ""]
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:KEY_CHARACTERS]


def read_moment(text: str) -> dt.datetime | None:
    """A moment from ISO 8601, or as Go prints one ("2019-04-02 13:37:00.123 +0000 UTC m=+1.5"): aware UTC; None when it is none."""
    found = MOMENT.match(text.strip())
    if not found:
        return None
    day, time, zone = found.groups()
    try:
        moment = dt.datetime.fromisoformat(f"{day}T{time or '00:00'}{'+00:00' if zone in (None, 'Z') else zone}")
    except ValueError:
        return None
    return moment.astimezone(dt.UTC)
