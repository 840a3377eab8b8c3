"""The CDXJ index beside a WARC: one sorted line a page, the form that web-archive tools read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from torwatch.archive.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One visited page: where its record lies, or why there is none."""

    url: str
    timestamp: str  # 14 digits, UTC; zeros for a page that was planned and never asked for
    outcome: str  # "" for a page that was planned and never asked for
    kind: str
    status: int | None
    digest: str  # sha256 of the body as it came, "" when none did
    filename: str
    offset: int | None
    length: int | None
    key: str | None = None  # of the listing or vendor that the page was asked for
    reason: str = ""
    elapsed_ms: int | None = None
    attempts: int = 1
    removed: str | None = None  # the record was taken out: expired, forgotten
    size: int | None = None  # bytes of the body as it came; the stored one lacks data: URIs
    second_pass: str | None = None  # of a page of the second pass: its number, "/", the pages announced, a space, the list
    mime: str | None = None  # "warc/revisit": the body is the one of an earlier record, in
    orig_filename: str | None = None  # this WARC of the same market, at
    orig_offset: int | None = None  # this byte


def sort_key(url: str) -> str:
    """The sort-friendly form of an onion URL: the host's labels reversed, then the path (SURT)."""
    parts = urlsplit(url)
    host = ",".join(reversed((parts.hostname or "").split(".")))
    return f"{host}){parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")


def path_in(url: str) -> str:
    """Path and query of a URL."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def index_path(warc: Path) -> Path:
    """Where the index of a WARC lies: beside it."""
    return warc.with_suffix("").with_suffix(".cdxj")


def write_index(path: Path, entries: Iterable[Entry]) -> int:
    """Write the index beside its WARC, whole or not at all; gives the number of lines. Raises ArchiveError when it cannot be written."""
    lines = index_lines(entries)
    write_whole(path, "".join(line + "\n" for line in lines))
    return len(lines)


def index_lines(entries: Iterable[Entry]) -> list[str]:
    """The lines of an index, sorted."""
    return sorted(
        f"{sort_key(entry.url)} {entry.timestamp} {json.dumps({key: value for key, value in asdict(entry).items() if value is not None and key != 'timestamp'})}"
        for entry in entries
    )


def read_index(path: Path) -> Iterator[Entry]:
    """The entries of an index, in its order."""
    with path.open(encoding="utf-8") as handle:
        for line in handle:
            _, timestamp, fields = line.rstrip("\n").split(" ", 2)
            yield Entry(**({"status": None, "offset": None, "length": None} | json.loads(fields)), timestamp=timestamp)
