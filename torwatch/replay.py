"""Replay: the archive read again with a mended parser, and a market's history made anew from it.

A correction is not a change of the market: the history of the snapshots concerned is recomputed in one transaction, the `event` log keeps
what was before, and no alert is raised. People's decisions on holds are kept.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from torwatch.archive.index import Entry, index_path, read_index
from torwatch.archive.reader import read_page
from torwatch.closing import derive, find_drift
from torwatch.crawl.fetch import judge_status
from torwatch.errors import ArchiveError, UsageError
from torwatch.model import Fetched, Outcome, PageKind
from torwatch.reading import PageReader, Read
from torwatch.second_pass import keys_of
from torwatch.store import history, staging
from torwatch.store.frontier import Visit, VisitResult, add_visits, record_reread
from torwatch.store.judgement import HoldRule, Signs
from torwatch.store.rollback import roll_back
from torwatch.store.second_pass import restore_page
from torwatch.store.snapshots import Snapshot, ended_snapshots, settle
from torwatch.store.staging import StagedPage
from torwatch.store.targets import add_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from torwatch.claims import ClaimRules
    from torwatch.equipment import Tools
    from torwatch.parsing.registry import Parser

GROUP_PAGES = 200  # pages staged in one transaction


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay did, or would do."""

    snapshots: int
    pages: int
    differences: tuple[history.Difference, ...]  # between the present state before and after
    changes_before: Counter[str]  # change rows by cause, of the snapshots replayed
    changes_after: Counter[str]
    states: tuple[tuple[int, str, str], ...]  # (snapshot, state before, state after) where it differs


@dataclass(frozen=True, slots=True)
class SecondPage:
    """A page of a second pass read again: its list, its number of so many announced, what became of it, and the listings in its rows."""

    scope: str
    page: int
    pages: int
    result: VisitResult
    keys: frozenset[str]


class _DryRunError(Exception):
    """Leaves the transaction without writing."""


