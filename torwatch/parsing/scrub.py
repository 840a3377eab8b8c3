"""Scrubbing a saved page before it is kept as a fixture: no embedded pictures, scripts, tokens or own account name; the markup stays as broken as it was."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MOST_DATA = 100  # bytes of a data-URI that a synthetic page may hold: a made-up pixel
STRIPPED = b"data:,stripped"
_DATA_URI = re.compile(rb"data:(?!,stripped)(?:[\w.+-]+/[\w.+-]+)?(?:;[\w=.-]+)*,[^\"'\s)<>]{0,2000000}", re.IGNORECASE)
_SCRIPT = re.compile(rb"(<script\b[^>]{0,2000}>)(.*?)(</script|\Z)", re.IGNORECASE | re.DOTALL)
_SCRIPT_SOURCE = re.compile(rb"(<script\b[^>]{0,500}?)\s+src\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>]+)", re.IGNORECASE)
_HANDLER = re.compile(rb"(<[a-z][^<>]{0,800}?)\s+on[a-z]{3,20}\s*=\s*(?:\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_SAVED_FROM = re.compile(rb"<!--\s*saved from url.*?-->\s*", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(rb"<(?:input|meta)\b[^>]{0,4000}>", re.IGNORECASE)
_NAMED_TOKEN = re.compile(
    rb"(?:name|id)\s*=\s*[\"']?[\w\[\].-]*(?:token|csrf|nonce|session|sid\b|password|captcha_id|mnemonic)", re.IGNORECASE
)
_HIDDEN = re.compile(rb"type\s*=\s*[\"']?hidden", re.IGNORECASE)
_VALUE = re.compile(rb"\b((?:value|content)\s*=\s*)(\"[^\"]*\"|'[^']*'|[^\s>\"']+)", re.IGNORECASE)
_LONG_SECRET = re.compile(rb"[\"']?(?=[\w+/=-]*\d)[\w+/=-]{32,}[\"']?")
_ONION = re.compile(rb"\b[a-z2-7]{16}(?:[a-z2-7]{40})?\.onion\b", re.IGNORECASE)
SAVED_AT = re.compile(rb"<!--\s*saved from url=\(\d+\)(\S{1,500}?)\s*-->", re.IGNORECASE)


def scrub(body: bytes, words: Iterable[str] = ()) -> bytes:
    """Give the page without data-URIs, scripts, handlers, form tokens, onion names and the given words (the operator's own account name)."""
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        body = body.decode("utf-16", "replace").encode("utf-8")
    for clean in _STEPS:
        body = clean(body)
    for word in words:
        if word.strip():
            body = re.sub(re.escape(word.strip().encode()), b"REDACTED", body, flags=re.IGNORECASE)
    return body


def find_remains(body: bytes) -> list[str]:
    """Say what a fixture still holds that must not be kept."""
    faults = []
    if any(len(uri) > MOST_DATA for uri in _DATA_URI.findall(body)):
        faults.append("a data-URI")
    if any(match.group(2).strip() for match in _SCRIPT.finditer(body)):
        faults.append("a script")
    if _SAVED_FROM.search(body):
        faults.append("the address it was saved from")
    return faults


def _empty_tokens(body: bytes) -> bytes:
    return _TAG.sub(_empty_value, body)


def _empty_value(match: re.Match[bytes]) -> bytes:
    tag = match.group()
    if _NAMED_TOKEN.search(tag):
        return _VALUE.sub(rb'\1"REDACTED"', tag)
    if not _HIDDEN.search(tag):
        return tag
    return _VALUE.sub(lambda one: one.group(1) + b'"REDACTED"' if _LONG_SECRET.fullmatch(one.group(2)) else one.group(), tag)


_STEPS: tuple[Callable[[bytes], bytes], ...] = (
    lambda body: _DATA_URI.sub(STRIPPED, body),
    lambda body: _SCRIPT_SOURCE.sub(rb"\1", body),
    lambda body: _SCRIPT.sub(rb"\1\3", body),
    lambda body: _HANDLER.sub(rb"\1", body),
    lambda body: _SAVED_FROM.sub(b"", body),
    _empty_tokens,
    lambda body: _ONION.sub(b"example.onion", body),
)
