"""The WARC of one snapshot: request and response records, gzip per record, flushed to disk before anything refers to them."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import io
import os
from typing import TYPE_CHECKING, BinaryIO, Self

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from torwatch.archive.strip import keep_headers
from torwatch.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torwatch.model import Fetched


class SnapshotArchive:
    """Appends to one WARC file; a context manager. Use from one thread."""

    def __init__(self, path: Path, handle: BinaryIO) -> None:
        self.path = path
        self._handle = handle
        self._writer = WARCWriter(handle, gzip=True, warc_version="WARC/1.1")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(OSError):  # on a full disk closing flushes again; what is not on the disk is not referred to either
            self._handle.close()

    def write_info(self, fields: Mapping[str, str]) -> None:
        """Say who wrote this file: torwatch's, the parser's and the configuration's versions."""
        self._writer.write_record(self._writer.create_warcinfo_record(self.path.name, dict(fields)))

    def write_exchange(self, fetched: Fetched, body: bytes, stripped: int) -> tuple[int, int]:
        """Append the request and response of one page; gives (offset, length in bytes) of the response record.

        `body` is what is stored, after stripping; `fetched.digest` is the sha256 of what came, kept beside it.
        """
        when = fetched.fetched_at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        path = fetched.url.split("/", 3)[3] if fetched.url.count("/") >= 3 else ""  # noqa: PLR2004 - scheme://host/path
        response_head = StatusAndHeaders(
            f"{fetched.status or 0} {reason_phrase(fetched.status)}", keep_headers(fetched.headers), "HTTP/1.1"
        )
        request_head = StatusAndHeaders(f"GET /{path} HTTP/1.1", keep_headers(fetched.request_headers), is_http_request=True)
        response = self._writer.create_warc_record(
            fetched.url,
            "response",
            payload=io.BytesIO(body),
            length=len(body),  # else warcio copies the body to a temporary file that it never closes
            http_headers=response_head,
            warc_headers_dict={
                "WARC-Date": when,
                "WARC-Payload-Digest": f"sha256:{hashlib.sha256(body).hexdigest()}",
                "Torwatch-Received-Digest": f"sha256:{fetched.digest}",
                "Torwatch-Stripped-Data-URIs": str(stripped),
                "Torwatch-Elapsed-Milliseconds": str(fetched.elapsed_ms),
            },
        )
        request = self._writer.create_warc_record(
            fetched.url,
            "request",
            payload=io.BytesIO(b""),
            length=0,
            http_headers=request_head,
            warc_headers_dict={"WARC-Date": when, "WARC-Concurrent-To": response.rec_headers.get_header("WARC-Record-ID")},
        )
        try:
            self._writer.write_record(request)
            offset = self._handle.tell()
            self._writer.write_record(response)
            return offset, self._handle.tell() - offset
        except OSError as error:
            raise self._cannot_write(error) from error

    def sync(self) -> int:
        """Force what was written to the disk; gives the length of the file, below which everything is safe."""
        try:
            self._handle.flush()
            os.fsync(self._handle.fileno())
        except OSError as error:
            raise self._cannot_write(error) from error
        return self._handle.tell()

    def _cannot_write(self, error: OSError) -> ArchiveError:
        return ArchiveError(f"the archive {self.path} cannot be written: {error.strerror}; free some space, then start again")


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
    return SnapshotArchive(path, handle)


def reason_phrase(status: int | None) -> str:
    """The standard words of an HTTP status."""
    from http import HTTPStatus  # noqa: PLC0415 - a small table, wanted only here

    try:
        return HTTPStatus(status or 0).phrase
    except ValueError:
        return "Unknown"
