"""What is taken out of a page before anything stores it: payloads of data: URIs (images are never kept) and cookies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DATA_URI = re.compile(rb"""data:[a-z0-9.+-]+/[a-z0-9.+-]+(?:;[a-z0-9=._-]+)*,[^"'()<>\s]*""", re.IGNORECASE)
REPLACEMENT = b"data:,stripped"
REDACTED = b"[redacted]"
SECRET_HEADERS = frozenset({"set-cookie", "set-cookie2", "cookie", "authorization", "proxy-authorization"})
ENCODING_HEADERS = frozenset({"content-encoding", "transfer-encoding", "content-length", "connection", "keep-alive"})


def strip_data_uris(body: bytes) -> tuple[bytes, int]:
    """(page without the payloads of its data: URIs, how many were taken out). Idempotent."""
    if b"data:" not in body and b"DATA:" not in body and b"Data:" not in body:
        return body, 0
    return DATA_URI.subn(REPLACEMENT, body)


def redact(body: bytes, patterns: Sequence[re.Pattern[bytes]]) -> bytes:
    """The page without what the patterns match: what it says about the operator whose session was lent."""
    for pattern in patterns:
        body = pattern.sub(REDACTED, body)
    return body


def keep_headers(headers: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """The headers that may be stored: no cookies or credentials, and none that describes an encoding the stored body no longer has."""
    return [(name, value) for name, value in headers if name.lower() not in SECRET_HEADERS | ENCODING_HEADERS]
