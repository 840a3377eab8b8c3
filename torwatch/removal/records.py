"""Removal: pages taken out of a sealed archive; their digests stay, and what was read from them stays as gleanings beside the archive.

Each WARC changes at once, when its tombstone is written: what a kill cuts off before that is as if it had not begun, and what it cuts off
after that is finished by the next act.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from torwatch.archive.index import Entry, index_lines, index_path
from torwatch.archive.manifest import manifest_path, read_chain, read_records, records_path
from torwatch.archive.tombstone import (
    append_tombstone,
    drop_prepared,
    fill,
    finish,
    is_tombstone,
    prepare,
    tombstones_of,
)
from torwatch.errors import UsageError
from torwatch.gleanings import Gleaned, gleanings_path, pack_gleanings
from torwatch.replay.pages import path_of
from torwatch.store.manifests import planned_removals, told_removals
from torwatch.store.targets import add_event, stamp

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from torwatch.archive.manifest import Link, RecordDigest
    from torwatch.replay.pages import Readers, Reread, Version
    from torwatch.store.database import Store


@dataclass(frozen=True, slots=True)
class Removal:
    """What is to be taken out of one WARC: where the records begin, the index as it will be, and the gleanings as they will be."""

    warc: Path
    gone: frozenset[int]
    entries: tuple[Entry, ...]
    gleaned: tuple[Gleaned, ...]


@contextlib.contextmanager
def removing(store: Store, archive_directory: Path, now: dt.datetime) -> Iterator[None]:
    """Let one act at a time take pages out, and finish first what a kill cut off. Raises UsageError while another one is under way."""
    archive_directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(archive_directory / "removal.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError("another command is taking pages out of the archive: let it finish, then try again") from None
        tell_removals(store, archive_directory, now)
        drop_prepared(archive_directory)
        yield
    finally:
        os.close(descriptor)


def tell_removals(store: Store, archive_directory: Path, now: dt.datetime) -> list[Link]:
    """Tell the event log of every tombstone that it does not know, each finished first; gives them.

    One that was never planned is not ours: it is left for `verify` to tell.
    """
    known, planned = told_removals(store), planned_removals(store)
    untold = [
        link
        for link in read_chain(archive_directory)
        if is_tombstone(link)
        and known.get(str(link.path.relative_to(archive_directory))) != link.sha256
        and (link.fields["concerns"], digest_of(link.fields["gone"])) in planned
    ]
    for link in untold:
        finish(link)
        path = link.path.relative_to(archive_directory)
        detail = {"records": len(link.fields["gone"]), "why": link.fields["why"], "manifests": {str(path): link.sha256}}
        with store.write() as connection:
            add_event(connection, now, link.fields["act"], path.parts[0], detail)
    return untold


def prepare_removal(archive_directory: Path, removal: Removal) -> dict[str, bytes | None]:
    """Write beside a WARC what is to take its place; gives the content of the files that its tombstone vouches for. Raises ArchiveError."""
    warc = removal.warc
    index = "".join(line + "\n" for line in index_lines(removal.entries)).encode()
    files: dict[str, bytes | None] = {gleanings_path(warc).name: pack_gleanings(removal.gleaned), index_path(warc).name: index}
    for name, data in files.items():
        prepare(warc.with_name(name), data or b"")
    before = tombstones_of(archive_directory, read_chain(archive_directory)).get(manifest_path(warc), [])
    gone_before = {sha256 for one in before for sha256 in one.fields["gone"]}
    fill(
        warc,
        {record.offset for record in read_records(records_path(warc)) if record.offset in removal.gone or record.sha256 in gone_before},
    )
    return files


def take_out(
    store: Store,
    archive_directory: Path,
    warc: Path,
    gone: Collection[str],
    files: Mapping[str, bytes | None],
    *,
    act: str,
    why: str,
    now: dt.datetime,
) -> Link:
    """Take records, by their sha256, out of a WARC for which all is prepared. Raises ArchiveError when a file cannot be written."""
    concerned = str(manifest_path(warc).relative_to(archive_directory))
    with store.write() as connection:
        add_event(connection, now, "removal_planned", warc.parent.name, {"concerns": concerned, "gone": digest_of(gone)})
    link = append_tombstone(archive_directory, warc, {"act": act, "at": stamp(now), "why": why}, gone, files)
    finish(link)
    tell_removals(store, archive_directory, now)
    return link


def digest_of(gone: Iterable[str]) -> str:
    """The sha256 of a list of digests."""
    return hashlib.sha256("\n".join(sorted(gone)).encode()).hexdigest()


def records_gone(removal: Removal) -> list[str]:
    """The sha256 of the records that a removal takes out."""
    return [record.sha256 for record in read_records(records_path(removal.warc)) if record.offset in removal.gone]


def with_requests(warc: Path, gone: Iterable[int]) -> frozenset[int]:
    """The records that begin at these offsets, and the requests that stand right before them."""
    wanted, all_gone = set(gone), set(gone)
    before: RecordDigest | None = None
    for record in read_records(records_path(warc)):
        if record.offset in wanted and before is not None and before.kind == "request":
            all_gone.add(before.offset)
        before = record
    return frozenset(all_gone)


def contents(warc: Path) -> Iterator[tuple[RecordDigest, bytes]]:
    """(record, all that it holds) of every record of a WARC, also of what was taken out: that holds nothing."""
    with warc.open("rb") as handle:
        for record in read_records(records_path(warc)):
            handle.seek(record.offset)
            raw = handle.read(record.length)
            yield record, zlib.decompressobj(wbits=31).decompress(raw) if hashlib.sha256(raw).hexdigest() == record.sha256 else b""


def glean(readers: Readers, version: Version, warc: Path, entries: list[Entry]) -> list[Gleaned]:
    """What each of these pages gives, read a last time."""
    rereads: Iterator[Reread] = (one for group in readers.read(version, warc, [entries]) for one in group)
    return [
        Gleaned(path_of(entry), bool(entry.second_pass), one.result.outcome, one.result.reason, one.staged, one.keys)
        for entry, one in zip(entries, rereads, strict=True)
    ]


def marked(entries: Iterable[Entry], gone: frozenset[int], why: str) -> Iterator[Entry]:
    """The index lines, those of removed records marked."""
    for entry in entries:
        yield replace(entry, removed=why) if entry.offset in gone and not entry.removed else entry
