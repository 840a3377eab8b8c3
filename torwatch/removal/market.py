"""Clearance: a market with its target gone as a whole, on request; what stays are digests, manifests and tombstones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from torwatch.archive.index import index_path
from torwatch.archive.manifest import SUFFIX, manifest_path, read_records, records_path
from torwatch.archive.originals import kept_file
from torwatch.forget_request import ForgetRequest, drop_request, keep_request
from torwatch.gleanings import gleanings_path
from torwatch.removal.records import take_out
from torwatch.removal.traces import Cleaning, Forgotten, note_forgotten, wipe_traces
from torwatch.store.forgetting import forget_market, hosts_of, ids_of, imported_files
from torwatch.store.person import FORGOTTEN
from torwatch.store.scrubbing import empty_events, scrub_tables
from torwatch.store.snapshots import ended_snapshots
from torwatch.store.state import market_named

if TYPE_CHECKING:
    import datetime as dt
    import sqlite3
    from collections import Counter
    from collections.abc import Callable
    from pathlib import Path

    from torwatch.store.database import Store


def request_target(store: Store, market: str, why: str) -> ForgetRequest:
    """The request to forget a market with its target. Raises UsageError when it is not known."""
    market_id = market_named(store, market)
    return ForgetRequest(market, market_id, why, hosts=hosts_of(store, market_id), ids=ids_of(store, market_id))


def forget_target(
    store: Store,
    archive_directory: Path,
    request: ForgetRequest,
    *,
    now: dt.datetime,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Forgotten:
    """Forget a market with its target: all of it goes but the digests and manifests. As forget_vendor."""
    done, market, market_id = Forgotten(), request.market, request.market_id
    keep_request(archive_directory.parent, request)
    snapshots = ended_snapshots(store, market_id)
    for number, snapshot in enumerate(snapshots, 1):
        warc = archive_directory / str(snapshot.warc)
        if manifest_path(warc).is_file() and warc.is_file():
            done.records += remove_whole(store, archive_directory, warc, request.why, now)
        progress(number, len(snapshots))
    for leftover in (archive_directory / market).glob("*"):
        if not leftover.name.endswith((SUFFIX, ".records", ".tsr")):
            leftover.unlink()
    remove_imports(store, archive_directory, market)
    pattern = re.compile("|".join(map(re.escape, request.hosts))) if request.hosts else None

    def scrub(text: str) -> str:
        return pattern.sub(FORGOTTEN, text) if pattern else text

    def forget_rows(connection: sqlite3.Connection) -> Counter[str]:
        rows = forget_market(connection, market)
        scrub_tables(connection, market_id, scrub)
        empty_events(connection, market)
        return rows

    with store.write() as connection:
        done.rows = forget_rows(connection)
        if done.records or sum(done.rows.values()):
            note_forgotten(connection, now, market, "target", request.why, done)
    gone = {table: frozenset(numbers) for table, numbers in request.ids}
    cleaning = Cleaning(market, market_id, gone["snapshot"], scrub, shows_it=lambda _page: True, gone=gone, whole=True)
    wipe_traces(store, archive_directory, cleaning, forget_rows, done, now)
    drop_request(archive_directory.parent)
    return done


def remove_whole(store: Store, archive_directory: Path, warc: Path, why: str, now: dt.datetime) -> int:
    """Take a whole WARC out, with its index and gleanings; its list of digests and its manifest stay. Gives the number of records."""
    gone = [record.sha256 for record in read_records(records_path(warc))]
    files = dict.fromkeys((warc.name, index_path(warc).name, gleanings_path(warc).name))
    take_out(store, archive_directory, warc, gone, files, act="forgotten", why=why, now=now)
    return len(gone)


def remove_imports(store: Store, archive_directory: Path, market: str) -> None:
    """Delete the files that were imported into a market, but for those that another was made of too."""
    own = {number for number, _ in imported_files(store.connection, market)}
    files: dict[Path, bool] = {}
    for number, detail in imported_files(store.connection):
        if "sha256" in detail:
            path = kept_file(archive_directory, detail)
            files[path] = files.get(path, True) and number in own
    for path, only in files.items():
        if only:
            path.unlink(missing_ok=True)
