"""The journal of the archive: rows that no page can tell (targets, visits, decisions, imported rates, events …), one JSON line each.

Of several lines of one row the newest holds. It is only ever appended to, but for a request to forget.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING, Any

from torwatch.archive.files import replacing, sync_folder
from torwatch.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

NAME = "journal.jsonl"
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """One row as it was written, or deleted: when, which of the two, of which table, and its fields."""

    at: str  # ISO 8601, UTC
    kind: str
    subject: str
    detail: dict[str, Any]


def append_lines(archive_directory: Path, lines: Sequence[Line]) -> None:
    """Append lines and force them to the disk. A half line left by a kill is closed first, so that it spoils no other.

    Raises ArchiveError when the journal cannot be written.
    """
    with locked(archive_directory) as handle:
        size = handle.seek(0, os.SEEK_END)
        whole = size == 0 or os.pread(handle.fileno(), 1, size - 1) == b"\n"
        handle.write((b"" if whole else b"\n") + b"".join(map(written, lines)))
        handle.flush()
        os.fsync(handle.fileno())
        if size == 0:
            sync_folder(archive_directory)


def vouch(archive_directory: Path) -> dict[str, Any]:
    """What a manifest says of the journal, so that no line written before it can be altered unseen: its bytes as yet, and their sha256."""
    path = archive_directory / NAME
    size = path.stat().st_size if path.is_file() else 0
    return {"bytes": size, "sha256": digest_of_start(path, size)}


def digest_of_start(path: Path, size: int) -> str:
    """The sha256 of so many bytes from the start of a file; of what there is, where it is shorter."""
    digest = hashlib.sha256()
    if path.is_file():
        with path.open("rb") as handle:
            while size and (data := handle.read(min(size, CHUNK_BYTES))):
                digest.update(data)
                size -= len(data)
    return digest.hexdigest()


def rewrite_journal(archive_directory: Path, change: Callable[[Line], Line | None]) -> None:
    """Write the whole journal anew, each line as `change` gives it, None for one that goes: for a request to forget only.

    Whole or not at all, and nobody appends meanwhile. Raises ArchiveError when it cannot be written.
    """
    with locked(archive_directory), replacing(archive_directory / NAME) as sink:
        os.fchmod(sink.fileno(), 0o600)
        sink.writelines(written(changed) for line in read_journal(archive_directory) if (changed := change(line)) is not None)


@contextlib.contextmanager
def locked(archive_directory: Path) -> Iterator[IO[bytes]]:
    """The journal, to be read and appended to while no other process writes it: a whole line would be taken for a half one.

    Raises ArchiveError when it cannot be written.
    """
    path = archive_directory / NAME
    try:
        archive_directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "r+b") as handle:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor)):  # else written anew meanwhile
                    yield handle
                    return
    except OSError as error:
        raise ArchiveError(f"the journal {path} cannot be written: {error.strerror}; free some space or mend its permissions") from error


def written(line: Line) -> bytes:
    """A line as it stands in the file."""
    return json.dumps(asdict(line), ensure_ascii=False).encode() + b"\n"


def read_journal(archive_directory: Path) -> Iterator[Line]:
    """Every whole line of the journal, oldest first; a line cut short by a kill is passed over, and an absent journal has none."""
    path = archive_directory / NAME
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as handle:
        for text in handle:
            try:
                line = Line(**json.loads(text))
            except (ValueError, TypeError):
                continue
            if isinstance(line.detail, dict):
                yield line
