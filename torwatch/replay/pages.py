"""Archived pages read again by one version of a parser, in groups: what they gave is ready to be staged, wherever they were read."""

from __future__ import annotations

import datetime as dt
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from torwatch.archive.index import Entry, index_path, path_in, read_index
from torwatch.archive.reader import ArchivedPage, read_page
from torwatch.crawl.fetch import judge_status
from torwatch.errors import ArchiveError
from torwatch.gleanings import Gleaned, gleanings_path, unpack_gleanings
from torwatch.model import OBSTACLE_OUTCOMES, Fetched, Outcome, PageKind
from torwatch.reading import PageReader, Workers
from torwatch.store import staging
from torwatch.store.frontier import Visit, VisitResult, add_visits, record_reread
from torwatch.store.staging import StagedPage
from torwatch.walk.second_pass import keys_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from concurrent.futures import Future
    from pathlib import Path

    from torwatch.claims import ClaimRules
    from torwatch.store.database import Store
    from torwatch.store.snapshots import Snapshot

GROUP_PAGES = 200  # pages staged in one transaction
# What the page itself and its status tell; any other outcome is how the connection went, which the stored bytes cannot tell.
TOLD_BY_PAGE = OBSTACLE_OUTCOMES | {
    Outcome.OK,
    Outcome.UNCHANGED,
    Outcome.GONE,
    Outcome.HTTP_ERROR,
    Outcome.LAYOUT_CHANGED,
    Outcome.PARSE_LIMIT,
    Outcome.EMPTY,
}


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a parser: its name, the digest of its sources, the folder of the archive that keeps them, and its claim rules."""

    name: str
    digest: str
    folder: Path
    rules: ClaimRules


@dataclass(frozen=True, slots=True)
class Reread:
    """What one page gave; nothing is staged of a page that is not ok. `keys`: of the listings in its rows."""

    result: VisitResult
    staged: StagedPage
    keys: frozenset[str] = frozenset()


class Readers(Protocol):
    """What reads archived pages again."""

    def read(self, version: Version, warc: Path, groups: Iterable[list[Entry]]) -> Iterator[list[Reread]]:
        """What each group of pages gave, in order."""


class LocalReaders:
    """Reads with the parser processes of this machine; a context manager. The next group is read while the last one is written."""

    def __init__(self, workers_of: Callable[[Version], Workers], threads: int) -> None:
        self._workers_of = workers_of
        self._pool = ThreadPoolExecutor(threads)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def read(self, version: Version, warc: Path, groups: Iterable[list[Entry]]) -> Iterator[list[Reread]]:
        """What each group of pages gave, in order."""
        reader = PageReader(version.name, version.rules, self._workers_of(version), lambda _seconds: None)
        waiting: deque[list[Future[Reread]]] = deque()
        for group in groups:
            waiting.append([self._pool.submit(read_stored, reader, warc, entry) for entry in group])
            if len(waiting) > 1:
                yield [one.result() for one in waiting.popleft()]
        for last in waiting:
            yield [one.result() for one in last]


def read_stored(reader: PageReader, warc: Path, entry: Entry) -> Reread:
    """Read one page of a WARC again."""
    return read_again(reader, entry, page_of(warc, entry))


def page_of(warc: Path, entry: Entry) -> ArchivedPage | None:
    """The stored page of an index line; None where nothing was stored."""
    return None if entry.offset is None or entry.removed else read_page(warc, entry.offset)


def read_again(reader: PageReader, entry: Entry, page: ArchivedPage | None) -> Reread:
    """Read one archived page; a visit that brought no page keeps its outcome."""
    visit = Visit(path_of(entry), PageKind(entry.kind), entry.key, entry.attempts)
    at = dt.datetime.strptime(entry.timestamp, "%Y%m%d%H%M%S").replace(tzinfo=dt.UTC)
    before = Outcome(entry.outcome)
    if page is None or not page.body:
        kept = Fetched(entry.url, before, at, entry.elapsed_ms or 0, entry.status, reason=entry.reason, digest=entry.digest)
        return Reread(result_of(visit, kept, before, entry.reason, entry.size or 0), StagedPage())
    outcome, reason = judge_status(page.status) if before in TOLD_BY_PAGE else (before, entry.reason)
    headers = (("Content-Type", page.content_type),) if page.content_type else ()
    fetched = Fetched(page.url, outcome, at, entry.elapsed_ms or 0, page.status, headers, page.body, reason, entry.digest)
    read = reader.read_fetched(visit, fetched)
    size = len(page.body) if entry.size is None else entry.size
    staged = read.staged if read.outcome is Outcome.OK else StagedPage()
    return Reread(result_of(visit, fetched, read.outcome, read.reason, size), staged, frozenset(keys_of(read)))


def result_of(visit: Visit, fetched: Fetched, outcome: Outcome, reason: str, size: int) -> VisitResult:
    """What is kept of a page read again; `size` in bytes as it came."""
    return VisitResult(
        visit=visit,
        outcome=outcome,
        reason=reason,
        status=fetched.status,
        elapsed_ms=fetched.elapsed_ms,
        at=fetched.fetched_at,
        digest=fetched.digest,
        size=size,
    )


def path_of(entry: Entry) -> str:
    """Path and query of an archived page."""
    return path_in(entry.url)


def read_entries(archive_directory: Path, snapshot: Snapshot) -> list[Entry]:
    """The index of a snapshot, in the order of its WARC. Raises ArchiveError when it is missing."""
    return sorted(read_index(find_index(archive_directory, snapshot)), key=lambda entry: entry.offset or 0)


def count_entries(archive_directory: Path, snapshot: Snapshot) -> int:
    """How many pages the index of a snapshot has. Raises ArchiveError when it is missing."""
    with find_index(archive_directory, snapshot).open("rb") as lines:
        return sum(1 for _ in lines)


def find_index(archive_directory: Path, snapshot: Snapshot) -> Path:
    """Where the index of a snapshot lies. Raises ArchiveError when it is missing."""
    path = index_path(archive_directory / (snapshot.warc or ""))
    if not path.is_file():
        raise ArchiveError(f"the index {path} of snapshot {snapshot.id} is missing: restore the archive")
    return path


def grouped(entries: list[Entry]) -> Iterator[list[Entry]]:
    """The entries in groups of one transaction."""
    for start in range(0, len(entries), GROUP_PAGES):
        yield entries[start : start + GROUP_PAGES]


def lacks_pages(entries: Iterable[Entry]) -> bool:
    """Whether something of a snapshot was forgotten: then its totals tell more than its pages can."""
    return any(entry.removed == "forgotten" for entry in entries)


def stage_snapshot(
    store: Store,
    snapshot: Snapshot,
    archive_directory: Path,
    entries: list[Entry],
    version: Version,
    readers: Readers,
    rng: random.Random,
    *,
    progress: Callable[[int], None],
) -> list[tuple[VisitResult, frozenset[str]]]:
    """Stage anew all that the archived pages of an ended snapshot's first pass give; of the second, never staged, gives result and keys.

    `progress` gets the number of pages of each group. Raises ArchiveError where the archive lacks what it takes.
    """
    clear(store, snapshot)
    asked = [entry for entry in entries if entry.outcome]
    planned = [Visit(path_of(entry), PageKind(entry.kind), entry.key) for entry in entries if not entry.outcome and not entry.second_pass]
    with store.write() as connection:
        add_visits(connection, snapshot.id, planned, rng)
    progress(len(entries) - len(asked))
    second = []
    warc = archive_directory / (snapshot.warc or "")
    kept = unpack_gleanings(gleanings_path(warc)) if any(entry.removed for entry in entries) else ()  # missing ones are no empty ones
    gleaned = {(one.path, one.second): one for one in kept}
    groups = readers.read(version, warc, ([entry for entry in group if not entry.removed] for group in grouped(asked)))
    for group, rereads in zip(grouped(asked), groups, strict=True):
        stored = iter(rereads)
        both = [(entry, reread_of(entry, gleaned) if entry.removed else next(stored)) for entry in group]
        first = [one for entry, one in both if not entry.second_pass]
        second += [(one.result, one.keys) for entry, one in both if entry.second_pass]
        with store.write() as connection:
            record_reread(connection, snapshot.id, [one.result for one in first])
            staging.stage_pages(connection, snapshot.id, [one.staged for one in first if one.result.outcome is Outcome.OK])
        progress(len(group))
    return second


def reread_of(entry: Entry, gleaned: Mapping[tuple[str, bool], Gleaned]) -> Reread:
    """What was read of a page before it was taken out of the archive."""
    visit = Visit(path_of(entry), PageKind(entry.kind), entry.key, entry.attempts)
    at = dt.datetime.strptime(entry.timestamp, "%Y%m%d%H%M%S").replace(tzinfo=dt.UTC)
    fetched = Fetched(entry.url, Outcome(entry.outcome), at, entry.elapsed_ms or 0, entry.status, digest=entry.digest)
    one = gleaned.get((visit.path, bool(entry.second_pass)))
    if one is None:
        return Reread(result_of(visit, fetched, fetched.outcome, entry.reason, entry.size or 0), StagedPage())
    return Reread(result_of(visit, fetched, one.outcome, one.reason, entry.size or 0), one.staged, one.keys)


def clear(store: Store, snapshot: Snapshot) -> None:
    """Drop the working rows of an ended snapshot."""
    with store.write() as connection:
        staging.clear(connection, snapshot.id)
        connection.execute("DELETE FROM visit WHERE snapshot_id = ?", (snapshot.id,))
