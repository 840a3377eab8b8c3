"""Pages of the archive by their address, for `torwatch parser try`: the newest stored copy of a URL or path."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from torwatch.archive.index import read_index
from torwatch.archive.reader import read_page
from torwatch.errors import ArchiveError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from torwatch.archive.index import Entry
    from torwatch.archive.reader import ArchivedPage


def find_archived(archive_directory: Path, wanted: str) -> ArchivedPage:
    """The newest stored copy of a page; `wanted` is a full onion URL, or path and query on any market.

    Raises UsageError where the archive has no such page, ArchiveError where its record cannot be read.
    """
    best: tuple[Entry, Path] | None = None
    indexes = sorted(archive_directory.rglob("*.cdxj")) if archive_directory.is_dir() else []
    for index in indexes:
        try:
            for entry in read_index(index):
                if (
                    entry.offset is not None
                    and entry.filename
                    and matches(entry.url, wanted)
                    and (best is None or entry.timestamp > best[0].timestamp)
                ):
                    best = (entry, index)
        except (ValueError, KeyError) as error:
            raise ArchiveError(f"{index} is not an index of the archive: {error}") from error
    if best is None:
        raise UsageError(
            f"no stored page of {wanted} in {archive_directory} ({len(indexes)} indexes): give a saved file, or an address that a snapshot visited"
        )
    entry, index = best
    return read_page(index.with_name(entry.filename), entry.offset or 0)


def matches(url: str, wanted: str) -> bool:
    """Say whether a stored URL is the one wanted: the whole URL, or its path and query."""
    if wanted.startswith("/"):
        parts = urlsplit(url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "") == wanted
    return url.rstrip("/") == wanted.partition("#")[0].rstrip("/")


def is_address(words: str) -> bool:
    """Say whether an argument is an address, not a file: it has a scheme, or an onion name before its path."""
    return words.lower().startswith(("http://", "https://")) or ".onion/" in words.lower() or words.lower().endswith(".onion")
