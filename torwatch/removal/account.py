"""Forgetting a vendor account on request: out of database, search index, archive, imports, journal, examples and our own backups.

What stays: counts, digests, and tombstones in the chain. What others wrote stays, without the name of who is forgotten.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from torwatch.archive.files import replacing
from torwatch.archive.index import index_path, path_in, read_index
from torwatch.archive.originals import GLEANED, kept_file
from torwatch.archive.revisit import PLACE_HEADER, Place, header_lines, read_place
from torwatch.errors import UsageError
from torwatch.forget_request import ForgetRequest, drop_request, keep_request
from torwatch.gleanings import Gleaned, pack_gleanings, read_gleanings
from torwatch.loading import glean_file
from torwatch.removal.records import Removal, contents, glean, marked, prepare_removal, records_gone, take_out, with_requests
from torwatch.removal.traces import Cleaning, Forgotten, drop_imports, note_forgotten, wipe_traces
from torwatch.replay.pages import path_of
from torwatch.store.forgetting import forget_person, imported_files
from torwatch.store.person import SHORTEST_WORD, TEXT_CLAIMS, find_person, forms_of, take_claims
from torwatch.store.scrubbing import SAID_IN_FEEDBACK, change_event, scrub_claims, scrub_tables
from torwatch.store.snapshots import ended_snapshots, parser_of

if TYPE_CHECKING:
    import datetime as dt
    import re
    import sqlite3
    from collections import Counter
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from torwatch.archive.index import Entry
    from torwatch.replay.pages import Readers
    from torwatch.replay.versions import Versions
    from torwatch.store.database import Store
    from torwatch.store.person import Person
    from torwatch.store.snapshots import Snapshot
    from torwatch.store.staging import EntityRow, StagedPage

LONGEST_TITLE_LOOKED_FOR = 40  # lists cut titles
PAGES = frozenset({"request", "response", "revisit"})


@dataclass(frozen=True, slots=True)
class Found:
    """What one WARC shows of the account: the records of those pages, and what they gave."""

    warc: Path
    gone: frozenset[int]
    read: tuple[Gleaned, ...]


class Forgetting:
    """One account being forgotten."""

    def __init__(self, store: Store, archive_directory: Path, person: Person, readers: Readers, versions: Versions) -> None:
        self.store = store
        self.archive_directory = archive_directory
        self.person = person
        self.readers = readers
        self.versions = versions

    def look(self, progress: Callable[[int, int], None]) -> list[Found]:
        """Every archived page that shows the account, read a last time; again while they teach what else to look for. Oldest first."""
        snapshots = [
            one for one in ended_snapshots(self.store, self.person.market_id) if (self.archive_directory / str(one.warc)).is_file()
        ]
        known = None
        while known != self.person.to_json():
            known, found, lost = self.person.to_json(), [], set[Place]()
            for number, snapshot in enumerate(snapshots, 1):
                found.append(self.look_at(snapshot, lost))
                progress(number, len(snapshots))
        return found

    def look_at(self, snapshot: Snapshot, lost: set[Place]) -> Found:
        """What one snapshot shows; `lost` are the records that go of older ones, and then of this one too."""
        warc = self.archive_directory / str(snapshot.warc)
        entries = sorted(read_index(index_path(warc)), key=lambda entry: entry.offset or 0)
        pattern = self.person.pattern()
        self.person.paths |= {path_of(entry) for entry in entries if self.is_own(entry, pattern)}
        shown = self.pages_that_show(warc, lost)
        lost |= {Place(warc.name, offset) for offset in shown}
        version, _ = self.versions.of(*parser_of(self.store, snapshot.id))
        chosen = [entry for entry in entries if entry.offset in shown and entry.outcome and not entry.removed]
        read = tuple(glean(self.readers, version, warc, chosen))
        for gleaned in (*read_gleanings(warc), *read):
            self.learn(gleaned.staged)
        return Found(warc, with_requests(warc, shown), read)

    def is_own(self, entry: Entry, pattern: re.Pattern[str] | None) -> bool:
        """Whether a page is one of the account or of its listings."""
        keys = {"listing": self.person.listings, "vendor": self.person.vendors}.get(entry.kind, set[str]())
        path = path_of(entry)
        return entry.key in keys or path in self.person.paths or bool(pattern and pattern.search(path.replace("/", " ")))

    def pages_that_show(self, warc: Path, lost: set[Place]) -> frozenset[int]:
        """Where the pages begin that hold a name, a title or an address of the account, indexed or not, or whose body lies in one that goes."""
        shows_it = self.finder()
        found, asked = set(), False
        for record, content in contents(warc):
            if record.kind not in PAGES:
                continue
            head = header_lines(content.partition(b"\r\n\r\n")[0])
            place = read_place(head.get(PLACE_HEADER))
            shows = path_in(head.get("WARC-Target-URI", "")) in self.person.paths or place in lost or shows_it(content)
            if record.kind == "request":
                asked = shows
            elif shows or asked:
                found.add(record.offset)
                asked = False
        return frozenset(found)

    def finder(self) -> Callable[[bytes], bool]:
        """What tells whether a page shows a title or an address of the account anywhere, or a name as a word of its own."""
        person = self.person
        titles = {title[:LONGEST_TITLE_LOOKED_FOR] for title in person.titles}
        words, names = encoded({*titles, *person.paths} - {"/"}), encoded(person.names)

        def shows_it(page: bytes) -> bool:
            body = page.lower()
            return any(word in body for word in words) or any(stands_alone(name, body) for name in names)

        return shows_it

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
        others = (
            *(row for row in staged.listings if row.key not in person.listings),
            *(row for row in staged.vendors if row.key not in person.vendors),
        )
        kept = {row.values.get(claim) for row in others for claim in TEXT_CLAIMS}
        person.digests |= {digest for digest, _ in staged.texts if digest not in kept}

    def take_out(self, found: Found, why: str, now: dt.datetime) -> int:
        """Take what was found out of one WARC, its index and gleanings; gives the number of records."""
        indexed, before = tuple(read_index(index_path(found.warc))), read_gleanings(found.warc)
        left = tuple(self.without_account((*before, *found.read)))
        lost = {(old.path, old.second) for old, new in zip(before, left, strict=False) if old != new}  # of pages that expired before
        marks = (replace(entry, removed="forgotten") if (path_of(entry), bool(entry.second_pass)) in lost else entry for entry in indexed)
        scrub = self.person.scrubber()
        entries = tuple(self.anonymous(entry, scrub) for entry in marked(marks, found.gone, "forgotten"))
        if not found.gone and entries == indexed and left == tuple(before):
            return 0
        removal = Removal(found.warc, found.gone, entries, left)
        files, gone = prepare_removal(self.archive_directory, removal), records_gone(removal)
        take_out(self.store, self.archive_directory, found.warc, gone, files, act="forgotten", why=why, now=now)
        return len(gone)

    def without_account(self, gleaned: Iterable[Gleaned]) -> Iterable[Gleaned]:
        """Gleanings without the account: the rows of others, with the names taken out of what they say."""
        person, scrub = self.person, self.person.scrubber()
        for one in gleaned:
            staged = one.staged
            listings = tuple(clean_row(row, scrub) for row in staged.listings if row.key not in person.listings)
            vendors = tuple(clean_row(row, scrub) for row in staged.vendors if row.key not in person.vendors)
            feedback = tuple(
                {name: scrub(value) if name in SAID_IN_FEEDBACK and value else value for name, value in row.items()}
                for row in staged.feedback
                if row.get("vendor") not in person.vendors and row.get("listing_key") not in person.listings
            )
            kept = {row.values.get(claim) for row in (*listings, *vendors) for claim in TEXT_CLAIMS}
            texts = tuple((digest, scrub(body)) for digest, body in staged.texts if digest in kept)
            rest = replace(staged, listings=listings, vendors=vendors, feedback=feedback, texts=texts, scope=scrub(staged.scope))
            path = person.stand_in(one.path) if one.path in person.paths else one.path
            yield Gleaned(path, one.second, one.outcome, scrub(one.reason), rest, one.keys - person.listings)

    def anonymous(self, entry: Entry, scrub: Callable[[str], str]) -> Entry:
        """An index line that does not tell whose page it was."""
        path = path_of(entry)
        place, space, scope = (entry.second_pass or "").partition(" ")
        second = place + space + scrub(scope) if entry.second_pass else entry.second_pass
        if path not in self.person.paths:
            return replace(entry, reason=scrub(entry.reason), second_pass=second)
        url = entry.url[: entry.url.index(path)] + self.person.stand_in(path)
        return replace(entry, url=url, key=None, reason="", second_pass=second)

    def forget_imports(self, connection: sqlite3.Connection) -> None:
        """Keep of the files that were imported into the market what they gave of others; inside the transaction that forgets the rows."""
        for event_id, detail in imported_files(connection, self.person.market):
            gleaned = tuple(glean_file(self.archive_directory, detail | {"market": self.person.market}))
            left = tuple(self.without_account(gleaned))
            if left != gleaned:
                data = pack_gleanings(left)
                changed = detail | {GLEANED: hashlib.sha256(data).hexdigest()}
                with replacing(kept_file(self.archive_directory, changed)) as handle:
                    handle.write(data)
                change_event(connection, event_id, changed)

    def forget_rows(self, connection: sqlite3.Connection) -> Counter[str]:
        """Take the account out of a database, inside the caller's transaction."""
        rows = forget_person(connection, self.person)
        scrub_tables(connection, self.person.market_id, self.person.scrubber())
        return rows


