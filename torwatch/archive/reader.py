"""Reading pages back out of a WARC."""

from __future__ import annotations

import contextlib
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeadersParserException

from torwatch.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ArchivedPage:
    """One stored response."""

    url: str
    date: str
    status: int
    content_type: str
    body: bytes


def read_page(path: Path, offset: int) -> ArchivedPage:
    """The page whose response record begins at `offset`. Raises ArchiveError when there is none."""
    with translate_errors(path), path.open("rb") as handle:
        handle.seek(offset)
        record = next(iter(ArchiveIterator(handle)), None)
        if record is not None and is_response(record):
            return to_page(record)
    raise ArchiveError(f"{path} holds no response at byte {offset}")


def read_pages(path: Path) -> Iterator[ArchivedPage]:
    """Every page of a WARC, in the order it was fetched. Raises ArchiveError when it cannot be read or is damaged."""
    with translate_errors(path), path.open("rb") as handle:
        for record in ArchiveIterator(handle):
            if is_response(record):
                yield to_page(record)


@contextlib.contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Turn what warcio and the disk raise into one line."""
    try:
        yield
    except OSError as error:
        raise ArchiveError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ArchiveLoadFailed, StatusAndHeadersParserException, EOFError, zlib.error) as error:
        raise ArchiveError(f"{path} is no WARC at this place, or is damaged ({type(error).__name__}): run `torwatch verify`") from error


def is_response(record: Any) -> bool:
    """Whether a record holds a page; random bytes are sometimes taken for a record of the older ARC format."""
    return bool(record.format == "warc" and record.rec_type == "response" and record.http_headers)


def to_page(record: object) -> ArchivedPage:
    """A page from warcio's record."""
    headers = record.rec_headers  # type: ignore[attr-defined] # warcio ships no types
    http = record.http_headers  # type: ignore[attr-defined] # as above
    return ArchivedPage(
        url=headers.get_header("WARC-Target-URI"),
        date=headers.get_header("WARC-Date"),
        status=int(http.get_statuscode()),
        content_type=http.get_header("Content-Type") or "",
        body=record.content_stream().read(),  # type: ignore[attr-defined] # as above
    )
