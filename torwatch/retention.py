"""Retention: pages older than a target keeps them are taken out of the archive; digests, chain and what was read of them stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.archive.index import index_path, read_index
from torwatch.archive.manifest import manifest_path, read_records, records_path
from torwatch.gleanings import read_gleanings
from torwatch.removal import Removal, glean, marked, take_out, with_requests
from torwatch.store.snapshots import ended_snapshots, parser_of
from torwatch.store.targets import add_event, stamp

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torwatch.reread import Readers
    from torwatch.store.database import Store
    from torwatch.store.snapshots import Snapshot
    from torwatch.versions import Versions

MONTHS_A_YEAR = 12
LAST_DAY_OF_ALL = 28


@dataclass(frozen=True, slots=True)
class Due:
    """One snapshot whose pages have expired: how many, and the bytes that they take."""

    snapshot: Snapshot
    offsets: frozenset[int]
    size_bytes: int


def months_before(now: dt.datetime, months: int) -> dt.datetime:
    """The same day so many months before, or the last day that every month has."""
    month = now.year * MONTHS_A_YEAR + now.month - 1 - months
    return now.replace(year=month // MONTHS_A_YEAR, month=month % MONTHS_A_YEAR + 1, day=min(now.day, LAST_DAY_OF_ALL))


def find_due(store: Store, archive_directory: Path, months_of: Mapping[int, int], now: dt.datetime) -> list[Due]:
    """The snapshots with expired pages; `months_of` says by market how long pages are kept, and leaves out those that keep them for ever.

    A page that a snapshot which has not expired refers to stays, and so does all that the newest snapshot of a market shows: the next one
    will refer to it.
    """
    found = []
    for market_id, months in months_of.items():
        before = stamp(months_before(now, months))
        snapshots = [one for one in ended_snapshots(store, market_id) if manifest_path(archive_directory / str(one.warc)).is_file()]
        needed: set[tuple[str, int]] = set()
        for place, snapshot in enumerate(reversed(snapshots)):
            warc = archive_directory / str(snapshot.warc)
            entries = list(read_index(index_path(warc)))
            if place and snapshot.started_at < before:
                held = {entry.offset for entry in entries if entry.offset is not None and not entry.removed}
                offsets = frozenset(offset for offset in held if (warc.name, offset) not in needed)
                if offsets:
                    sizes = sum(
                        record.length for record in read_records(records_path(warc)) if record.offset in with_requests(warc, offsets)
                    )
                    found.append(Due(snapshot, offsets, sizes))
            for entry in entries:
                kept = not (place and snapshot.started_at < before)
                if kept and not entry.removed and entry.orig_filename is not None and entry.orig_offset is not None:
                    needed.add((entry.orig_filename, entry.orig_offset))
    return sorted(found, key=lambda due: due.snapshot.id)


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
    """Take the expired pages out, snapshot by snapshot, each with a line in the event log; `progress` gets (snapshots done, in all)."""
    for number, one in enumerate(due, 1):
        snapshot = one.snapshot
        warc = archive_directory / str(snapshot.warc)
        entries = sorted(read_index(index_path(warc)), key=lambda entry: entry.offset or 0)
        version, _ = versions.of(*parser_of(store, snapshot.id))
        read = glean(readers, version, warc, [entry for entry in entries if entry.offset in one.offsets and entry.outcome])
        gone = with_requests(warc, one.offsets | lost_attempts(warc, {entry.offset for entry in entries}))
        removal = Removal(warc, gone, tuple(marked(entries, gone, "expired")), (*read_gleanings(warc), *(gleaned for _, gleaned in read)))
        link = take_out(archive_directory, removal, {"act": "expired", "at": stamp(now), "why": "retention"})
        with store.write() as connection:
            add_event(
                connection,
                now,
                "expired",
                snapshot.market,
                {
                    "snapshot": snapshot.id,
                    "pages": len(one.offsets),
                    "manifests": {str(link.path.relative_to(archive_directory)): link.sha256},
                },
            )
        progress(number, len(due))


def lost_attempts(warc: Path, known: set[int | None]) -> set[int]:
    """Pages of attempts that a later one replaced: the index does not know them."""
    return {record.offset for record in read_records(records_path(warc)) if record.kind in {"response", "revisit"}} - known