def clean_row(row: EntityRow, scrub: Callable[[str], str]) -> EntityRow:
    """A row of another account, with the names taken out of what it says."""
    return replace(row, values=scrub_claims(dict(row.values), scrub), path=scrub(row.path) if row.path else row.path)


def encoded(words: Iterable[str]) -> set[bytes]:
    """Words as the bytes of pages may hold them, once those are in ASCII's lower case."""
    forms = {form for word in words if len(word) >= SHORTEST_WORD for form in forms_of(word)}
    spelled = {form for one in forms for form in (one, one.lower())}
    return {form.encode(charset, "ignore").lower() for form in spelled for charset in ("utf-8", "latin-1")} - {b""}


def stands_alone(name: bytes, body: bytes) -> bool:
    """Whether a name stands somewhere as a word of its own; letters beyond ASCII count as its end."""
    start = body.find(name)
    while start >= 0:
        before, after = body[start - 1 : start] if start else b"", body[start + len(name) : start + len(name) + 1]
        if not (before.isalnum() or after.isalnum() or b"_" in (before, after)):
            return True
        start = body.find(name, start + 1)
    return False


def request_vendor(store: Store, market: str, name: str, why: str) -> ForgetRequest:
    """The request to forget one account. Raises UsageError when it is not known, or when the reason names it."""
    person = find_person(store, market, name)
    if person.scrubber()(why) != why:
        raise UsageError("--why stays for good, so it must not hold the name: give a file number")
    return ForgetRequest(market, person.market_id, why, person)


