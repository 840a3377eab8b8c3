"""The rebuild: the whole database made again from the archive: what no page can tell from the journal, all else from the pages.

Each snapshot is read by the parser version that read it when it ended, judged by the rule of that time and by what people decided since, in
the order in which the snapshots ended. So rows get the ids that they had, unless a replay made them anew in between.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torwatch.archive.files import hash_file
from torwatch.archive.journal import NAME as JOURNAL_NAME
from torwatch.archive.journal import read_journal
from torwatch.archive.originals import GLEANED
from torwatch.closing import derive, find_drift
from torwatch.errors import ArchiveError, UsageError
from torwatch.ledger import GONE, ROW
from torwatch.loading import derive_file, reload_file
from torwatch.replay.pages import count_entries, lacks_pages, read_entries, stage_snapshot
from torwatch.replay.versions import Versions
from torwatch.store import rebuilt
from torwatch.store.journaled import AT_THE_END, JOURNALED, key_columns
from torwatch.store.judgement import HoldRule, Signs
from torwatch.store.second_pass import record_reread as record_second_pass
from torwatch.store.snapshots import Snapshot, find_snapshot, settle

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from torwatch.equipment import Tools
    from torwatch.replay.pages import Readers

Fields = dict[str, Any]


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild made, and what came out otherwise than it was recorded."""

    snapshots: int = 0
    pages: int = 0
    rows: Counter[str] = field(default_factory=Counter)  # rows that the journal gave, by table
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the journal has: the rows of each table as they are now, and the snapshots in the order in which they ended."""

    rows: dict[str, dict[tuple[Any, ...], Fields]]
    ended: tuple[int, ...]
    digest: str  # of the journal's bytes


def read_recorded(archive_directory: Path, connection: sqlite3.Connection) -> Recorded:
    """Read the journal; `connection` tells the keys of the tables. Raises UsageError when there is nothing in it."""
    path = archive_directory / JOURNAL_NAME
    if not path.is_file():
        raise UsageError(f"there is no journal {path}: the archive of an older torwatch gets one when this version opens its database once")
    rows: dict[str, dict[tuple[Any, ...], Fields]] = {table: {} for table in (*JOURNALED, *AT_THE_END)}
    keys = {table: key_columns(connection, table) for table in rows}
    ended: dict[int, None] = {}
    digest = hash_file(path)  # before it is read: a line written meanwhile may be among the rows, never only in the digest
    for line in read_journal(archive_directory):
        if line.kind not in {ROW, GONE} or line.subject not in rows:
            continue
        key = tuple(line.detail[name] for name in keys[line.subject])
        if line.kind == GONE:
            rows[line.subject].pop(key, None)
            continue
        rows[line.subject][key] = line.detail
        if line.subject == "snapshot" and line.detail["state"] != "running":
            ended.setdefault(line.detail["id"])
    known = {key[0] for key in rows["snapshot"]}
    return Recorded(rows, tuple(number for number in ended if number in known), digest)


class Rebuild:
    """One rebuild under way into the database of `tools`; begun again, it goes on behind the last snapshot that it finished."""

    def __init__(
        self,
        tools: Tools,
        readers: Readers,
        hold: HoldRule,
        *,
        directories: Sequence[Path] = (),
        progress: Callable[[int, int], None] = lambda _done, _of: None,
    ) -> None:
        self.tools = tools
        self.readers = readers
        self.hold = hold  # for snapshots that were judged before their rule was kept
        self.versions = Versions(tools.archive_directory, directories)
        self.progress = progress
        self.done = Rebuilt()
        self.pages_in_all = 0

    def run(self) -> Rebuilt:
        """Do all that is left. Raises ArchiveError or UsageError, one line, where the archive does not hold what it takes."""
        store, archive = self.tools.store, self.tools.archive_directory
        recorded = read_recorded(archive, store.connection)
        self.done.rows = Counter({table: len(rows) for table, rows in recorded.rows.items() if rows})
        if not rebuilt.is_begun(store):
            with store.write() as connection:
                rows = {table: found.values() for table, found in recorded.rows.items()}
                rebuilt.begin(connection, recorded.digest, rows, set(recorded.ended))
        left = rebuilt.still_to_make(store)
        crawled = {number for number in left if recorded.rows["snapshot"][number,].get("source", "crawl") == "crawl"}
        self.pages_in_all = sum(count_entries(archive, find_snapshot(store, number)) for number in crawled)
        self.progress(0, self.pages_in_all)
        imports = imports_of(recorded.rows["event"].values())
        made = [number for number in recorded.ended if number not in left]
        if made:
            self.derive_again(made[-1], imports, recorded)
        for number in recorded.ended:
            if number in crawled:
                self.make_crawled(find_snapshot(store, number), recorded.rows["snapshot"][number,])
            elif number in left:
                left -= self.make_imported(number, imports, recorded)
            self.done.snapshots += 1
        with store.write() as connection:
            rebuilt.finish(connection, {key[0]: fields for key, fields in recorded.rows["snapshot"].items()})
        self.done.notes += self.versions.notes
        return self.done

    def make_crawled(self, snapshot: Snapshot, fields: Fields) -> None:
        """Read the pages of one snapshot again and settle it as it was settled."""
        tools = self.tools
        version, market = self.versions.of(snapshot.parser, fields["parser_digest"])
        archive = tools.archive_directory
        entries = read_entries(archive, snapshot)
        second = stage_snapshot(tools.store, snapshot, archive, entries, version, self.readers, tools.rng, progress=self.count)
        with tools.store.write() as connection:
            unknown = record_second_pass(connection, snapshot.id, second)
            signs = Signs(snapshot.cut_short, find_drift(tools.store, snapshot, market))
            ending = settle(
                connection,
                snapshot,
                coverage=version.rules.coverage(),
                rule=rule_of(fields, self.hold),
                signs=signs,
                now=tools.now(),
                judged=(fields["state"], fields["reason"]) if lacks_pages(entries) else None,
            )
            if lacks_pages(entries):
                rebuilt.restore_totals(connection, fields)
        derive(tools, snapshot.market_id, market)
        self.compare(snapshot.id, fields)
        if unknown:
            self.done.notes.append(
                f"snapshot {snapshot.id}: {unknown} archived pages of the second pass are not in the journal, so left out"
            )
        if ending.state != fields["state"]:
            self.done.notes.append(f"snapshot {snapshot.id} came out {ending.state}, it was {fields['state']}")

    def derive_again(self, number: int, imports: Mapping[int, Fields], recorded: Recorded) -> None:
        """Do what a stop kept from following the snapshot that was made last: its rows are written before the derived values are."""
        snapshot = find_snapshot(self.tools.store, number)
        if number in imports:
            derive_file(self.tools.store, self.tools.archive_directory, imports[number], snapshot.market_id)
        else:
            _, market = self.versions.of(snapshot.parser, recorded.rows["snapshot"][number,]["parser_digest"])
            derive(self.tools, snapshot.market_id, market)

    def make_imported(self, number: int, imports: Mapping[int, Fields], recorded: Recorded) -> set[int]:
        """Load the file of an imported snapshot again; gives the numbers of all snapshots that it holds."""
        detail = imports.get(number)
        if detail is None:
            raise ArchiveError(f"the journal does not say from which file snapshot {number} was imported: import it again")
        snapshots = [find_snapshot(self.tools.store, one) for one in detail["snapshots"]]
        fields = recorded.rows["snapshot"][number,]
        reload_file(self.tools.store, self.tools.archive_directory, detail, snapshots, hold=rule_of(fields, self.hold))
        for one in snapshots:
            if GLEANED in detail:
                with self.tools.store.write() as connection:
                    rebuilt.restore_totals(connection, recorded.rows["snapshot"][one.id,])
            self.compare(one.id, recorded.rows["snapshot"][one.id,])
        return {one.id for one in snapshots}

    def count(self, pages: int) -> None:
        """Note pages that were read."""
        self.done.pages += pages
        self.progress(self.done.pages, self.pages_in_all)

    def compare(self, number: int, fields: Fields) -> None:
        """Note where the totals of a snapshot came out otherwise than they were recorded."""
        made = dict(self.tools.store.row("SELECT * FROM snapshot WHERE id = ?", (number,)) or {})
        for name in ("listings", "vendors", "new_feedback", "pages", "announced_listings"):
            if made[name] != fields[name]:
                self.done.notes.append(f"snapshot {number}: {made[name]} {name.replace('_', ' ')}, {fields[name]} were recorded")


def rule_of(fields: Fields, otherwise: HoldRule) -> HoldRule:
    """The rule by which a snapshot was judged."""
    if fields.get("max_fall") is None or fields.get("confirm_misses") is None:
        return otherwise
    return HoldRule(fields["max_fall"], fields["confirm_misses"])


def imports_of(events: Iterable[Fields]) -> dict[int, Fields]:
    """What was imported, by the number of each snapshot that it made."""
    found: dict[int, Fields] = {}
    for event in events:
        if event["kind"] == "imported":
            detail = json.loads(event["detail"]) | {"market": event["subject"]}
            found |= dict.fromkeys(detail.get("snapshots", ()), detail)  # none where it was forgotten with its market
    return found
