"""Clearance: a market with its target gone as a whole, on request; what stays are digests, manifests and tombstones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torwatch.archive.index import index_path
from torwatch.archive.manifest import SUFFIX, manifest_path, read_records, records_path
from torwatch.archive.originals import import_path
from torwatch.archive.tombstone import append_tombstone
from torwatch.gleanings import gleanings_path
from torwatch.store.forgetting import forget_market, hosts_of, ids_of, imported_files
from torwatch.store.person import FORGOTTEN
from torwatch.store.scrubbing import empty_events, scrub_tables
from torwatch.store.snapshots import ended_snapshots
from torwatch.store.state import market_named
from torwatch.store.targets import stamp
from torwatch.traces import Forgotten, note_forgotten, wipe_traces

if TYPE_CHECKING:
    import datetime as dt
    import sqlite3
    from collections import Counter
    from pathlib import Path

    from torwatch.archive.manifest import Link
    from torwatch.store.database import Store


def forget_target(store: Store, archive_directory: Path, market: str, *, why: str, now: dt.datetime) -> Forgotten:
    """Forget a market with its target: all of it goes but the digests and manifests. As forget_vendor."""
    done = Forgotten()
    market_id = market_named(store, market)
    hosts, gone = hosts_of(store, market_id), ids_of(store, market_id)
    for snapshot in ended_snapshots(store, market_id):
        warc = archive_directory / str(snapshot.warc)
        if manifest_path(warc).is_file() and warc.is_file():
            link = remove_whole(archive_directory, warc, why, now)
            done.records += len(link.fields["gone"])
            done.manifests[str(link.path.relative_to(archive_directory))] = link.sha256
    for leftover in (archive_directory / market).glob("*"):
        if not leftover.name.endswith((SUFFIX, ".records", ".tsr")):
            leftover.unlink()
    for sha256 in imported_files(store, market):
        import_path(archive_directory, sha256).unlink(missing_ok=True)
    pattern = re.compile("|".join(map(re.escape, sorted(hosts)))) if hosts else None

    def scrub(text: str) -> str:
        return pattern.sub(FORGOTTEN, text) if pattern else text

    def forget_rows(connection: sqlite3.Connection) -> Counter[str]:
        rows = forget_market(connection, market)
        scrub_tables(connection, market_id, scrub)
        empty_events(connection, market)
        return rows

    with store.write() as connection:
        done.rows = forget_rows(connection)
        note_forgotten(connection, now, market, "target", why, done)
    wipe_traces(store, archive_directory, scrub, gone, forget_rows, done, market=market)
    return done


def remove_whole(archive_directory: Path, warc: Path, why: str, now: dt.datetime) -> Link:
    """Take a whole WARC out, with its index and gleanings; its list of digests and its manifest stay."""
    records = read_records(records_path(warc))
    files = dict.fromkeys((warc.name, index_path(warc).name, gleanings_path(warc).name))
    fields = {"act": "forgotten", "at": stamp(now), "why": why}
    link = append_tombstone(archive_directory, warc, fields, (record.sha256 for record in records), files)
    for name in files:
        warc.with_name(name).unlink(missing_ok=True)
    return link
