"""Replay: the archive read again with a mended parser, and a market's history made anew from it.

A correction is not a change of the market: the history of the snapshots concerned is recomputed in one transaction, the `event` log keeps
what was before, and no alert is raised. People's decisions on holds are kept.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from torwatch.archive.originals import keep_parser
from torwatch.closing import derive, find_drift
from torwatch.errors import ArchiveError, UsageError
from torwatch.replay.pages import LocalReaders, Version, clear, count_entries, lacks_pages, read_entries, stage_snapshot
from torwatch.store import history
from torwatch.store.comparison import Difference, differences
from torwatch.store.judgement import HoldRule, Signs
from torwatch.store.rollback import roll_back
from torwatch.store.second_pass import record_reread as record_second_pass
from torwatch.store.snapshots import Snapshot, ended_snapshots, settle
from torwatch.store.targets import add_event

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from torwatch.claims import ClaimRules
    from torwatch.equipment import Tools
    from torwatch.parsing.registry import Parser
    from torwatch.store.frontier import VisitResult

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay did, or would do."""

    snapshots: int
    pages: int
    differences: tuple[Difference, ...]  # between the present state before and after
    changes_before: Counter[str]  # change rows by cause, of the snapshots replayed
    changes_after: Counter[str]
    states: tuple[tuple[int, str, str], ...]  # (snapshot, state before, state after) where it differs


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
    try:
        total = sum(count_entries(tools.archive_directory, snapshot) for snapshot in snapshots)
    except ArchiveError as error:
        raise ArchiveError(f"{error}, or replay with --since a later one") from error
    folder = keep_parser(tools.archive_directory, parser.name, parser.digest, parser.own_sources, parser.family_sources)
    version = Version(parser.name, parser.digest, folder, rules)
    second: dict[int, list[tuple[VisitResult, frozenset[str]]]] = {}
    lacking: set[int] = set()
    done = 0

    def count(pages: int) -> None:
        nonlocal done
        done += pages
        progress(done, total)

    try:
        with LocalReaders(lambda _version: tools.workers, threads) as readers:
            for snapshot in snapshots:
                entries = read_entries(tools.archive_directory, snapshot)
                if lacks_pages(entries):
                    lacking.add(snapshot.id)
                second[snapshot.id] = stage_snapshot(
                    tools.store, snapshot, tools.archive_directory, entries, version, readers, tools.rng, progress=count
                )
        return recompute(tools, market_id, snapshots, second, lacking, parser, rules, hold, dry_run=dry_run, pages=total)
    finally:
        for snapshot in snapshots:
            clear(tools.store, snapshot)


def recompute(
    tools: Tools,
    market_id: int,
    snapshots: list[Snapshot],
    second: Mapping[int, list[tuple[VisitResult, frozenset[str]]]],
    lacking: Collection[int],
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
                unknown = record_second_pass(connection, snapshot.id, second[snapshot.id])
                if unknown:
                    log.warning("second_pass_pages_unknown", snapshot=snapshot.id, pages=unknown)
                signs = Signs(snapshot.cut_short, find_drift(store, snapshot, parser.market))
                judged = (snapshot.state, snapshot.reason) if snapshot.id in lacking and snapshot.state != "held" else None
                ending = settle(connection, snapshot, coverage=rules.coverage(), rule=hold, signs=signs, now=tools.now(), judged=judged)
                connection.execute(
                    "UPDATE snapshot SET parser = ?, parser_digest = ? WHERE id = ?", (parser.name, parser.digest, snapshot.id)
                )
                if ending.state != snapshot.state:
                    states.append((snapshot.id, snapshot.state, ending.state))
            found = Replay(
                snapshots=len(snapshots),
                pages=pages,
                differences=tuple(differences(before, history.present_state(store, market_id))),
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
