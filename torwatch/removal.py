"""Removal: pages taken out of a sealed archive; their digests stay, and what was read from them stays as gleanings beside the archive.

The chain is told first, then the files are written, each whole or not at all: what a kill cuts off, `verify` tells, and the same command
does the rest.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from torwatch.archive.files import replacing
from torwatch.archive.index import Entry, index_lines, index_path
from torwatch.archive.manifest import manifest_path, read_chain, read_records, records_path
from torwatch.archive.tombstone import append_tombstone, fill, tombstones_of
from torwatch.gleanings import Gleaned, gleanings_path, pack_gleanings
from torwatch.reread import path_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from torwatch.archive.manifest import Link, RecordDigest
    from torwatch.reread import Readers, Reread, Version

URI = b"WARC-Target-URI:"


@dataclass(frozen=True, slots=True)
class Removal:
    """What is to be taken out of one WARC: where the records begin, the index as it will be, and the gleanings as they will be."""

    warc: Path
    gone: frozenset[int]
    entries: tuple[Entry, ...]
    gleaned: tuple[Gleaned, ...]


def take_out(archive_directory: Path, removal: Removal, fields: Mapping[str, Any]) -> Link:
    """Take records out of a sealed WARC; `fields` tell the act. Raises ArchiveError when a file cannot be written."""
    warc = removal.warc
    records = read_records(records_path(warc))
    index = "".join(line + "\n" for line in index_lines(removal.entries)).encode()
    gleanings = pack_gleanings(removal.gleaned)
    files = {index_path(warc).name: index, gleanings_path(warc).name: gleanings}
    gone = [record.sha256 for record in records if record.offset in removal.gone]
    link = append_tombstone(archive_directory, warc, fields, gone, files)
    for name, data in files.items():
        with replacing(warc.with_name(name)) as handle:
            handle.write(data)
    told = tombstones_of(archive_directory, read_chain(archive_directory))[manifest_path(warc)]
    all_gone = {sha256 for one in told for sha256 in one.fields["gone"]}
    fill(warc, {record.offset for record in records if record.sha256 in all_gone})
    return link


def with_requests(warc: Path, gone: Iterable[int]) -> frozenset[int]:
    """The records that begin at these offsets, and the requests that stand right before them."""
    wanted, all_gone = set(gone), set(gone)
    before: RecordDigest | None = None
    for record in read_records(records_path(warc)):
        if record.offset in wanted and before is not None and before.kind == "request":
            all_gone.add(before.offset)
        before = record
    return frozenset(all_gone)


def addresses(warc: Path) -> Iterator[tuple[RecordDigest, str]]:
    """(record, URI that it is of) of every record of a WARC; "" for one without."""
    with warc.open("rb") as handle:
        for record in read_records(records_path(warc)):
            handle.seek(record.offset)
            head = zlib.decompressobj(wbits=31).decompress(handle.read(record.length), 8192)
            lines = (line for line in head.split(b"\r\n\r\n", 1)[0].split(b"\r\n") if line.startswith(URI))
            yield record, next((line.removeprefix(URI).strip().decode("utf-8", "replace") for line in lines), "")


def glean(readers: Readers, version: Version, warc: Path, entries: list[Entry]) -> list[tuple[Entry, Gleaned]]:
    """What each of these pages gives, read a last time."""
    rereads: Iterator[Reread] = (one for group in readers.read(version, warc, [entries]) for one in group)
    return [
        (entry, Gleaned(path_of(entry), bool(entry.second_pass), one.result.outcome, one.result.reason, one.staged, one.keys))
        for entry, one in zip(entries, rereads, strict=True)
    ]


def marked(entries: Iterable[Entry], gone: frozenset[int], why: str) -> Iterator[Entry]:
    """The index lines, those of removed records marked."""
    for entry in entries:
        yield replace(entry, removed=why) if entry.offset in gone and not entry.removed else entry
