"""Reading a published data set: rows to listings, row by row; what cannot be read is a fault with its line, never lost silently."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torwatch.errors import UsageError
from torwatch.model import Listing, Source
from torwatch.parserkit.text import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torwatch.dataset.layout import Layout

KEY_CHARACTERS = 32  # 128 bits of sha256 tell listings apart
COUNTS = ("sales", "views")  # what is no number in such a column is not known
FIELD_CHARACTERS = 1_000_000  # a description may be long; a whole file in one cell is a broken quote
NO_TEXT = re.compile(r"[\ud800-\udfff]")  # what stands for a byte that is none of the encoding
MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:[.,]\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?")

COMPRESSED = {b"\x1f\x8b": "gunzip", b"PK\x03\x04": "unzip", b"BZh": "bunzip2", b"\xfd7zXZ\x00": "unxz", b"\x28\xb5\x2f\xfd": "unzstd"}

Record = tuple[int, "list[str]", "str | None"]  # line, cells, and its whole text where that alone says what its cells are
Known = Callable[[str], bool]  # whether a record of this text is left out, since what it says is known


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as it stands in the file: its line, its cells, the names of its columns where the layout knows them, and its text.

    `text`: None where other rows had a part in how it was cut into cells, as beside a quote that is never closed.
    """

    line: int
    cells: Sequence[str]
    names: Sequence[str] | None
    text: str | None


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
    """One row that could not be read, and why; `kind` is the reason without what the row itself says."""

    line: int
    reason: str
    kind: str = ""

    @property
    def cause(self) -> str:
        """What rows that are broken alike have in common."""
        return self.kind or self.reason


@dataclass(slots=True)
class Feed:
    """The lines of a file on their way to what cuts them into records; one that is a known record by itself goes no further.

    How a record is cut depends on nothing before it, so the same text where a record begins is ever the same record.
    """

    handle: Iterator[str]
    known: Known
    line: int = 1  # of the record that begins next
    taken: list[str] = field(default_factory=list)  # the lines of the record that is being read

    def __iter__(self) -> Iterator[str]:
        taken = self.taken
        for line in self.handle:
            whole = line.replace("\0", "")
            if not taken and self.known(whole):
                self.line += 1
                continue
            taken.append(whole)
            yield whole

    def end_record(self) -> None:
        """The next line begins a record."""
        self.line += len(self.taken)
        self.taken.clear()


def never(_text: str) -> bool:
    """No record is known."""
    return False


def read_rows(path: Path, layout: Layout) -> Iterator[Row | Fault]:
    """Read a file as its layout says, streaming. Raises UsageError when it cannot be read at all or lacks a mapped column."""
    for raw in raw_rows(path, layout):
        yield raw if isinstance(raw, Fault) else read_row(raw, layout)


def raw_rows(
    path: Path, layout: Layout, known_under: Callable[[Sequence[str] | None], Known] = lambda _names: never
) -> Iterator[RawRow | Fault]:
    """The rows of a file as they stand there, streaming, without the empty ones and those that are known.

    `known_under`: the names of the header, or None → which records are known under them. Raises UsageError as `read_rows` does.
    """
    try:
        refuse_others(path, layout)
        with path.open(encoding=layout.encoding, errors="surrogateescape", newline="") as handle:
            feed = Feed(handle, never)
            records = split_lines(feed, layout.separator)
            names = None
            if layout.header:
                first = next(records, None)
                if first is None or isinstance(first, Fault):
                    raise UsageError(f"{path} is empty: it has no header line")
                names = [NO_TEXT.sub("\ufffd", cell.strip()) for cell in first[1]]
                check_columns(path, layout, names)
            feed.known = known_under(names)
            for record in records:
                if isinstance(record, Fault):
                    yield record
                    continue
                line, cells, text = record
                if not any(map(str.strip, cells)):
                    continue
                yield RawRow(line, cells, names if names is not None else layout.columns.get(len(cells)), text)
    except LookupError as error:
        raise UsageError(f"layout {layout.name}: there is no encoding {layout.encoding!r}") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def split_lines(feed: Feed, separator: str) -> Iterator[Record | Fault]:
    """Each record that is not known. One sign separates as CSV does; more than one separates literally, since no CSV program knows that."""
    if len(separator) > 1:
        for text in feed:
            yield feed.line, [cell.strip() for cell in text.rstrip("\r\n").split(separator)], text
            feed.end_record()
        return
    csv.field_size_limit(FIELD_CHARACTERS)
    reader = csv.reader(feed, delimiter=separator, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            # A quote that is never closed, or text behind one, swallows the rows after it: each line is read by itself instead.
            for line, text in enumerate(feed.taken, feed.line):
                yield _read_line(line, text, separator)
        else:
            text = "".join(feed.taken)
            if len(feed.taken) == 1 or not feed.known(text):
                yield feed.line, cells, text
        feed.end_record()


def _read_line(number: int, line: str, separator: str) -> Record | Fault:
    try:
        return number, next(csv.reader([line], delimiter=separator), []), None
    except csv.Error as error:
        return Fault(number, f"no CSV: {error}")


def refuse_others(path: Path, layout: Layout) -> None:
    """Raise UsageError for a compressed file, and for UTF-16 text that the layout takes for something else.

    Of UTF-16 the ASCII would come through, and all else be lost; without a mark it shows by its first letter, half of which is a NUL.
    """
    with path.open("rb") as handle:
        start = handle.read(6)
    for sign, program in COMPRESSED.items():
        if start.startswith(sign):
            raise UsageError(f"{path} is compressed: unpack it first ({program})")
    mark = start[:2]
    wide = mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or mark.count(0) == 1
    if wide and not layout.encoding.lower().replace("_", "-").startswith("utf-16"):
        raise UsageError(f'{path} is UTF-16 text: say so in the layout, encoding = "utf-16"')


def check_columns(path: Path, layout: Layout, names: Sequence[str]) -> None:
    """Raise UsageError when the layout maps a column that the header does not have, or has twice."""
    wanted = {column for columns in layout.fields.values() for column in columns} | set(layout.key) | ({layout.at} - {""})
    twice = sorted(name for name in wanted if names.count(name) > 1)
    if twice:
        raise UsageError(f"{path} has two columns {twice[0]!r}: rename one in the file's header, only one of them can be read")
    absent = sorted(wanted - set(names))
    if absent:
        raise UsageError(
            f"{path} has no column {absent[0]!r} (its header: {', '.join(names)[:200]}): use the layout that fits it, or write one (--map MAP.toml)"
        )


def read_row(raw: RawRow, layout: Layout) -> Row | Fault:
    """One row as a listing, or what is wrong with it."""
    line, cells, names = raw.line, raw.cells, raw.names
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
            return Fault(line, f"{values.get(layout.at, '')[:40]!r} in column {layout.at} is no date", f"no date in column {layout.at}")
    both = texts.get(layout.glued)
    if both and not texts.get("ship_to_raw") and re.search(r"\bto\s*:", both, re.IGNORECASE):
        texts["ship_to_raw"] = both  # the normalisers take their own direction out of a glued text
    if texts.get("price_raw") and layout.currency:
        texts["price_raw"] = f"{texts['price_raw']} {layout.currency}"
    counted = {name: number(texts.pop(name, None)) for name in COUNTS}
    texts["key"] = texts.get("key") or key_of(values, layout, texts)
    listing = Listing(**texts, **counted, category=tuple(found.get("category", ())), source=Source.DETAIL)  # type: ignore[arg-type] # the layout's names are checked fields; all of them are texts
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
        return moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):  # no such day, or one before the first or after the last that there is in UTC
        return None
