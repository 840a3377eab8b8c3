"""What is taken out of a page before anything stores it: payloads of data: URIs (images are never kept) and cookies."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torwatch.model import Fetched

DATA_URI = re.compile(rb"""data:[a-z0-9.+-]+/[a-z0-9.+-]+(?:;[a-z0-9=._-]+)*,[^"'()<>\s]*""", re.IGNORECASE)
REPLACEMENT = b"data:,stripped"
REDACTED = b"[redacted]"
SECRET_HEADERS = frozenset({"set-cookie", "set-cookie2", "cookie", "authorization", "proxy-authorization"})
URL_PARTS = re.compile(r"([/?&=#;+]+)")
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


def redact_text(text: str, patterns: Sequence[re.Pattern[bytes]]) -> str:
    """A header or a reason without what the patterns match."""
    return redact(text.encode("utf-8", "surrogateescape"), patterns).decode("utf-8", "surrogateescape")


def redact_url(url: str, patterns: Sequence[re.Pattern[bytes]]) -> str:
    """A URL without what the patterns match in its path and query, also where it stands there percent-encoded; the host stays."""
    host, slash, rest = url.partition("://")[2].partition("/")
    origin = url[: len(url) - len(slash + rest)] if host else ""
    parts = URL_PARTS.split(redact_text(url[len(origin) :], patterns))
    for place, part in enumerate(parts):
        plain = unquote_to_bytes(part)
        if (clean := redact(plain, patterns)) != plain:
            parts[place] = quote(clean, safe="[]")
    return origin + "".join(parts)


def redact_answer(fetched: Fetched, patterns: Sequence[re.Pattern[bytes]]) -> Fetched:
    """An answer without what the patterns match in address, headers of both ways, reason and body; its digest is that of what is left."""
    if not patterns:
        return fetched
    body = redact(fetched.body, patterns)

    def clean(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple((name, redact_url(redact_text(value, patterns), patterns)) for name, value in headers)

    return replace(
        fetched,
        url=redact_url(fetched.url, patterns),
        headers=clean(fetched.headers),
        request_headers=clean(fetched.request_headers),
        reason=redact_text(fetched.reason, patterns),
        body=body,
        digest=fetched.digest if body == fetched.body else hashlib.sha256(body).hexdigest(),
    )


def keep_headers(headers: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """The headers that may be stored: no cookies or credentials, and none that describes an encoding the stored body no longer has."""
    return [(name, value) for name, value in headers if name.lower() not in SECRET_HEADERS | ENCODING_HEADERS]
