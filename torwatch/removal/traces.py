"""Traces: where a name stays when rows and pages are gone: the file of the database, the journal, examples and our own backups."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from torwatch.archive.journal import Line, rewrite_journal, vouch
from torwatch.archive.manifest import read_chain
from torwatch.archive.originals import GLEANED, import_path, kept_file
from torwatch.ledger import REWRITTEN
from torwatch.store.backup import known_backups, unfinished_files
from torwatch.store.forgetting import imported_files
from torwatch.store.scrubbing import EVERY_ROW, OF_MARKET, OF_SNAPSHOT, THE_MARKET, TOLD_OF_REMOVALS, WORDS, overwrite_deleted
from torwatch.store.targets import add_event

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torwatch.store.database import Store


@dataclass(slots=True)
class Forgotten:
    """What was taken out: rows by table and records of the archive; backups made anew, and copies that could not be."""

    rows: Counter[str] = field(default_factory=Counter)
    records: int = 0
    backups: list[str] = field(default_factory=list)
    out_of_reach: list[str] = field(default_factory=list)


def note_forgotten(connection: sqlite3.Connection, now: dt.datetime, market: str, what: str, why: str, done: Forgotten) -> None:
    """Write in the event log that something was forgotten, and not who; the records that went are told one by one."""
    add_event(connection, now, "forgotten", market, {"what": what, "why": why, "rows": sum(done.rows.values())})


def note_rewritten(store: Store, archive_directory: Path, now: dt.datetime) -> None:
    """Write in the event log what the journal is from now on: what manifests say of it holds for the one before."""
    chain = read_chain(archive_directory)
    with store.write() as connection:
        add_event(connection, now, REWRITTEN, "", vouch(archive_directory) | {"after": chain[-1].sequence if chain else 0})


def drop_imports(connection: sqlite3.Connection, archive_directory: Path) -> None:
    """Delete the imported files in whose place is what a request to forget left of them."""
    events = [detail for _, detail in imported_files(connection)]
    needed = {kept_file(archive_directory, detail) for detail in events if "sha256" in detail}
    for path in {import_path(archive_directory, detail["sha256"]) for detail in events if GLEANED in detail} - needed:
        path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Cleaning:
    """How lines of the journal and texts lose what is forgotten of a market: names by `scrub`, and `keys` of listings.

    `snapshots`: the market's; `shows_it`: whether a page of it shows what is forgotten; `whole`: the market is forgotten as a whole; `gone`: ids
    of rows, by table, that went with it.
    """

    market: str
    market_id: int
    snapshots: frozenset[int]
    scrub: Callable[[str], str]
    shows_it: Callable[[bytes], bool]
    keys: frozenset[str] = frozenset()
    gone: Mapping[str, frozenset[int]] = field(default_factory=dict)
    whole: bool = False

    def line(self, line: Line) -> Line | None:
        """A line of the journal as it is from now on; None when it goes."""
        detail = line.detail
        if self.is_gone(line):
            return None
        if line.subject == "event" and self.whole and self.market == detail.get("subject") and detail.get("kind") not in TOLD_OF_REMOVALS:
            return replace(line, detail=detail | {"detail": "{}"})
        columns, which = WORDS.get(line.subject, ((), ""))
        if not self.concerns(which, detail):
            return line
        clean = {name: self.scrub(value) if name in columns and isinstance(value, str) else value for name, value in detail.items()}
        if "strays" in clean:
            clean["strays"] = json.dumps([key for key in json.loads(clean["strays"]) if key not in self.keys])
        return replace(line, detail=clean)

    def is_gone(self, line: Line) -> bool:
        """Whether a line of the journal is about a row that was forgotten with its market."""
        references = {"market": "market_id", "target": "target_id", "mirror": "mirror_id", "snapshot": "snapshot_id"}
        if line.detail.get("id") in self.gone.get(line.subject, ()):
            return True
        return any(
            line.detail.get(column) in self.gone.get(table, ()) for table, column in references.items() if line.subject != "manifest"
        )

    def concerns(self, which: str, detail: Mapping[str, Any]) -> bool:
        """Whether a row is one of those of its table whose words are scrubbed in the database."""
        return {
            EVERY_ROW: True,
            OF_MARKET: detail.get("market_id") == self.market_id,
            OF_SNAPSHOT: detail.get("snapshot_id") in self.snapshots,
            THE_MARKET: detail.get("id") == self.market_id,
        }.get(which, False)


def wipe_traces(
    store: Store,
    archive_directory: Path,
    cleaning: Cleaning,
    forget_rows: Callable[[sqlite3.Connection], Counter[str]],
    done: Forgotten,
    now: dt.datetime,
) -> None:
    """Leave nothing in the file of the database, in the journal, among the examples of held snapshots and in our own backups."""
    data_directory = archive_directory.parent
    overwrite_deleted(store.connection)
    rewrite_journal(archive_directory, cleaning.line)
    note_rewritten(store, archive_directory, now)
    for example in sorted((data_directory / "held" / cleaning.market).glob("*/*.html")):
        if cleaning.shows_it(example.read_bytes()):
            example.unlink()
    for leftover in (*unfinished_files(store.path), *archive_directory.rglob("*.part")):
        if not leftover.is_dir():  # a parser whose keeping was cut off: its sources name nobody
            leftover.unlink(missing_ok=True)
    there, done.out_of_reach = known_backups(store)
    for backup in there:
        try:
            clean_backup(backup, forget_rows)
        except sqlite3.Error as error:
            done.out_of_reach.append(f"{backup} ({error})")
        else:
            done.backups.append(str(backup))


def clean_backup(backup: Path, forget_rows: Callable[[sqlite3.Connection], Counter[str]]) -> None:
    """Forget in a backup what is forgotten in the database."""
    with contextlib.closing(sqlite3.connect(backup, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        forget_rows(connection)
        connection.execute("COMMIT")
        overwrite_deleted(connection)
