"""The session of a person's browser, lent to torwatch: its cookies and what to redact, in a file that only the service user can read."""

from __future__ import annotations

import contextlib
import html
import json
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from torwatch.credentials import write_secret
from torwatch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

NETSCAPE_FIELDS = 7
WANTED = "a cookies.txt (Netscape format) or the JSON that a browser's cookie extension exports"


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie as the browser held it; its value never appears in a repr."""

    name: str
    value: str = field(repr=False)
    path: str = "/"


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """Cookies of one target, and regular expressions of what its pages say about the operator."""

    cookies: tuple[Cookie, ...] = ()
    redact: tuple[str, ...] = field(default=(), repr=False)

    def patterns(self) -> tuple[re.Pattern[bytes], ...]:
        """What is taken out of answers before anything is stored: the patterns and every cookie's value, also as it stands in HTML."""
        values = [cookie.value for cookie in self.cookies if len(cookie.value) >= 8]  # noqa: PLR2004 - a shorter one would hit common words
        wanted = (*self.redact, *(re.escape(form) for value in values for form in (value, html.escape(value))))
        return tuple(re.compile(encoded) for pattern in dict.fromkeys(wanted) for encoded in in_encodings(pattern))


def in_encodings(text: str) -> list[bytes]:
    """A text as pages in UTF-8 and in the one-byte encoding of western languages may hold it."""
    found = [text.encode()]
    with contextlib.suppress(UnicodeEncodeError):
        found.append(text.encode("cp1252"))
    return list(dict.fromkeys(found))


def parse_cookies(text: str, hosts: frozenset[str]) -> tuple[Cookie, ...]:
    """The cookies of a browser's export that belong to one of the hosts; UsageError when there are none or it is no export."""
    rows = parse_export(text)
    found = tuple(cookie for domain, cookie in rows if belongs(domain, hosts))
    if not found:
        others = ", ".join(sorted({domain for domain, _ in rows})[:3]) or "none at all"
        raise UsageError(f"the file holds no cookie of this target (it has those of {others}): export it while the market's page is open")
    return found


def read_export(path: Path | None, hosts: frozenset[str]) -> BrowserSession | None:
    """The cookies for one of the hosts in an export that lies in a file; None when there is no file or it has none for them.

    Raises UsageError when it is no export.
    """
    if path is None:
        return None
    found = tuple(cookie for domain, cookie in parse_export(path.read_text(encoding="utf-8")) if belongs(domain, hosts))
    return BrowserSession(found) if found else None


def parse_export(text: str) -> list[tuple[str, Cookie]]:
    """(domain, cookie) of each entry of a browser's export in either form."""
    return parse_json(text) if text.lstrip().startswith(("[", "{")) else parse_netscape(text)


def belongs(domain: str, hosts: frozenset[str]) -> bool:
    """Whether a cookie of this domain is sent to one of the hosts."""
    return any(host == domain or host.endswith("." + domain) for host in hosts)


def parse_json(text: str) -> list[tuple[str, Cookie]]:
    """(domain, cookie) of each entry of a JSON export, a list or an object with `cookies`."""
    try:
        document: Any = json.loads(text)
        entries = document["cookies"] if isinstance(document, dict) else document
        return [
            (str(entry["domain"]).lstrip(".").lower(), checked(str(entry["name"]), str(entry["value"]), str(entry.get("path") or "/")))
            for entry in entries
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"the file is not {WANTED}: an entry lacks domain, name or value, or it is no JSON") from error


def parse_netscape(text: str) -> list[tuple[str, Cookie]]:
    """(domain, cookie) of each line of a cookies.txt."""
    found = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.removeprefix("#HttpOnly_")
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != NETSCAPE_FIELDS:
            raise UsageError(f"line {number} is not that of {WANTED}: it needs {NETSCAPE_FIELDS} fields with tabs between")
        found.append((fields[0].lstrip(".").lower(), checked(fields[5], fields[6], fields[2])))
    return found


def checked(name: str, value: str, path: str) -> Cookie:
    """A cookie whose text can stand in a header. Raises UsageError."""
    if not name or not (name + value).isprintable() or ";" in name + value:
        raise UsageError("a cookie of the file holds signs that no cookie can hold: export it again")
    return Cookie(name, value, path)


def session_path(directory: Path, target_id: int) -> Path:
    """Where the session of a target is kept."""
    return directory / f"{target_id}.json"


def load_session(directory: Path, target_id: int) -> BrowserSession | None:
    """The session of a target, or None. Raises UsageError when others could read its file."""
    path = session_path(directory, target_id)
    try:
        if path.stat().st_mode & 0o077:
            raise UsageError(f"others can read {path}, which holds cookies: chmod 600 it, and log out of that session")
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return BrowserSession(tuple(Cookie(**cookie) for cookie in document["cookies"]), tuple(document["redact"]))


def save_session(directory: Path, target_id: int, session: BrowserSession) -> None:
    """Write the session of a target, readable by this user only, all or nothing."""
    write_secret(session_path(directory, target_id), json.dumps(asdict(session)))


def drop_session(directory: Path, target_id: int) -> None:
    """Delete the session of a target."""
    session_path(directory, target_id).unlink(missing_ok=True)


def place_cookie(headers: MutableMapping[str, str]) -> None:
    """Put the Cookie, which requests writes last, behind Connection, where Firefox writes it."""
    behind = [name for name in headers if name.lower() != "cookie"]
    if "Cookie" in headers and "Connection" in headers:
        place = [name.lower() for name in behind].index("connection") + 1
        for name in ("Cookie", *behind[place:]):
            headers[name] = headers.pop(name)
