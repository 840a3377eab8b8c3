"""The WARC of one snapshot: request and response or revisit records, gzip per record, flushed to disk before anything refers to them."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import io
import os
import secrets
import uuid
from typing import TYPE_CHECKING, BinaryIO, Self

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from torwatch.archive.files import share_folder
from torwatch.archive.reader import read_page
from torwatch.archive.revisit import PLACE_HEADER, REQUEST_HEADER, Place, remember_pages
from torwatch.archive.strip import keep_headers
from torwatch.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torwatch.archive.reader import ArchivedPage
    from torwatch.model import Fetched


MULTICAST = 1 << 40  # marks a random node of a UUID


class Writer(WARCWriter):  # type: ignore[misc] # warcio ships no types
    """warcio's writer; the request of a page has no payload, and so no digest of one."""

    NO_PAYLOAD_DIGEST_TYPES = (*WARCWriter.NO_PAYLOAD_DIGEST_TYPES, "request")


class SnapshotArchive:
    """Appends to one WARC file; a context manager. Use from one thread."""

    def __init__(self, path: Path, handle: BinaryIO, known: dict[str, Place] | None = None) -> None:
        self.path = path
        self._handle = handle
        self._known = {} if known is None else known  # digest of a body as it came → where it is stored
        self._writer = Writer(handle, gzip=True, warc_version="WARC/1.1")
        self._shared: int | None = None  # while a revisit is written that is not on the disk: what it refers to must not expire
        self._node = secrets.randbits(48) | MULTICAST  # not this machine's address

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(OSError):  # on a full disk closing flushes again; what is not on the disk is not referred to either
            self._handle.close()
        self._let_go()

    def write_info(self, fields: Mapping[str, str]) -> None:
        """Say who wrote this file: torwatch's, the parser's and the configuration's versions."""
        self._writer.write_record(self._writer.create_warcinfo_record(self.path.name, dict(fields)))

    def write_exchange(self, fetched: Fetched, body: bytes, stripped: int) -> tuple[int, int]:
        """Append the request and response of one page; gives (offset, length in bytes) of the response record.

        `body` is what is stored, after stripping; `fetched.digest` is the sha256 of what came, kept beside it. A body that is stored
        already is not stored again: the record is then a revisit that refers to it. The request is left out where it was, byte for byte, the one
        before that earlier record, too; every record of a page tells the digest of its request.
        """
        when = fetched.fetched_at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        path = fetched.url.split("/", 3)[3] if fetched.url.count("/") >= 3 else ""  # noqa: PLR2004 - scheme://host/path
        response_head = StatusAndHeaders(
            f"{fetched.status or 0} {reason_phrase(fetched.status)}", keep_headers(fetched.headers), "HTTP/1.1"
        )
        request_head = StatusAndHeaders(f"GET /{path} HTTP/1.1", keep_headers(fetched.request_headers), is_http_request=True)
        request_digest = digest_head(request_head)
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        facts = {
            "WARC-Date": when,
            "WARC-Record-ID": self._new_record_id(),
            "WARC-Payload-Digest": digest,
            REQUEST_HEADER: request_digest,
        }
        if stripped or digest != f"sha256:{fetched.digest}":  # else what is stored is what came
            facts |= {"Torwatch-Received-Digest": f"sha256:{fetched.digest}", "Torwatch-Stripped-Data-URIs": str(stripped)}
        place = self._known.get(fetched.digest) if body else None
        earlier = None if place is None else self._read_earlier(place, body)
        if place is not None and earlier is not None:
            response = self._writer.create_warc_record(
                fetched.url, "revisit", http_headers=response_head, warc_headers_dict=facts | refer_to(earlier, place)
            )
        else:
            response = self._writer.create_warc_record(
                fetched.url,
                "response",
                payload=io.BytesIO(body),
                length=len(body),  # else warcio copies the body to a temporary file that it never closes
                http_headers=response_head,
                warc_headers_dict=facts,
            )
        request = self._writer.create_warc_record(
            fetched.url,
            "request",
            payload=io.BytesIO(b""),
            length=0,
            http_headers=request_head,
            warc_headers_dict={
                "WARC-Date": when,
                "WARC-Record-ID": self._new_record_id(),
                "WARC-Concurrent-To": facts["WARC-Record-ID"],
                "WARC-Block-Digest": request_digest,
            },
        )
        asked_before = earlier is not None and earlier.request_digest == request_digest
        try:
            if not asked_before:
                self._writer.write_record(request)
            offset = self._handle.tell()
            self._writer.write_record(response)
        except OSError as error:
            raise self._cannot_write(error) from error
        if body and earlier is None:
            self._known[fetched.digest] = Place(self.path.name, offset)
        return offset, self._handle.tell() - offset

    def _new_record_id(self) -> str:
        """An id that is unique, and mostly the one before it: a page that came again costs little more than its two ids."""
        return f"<urn:uuid:{uuid.uuid1(node=self._node)}>"

    def _read_earlier(self, place: Place, body: bytes) -> ArchivedPage | None:
        """The page stored at a place, which stays there until the next sync; None unless it is whole and its body is this very one."""
        if self._shared is None:
            self._shared = share_folder(self.path.parent)
        try:
            page = read_page(place.inside(self.path.parent), place.offset)
        except ArchiveError:
            return None
        return page if page.body == body and not page.is_revisit else None

    def sync(self) -> int:
        """Force what was written to the disk; gives the length of the file, below which everything is safe."""
        try:
            self._handle.flush()
            os.fsync(self._handle.fileno())
        except OSError as error:
            raise self._cannot_write(error) from error
        self._let_go()
        return self._handle.tell()

    def _let_go(self) -> None:
        if self._shared is not None:
            os.close(self._shared)
            self._shared = None

    def _cannot_write(self, error: OSError) -> ArchiveError:
        return ArchiveError(f"the archive {self.path} cannot be written: {error.strerror}; free some space, then start again")