def replay_market(
    tools: Tools,
    market_id: int,
    parser: Parser,
    rules: ClaimRules,
    hold: HoldRule,
    *,
    since: int = 0,
    dry_run: bool = False,
    threads: int = 1,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Replay:
    """Read the archived pages of a market's snapshots from number `since` on again, and make their history anew.

    `progress` gets (pages read, pages in all). Raises UsageError where there is nothing to replay, ArchiveError where a WARC or its index
    is missing; the database is then as it was.
    """
    snapshots = ended_snapshots(tools.store, market_id, since)
    if not snapshots:
        raise UsageError(f"no ended snapshot to replay (from number {since} on): see `torwatch snapshot list`")
    indexes = {snapshot.id: read_entries(tools.archive_directory, snapshot) for snapshot in snapshots}
    total = sum(len(entries) for entries in indexes.values())
    second: dict[int, list[SecondPage]] = {snapshot.id: [] for snapshot in snapshots}
    done = 0
    try:
        with ThreadPoolExecutor(threads) as pool:
            for snapshot in snapshots:
                clear(tools, snapshot)
                for group in grouped(indexes[snapshot.id]):
                    second[snapshot.id] += stage_group(tools, snapshot, parser, rules, group, pool)
                    done += len(group)
                    progress(done, total)
        return recompute(tools, market_id, snapshots, second, parser, rules, hold, dry_run=dry_run, pages=total)
    finally:
        for snapshot in snapshots:
            clear(tools, snapshot)


def read_entries(archive_directory: Path, snapshot: Snapshot) -> list[Entry]:
    """The index of a snapshot, in the order of its WARC. Raises ArchiveError when it is missing."""
    path = index_path(archive_directory / (snapshot.warc or ""))
    if not path.is_file():
        raise ArchiveError(
            f"the index {path} of snapshot {snapshot.id} is missing: restore the archive, or replay with --since a later one"
        )
    return sorted(read_index(path), key=lambda entry: entry.offset or 0)


def grouped(entries: list[Entry]) -> Iterator[list[Entry]]:
    """The entries in groups of one transaction."""
    for start in range(0, len(entries), GROUP_PAGES):
        yield entries[start : start + GROUP_PAGES]


def clear(tools: Tools, snapshot: Snapshot) -> None:
    """Drop the working rows of an ended snapshot."""
    with tools.store.write() as connection:
        staging.clear(connection, snapshot.id)
        connection.execute("DELETE FROM visit WHERE snapshot_id = ?", (snapshot.id,))


def stage_group(
    tools: Tools, snapshot: Snapshot, parser: Parser, rules: ClaimRules, group: list[Entry], pool: ThreadPoolExecutor
) -> list[SecondPage]:
    """Read a group of archived pages again and stage what those of the first pass give; gives those of the second, which are never staged."""
    reader = PageReader(parser.name, rules, tools.workers, lambda _seconds: None)
    warc = tools.archive_directory / (snapshot.warc or "")
    first = [entry for entry in group if not entry.second_pass]
    asked = [entry for entry in first if entry.outcome]
    reads = list(pool.map(lambda entry: read_again(reader, warc, entry), asked))
    planned = [Visit(path_of(entry), PageKind(entry.kind), entry.key) for entry in first if not entry.outcome]
    with tools.store.write() as connection:
        add_visits(connection, snapshot.id, planned, tools.rng)
        record_reread(connection, snapshot.id, [result_of(read, entry.size) for read, entry in zip(reads, asked, strict=True)])
        staging.stage_pages(connection, snapshot.id, [read.staged for read in reads if read.outcome is Outcome.OK])
    again = [entry for entry in group if entry.second_pass and entry.outcome]
    return [read_second(entry, read) for entry, read in zip(again, pool.map(lambda e: read_again(reader, warc, e), again), strict=True)]


def read_second(entry: Entry, read: Read) -> SecondPage:
    """A page of the second pass as it is kept, from where its index entry says that it stands: "number/pages list"."""
    place, _, scope = (entry.second_pass or "").partition(" ")
    page, _, pages = place.partition("/")
    return SecondPage(scope, int(page), int(pages), result_of(read, entry.size), frozenset(keys_of(read)))


def read_again(reader: PageReader, warc: Path, entry: Entry) -> Read:
    """Read one archived page; a visit that brought no page keeps its outcome."""
    visit = Visit(path_of(entry), PageKind(entry.kind), entry.key, entry.attempts)
    page = None if entry.offset is None else read_page(warc, entry.offset)
    at = dt.datetime.strptime(entry.timestamp, "%Y%m%d%H%M%S").replace(tzinfo=dt.UTC)
    if page is None or not page.body:
        kept = Fetched(entry.url, Outcome(entry.outcome), at, entry.elapsed_ms or 0, entry.status, reason=entry.reason, digest=entry.digest)
        return Read(visit, kept, b"", 0, None, StagedPage(), kept.outcome, entry.reason)
    outcome, reason = judge_status(page.status)
    headers = (("Content-Type", page.content_type),) if page.content_type else ()
    fetched = Fetched(page.url, outcome, at, entry.elapsed_ms or 0, page.status, headers, page.body, reason, entry.digest)
    return reader.read_fetched(visit, fetched)


def path_of(entry: Entry) -> str:
    """Path and query of an archived page."""
    parts = urlsplit(entry.url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def result_of(read: Read, size: int | None) -> VisitResult:
    """What is kept of a page read again."""
    fetched = read.fetched
    return VisitResult(
        visit=read.visit,
        outcome=read.outcome,
        reason=read.reason,
        status=fetched.status,
        elapsed_ms=fetched.elapsed_ms,
        at=fetched.fetched_at,
        digest=fetched.digest,
        size=len(fetched.body) if size is None else size,
    )


def recompute(
    tools: Tools,
    market_id: int,
    snapshots: list[Snapshot],
    second: Mapping[int, list[SecondPage]],
    parser: Parser,
    rules: ClaimRules,
    hold: HoldRule,
    *,
    dry_run: bool,
    pages: int,
) -> Replay:
    """Roll the market back and settle the staged snapshots anew, all in one transaction (undone again by a dry run)."""
    store, first = tools.store, snapshots[0].id
    outcome: list[Replay] = []
    try:
        with store.write() as connection:
            before = history.present_state(store, market_id)
            changes_before = count_changes(tools, market_id, first)
            roll_back(connection, market=market_id, snapshot=first)
            states = []
            for snapshot in snapshots:
                for one in second[snapshot.id]:
                    restore_page(connection, snapshot.id, one.scope, one.page, one.pages, one.result, one.keys)
                signs = Signs(snapshot.cut_short, find_drift(store, snapshot, parser.market))
                ending = settle(connection, snapshot, coverage=rules.coverage(), rule=hold, signs=signs, now=tools.now())
                connection.execute(
                    "UPDATE snapshot SET parser = ?, parser_digest = ? WHERE id = ?", (parser.name, parser.digest, snapshot.id)
                )
                if ending.state != snapshot.state:
                    states.append((snapshot.id, snapshot.state, ending.state))
            found = Replay(
                snapshots=len(snapshots),
                pages=pages,
                differences=tuple(history.differences(before, history.present_state(store, market_id))),
                changes_before=changes_before,
                changes_after=count_changes(tools, market_id, first),
                states=tuple(states),
            )
            outcome.append(found)
            if dry_run:
                raise _DryRunError  # noqa: TRY301 - the one way to undo a transaction that went well
            add_event(
                connection,
                tools.now(),
                "replayed",
                snapshots[0].market,
                {
                    "since": first,
                    "parser": parser.name,
                    "digest": parser.digest,
                    "before": dict(changes_before),
                    "after": dict(found.changes_after),
                },
            )
    except _DryRunError:
        return outcome[0]
    derive(tools, market_id, parser.market)
    return outcome[0]


def count_changes(tools: Tools, market_id: int, since: int) -> Counter[str]:
    """Change rows by cause, of the snapshots from `since` on."""
    rows = tools.store.rows(
        "SELECT cause, count(*) AS number FROM change WHERE market_id = ? AND snapshot_id >= ? GROUP BY cause", (market_id, since)
    )
    return Counter({row["cause"]: row["number"] for row in rows})
