"""From bytes to a tree: guards against what is no page, the character set, lxml's limits.

Everything a page can fail at is an Obstacle with its outcome (empty, not_text, too_large, parse_limit), never an exception of lxml.
"""

from __future__ import annotations

import codecs
import re
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import charset_normalizer
from lxml import etree

from torwatch.model import Outcome
from torwatch.parserkit.obstacles import Obstacle

MAX_BYTES = 2_000_000  # decoded body; larger ones are too_large
MAX_TAG_BYTES = 8_000  # a stretch without ">" is looked at closer above this
MAX_ATTRIBUTES = 1_000  # of one element: libxml2 compares every pair, 100,000 of them cost 15 s
MAX_REPLACED = 0.05  # share of U+FFFD above which it is a picture that went through a lossy decoding; text with some has under 0.01
MAX_CONTROL = 0.02  # share of control characters above which it is not text
_MAGIC = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF87a",
    b"GIF89a",
    b"RIFF",
    b"%PDF-",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"\x00\x00\x01\x00",
    b"BM\x00",
    b"\x7fELF",
    b"OggS",
    b"ID3",
)
_LOST_MAGIC = (b"\xef\xbf\xbdPNG", b"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", b"\xef\xbf\xbd\xef\xbf\xbd\x00\x10JFIF")
_NO_TEXT_TYPE = re.compile(r"\s*(?:image|audio|video|font)/|\s*application/(?:pdf|zip|gzip|octet-stream|x-(?:gzip|tar|7z))", re.IGNORECASE)
_CONTROL = bytes(b for b in range(32) if b not in b"\t\n\r\f\x1b")
_WEB_CHARSETS = [
    "cp1252",
    "cp1251",
    "koi8_r",
    "cp1250",
    "cp1253",
    "cp1254",
    "gb18030",
    "big5",
    "shift_jis",
    "euc_jp",
    "euc_kr",
]  # no page comes in cp437
_META = re.compile(rb"<meta\b[^>]{0,300}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]+)", re.IGNORECASE)
_HEADER = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_:.-]+)", re.IGNORECASE)
_ENDS = re.compile(rb"</(?:html|body)\b", re.IGNORECASE)
_STARTS = re.compile(rb"<(?:!doctype|html|head|body)\b", re.IGNORECASE)
_TAG_START = re.compile(rb"<[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Tree:
    """A decoded page: its root, its text, the character set that was believed, and whether its end is missing."""

    root: etree._Element
    text: str
    charset: str
    truncated: bool


def open_tree(body: bytes, content_type: str = "", *, max_bytes: int = MAX_BYTES) -> Tree:
    """Guard, decode and parse a body; raises Obstacle (empty, not_text, too_large, parse_limit)."""
    check_bytes(body, content_type, max_bytes)
    decoded, charset = decode(body, content_type)
    data = body if charset == "utf-8" and not body.startswith(codecs.BOM_UTF8) else decoded.encode("utf-8", "replace")
    if b"\x00" in data:
        data = data.replace(b"\x00", b"\xef\xbf\xbd")
    check_tags(data)
    parser = _parser_of(threading.get_ident())
    try:
        root: Any = etree.fromstring(data, parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise Obstacle(Outcome.PARSE_LIMIT, f"lxml gave up: {error}") from error
    if root is None:
        raise Obstacle(Outcome.EMPTY, "no markup and no text")
    fault = _limit_met(parser)
    if fault:
        raise Obstacle(Outcome.PARSE_LIMIT, fault)
    return Tree(root, decoded, charset, is_truncated(data))


@lru_cache(maxsize=64)
def _parser_of(thread: int) -> Any:
    """Make the parser of a thread: its error log is that of the page it read last, and a new one costs a third of a millisecond."""
    del thread
    return etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=False)


def check_bytes(body: bytes, content_type: str = "", max_bytes: int = MAX_BYTES) -> None:
    """Raise Obstacle for what cannot be a page: nothing, too much, a picture (also after a lossy decoding), control characters."""
    if len(body) > max_bytes:
        raise Obstacle(Outcome.TOO_LARGE, f"{len(body)} bytes, the limit is {max_bytes}")
    if not body.strip(b" \t\r\n\f\x00\xef\xbb\xbf"):
        raise Obstacle(Outcome.EMPTY, "0 bytes" if not body else "white space only")
    if _NO_TEXT_TYPE.match(content_type):
        raise Obstacle(Outcome.NOT_TEXT, f"content type {content_type.split(';', maxsplit=1)[0].strip()[:60]}")
    head = body[:16]
    if head.startswith(_MAGIC) or body.startswith(_LOST_MAGIC):
        raise Obstacle(Outcome.NOT_TEXT, "picture or archive bytes at the start")
    if body.startswith(b"\xef\xbf\xbd\xef\xbf\xbd") and b"JFIF" in body[:64]:
        raise Obstacle(Outcome.NOT_TEXT, "picture bytes at the start, decoded with losses")
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return
    replaced = 0 if body.isascii() else body.count(b"\xef\xbf\xbd") * 3
    if replaced > MAX_REPLACED * len(body):
        raise Obstacle(Outcome.NOT_TEXT, f"{100 * replaced // len(body)} % replacement characters")
    control = len(body) - len(body.translate(None, _CONTROL))
    if control > MAX_CONTROL * len(body):
        raise Obstacle(Outcome.NOT_TEXT, f"{100 * control // len(body)} % control characters")


def check_tags(data: bytes) -> None:
    """Raise Obstacle (parse_limit) for a tag with more attributes than libxml2 can bear."""
    if data.count(b'">"') + data.count(b"'>'") > MAX_ATTRIBUTES:
        raise Obstacle(Outcome.PARSE_LIMIT, f"more than {MAX_ATTRIBUTES} attributes that hold '>'")
    if not _has_long_stretch(data):
        return
    for piece in data.split(b">"):
        if len(piece) > MAX_TAG_BYTES:
            start = _TAG_START.search(piece)
            if start is not None and len(piece[start.start() :].replace(b"/", b" ").split()) > MAX_ATTRIBUTES:
                raise Obstacle(Outcome.PARSE_LIMIT, f"a tag with more than {MAX_ATTRIBUTES} attributes")


def _has_long_stretch(data: bytes) -> bool:
    """Say whether more than MAX_TAG_BYTES follow one another without a ">": looks at one place in so many only."""
    start = 0
    while start + MAX_TAG_BYTES < len(data):
        start = data.rfind(b">", start, start + MAX_TAG_BYTES + 1) + 1
        if not start:
            return True
    return False


def decode(body: bytes, content_type: str = "") -> tuple[str, str]:
    """Decode: byte order mark, then header, `<meta>`, strict UTF-8, charset-normalizer; gives the text and the character set.

    A declared character set that the bytes contradict loses. Seen: ISO-8859-1 declared, UTF-8 sent. Any byte is valid ISO-8859-1, so
    bytes that are valid UTF-8 with characters beyond ASCII are UTF-8 whatever is declared, but for the declared Unicode ones.
    """
    for mark, name in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if body.startswith(mark):
            return body.decode("utf-8-sig" if name == "utf-8" else name, "replace"), name
    try:
        return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        broken_at = error.start
    header, meta = _HEADER.search(content_type), _META.search(body[:4096])
    for name in (header.group(1) if header else "", meta.group(1).decode("ascii") if meta else ""):
        decoded = _decode_as(body, name)
        if decoded is not None:
            return decoded, name.lower()
    if broken_at > len(body) - 4 or _mostly_utf8(body):  # the transfer was cut inside a character, or single bytes are damaged
        return body.decode("utf-8", "replace"), "utf-8, damaged"
    best = charset_normalizer.from_bytes(body[:65536], cp_isolation=_WEB_CHARSETS).best()
    decoded = _decode_as(body, best.encoding) if best is not None else None
    return (
        (decoded, best.encoding) if decoded is not None and best is not None else (body.decode("windows-1252", "replace"), "windows-1252")
    )


def _decode_as(body: bytes, name: str) -> str | None:
    """Decode with a declared character set; None where it is unknown, not for text, or contradicted by the bytes."""
    if not name:
        return None
    try:
        codec = codecs.lookup(name)
        if not getattr(codec, "_is_text_encoding", True) or codec.name in {
            "utf-8",
            "idna",
            "punycode",
            "unicode_escape",
            "raw_unicode_escape",
        }:
            return None
        if codec.name in {"iso8859-1", "ascii"}:
            codec = codecs.lookup("windows-1252")  # what browsers do
            return body.decode(codec.name, "replace") if not _mostly_utf8(body) else None
        return body.decode(codec.name)
    except (LookupError, UnicodeError, ValueError):
        return None


def _mostly_utf8(body: bytes) -> bool:
    """Say whether what is beyond ASCII is UTF-8 but for a few damaged bytes."""
    beyond = sum(body.count(bytes((lead,))) for lead in range(0xC3, 0xF5))
    return beyond > 0 and body.decode("utf-8", "replace").count("\ufffd") * 2 <= beyond


def is_truncated(data: bytes) -> bool:
    """Say whether a page that began as a document never closed it: the transfer was cut off."""
    return _STARTS.search(data[:2048]) is not None and _ENDS.search(data, max(0, len(data) - 4096)) is None and _ENDS.search(data) is None


def _limit_met(parser: Any) -> str:
    """Give the message of lxml where a limit dropped a part of the page in silence (depth over 256, a text over 10 MB), else ''."""
    log = parser.error_log
    for entry in log.filter_from_fatals():
        if "depth" in entry.message or "huge" in entry.message.lower() or "XML_PARSE_HUGE" in entry.message:
            return f"lxml limit: {entry.message[:100]}"
    return ""
