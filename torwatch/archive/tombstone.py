"""Tombstones: records taken out of a sealed WARC, their place filled and their digests kept, told by a link of the chain of its own.

A filler has the length of the records that it stands for, so that every other record stays where indexes and revisit records say. It is a
WARC record without content whose gzip header holds zeros, which take no room on the disk.

What is to stand in the place of WARC, index and gleanings is written beside them first (`.next`). The tombstone decides: without it these files
count for nothing, once it is written they take their places, also after a kill.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import uuid
import zlib
from collections import defaultdict
from itertools import groupby
from typing import IO, TYPE_CHECKING, Any

from torwatch.archive.files import hash_file, replacing, sync_folder, write_whole
from torwatch.archive.index import index_path, read_index
from torwatch.archive.journal import vouch
from torwatch.archive.manifest import (
    SUFFIX,
    TOMBSTONE_FORM,
    Link,
    RecordDigest,
    chain_lock,
    manifest_path,
    read_chain,
    read_link,
    read_records,
    records_path,
)
from torwatch.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

NEXT = ".next"
GZIP_HEAD = b"\x1f\x8b\x08\x04" + b"\0" * 4 + b"\0\xff"  # deflate, with an extra field, no time
LONGEST_EXTRA = 65_535


def filler(length: int, sha256: str) -> Iterator[bytes]:
    """What stands in the place of a record of `length` bytes with this sha256, in parts; parts that are all zeros may become holes.

    Raises ArchiveError below 20 bytes: no record is so short.
    """
    body = compressed(tombstone_record(sha256))
    bare = compressed(b"")
    while length:
        content = body if length >= len(body) + 12 else bare
        spare = length - len(content) - 12  # ten bytes of header, two of the extra field's length
        if spare < 0:
            raise ArchiveError(f"no filler is as short as {length} bytes")
        extra = min(spare, LONGEST_EXTRA)
        if 0 < spare - extra < len(bare) + 12:
            extra -= len(bare) + 12  # leave enough for one more
        yield GZIP_HEAD + extra.to_bytes(2, "little")
        yield b"\0" * extra
        yield content
        length -= 12 + extra + len(content)
        body = bare


def tombstone_record(sha256: str) -> bytes:
    """A WARC record that only says that one was here."""
    name = uuid.UUID(sha256[:32], version=4)
    head = f"WARC/1.1\r\nWARC-Type: metadata\r\nWARC-Record-ID: <urn:uuid:{name}>\r\nWARC-Date: 1970-01-01T00:00:00Z\r\nContent-Length: 0\r\n\r\n"
    return head.encode() + b"\r\n\r\n"


def compressed(content: bytes) -> bytes:
    """The part of a gzip member behind its header."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    tail = zlib.crc32(content).to_bytes(4, "little") + len(content).to_bytes(4, "little")
    return deflate.compress(content) + deflate.flush() + tail


def next_path(path: Path) -> Path:
    """Where the file lies that is to take the place of `path`."""
    return path.with_name(path.name + NEXT)


def prepare(path: Path, data: bytes) -> None:
    """Write what is to take the place of a file. Raises ArchiveError."""
    with replacing(next_path(path)) as handle:
        handle.write(data)


def fill(warc: Path, gone: Collection[int]) -> None:
    """Prepare a WARC with fillers in the place of the records that begin at the offsets of `gone`. Raises ArchiveError."""
    with replacing(next_path(warc)) as sink, warc.open("rb") as source:
        os.fchmod(sink.fileno(), 0o600)
        for is_gone, run in groupby(read_records(records_path(warc)), key=lambda record: record.offset in gone):
            for part in run_filler(list(run)) if is_gone else exact(source, run):
                if part.strip(b"\0"):
                    sink.write(part)
                else:
                    sink.seek(len(part), os.SEEK_CUR)  # a hole


def run_filler(run: Sequence[RecordDigest]) -> Iterator[bytes]:
    """What stands in the place of records that follow one another: one filler for all, so that holes are long."""
    return filler(sum(record.length for record in run), run[0].sha256)


def exact(source: IO[bytes], records: Iterable[RecordDigest]) -> Iterator[bytes]:
    """The compressed bytes of records."""
    for record in records:
        source.seek(record.offset)
        yield source.read(record.length)


