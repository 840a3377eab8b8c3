"""Retention: pages older than a target keeps them are taken out of the archive; digests, chain and what was read of them stay."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.archive.files import lock_folder
from torwatch.archive.index import index_path, read_index
from torwatch.archive.manifest import manifest_path, read_records, records_path
from torwatch.archive.revisit import OpenReferences
from torwatch.gleanings import read_gleanings
from torwatch.removal.records import Removal, glean, marked, prepare_removal, records_gone, removing, take_out, with_requests
from torwatch.store.snapshots import ended_snapshots, parser_of
from torwatch.store.targets import stamp

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torwatch.replay.pages import Readers, Version
    from torwatch.replay.versions import Versions
    from torwatch.store.database import Store
    from torwatch.store.snapshots import Snapshot

MONTHS_A_YEAR = 12
LAST_DAY_OF_ALL = 28


@dataclass(frozen=True, slots=True)
class Due:
    """One snapshot whose pages have expired: where they begin, the bytes that they take, and what must not go with them."""

    snapshot: Snapshot
    offsets: frozenset[int]
    size_bytes: int
    needed: frozenset[int]  # records that snapshots which have not expired refer to
    sealed: frozenset[str]  # the WARCs of the market that were looked at


def months_before(now: dt.datetime, months: int) -> dt.datetime:
    """The same day so many months before, or the last day that every month has."""
    month = now.year * MONTHS_A_YEAR + now.month - 1 - months
    return now.replace(year=month // MONTHS_A_YEAR, month=month % MONTHS_A_YEAR + 1, day=min(now.day, LAST_DAY_OF_ALL))


def find_due(store: Store, archive_directory: Path, months_of: Mapping[int, int], now: dt.datetime) -> list[Due]:
    """The snapshots with expired pages, oldest first; `months_of` says by market how long pages are kept, and leaves out those that keep them for ever.

    A page that a snapshot which has not expired refers to stays, and so does all that the newest snapshot of a market shows: the next one
    will refer to it.
    """
    found = []
    for market_id, months in months_of.items():
        before = stamp(months_before(now, months))
        snapshots = [one for one in ended_snapshots(store, market_id) if manifest_path(archive_directory / str(one.warc)).is_file()]
        sealed = frozenset(str(one.warc).rpartition("/")[2] for one in snapshots)
        needed: dict[str, set[int]] = defaultdict(set)
        for place, snapshot in enumerate(reversed(snapshots)):
            warc = archive_directory / str(snapshot.warc)
            entries = [entry for entry in read_index(index_path(warc)) if entry.offset is not None and not entry.removed]
            if place and snapshot.started_at < before:
                offsets = frozenset(entry.offset for entry in entries if entry.offset is not None) - needed[warc.name]
                if offsets:
                    found.append(Due(snapshot, offsets, bytes_of(warc, offsets), frozenset(needed[warc.name]), sealed))
                continue
            for entry in entries:
                if entry.orig_filename is not None and entry.orig_offset is not None:
                    needed[entry.orig_filename].add(entry.orig_offset)
    return sorted(found, key=lambda due: due.snapshot.id)


def bytes_of(warc: Path, offsets: frozenset[int]) -> int:
    """What pages and their requests take on the disk."""
    exchanges = with_requests(warc, offsets)
    return sum(record.length for record in read_records(records_path(warc)) if record.offset in exchanges)


def expire(
    store: Store,
    archive_directory: Path,
    due: list[Due],
    readers: Readers,
    versions: Versions,
    now: dt.datetime,
    *,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> None:
    """Take the expired pages out, each snapshot with a line in the event log; `progress` gets (snapshots done, in all).

    The newest first: a page may refer to an older one, and both are read a last time. Raises UsageError while pages are taken out already.
    """
    with removing(store, archive_directory, now):
        for number, one in enumerate(reversed(due), 1):
            version, _ = versions.of(*parser_of(store, one.snapshot.id))
            expire_snapshot(store, archive_directory, one, readers, version, now)
            progress(number, len(due))


def expire_snapshot(store: Store, archive_directory: Path, due: Due, readers: Readers, version: Version, now: dt.datetime) -> None:
    """Take the expired pages of one snapshot out, but for those that a snapshot under way has come to refer to meanwhile."""
    warc = archive_directory / str(due.snapshot.warc)
    under_way = OpenReferences(warc.parent, due.sealed)
    while True:
        needed = due.needed | {place.offset for place in under_way.look() if place.filename == warc.name}
        removal = plan(warc, due.offsets - needed, needed, readers, version)
        if not removal.gone:
            return
        files = prepare_removal(archive_directory, removal)
        with lock_folder(warc.parent):
            if not any(place.filename == warc.name and place.offset in removal.gone for place in under_way.look()):
                take_out(store, archive_directory, warc, records_gone(removal), files, act="expired", why="retention", now=now)
                return


def plan(warc: Path, offsets: frozenset[int], needed: frozenset[int], readers: Readers, version: Version) -> Removal:
    """What it takes to take these pages out, and the attempts that later ones replaced."""
    entries = sorted(read_index(index_path(warc)), key=lambda entry: entry.offset or 0)
    read = glean(readers, version, warc, [entry for entry in entries if entry.offset in offsets and entry.outcome and not entry.removed])
    gone = with_requests(warc, offsets | (lost_attempts(warc, {entry.offset for entry in entries}) - needed if offsets else frozenset()))
    return Removal(warc, gone, tuple(marked(entries, gone, "expired")), (*read_gleanings(warc), *read))


def lost_attempts(warc: Path, known: set[int | None]) -> frozenset[int]:
    """Pages of attempts that a later one replaced: the index does not know them."""
    return frozenset(record.offset for record in read_records(records_path(warc)) if record.kind in {"response", "revisit"}) - known