def warc_path(archive_directory: Path, market: str, snapshot_id: int) -> Path:
    """Where the WARC of a snapshot lies."""
    return archive_directory / market / f"{snapshot_id:08d}.warc.gz"


def open_archive(path: Path, *, referenced_bytes: int) -> SnapshotArchive:
    """Open the WARC of a snapshot for appending, cutting off a tail that no committed row refers to (left by a kill or power loss).

    Raises ArchiveError when the folder or file cannot be written, or when bytes that rows refer to are missing.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        size = os.fstat(descriptor).st_size
        if size < referenced_bytes:
            os.close(descriptor)
            raise ArchiveError(
                f"{path} is {size} bytes long, the database refers to {referenced_bytes}: bytes were lost, run `torwatch verify`"
            )
        os.ftruncate(descriptor, referenced_bytes)
        handle = os.fdopen(descriptor, "r+b")
        handle.seek(referenced_bytes)
    except OSError as error:
        raise ArchiveError(f"the archive {path} cannot be written: {error.strerror}; check its folder and the disk") from error
    return SnapshotArchive(path, handle, remember_pages(path))


def digest_head(head: StatusAndHeaders) -> str:
    """The digest of a block that is nothing but a head, in the form that warcio gives block digests."""
    head.compute_headers_buffer(None)
    return f"sha1:{base64.b32encode(hashlib.sha1(head.headers_buff, usedforsecurity=False).digest()).decode()}"


def refer_to(earlier: ArchivedPage, place: Place) -> dict[str, str]:
    """The header lines by which a revisit record names the record that holds its body."""
    return {
        "WARC-Profile": WARCWriter.REVISIT_PROFILE_1_1,
        "WARC-Refers-To-Target-URI": earlier.url,
        "WARC-Refers-To-Date": earlier.date,
        PLACE_HEADER: f"{place.filename} {place.offset}",
    }


def reason_phrase(status: int | None) -> str:
    """The standard words of an HTTP status."""
    from http import HTTPStatus  # noqa: PLC0415 - a small table, wanted only here

    try:
        return HTTPStatus(status or 0).phrase
    except ValueError:
        return "Unknown"
