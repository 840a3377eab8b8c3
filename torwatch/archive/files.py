"""Files of the archive beside the WARCs: written whole or not at all, and told apart by their digest."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from typing import IO, TYPE_CHECKING

from torwatch.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def hash_file(path: Path) -> str:
    """The sha256 of a file, in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write to that takes the place of `path` at the end of the block: a kill leaves the old one or the new one, never a part.

    Raises ArchiveError when it cannot be written; what was there is then left, and no part of the new one stays.
    """
    scratch = path.with_name(path.name + ".part")
    try:
        with scratch.open("wb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        scratch.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)
        raise ArchiveError(f"{path} cannot be written: {error.strerror}; free some space, then start again") from error


def write_whole(path: Path, text: str) -> None:
    """Write a text file whole or not at all. Raises ArchiveError when it cannot be written."""
    with replacing(path) as handle:
        handle.write(text.encode())


@contextlib.contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Keep every WARC of a folder as its writer left it at its last sync, while the block runs: none writes a revisit meanwhile."""
    descriptor = open_lock(folder, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(descriptor)


def share_folder(folder: Path) -> int:
    """Keep the records of a folder where they are until the descriptor that is given is closed; several may do so at once."""
    return open_lock(folder, fcntl.LOCK_SH)


def open_lock(folder: Path, how: int) -> int:
    """Lock a folder; the lock goes when the descriptor is closed, or with the process."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    fcntl.flock(descriptor, how)
    return descriptor


def sync_folder(folder: Path) -> None:
    """Force the names of new files to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
