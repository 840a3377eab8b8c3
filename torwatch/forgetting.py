"""Forgetting on request: a vendor account or a target goes out of database, search index, archive, journal, examples and our own backups.

What stays: counts, digests, and a tombstone in the chain. What others wrote stays, without the name of who is forgotten.
"""

from __future__ import annotations

import html
import secrets
import sqlite3
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from torwatch.archive.index import Entry, index_path, read_index
from torwatch.archive.manifest import read_records, records_path
from torwatch.archive.reader import read_page
from torwatch.gleanings import Gleaned, read_gleanings
from torwatch.removal import Removal, addresses, glean, marked, take_out, with_requests
from torwatch.reread import path_of
from torwatch.store.forgetting import forget_person
from torwatch.store.person import FORGOTTEN, TEXT_CLAIMS, find_person, take_claims
from torwatch.store.scrubbing import scrub_claims, scrub_tables
from torwatch.store.snapshots import ended_snapshots, parser_of
from torwatch.store.targets import stamp
from torwatch.traces import Forgotten, note_forgotten, wipe_traces

if TYPE_CHECKING:
    import datetime as dt
    import sqlite3
    from collections import Counter
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from torwatch.reread import Readers
    from torwatch.store.database import Store
    from torwatch.store.person import Person
    from torwatch.store.snapshots import Snapshot
    from torwatch.store.staging import EntityRow, StagedPage
    from torwatch.versions import Versions

LONGEST_TITLE_LOOKED_FOR = 40  # lists cut titles
SHORTEST_NEEDLE = 3