def forget_vendor(
    store: Store,
    archive_directory: Path,
    request: ForgetRequest,
    *,
    readers: Readers,
    versions: Versions,
    now: dt.datetime,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Forgotten:
    """Forget one vendor account, or go on where a kill cut that off. Raises ArchiveError or StoreError where something cannot be written.

    The writer lock must be held, pages be taken out by nobody else (`removing`), and no snapshot of the market be unfinished.
    """
    if request.person is None:
        raise TypeError("this request is about a market")
    task, done = Forgetting(store, archive_directory, request.person, readers, versions), Forgotten()
    found = task.look(progress)
    keep_request(archive_directory.parent, request)  # with all that was learned: after this, nothing else tells what to look for
    for one in reversed(found):  # the newest first: what refers to an older page goes before that
        done.records += task.take_out(one, request.why, now)
    with store.write() as connection:
        task.forget_imports(connection)
        done.rows = task.forget_rows(connection)
        if done.records or sum(done.rows.values()):
            note_forgotten(connection, now, request.market, "vendor", request.why, done)
    drop_imports(store.connection, archive_directory)
    snapshots = frozenset(row["id"] for row in store.rows("SELECT id FROM snapshot WHERE market_id = ?", (request.market_id,)))
    scrub, shows_it, keys = task.person.scrubber(), task.finder(), frozenset(task.person.listings)
    cleaning = Cleaning(request.market, request.market_id, snapshots, scrub, shows_it, keys)
    wipe_traces(store, archive_directory, cleaning, task.forget_rows, done, now)
    drop_request(archive_directory.parent)
    return done
