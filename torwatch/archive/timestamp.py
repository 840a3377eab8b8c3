"""RFC 3161 time stamps of the chain, offline: a request file to carry to any authority, and its response kept beside the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torwatch.archive.manifest import SUFFIX, read_chain
from torwatch.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from torwatch.archive.manifest import Link

SHA256_IDENTIFIER = bytes.fromhex("300d06096086480165030402010500")  # AlgorithmIdentifier of sha256, DER


def make_request(sha256: str) -> bytes:
    """The TimeStampReq, DER, for a sha256 in hex: version 1, no nonce, asking for the authority's certificate (RFC 3161, 2.4.1)."""
    imprint = sequence(SHA256_IDENTIFIER + b"\x04\x20" + bytes.fromhex(sha256))
    return sequence(b"\x02\x01\x01" + imprint + b"\x01\x01\xff")


def sequence(content: bytes) -> bytes:
    """A DER SEQUENCE of under 128 bytes."""
    return b"\x30" + bytes([len(content)]) + content


def response_path(link: Link) -> Path:
    """Where the time stamp of a manifest lies: beside it."""
    return link.path.with_name(link.path.name.removesuffix(SUFFIX) + ".tsr")


def keep_response(archive_directory: Path, response: bytes) -> Link:
    """Keep an authority's response beside the manifest that it stamps, which is given. Raises UsageError when it stamps none of ours.

    Whether the authority is to be trusted is checked by `openssl ts -verify` with its certificate, not here.
    """
    for link in reversed(read_chain(archive_directory)):
        if bytes.fromhex(link.sha256) in response:
            response_path(link).write_bytes(response)
            return link
    raise UsageError("this response stamps no manifest of the archive: make the request with `torwatch evidence request`, and stamp that")