class Forgetting:
    """One account being forgotten."""

    def __init__(self, store: Store, archive_directory: Path, person: Person, readers: Readers, versions: Versions) -> None:
        self.store = store
        self.archive_directory = archive_directory
        self.person = person
        self.readers = readers
        self.versions = versions
        self.paths: dict[str, str] = {}  # of its own pages → what stands for them
        self.done = Forgotten()

    def scrubber(self) -> Callable[[str], str]:
        """What takes names and own paths out of a text."""
        pattern, paths = self.person.pattern(), dict(self.paths)

        def scrub(text: str) -> str:
            if text in paths:
                return paths[text]
            return pattern.sub(FORGOTTEN, text) if pattern else text

        return scrub

    def take_out_pages(self, why: str, now: dt.datetime, progress: Callable[[int, int], None]) -> None:
        """Take every page that shows the account out of the archive of its market."""
        snapshots = [
            one for one in ended_snapshots(self.store, self.person.market_id) if (self.archive_directory / str(one.warc)).is_file()
        ]
        for number, snapshot in enumerate(snapshots, 1):
            self.take_out_of(snapshot, why, now)
            progress(number, len(snapshots))

    def take_out_of(self, snapshot: Snapshot, why: str, now: dt.datetime) -> None:
        """Take the pages of one snapshot out that show the account."""
        warc = self.archive_directory / str(snapshot.warc)
        entries = sorted(read_index(index_path(warc)), key=lambda entry: entry.offset or 0)
        before = read_gleanings(warc)
        own = {path_of(entry) for entry in entries if self.is_own(entry)}
        shown = self.pages_that_show(warc, own)
        chosen = [entry for entry in entries if entry.offset in shown and entry.outcome and not entry.removed]
        version, _ = self.versions.of(*parser_of(self.store, snapshot.id))
        read = [gleaned for _, gleaned in glean(self.readers, version, warc, chosen)]
        for gleaned in (*before, *read):
            self.learn(gleaned.staged)
        self.paths |= {path: f"/forgotten/{secrets.token_hex(8)}" for path in own - self.paths.keys()}
        gone = with_requests(warc, shown) | {record.offset for record, uri in addresses(warc) if path_in(uri) in own}
        left = tuple(self.filtered((*before, *read)))
        lost = {(old.path, old.second) for old, new in zip(before, left, strict=False) if old != new}  # of pages that expired before
        marks = (replace(entry, removed="forgotten") if (path_of(entry), bool(entry.second_pass)) in lost else entry for entry in entries)
        removal = Removal(warc, gone, tuple(self.anonymous(entry) for entry in marked(marks, gone, "forgotten")), left)
        if not (gone or lost or own):
            return
        link = take_out(self.archive_directory, removal, {"act": "forgotten", "at": stamp(now), "why": why})
        self.done.records += len(link.fields["gone"])
        self.done.manifests[str(link.path.relative_to(self.archive_directory))] = link.sha256

    def is_own(self, entry: Entry) -> bool:
        """Whether a page is one of the account or of its listings."""
        keys = {"listing": self.person.listings, "vendor": self.person.vendors}.get(entry.kind, set[str]())
        path = path_of(entry)
        scrubbed = self.person.pattern()
        return entry.key in keys or path in self.person.paths or bool(scrubbed and scrubbed.search(path.replace("/", " ")))

    def pages_that_show(self, warc: Path, own: set[str]) -> frozenset[int]:
        """Where the pages begin that hold a name, a title or an address of the account, indexed or not."""
        needles, found = self.needles(own), set()
        records = {record.offset: record for record in read_records(records_path(warc))}
        for record, uri in addresses(warc):
            if uri and records[record.offset].kind in {"response", "revisit"}:  # what was taken out before has no URI any more
                body = read_page(warc, record.offset).body.lower()
                if path_in(uri) in own or any(needle in body for needle in needles):
                    found.add(record.offset)
        return frozenset(found)

    def needles(self, own: set[str]) -> set[bytes]:
        """What is looked for in pages, in lower case and as pages may write it."""
        person = self.person
        titles = {title[:LONGEST_TITLE_LOOKED_FOR] for title in person.titles}
        words = {word for word in (*person.names, *titles, *own, *person.paths) if len(word) >= SHORTEST_NEEDLE and word != "/"}
        forms = {form.lower() for word in words for form in (word, html.escape(word), html.escape(word, quote=False))}
        return {form.encode(charset, "ignore") for form in forms for charset in ("utf-8", "latin-1")} - {b""}

    def learn(self, staged: StagedPage) -> None:
        """Note the account's listings and texts that a page shows and the database may not know."""
        person = self.person
        for row in staged.listings:
            if row.key in person.listings or row.values.get("vendor") in person.vendors:
                person.listings.add(row.key)
                take_claims(person, "listing", dict(row.values))
        for row in staged.vendors:
            if row.key in person.vendors:
                take_claims(person, "vendor", dict(row.values))

    def filtered(self, gleaned: Iterable[Gleaned]) -> Iterable[Gleaned]:
        """Gleanings without the account."""
        scrub = self.scrubber()
        for one in gleaned:
            yield Gleaned(
                self.paths.get(one.path, one.path),
                one.second,
                one.outcome,
                scrub(one.reason),
                self.without_account(one.staged, scrub),
                one.keys - self.person.listings,
            )

    def without_account(self, staged: StagedPage, scrub: Callable[[str], str]) -> StagedPage:
        """The rows of a page that are of others, with the names taken out of what they say."""
        person = self.person
        listings = tuple(clean_row(row, scrub) for row in staged.listings if row.key not in person.listings)
        vendors = tuple(clean_row(row, scrub) for row in staged.vendors if row.key not in person.vendors)
        feedback = tuple(
            {name: scrub(value) if name in {"product", "body"} and value else value for name, value in row.items()}
            for row in staged.feedback
            if row.get("vendor") not in person.vendors and row.get("listing_key") not in person.listings
        )
        kept = {row.values.get(claim) for row in (*listings, *vendors) for claim in TEXT_CLAIMS}
        person.digests |= {digest for digest, _ in staged.texts if digest not in kept}
        texts = tuple((digest, scrub(body)) for digest, body in staged.texts if digest in kept)
        return replace(staged, listings=listings, vendors=vendors, feedback=feedback, texts=texts, scope=scrub(staged.scope))

    def anonymous(self, entry: Entry) -> Entry:
        """An index line that does not tell whose page it was."""
        path = path_of(entry)
        if path not in self.paths:
            return replace(entry, reason=self.scrubber()(entry.reason)) if entry.reason else entry
        return replace(entry, url=entry.url[: entry.url.index(path)] + self.paths[path], key=None, reason="")

    def forget_rows(self, connection: sqlite3.Connection) -> Counter[str]:
        """Take the account out of a database, inside the caller's transaction."""
        rows = forget_person(connection, self.person)
        scrub_tables(connection, self.person.market_id, self.scrubber())
        return rows


def clean_row(row: EntityRow, scrub: Callable[[str], str]) -> EntityRow:
    """A row of another account, with the names taken out of what it says."""
    return replace(row, values=scrub_claims(dict(row.values), scrub), path=scrub(row.path) if row.path else row.path)


def path_in(uri: str) -> str:
    """Path and query of a URI."""
    parts = urlsplit(uri)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def forget_vendor(
    store: Store,
    archive_directory: Path,
    market: str,
    name: str,
    *,
    why: str,
    readers: Readers,
    versions: Versions,
    now: dt.datetime,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Forgotten:
    """Forget one vendor account. Raises UsageError when it is not known; ArchiveError or StoreError where something cannot be written.

    The writer lock must be held. What a fault cuts off is done when the command is called again.
    """
    task = Forgetting(store, archive_directory, find_person(store, market, name), readers, versions)
    task.take_out_pages(why, now, progress)
    with store.write() as connection:
        task.done.rows = task.forget_rows(connection)
        note_forgotten(connection, now, market, "vendor", why, task.done)
    wipe_traces(store, archive_directory, task.scrubber(), {}, task.forget_rows, task.done)
    return task.done
