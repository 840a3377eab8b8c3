"""Reading pages back out of a WARC."""

from __future__ import annotations

import contextlib
import hashlib
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeadersParserException

from torwatch.archive.revisit import PLACE_HEADER, REQUEST_HEADER, read_place
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
    request_digest: str = ""  # of the head that was sent
    is_revisit: bool = False  # the market sent what it had sent before: the body is stored in an earlier record


def read_page(path: Path, offset: int) -> ArchivedPage:
    """The page whose record begins at `offset`; of a revisit, with the body of the page that it refers to.

    Raises ArchiveError when there is none.
    """
    with translate_errors(path), path.open("rb") as handle:
        handle.seek(offset)
        record = next(iter(ArchiveIterator(handle)), None)
        if record is not None and is_page(record):
            return to_page(record, path)
    raise ArchiveError(f"{path} holds no response at byte {offset}")


def read_pages(path: Path) -> Iterator[ArchivedPage]:
    """Every page of a WARC, in the order it was fetched. Raises ArchiveError when it cannot be read or is damaged."""
    with translate_errors(path), path.open("rb") as handle:
        for record in ArchiveIterator(handle):
            if is_page(record):
                yield to_page(record, path)


@contextlib.contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Turn what warcio and the disk raise into one line."""
    try:
        yield
    except FileNotFoundError as error:
        raise ArchiveError(f"{path} cannot be read: it is missing; restore the archive") from error
    except OSError as error:
        raise ArchiveError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ArchiveLoadFailed, StatusAndHeadersParserException, EOFError, zlib.error) as error:
        raise ArchiveError(f"{path} is no WARC at this place, or is damaged ({type(error).__name__}): run `torwatch verify`") from error


def is_page(record: Any) -> bool:
    """Whether a record tells of a page; random bytes are sometimes taken for a record of the older ARC format."""
    return bool(record.format == "warc" and record.rec_type in {"response", "revisit"} and record.http_headers)


def to_page(record: Any, path: Path) -> ArchivedPage:
    """A page from warcio's record in the WARC `path`."""
    headers, http = record.rec_headers, record.http_headers
    revisit = record.rec_type == "revisit"
    return ArchivedPage(
        url=headers.get_header("WARC-Target-URI"),
        date=headers.get_header("WARC-Date"),
        status=int(http.get_statuscode()),
        content_type=http.get_header("Content-Type") or "",
        body=read_body_referred_to(headers, path) if revisit else record.content_stream().read(),
        is_revisit=revisit,
        request_digest=headers.get_header(REQUEST_HEADER) or "",
    )


def read_body_referred_to(headers: Any, path: Path) -> bytes:
    """The body that a revisit record refers to. Raises ArchiveError unless its digest is the one that the record tells."""
    told = headers.get_header("WARC-Payload-Digest")
    place = read_place(headers.get_header(PLACE_HEADER))
    if place is None:
        raise ArchiveError(f"{path}: a revisit record of another program refers to no place in this archive")
    page = read_page(place.inside(path.parent), place.offset)
    if page.is_revisit or f"sha256:{hashlib.sha256(page.body).hexdigest()}" != told:
        raise ArchiveError(
            f"{path} refers to a page in {place.filename} at byte {place.offset} that is no longer there: run `torwatch verify`"
        )
    return page.body
