"""Traces: where a name stays when rows and pages are gone: the file of the database, the journal, examples and our own backups."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from torwatch.archive.journal import Line, rewrite_journal
from torwatch.store.backup import known_backups
from torwatch.store.scrubbing import overwrite_deleted
from torwatch.store.targets import add_event

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from pathlib import Path

    from torwatch.store.database import Store


@dataclass(slots=True)
class Forgotten:
    """What was taken out: rows by table, records of the archive, and backups made anew."""

    rows: Counter[str] = field(default_factory=Counter)
    records: int = 0
    backups: list[str] = field(default_factory=list)
    manifests: dict[str, str] = field(default_factory=dict)


def note_forgotten(connection: sqlite3.Connection, now: dt.datetime, market: str, what: str, why: str, done: Forgotten) -> None:
    """Write in the event log that something was forgotten, and not who."""
    detail = {"what": what, "why": why, "rows": sum(done.rows.values()), "records": done.records, "manifests": done.manifests}
    add_event(connection, now, "forgotten", market, detail)


def wipe_traces(
    store: Store,
    archive_directory: Path,
    scrub: Callable[[str], str],
    gone: dict[str, set[int]],
    forget_rows: Callable[[sqlite3.Connection], Counter[str]],
    done: Forgotten,
    *,
    market: str = "",
) -> None:
    """Leave nothing in the file of the database, in the journal, among the examples of held snapshots and in our own backups.

    `gone`: ids of rows that went with a market; `market`: its name, where one is forgotten as a whole.
    """
    overwrite_deleted(store.connection)
    rewrite_journal(archive_directory, lambda line: None if is_gone(line, gone) else clean_line(line, scrub, market))
    for example in sorted((archive_directory.parent / "held").glob("*/*/*.html")):
        text = example.read_bytes().decode("utf-8", "replace")
        if scrub(text) != text:
            example.unlink()
    for backup in known_backups(store):
        with contextlib.closing(sqlite3.connect(backup, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            forget_rows(connection)
            connection.execute("COMMIT")
            overwrite_deleted(connection)
        done.backups.append(str(backup))


def is_gone(line: Line, gone: dict[str, set[int]]) -> bool:
    """Whether a line of the journal is about a row that was forgotten with its market."""
    references = {"market": "market_id", "target": "target_id", "mirror": "mirror_id", "snapshot": "snapshot_id"}
    if line.detail.get("id") in gone.get(line.subject, ()):
        return True
    return any(line.detail.get(column) in gone.get(table, ()) for table, column in references.items() if line.subject != "manifest")


def clean_line(line: Line, scrub: Callable[[str], str], market: str) -> Line:
    """A line of the journal with the names taken out of what people and pages said in it; of events of `market` only that they were."""
    event = line.detail
    if line.subject == "event" and market and event.get("subject") == market and event.get("kind") not in {"expired", "forgotten"}:
        return replace(line, detail=event | {"detail": "{}"})
    words = ("detail", "note", "reason", "why", "cut_short", "pause", "strays", "path")
    return replace(
        line, detail={name: scrub(value) if name in words and isinstance(value, str) else value for name, value in line.detail.items()}
    )
