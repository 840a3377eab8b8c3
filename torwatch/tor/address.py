"""A v3 onion address, fully checked: 56 base32 characters that hold an ed25519 key, a checksum and the version."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Never
from urllib.parse import quote, urlsplit

from torwatch.errors import UsageError

LABEL_LENGTH: Final = 56
V2_LABEL_LENGTH: Final = 16
KEY_SIZE_BYTES: Final = 32
CHECKSUM_SIZE_BYTES: Final = 2
VERSION: Final = 3
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
SHOWN_CHARACTERS: Final = 80
WANTED: Final = "a v3 onion address is 56 letters a to z and digits 2 to 7, then .onion"
_BASE32: Final = frozenset("abcdefghijklmnopqrstuvwxyz234567")
_HIGHEST_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class OnionAddress:
    """Where an onion service answers; `host` is normalised: lower case, without sub-domain or trailing dot."""

    host: str  # "<56 characters>.onion"
    port: int = 80
    path: str = "/"  # with the query, percent-encoded; never a fragment
    scheme: str = "http"

    def url(self, path: str | None = None) -> str:
        """Return the URL of `path`, by default of its own; UsageError where it does not start with "/"."""
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{_clean_path(self.path if path is None else path)}"


def parse_onion(text: str) -> OnionAddress:
    """Read an address as people paste it: bare, with sub-domain, in upper case, or as a full URL.

    Raises UsageError, in one line, for whatever is not a v3 onion that tor could reach.
    """
    stripped = text.strip()
    if not stripped:
        raise UsageError(f"no address given: {WANTED}")
    scheme, separator, rest = stripped.partition("://")
    scheme, rest = (scheme.lower(), rest) if separator else ("http", stripped.removeprefix("//"))
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:  # not shown: it may hold a password
        raise UsageError("the address holds a user name or password before '@': torwatch uses no accounts, give the address without it")
    shown = _show(stripped)
    _refuse_odd_characters(stripped, shown)
    if scheme not in DEFAULT_PORTS:
        raise UsageError(f"{shown}: only http and https can be watched, not {_show(scheme)}")
    name, port = _split_port(authority, DEFAULT_PORTS[scheme], shown)
    label = _onion_label(name.lower().removesuffix("."), shown)
    _check_label(label, shown)
    parts = urlsplit(f"//{label}.onion{rest[len(authority) :]}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return OnionAddress(f"{label}.onion", port, _clean_path(path), scheme)


def onion_host(public_key: bytes) -> str:
    """Return the host name of an ed25519 public key of 32 bytes (rend-spec-v3, "Encoding onion addresses")."""
    if len(public_key) != KEY_SIZE_BYTES:
        raise UsageError(f"an onion's public key is {KEY_SIZE_BYTES} bytes, not {len(public_key)}")
    raw = public_key + _checksum(public_key, VERSION) + bytes([VERSION])
    return base64.b32encode(raw).decode("ascii").lower() + ".onion"


def _checksum(public_key: bytes, version: int) -> bytes:
    return hashlib.sha3_256(b".onion checksum" + public_key + bytes([version])).digest()[:CHECKSUM_SIZE_BYTES]


def _check_label(label: str, shown: str) -> None:
    for place, character in enumerate(label, start=1):
        if character not in _BASE32:
            raise UsageError(f"{shown} holds {_show(character)} at place {place}, which no onion address does: {WANTED}")
    if len(label) == V2_LABEL_LENGTH:
        raise UsageError(f"{shown} is a v2 address: tor stopped serving those in 2021, look for the market's v3 address (56 characters)")
    if len(label) != LABEL_LENGTH:
        raise UsageError(f"{shown} has {len(label)} characters before .onion instead of {LABEL_LENGTH}: copy the whole address again")
    raw = base64.b32decode(label.upper())
    key, checksum, version = raw[:KEY_SIZE_BYTES], raw[KEY_SIZE_BYTES:-1], raw[-1]
    if version != VERSION:
        raise UsageError(f"{shown} says onion version {version} instead of {VERSION} (a v3 address ends in 'd'): copy the address again")
    if checksum != _checksum(key, version):
        raise UsageError(f"{shown} has a wrong checksum, so at least one character differs from the real address: copy it again")


def _onion_label(name: str, shown: str) -> str:
    labels = name.split(".")
    if not name or not all(labels):
        raise UsageError(f"{shown} holds no host name that can be read: {WANTED}")
    if labels[-1] == "onion" and len(labels) > 1:
        return labels[-2]
    if labels == [name] and len(name) == LABEL_LENGTH:
        return name  # pasted without its ending
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(name)
        raise UsageError(f"{shown} is an IP address, not an onion: torwatch only fetches onion services")
    if "onion" in labels[:-1] or re.search(r"(^|\.)tor2web\.", name):
        raise UsageError(f"{shown} is a web gateway that sees all traffic: give the onion itself, ending in .onion")
    raise UsageError(f"{shown} is not an onion: torwatch only fetches onion services, and {WANTED}")


def _split_port(authority: str, default: int, shown: str) -> tuple[str, int]:
    if authority.startswith("["):
        raise UsageError(f"{shown} is an IP address, not an onion: torwatch only fetches onion services")
    name, separator, digits = authority.partition(":")
    if not separator or not digits:
        return name, default
    if not re.fullmatch(r"\d{1,5}", digits) or not 0 < int(digits) <= _HIGHEST_PORT:
        raise UsageError(f"{shown} has no usable port after ':': a port is a number from 1 to {_HIGHEST_PORT}")
    return name, int(digits)


def _refuse_odd_characters(text: str, shown: str) -> None:
    for place, character in enumerate(text, start=1):
        if character.isascii() and character.isprintable() and character not in ' \\"<>^`{|}':
            continue
        name = unicodedata.name(character, "control character")
        raise UsageError(f"{shown} holds {name} (U+{ord(character):04X}) at place {place}: type or copy the address in plain characters")


def _clean_path(path: str) -> str:
    if not path.startswith("/"):
        _refuse_path(path)
    return quote(path.partition("#")[0], safe="/?%:@!$&'()*+,;=~-._[]")


def _refuse_path(path: str) -> Never:
    raise UsageError(f"{_show(path)} is not a path on an onion: it must start with '/'")


def _show(text: str) -> str:
    """Return the text as it may stand in a message: printable ASCII, quoted, not too long."""
    shown = "".join(c if c.isascii() and c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return f"'{shown if len(shown) <= SHOWN_CHARACTERS else shown[: SHOWN_CHARACTERS - 3] + '...'}'"
