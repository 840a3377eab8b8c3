"""A person to be forgotten: one vendor account, and all by which a database knows it."""

from __future__ import annotations

import hashlib
import hmac
import html
import json
import re
import secrets
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from torwatch.errors import UsageError
from torwatch.store.state import market_named
from torwatch.store.tables import has_table

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

    from torwatch.store.database import Store

FORGOTTEN = "[forgotten]"
TEXT_CLAIMS = ("description", "profile", "pgp")
SHORTEST_WORD = 3  # a shorter name is part of too many words to be looked for
SHORTEST_TITLE = 8  # a title of fewer characters says nothing of who sells it


@dataclass(slots=True)
class Person:
    """What is to be forgotten of one account: its keys, and the words by which it is known."""

    market_id: int
    market: str
    vendors: set[str] = field(default_factory=set)  # keys of the account
    listings: set[str] = field(default_factory=set)  # keys of its listings
    names: set[str] = field(default_factory=set)  # taken out of every text
    titles: set[str] = field(default_factory=set)  # pages that show one are taken out
    paths: set[str] = field(default_factory=set)  # of its own pages
    digests: set[str] = field(default_factory=set)  # of its texts
    inputs: dict[str, set[str]] = field(default_factory=dict)  # claim → its values, for derived rows
    salt: str = field(default_factory=lambda: secrets.token_hex(32))  # thrown away with the rest when all is forgotten

    def pattern(self) -> re.Pattern[str] | None:
        """What finds one of its names as a word of its own."""
        named = {form for name in self.names if len(name) >= SHORTEST_WORD for form in forms_of(name)}
        words = sorted(named, key=len, reverse=True)
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", re.IGNORECASE) if words else None

    def scrubber(self) -> Callable[[str], str]:
        """What takes its names out of a text; one of its own paths becomes another."""
        pattern, paths = self.pattern(), frozenset(self.paths)

        def scrub(text: str) -> str:
            if text in paths:
                return self.stand_in(text)
            return pattern.sub(FORGOTTEN, text) if pattern else text

        return scrub

    def stand_in(self, path: str) -> str:
        """What stands in the place of one of its own paths, everywhere the same."""
        return f"/forgotten/{hmac.new(self.salt.encode(), path.encode('utf-8', 'surrogatepass'), hashlib.sha256).hexdigest()[:16]}"

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {name: sorted(value) if isinstance(value, set) else value for name, value in asdict(self).items()} | {
            "inputs": {claim: sorted(values) for claim, values in self.inputs.items()}
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Person:
        """What `to_json` gave."""
        sets = {name: set(value) for name, value in fields.items() if isinstance(value, list)}
        return cls(**(fields | sets | {"inputs": {claim: set(values) for claim, values in fields["inputs"].items()}}))


def forms_of(name: str) -> set[str]:
    """A name as texts, JSON, pages and addresses write it."""
    return {name, html.escape(name), html.escape(name, quote=False), json.dumps(name)[1:-1], quote(name)}


def find_person(store: Store, market: str, name: str) -> Person:
    """The account of a market by its key or by a name that it showed. Raises UsageError when there is none, or more than one."""
    market_id = market_named(store, market)
    found = store.rows("SELECT id, key FROM vendor WHERE market_id = ?1 AND key = ?2", (market_id, name)) or store.rows(
        "SELECT id, key FROM vendor WHERE market_id = ?1 AND (name = ?2 OR id IN (SELECT vendor_id FROM vendor_handle WHERE name = ?2))",
        (market_id, name),
    )
    if not found:
        raise UsageError(f"no vendor of {market} is called {name!r}: see `torwatch vendor show {name}`")
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} accounts of {market} were called {name!r}: name one by its key ({', '.join(one['key'] for one in found)})"
        )
    return describe_person(store.connection, market_id, market, found[0]["key"])


def describe_person(connection: sqlite3.Connection, market_id: int, market: str, key: str) -> Person:
    """All by which an account is known in a database."""
    person = Person(market_id, market, {key})
    vendor = connection.execute("SELECT id FROM vendor WHERE market_id = ? AND key = ?", (market_id, key)).fetchone()
    rows = connection.execute(
        "SELECT key FROM listing WHERE market_id = ?1 AND (vendor = ?2 OR vendor_id = ?3)", (market_id, key, vendor[0] if vendor else None)
    )
    person.listings = {row[0] for row in rows}
    if not key.isdecimal():
        person.names.add(key)
    if vendor and has_table(connection, "vendor_key"):
        for fingerprint, key_id in connection.execute("SELECT fingerprint, key_id FROM vendor_key WHERE vendor_id = ?", (vendor[0],)):
            person.names |= {fingerprint, key_id}
    for entity, keys in (("vendor", person.vendors), ("listing", person.listings)):
        for claims in said_by(connection, market_id, entity, keys):
            take_claims(person, entity, claims)
    return person


def take_claims(person: Person, entity: str, claims: dict[str, Any]) -> None:
    """Note what claims of the account say of it."""
    for claim, value in claims.items():
        if value is None:
            continue
        if claim in TEXT_CLAIMS:
            person.digests.add(str(value))
        elif claim == "path":
            person.paths.add(str(value))
        elif entity == "vendor" and claim == "name":
            person.names.add(str(value))
        elif claim in {"title", "ship_from", "ship_to"}:
            person.inputs.setdefault(claim, set()).add(str(value))
            if claim == "title" and len(str(value)) >= SHORTEST_TITLE:
                person.titles.add(str(value))


def said_by(
    connection: sqlite3.Connection, market_id: int, entity: str, keys: Iterable[str], *, others: bool = False
) -> Iterable[dict[str, Any]]:
    """Every state and change of the entities of these keys (`others`: of all but these), as claims."""
    wanted = json.dumps(sorted(keys))
    chosen = f"market_id = ? AND key {'NOT ' if others else ''}IN (SELECT value FROM json_each(?))"
    rows = connection.execute(f"SELECT * FROM {entity} WHERE {chosen}", (market_id, wanted))
    names = [column[0] for column in rows.description]
    for row in rows:
        yield dict(zip(names, tuple(row), strict=True))
    for cause, name, old, new in connection.execute(
        f"SELECT cause, field, old, new FROM change WHERE {chosen} AND entity = ?", (market_id, wanted, entity)
    ):
        if cause == "new":
            yield json.loads(new or "{}")
        elif name is not None:
            yield {name: old}
            yield {name: new}
