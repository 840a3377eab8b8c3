"""Manifests as the database knows them: what it takes to notice a manifest or a snapshot that was taken away."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.store.targets import stamp

if TYPE_CHECKING:
    import datetime as dt
    import sqlite3

    from torwatch.store.database import Store


@dataclass(frozen=True, slots=True)
class Sealed:
    """One manifest that was written; `path` is relative to the archive."""

    sequence: int
    snapshot_id: int
    path: str
    sha256: str


def sealed_manifests(store: Store) -> list[Sealed]:
    """Every manifest written, oldest first."""
    rows = store.rows("SELECT sequence, snapshot_id, path, sha256 FROM manifest ORDER BY sequence")
    return [Sealed(**dict(row)) for row in rows]


def unsealed_snapshots(store: Store, market_id: int | None = None) -> list[sqlite3.Row]:
    """Snapshots, of one market or all, that ended with a WARC and have no manifest yet, oldest first."""
    return store.rows(
        "SELECT snapshot.*, market.name AS market FROM snapshot JOIN market ON market.id = snapshot.market_id"
        " WHERE snapshot.state <> 'running' AND snapshot.warc IS NOT NULL AND (?1 IS NULL OR snapshot.market_id = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM manifest WHERE manifest.snapshot_id = snapshot.id) ORDER BY snapshot.id",
        (market_id,),
    )


def archived_snapshots(store: Store) -> dict[int, str]:
    """The WARC of every ended snapshot, relative to the archive."""
    return {row["id"]: row["warc"] for row in store.rows("SELECT id, warc FROM snapshot WHERE state <> 'running' AND warc IS NOT NULL")}


def running_snapshots(store: Store) -> list[tuple[int, str]]:
    """(number, market) of every snapshot under way: the database does not name its WARC yet."""
    rows = store.rows("SELECT snapshot.id, market.name FROM snapshot JOIN market ON market.id = market_id WHERE state = 'running'")
    return [(row["id"], row["name"]) for row in rows]


def read_by(store: Store) -> list[tuple[str, str]]:
    """(name, digest of the sources) of every parser that read pages."""
    rows = store.rows("SELECT DISTINCT parser, parser_digest FROM snapshot WHERE source = 'crawl' AND parser_digest <> '' ORDER BY 1, 2")
    return [(row["parser"], row["parser_digest"]) for row in rows]


def told_removals(store: Store) -> dict[str, str]:
    """The sha256 of every tombstone that the event log tells of, by its path in the archive."""
    rows = store.rows("SELECT detail FROM event WHERE kind IN ('expired', 'forgotten') ORDER BY id")
    return {path: sha256 for row in rows for path, sha256 in json.loads(row["detail"]).get("manifests", {}).items()}


def planned_removals(store: Store) -> set[tuple[str, str]]:
    """(manifest, digest of the list of records) of everything that was ever to be taken out of the archive."""
    rows = store.rows("SELECT detail FROM event WHERE kind = 'removal_planned'")
    return {(detail["concerns"], detail["gone"]) for detail in (json.loads(row["detail"]) for row in rows)}


def record_sealed(store: Store, sealed: Sealed, now: dt.datetime) -> None:
    """Remember a manifest that was written."""
    with store.write() as connection:
        connection.execute(
            "INSERT OR IGNORE INTO manifest (sequence, snapshot_id, path, sha256, sealed_at) VALUES (?, ?, ?, ?, ?)",
            (sealed.sequence, sealed.snapshot_id, sealed.path, sealed.sha256, stamp(now)),
        )
