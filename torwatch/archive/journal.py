"""The journal of the archive: what pages cannot tell (decisions, imports, expiry, requests to forget), one JSON line each, only ever appended."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from torwatch.archive.files import sync_folder
from torwatch.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

NAME = "journal.jsonl"


@dataclass(frozen=True, slots=True)
class Line:
    """One act: when, what kind, about what, and its particulars."""

    at: str  # ISO 8601, UTC
    kind: str
    subject: str
    detail: dict[str, Any]


def append(archive_directory: Path, kind: str, subject: str, detail: Mapping[str, Any], *, at: dt.datetime) -> None:
    """Append one line and force it to the disk. Raises ArchiveError when the journal cannot be written."""
    append_lines(archive_directory, [Line(at.astimezone(dt.UTC).isoformat(timespec="seconds"), kind, subject, dict(detail))])


def append_lines(archive_directory: Path, lines: Sequence[Line]) -> None:
    """Append lines and force them to the disk. A half line left by a kill is closed first, so that it spoils no other.

    Raises ArchiveError when the journal cannot be written.
    """
    path = archive_directory / NAME
    try:
        archive_directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as handle:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # one process at a time, or a whole line would be taken for a half one
            size = handle.seek(0, os.SEEK_END)
            whole = size == 0 or os.pread(handle.fileno(), 1, size - 1) == b"\n"
            handle.write(
                (b"" if whole else b"\n") + b"".join(json.dumps(asdict(line), ensure_ascii=False).encode() + b"\n" for line in lines)
            )
            handle.flush()
            os.fsync(handle.fileno())
        if fresh:
            sync_folder(archive_directory)
    except OSError as error:
        raise ArchiveError(f"the journal {path} cannot be written: {error.strerror}; free some space or mend its permissions") from error


def read_journal(archive_directory: Path) -> Iterator[Line]:
    """Every whole line of the journal, oldest first; a line cut short by a kill is passed over, and an absent journal has none."""
    path = archive_directory / NAME
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as handle:
        for text in handle:
            try:
                yield Line(**json.loads(text))
            except (ValueError, TypeError):
                continue
