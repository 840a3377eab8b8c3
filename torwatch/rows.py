"""The rows of an imported file, staged group by group; of a record that the newest import had, too, only its listing is noted."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from torwatch.claims import ClaimRules, implied_vendors, listing_row
from torwatch.dataset.reading import Fault, RawRow, Row, never, raw_rows, read_row
from torwatch.store import recurrence, staging
from torwatch.store.staging import StagedPage

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from torwatch.dataset.layout import Layout
    from torwatch.dataset.reading import Known
    from torwatch.model import Listing
    from torwatch.store.snapshots import Ending, Snapshot

    Item = TypeVar("Item")

GROUP_ROWS = 5_000  # rows staged at a time
DIGEST_BYTES = 16
KEPT_FAULTS = 1_000  # broken rows of a file that are listed; a file read by the wrong layout is broken from its first row to its last


@dataclass(slots=True)
class Loaded:
    """What one file gave: rows read, rows that repeat a key inside one snapshot, faults, and the snapshots with their endings.

    `damaged`: rows with bytes that are none of the layout's encoding. `faults`: the first broken rows; `causes`: how many of all of them
    are broken alike.
    """

    rows: int = 0
    damaged: int = 0
    repeated: int = 0
    faults: list[Fault] = field(default_factory=list)
    causes: Counter[str] = field(default_factory=Counter)
    snapshots: list[tuple[int, str, Ending]] = field(default_factory=list)  # (number, moment, ending)

    @property
    def broken(self) -> int:
        """How many rows could not be read."""
        return self.causes.total()

    def note_fault(self, fault: Fault) -> None:
        """Count a broken row, and list it while there are few."""
        self.causes[fault.cause] += 1
        if len(self.faults) < KEPT_FAULTS:
            self.faults.append(fault)


def grouped(items: Iterable[Item]) -> Iterator[list[Item]]:
    """The items in groups that are staged together."""
    iterator = iter(items)
    while group := list(itertools.islice(iterator, GROUP_ROWS)):
        yield group


def stage_of(listings: Sequence[Listing], rules: ClaimRules) -> StagedPage:
    """The claim rows of a group of listings."""
    texts: dict[str, str] = {}
    rows = tuple(listing_row(listing, rules, texts) for listing in listings)
    vendors = {row.key: row for row in implied_vendors(listings, rules)}
    return StagedPage(listings=rows, vendors=tuple(vendors.values()), texts=tuple(texts.items()))


@dataclass(slots=True)
class Recurring:
    """Which records of a file its market's newest import had, too, told by a digest of their text and of the names of the columns.

    `known`: digest → id of the listing. `find`: key → id of the listing, None for one never seen. `met`: known records so far; `seen`: their
    listings; `changed`: listings of which another row came first.
    """

    known: Mapping[str, int]
    find: Callable[[str], int | None]
    met: int = 0
    seen: set[int] = field(default_factory=set)
    changed: set[int | None] = field(default_factory=set)
    seed: bytes = b""

    def under(self, names: Sequence[str] | None) -> Known:
        """What tells known records of a file with these columns."""
        self.seed = hashlib.blake2b(repr(names).encode(), digest_size=DIGEST_BYTES).digest()
        return self.meet if self.known else never

    def digest(self, text: str) -> str:
        """The digest of a record, whatever ends its line: the last one of a file may have no end."""
        return hashlib.blake2b(self.seed + text.rstrip("\r\n").encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()

    def meet(self, text: str) -> bool:
        """Whether a record is known; its listing is noted."""
        listing = self.known.get(self.digest(text))
        if listing is None:
            return False
        self.met += 1
        self.seen.add(listing)
        return True

    def is_first(self, row: Row) -> bool:
        """Whether no known record of its listing came before a row that had to be read."""
        if not self.known:
            return True
        listing = self.find(row.listing.key)
        if listing in self.seen:
            return False
        self.changed.add(listing)
        return True


def stage_rows(
    connection: sqlite3.Connection,
    snapshot: Snapshot,
    path: Path,
    layout: Layout,
    rules: ClaimRules,
    loaded: Loaded,
    progress: Callable[[int], None],
) -> None:
    """Stage all rows of a file as those of one moment, and count them in `loaded`.

    A listing counts once a snapshot, by the first of its rows: distinct listings are counted, never rows.
    """
    recurring = Recurring(
        recurrence.known_rows(connection, snapshot.market_id), partial(recurrence.find_listing, connection, snapshot.market_id)
    )
    fresh = fresh_rows(raw_rows(path, layout, recurring.under), layout, loaded)
    staged = 0
    for group in grouped((row, text) for row, text in fresh if recurring.is_first(row)):
        again = staging.staged_keys(connection, snapshot.id, [row.listing.key for row, _ in group])
        first: dict[str, tuple[Row, str | None]] = {}
        for row, text in group:
            if row.listing.key not in again:
                first.setdefault(row.listing.key, (row, text))
        staging.stage_pages(connection, snapshot.id, [stage_of([row.listing for row, _ in first.values()], rules)])
        recurrence.note_fresh(
            connection, [(key, recurring.digest(text)) for key, (row, text) in first.items() if text is not None and not row.damaged]
        )
        staged += len(first)
        progress(loaded.rows + recurring.met)
    unchanged = recurring.seen
    unchanged -= recurring.changed
    recurrence.stage_unchanged(connection, snapshot.id, unchanged)
    recurrence.forget_rows(connection, (listing for listing in recurring.known.values() if listing not in unchanged))
    loaded.rows += recurring.met
    loaded.repeated += loaded.rows - staged - len(unchanged)
    progress(loaded.rows)


def fresh_rows(raws: Iterable[RawRow | Fault], layout: Layout, loaded: Loaded) -> Iterator[tuple[Row, str | None]]:
    """The rows that can be read, each with the text of its record; the others are noted as faults."""
    for raw in raws:
        if isinstance(raw, Fault):
            loaded.note_fault(raw)
            continue
        row = read_row(raw, layout)
        if isinstance(row, Fault):
            loaded.note_fault(row)
            continue
        loaded.rows += 1
        loaded.damaged += row.damaged
        yield row, raw.text
