"""The check of an archive against its manifests: files, records, index and chain; every break is one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torwatch.archive.files import hash_file
from torwatch.archive.index import read_index
from torwatch.archive.manifest import SUFFIX, Link, digest_records, read_link, read_records, records_path
from torwatch.archive.tombstone import find_record_breaks
from torwatch.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def find_breaks(archive_directory: Path) -> tuple[list[Link], list[str]]:
    """(the readable manifests in the order of the chain, every break found between them).

    Breaks inside the files of a manifest are found by `find_file_breaks`.
    """
    links: list[Link] = []
    breaks: list[str] = []
    for path in sorted(archive_directory.glob(f"*/*{SUFFIX}")):
        try:
            links.append(read_link(path))
        except ArchiveError as error:
            breaks.append(str(error))
    links.sort(key=lambda link: (link.sequence, link.path.name))
    previous, expected = "", 1
    for link in links:
        if link.sequence != expected:
            breaks.append(f"chain: manifest {expected} is missing before {link.path} (number {link.sequence})")
        elif link.fields.get("previous") != previous:
            breaks.append(f"chain: {link.path} does not follow from the manifest before it: one of the two was altered")
        previous, expected = link.sha256, link.sequence + 1
    return links, breaks


def find_file_breaks(link: Link) -> Iterator[str]:
    """Every break in the files that a manifest vouches for; a damaged WARC is searched record by record."""
    files = link.fields["files"]
    warc, index, records = (link.path.parent / file["name"] for file in files)
    sound = True
    for path, file in zip((warc, index, records), files, strict=True):
        if not path.is_file():
            yield f"{path}: missing"
        elif path.stat().st_size != file["bytes"]:
            yield f"{path}: {path.stat().st_size} bytes long, {file['bytes']} when it was sealed"
        elif hash_file(path) != file["sha256"]:
            yield f"{path}: altered since it was sealed (sha256 differs)"
        else:
            continue
        sound = False
    if sound:
        yield from find_index_breaks(warc, index, records)
    elif warc.is_file() and records.is_file():
        yield from find_record_breaks(warc, records)


def find_index_breaks(warc: Path, index: Path, records: Path) -> Iterator[str]:
    """Index lines that lead to no record of a page, revisits whose page is not there, and records that differ from their list."""
    known = {(record.offset, record.length) for record in read_records(records) if record.kind in {"response", "revisit"}}
    pages: dict[str, set[int]] = {}
    for entry in read_index(index):
        if entry.offset is not None and (entry.offset, entry.length) not in known:
            yield f"{index}: {entry.url} leads to no page in {warc.name} (byte {entry.offset})"
        if entry.orig_filename is not None:
            if entry.orig_filename not in pages:
                pages[entry.orig_filename] = stored_pages(records_path(warc.with_name(entry.orig_filename)))
            if entry.orig_offset not in pages[entry.orig_filename]:
                yield f"{index}: {entry.url} refers to a page that is not in {entry.orig_filename} (byte {entry.orig_offset})"
    try:
        if list(digest_records(warc)) != read_records(records):
            yield f"{warc}: its records are not those of {records.name}"
    except ArchiveError as error:
        yield str(error)


def stored_pages(records: Path) -> set[int]:
    """Where the records with a body begin, by a list of record digests; none where it is missing or unreadable, which is told of its own WARC."""
    try:
        return {record.offset for record in read_records(records) if record.kind == "response"}
    except (OSError, ArchiveError):
        return set()
