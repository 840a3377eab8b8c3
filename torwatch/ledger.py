"""The database with the journal of its archive: every row that no archived page can tell goes to both, and both tell the same."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from torwatch.archive.journal import NAME, Line, append_lines, digest_of_start, read_journal
from torwatch.errors import StoreError
from torwatch.store.database import open_store
from torwatch.store.journaled import JOURNALED, key_columns, told_rows, waiting_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torwatch.archive.manifest import Link
    from torwatch.store.database import Store
    from torwatch.store.journaled import Queued

    Key = tuple[str, tuple[Any, ...]]  # table, and what tells the row from others
    Fields = dict[str, Any]
    Lines = dict[Key, Fields | None]

ROW = "row"
GONE = "row_gone"
NEVER_DELETED = frozenset({"market", "target", "mirror", "snapshot"})  # but by a request to forget, which leaves no line of them
REWRITTEN = "journal_rewritten"  # kind of event: what the journal is since a request to forget


def open_journaled(path: Path, archive_directory: Path, *, create: bool = True) -> Store:
    """Open the database so that what it alone knows is written to the journal of the archive too.

    Raises StoreError as open_store does, and where an archive has lost its database: a new one would give its numbers to other snapshots.
    """
    journal = archive_directory / NAME
    if not path.exists() and journal.is_file() and journal.stat().st_size:
        raise StoreError(
            f"the database {path} is gone, and its archive {archive_directory} is there: restore a backup, or make it again with"
            " `torwatch rebuild --from-archive`; to begin anew, move the archive away"
        )
    return open_store(path, create=create, journal=partial(write_lines, archive_directory))


def write_lines(archive_directory: Path, rows: Sequence[Queued]) -> None:
    """Append rows to the journal. Raises ArchiveError when it cannot be written."""
    append_lines(archive_directory, [Line(row.at, GONE if row.gone else ROW, row.entity, row.fields) for row in rows])


def find_journal_breaks(store: Store, archive_directory: Path, links: Sequence[Link]) -> Iterator[str]:
    """Where the journal is not what the newest manifest vouches for, or does not tell the same as the database."""
    path = archive_directory / NAME
    if not path.is_file():
        if links or store.value("SELECT 1 FROM event WHERE NOT EXISTS (SELECT 1 FROM journal_queue)"):
            yield f"{path}: missing"
        return
    vouched = vouched_for(store, links)
    if vouched and path.stat().st_size < vouched["bytes"]:
        yield f"{path}: {path.stat().st_size} bytes long, {vouched['bytes']} when the newest manifest was written"
    elif vouched and digest_of_start(path, vouched["bytes"]) != vouched["sha256"]:
        yield f"{path}: altered in the part that the newest manifest vouches for (sha256 differs)"
    lines = newest_lines(store, archive_directory)
    for table, key in deleted_rows(store, lines):
        yield f"database: {row_named(table, key)} was deleted, and not by a request to forget ({path} tells when)"
    first = find_differences(store, lines)
    again = find_differences(store, newest_lines(store, archive_directory)) if first else {}  # what a daemon wrote meanwhile agrees by now
    for (table, key), (stored, written) in sorted(first.items(), key=repr):
        if again.get((table, key)) == (stored, written):
            how = "is only in" if stored is None else "is not in" if written is None else "is not as told by"
            yield f"database: {row_named(table, key)} {how} the journal {path}"


def row_named(table: str, key: tuple[Any, ...]) -> str:
    """A row, for a line that is read."""
    return f"row {', '.join(map(str, key))} of {table}"


def vouched_for(store: Store, links: Sequence[Link]) -> dict[str, Any] | None:
    """The newest word on how the journal begins: its bytes then, and their sha256; None in an archive of a torwatch that gave none."""
    detail = store.value("SELECT detail FROM event WHERE kind = ? ORDER BY id DESC LIMIT 1", (REWRITTEN,))
    rewritten: dict[str, Any] | None = json.loads(detail) if detail else None
    after = rewritten["after"] if rewritten else 0
    newest = [link.fields["journal"] for link in links if link.sequence > after and "journal" in link.fields]
    return newest[-1] if newest else rewritten


def newest_lines(store: Store, archive_directory: Path) -> Lines:
    """What the journal told last of each row; None of one that was deleted."""
    keys = {table: key_columns(store.connection, table) for table in JOURNALED}
    newest: Lines = {}
    for line in read_journal(archive_directory):
        if line.subject in keys and line.kind in {ROW, GONE}:
            key = tuple(line.detail.get(name) for name in keys[line.subject])
            if all(isinstance(part, int | str) for part in key):  # else another hand was at it
                newest[line.subject, key] = line.detail if line.kind == ROW else None
    return newest


def deleted_rows(store: Store, lines: Lines) -> list[Key]:
    """Rows of which the journal tells that somebody deleted them where torwatch deletes none."""
    gone = {key: detail is None for key, detail in lines.items() if key[0] in NEVER_DELETED} | waiting_keys(store.connection)
    return [key for key, is_gone in gone.items() if is_gone and key[0] in NEVER_DELETED]


def find_differences(store: Store, lines: Lines) -> dict[Key, tuple[Fields | None, Fields | None]]:
    """(row in the database, row in the journal) where the two differ in a column that both have; rows that wait for the journal are left out."""
    keys = {table: key_columns(store.connection, table) for table in JOURNALED}
    differing: dict[Key, tuple[Fields | None, Fields | None]] = {}
    stored = set()
    with store.one_moment():
        waiting = waiting_keys(store.connection)
        for table in JOURNALED:
            for row in told_rows(store.connection, table):
                key = table, tuple(row[name] for name in keys[table])
                stored.add(key)
                if key not in waiting and not agree(row, lines.get(key)):
                    differing[key] = row, lines.get(key)
    missing = {key: (None, detail) for key, detail in lines.items() if detail is not None and key not in stored and key not in waiting}
    return differing | missing


def agree(stored: Fields, written: Fields | None) -> bool:
    """Whether two rows are the same in all columns that both have: older lines lack newer columns."""
    return written is not None and all(stored[name] == written[name] for name in stored.keys() & written.keys())
