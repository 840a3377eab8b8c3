"""The database with the journal of its archive: every row that no archived page can tell goes to both."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from torwatch.archive.journal import Line, append_lines
from torwatch.store.database import open_store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torwatch.store.database import Store
    from torwatch.store.journaled import Queued

ROW = "row"
GONE = "row_gone"


def open_journaled(path: Path, archive_directory: Path, *, create: bool = True) -> Store:
    """Open the database so that what it alone knows is written to the journal of the archive too. Raises StoreError as open_store does."""
    return open_store(path, create=create, journal=partial(write_lines, archive_directory))


def write_lines(archive_directory: Path, rows: Sequence[Queued]) -> None:
    """Append rows to the journal. Raises ArchiveError when it cannot be written."""
    append_lines(archive_directory, [Line(row.at, GONE if row.gone else ROW, row.entity, row.fields) for row in rows])