def append_tombstone(
    archive_directory: Path, warc: Path, fields: Mapping[str, Any], gone: Iterable[str], files: Mapping[str, bytes | None]
) -> Link:
    """Say in the chain what is taken out of a sealed WARC, before it is (`finish`).

    `gone` are the sha256 of records, `files` the new content of files beside it (None: the file goes); `fields` tell the act, its time and
    why. Raises ArchiveError when it cannot be written.
    """
    with chain_lock(archive_directory):
        head = read_chain(archive_directory)[-1]
        number = head.sequence + 1
        path = manifest_path(warc).with_name(f"{warc.name.partition('.')[0]}.tombstone-{number}{SUFFIX}")
        content = {
            "form": TOMBSTONE_FORM,
            "sequence": number,
            "previous": head.sha256,
            "concerns": str(manifest_path(warc).relative_to(archive_directory)),
            **fields,
            "gone": sorted(gone),
            "journal": vouch(archive_directory),
            "files": [{"name": name, "sha256": None if data is None else hashlib.sha256(data).hexdigest()} for name, data in files.items()],
        }
        write_whole(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        return read_link(path)


def finish(link: Link) -> None:
    """Let what a tombstone tells be so; what is so already stays. Raises ArchiveError."""
    folder = link.path.parent
    told = {file["name"]: file["sha256"] for file in link.fields["files"]}
    try:
        for name in (*told, warc_concerned(link)):  # the WARC last: a page whose record is gone is read from index and gleanings
            if name in told and told[name] is None:
                (folder / name).unlink(missing_ok=True)
            elif next_path(folder / name).exists():
                next_path(folder / name).replace(folder / name)
        sync_folder(folder)
    except OSError as error:
        raise ArchiveError(f"{folder} cannot be written: {error.strerror}; mend that, then run the command again") from error


def warc_concerned(link: Link) -> str:
    """The name of the WARC of which a tombstone tells."""
    return str(link.fields["concerns"]).rpartition("/")[2].removesuffix(SUFFIX) + ".warc.gz"


def drop_prepared(archive_directory: Path) -> None:
    """Delete what was prepared for tombstones that a kill kept from being written; after every other one is finished."""
    for path in archive_directory.glob(f"*/*{NEXT}*"):
        path.unlink()


def is_tombstone(link: Link) -> bool:
    """Whether a link of the chain tells of records taken out."""
    return link.fields.get("form") == TOMBSTONE_FORM


def is_whole(link: Link) -> bool:
    """Whether a tombstone stands for a whole WARC."""
    return is_tombstone(link) and any(file["name"].endswith(".warc.gz") and file["sha256"] is None for file in link.fields["files"])


def tombstones_of(archive_directory: Path, links: Iterable[Link]) -> dict[Path, list[Link]]:
    """The tombstones by the manifest that they concern, oldest first."""
    found: dict[Path, list[Link]] = defaultdict(list)
    for link in links:
        if is_tombstone(link):
            found[archive_directory / str(link.fields.get("concerns"))].append(link)
    return found


def find_lost_references(links: Iterable[Link], tombstones: Mapping[Path, list[Link]]) -> Iterator[str]:
    """Pages that are still in the archive and refer to a body that was taken out."""
    lost = {
        (path.parent, record.offset, warc_concerned(told[0])) for path, told in tombstones.items() for record in gone_records(path, told)
    }
    for link in links if lost else ():
        index = index_path(manifest_warc(link.path))
        with contextlib.suppress(OSError, ValueError, TypeError):  # an index that cannot be read is told elsewhere
            for entry in read_index(index) if not is_tombstone(link) else ():
                if not entry.removed and (index.parent, entry.orig_offset, entry.orig_filename) in lost:
                    yield f"{index}: {entry.url} refers to a page in {entry.orig_filename} that was taken out (byte {entry.orig_offset})"


def gone_records(manifest: Path, tombstones: Iterable[Link]) -> list[RecordDigest]:
    """The records of a manifest's WARC that tombstones tell of; none where the list is missing or unreadable, which is told elsewhere."""
    gone = {sha256 for one in tombstones for sha256 in one.fields["gone"]}
    try:
        return [record for record in read_records(records_path(manifest_warc(manifest))) if record.sha256 in gone]
    except (OSError, ArchiveError):
        return []


def manifest_warc(manifest: Path) -> Path:
    """The WARC beside a manifest."""
    return manifest.with_name(manifest.name.removesuffix(SUFFIX) + ".warc.gz")


def find_tombstone_breaks(link: Link, tombstones: list[Link]) -> Iterator[str]:
    """Every break in the files of a manifest of whose records some were taken out."""
    sealed = {file["name"]: file for file in link.fields["files"]}
    names = list(sealed)
    warc, records = link.path.parent / names[0], link.path.parent / names[2]
    expected: dict[str, str | None] = {names[1]: sealed[names[1]]["sha256"], names[2]: sealed[names[2]]["sha256"]}
    gone: set[str] = set()
    for tombstone in tombstones:
        gone |= set(tombstone.fields["gone"])
        expected |= {file["name"]: file["sha256"] for file in tombstone.fields["files"]}
    for name, sha256 in expected.items():
        file = link.path.parent / name
        if sha256 is None:
            if file.exists():
                yield f"{file}: is to be gone and is still there: run the command that took it out again"
        elif not file.is_file():
            yield f"{file}: missing"
        elif hash_file(file) != sha256:
            yield f"{file}: altered since it was sealed (sha256 differs)"
    if warc.name in expected or not records.is_file():
        return
    if not warc.is_file():
        yield f"{warc}: missing"
        return
    if warc.stat().st_size != sealed[warc.name]["bytes"]:
        yield f"{warc}: {warc.stat().st_size} bytes long, {sealed[warc.name]['bytes']} when it was sealed"
    yield from find_record_breaks(warc, records, gone)


def find_record_breaks(warc: Path, records: Path, gone: Collection[str] = ()) -> Iterator[str]:
    """Records that are neither what was sealed nor what stands for one that was taken out, whose sha256 is in `gone`."""
    try:
        listed = read_records(records)
    except ArchiveError as error:
        yield str(error)
        return
    with warc.open("rb") as handle:
        for is_gone, group in groupby(listed, key=lambda record: record.sha256 in gone):
            run = list(group)
            if is_gone and is_filled(handle, run):
                continue
            for record, raw in zip(run, exact(handle, run), strict=True):
                where = f"{warc}: the {record.kind} record at byte {record.offset}"
                is_sealed = hashlib.sha256(raw).hexdigest() == record.sha256
                if is_gone:
                    yield f"{where} is to be gone, and " + (
                        "is still there" if is_sealed else "something else than a filler is in its place"
                    )
                elif not is_sealed:
                    yield f"{where} is not what was sealed"


def is_filled(handle: IO[bytes], run: Sequence[RecordDigest]) -> bool:
    """Whether a filler stands in the place of records that follow one another."""
    handle.seek(run[0].offset)
    return all(handle.read(len(part)) == part for part in run_filler(run))
