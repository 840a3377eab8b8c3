"""Pages that came again byte for byte: found by their digest, stored as a revisit record that refers to the first one.

The record names the earlier one as WARC 1.1 has it (URI and date), for other tools, and by file and offset, for us. It may be
of another URL: most identical pages are those of an error.
"""

from __future__ import annotations

import contextlib
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.archive.index import index_path, read_index
from torwatch.archive.manifest import digest_records
from torwatch.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from torwatch.archive.index import Entry

REVISIT = "warc/revisit"  # the media type by which web-archive tools tell revisits in an index
REQUEST_HEADER = "Torwatch-Request-Digest"  # the WARC-Block-Digest of the request record
PLACE_HEADER = "Torwatch-Refers-To"  # name of the WARC, offset
REMEMBERED = 100_000  # pages of a market that are compared, the newest; about 25 MB of memory
HEAD_BYTES = 4096  # enough for the header lines of any record that we write
LONGEST_BYTES = 4096  # compressed; a longer record holds a page
PLACE = re.compile(r"([^/\s]+) (\d+)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies: the name of its WARC inside the market's folder, and its first byte."""

    filename: str
    offset: int

    def inside(self, folder: Path) -> Path:
        """The WARC in the folder of its market. Raises ArchiveError for a name that leads out of it."""
        path = folder / self.filename
        if path.name != self.filename:
            raise ArchiveError(f"a record refers to {self.filename!r}, which is no name of a file: run `torwatch verify`")
        return path


def remember_pages(warc: Path, most: int = REMEMBERED) -> dict[str, Place]:
    """Digest of the body as it came → where it is stored: the newest pages that the snapshots before this WARC brought of its market.

    An index that cannot be read teaches nothing: its pages are stored again.
    """
    known: dict[str, Place] = {}
    for path in sorted(warc.parent.glob("*.cdxj"), reverse=True):
        if path.name >= index_path(warc).name:
            continue
        with contextlib.suppress(OSError, ValueError, TypeError):
            for entry in read_index(path):
                if entry.offset is not None and entry.digest and entry.size != 0:
                    known.setdefault(entry.digest, stored_at(entry))
        if len(known) >= most:
            break
    return known


def stored_at(entry: Entry) -> Place:
    """Where the body of an indexed page lies: in its own record, or in the one that it refers to."""
    if entry.orig_filename is not None and entry.orig_offset is not None:
        return Place(entry.orig_filename, entry.orig_offset)
    return Place(entry.filename, entry.offset or 0)


def find_references(warc: Path, records: Iterable[tuple[int, int]]) -> dict[int, Place]:
    """Offset of a revisit record → the record that it refers to, among the (offset, length) of records of a WARC."""
    found = {}
    with warc.open("rb") as handle:
        for offset, length in records:
            if length <= LONGEST_BYTES:
                handle.seek(offset)
                place = reference_in(handle.read(length))
                if place is not None:
                    found[offset] = place
    return found


class OpenReferences:
    """The records that the WARCs of a market refer to which are not among those that were `sealed`: under way, or sealed since."""

    def __init__(self, folder: Path, sealed: Collection[str]) -> None:
        self._folder = folder
        self._sealed = sealed
        self._read: dict[Path, int] = {}  # how far
        self._places: set[Place] = set()

    def look(self) -> set[Place]:
        """Read on from where the last look ended; what is cut short in the file is not written yet."""
        for warc in sorted(self._folder.glob("*.warc.gz")):
            if warc.name in self._sealed:
                continue
            with contextlib.suppress(ArchiveError):
                for record in digest_records(warc, self._read.get(warc, 0)):
                    if record.kind == "revisit":
                        self._places.update(find_references(warc, [(record.offset, record.length)]).values())
                    self._read[warc] = record.offset + record.length
        return self._places


def reference_in(record: bytes) -> Place | None:
    """The record that a revisit record, as it lies in the file, refers to; None of any other record."""
    try:
        head, _, _ = zlib.decompressobj(wbits=31).decompress(record, HEAD_BYTES).partition(b"\r\n\r\n")
    except zlib.error:
        return None
    lines = header_lines(head)
    return read_place(lines.get(PLACE_HEADER)) if lines.get("WARC-Type") == "revisit" else None


def header_lines(head: bytes) -> dict[str, str]:
    """The header lines of a WARC record."""
    return dict(line.split(": ", 1) for line in head.decode("utf-8", "replace").split("\r\n") if ": " in line)


def read_place(told: str | None) -> Place | None:
    """The place that a header line tells; None where it tells none."""
    found = PLACE.fullmatch(told or "")
    return Place(found[1], int(found[2])) if found else None
