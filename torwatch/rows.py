"""The rows of an imported file, staged group by group; a row that its listing was last imported from is not read again."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from torwatch.claims import ClaimRules, implied_vendors, listing_row
from torwatch.dataset.reading import Fault, RawRow, Row, raw_rows, read_row
from torwatch.model import Source
from torwatch.store import recurrence, staging
from torwatch.store.staging import StagedPage

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from torwatch.dataset.layout import Layout
    from torwatch.model import Listing
    from torwatch.store.snapshots import Ending, Snapshot

    Item = TypeVar("Item")

GROUP_ROWS = 5_000  # rows staged at a time
DIGEST_BYTES = 16
BETWEEN = "\0"  # between the cells of a row in its digest: next to no file holds it


@dataclass(slots=True)
class Loaded:
    """What one file gave: rows read, rows that repeat a key inside one snapshot, faults, and the snapshots with their endings.

    `damaged`: rows with bytes that are none of the layout's encoding.
    """

    rows: int = 0
    damaged: int = 0
    repeated: int = 0
    faults: list[Fault] = field(default_factory=list)
    snapshots: list[tuple[int, str, Ending]] = field(default_factory=list)  # (number, moment, ending)


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


def stage_rows(
    connection: sqlite3.Connection,
    snapshot: Snapshot,
    path: Path,
    layout: Layout,
    rules: ClaimRules,
    loaded: Loaded,
    progress: Callable[[int], None],
) -> None:
    """Stage all rows of a file as those of one moment, and count them in `loaded`."""
    shown = rules.coverage()["listing"][Source.DETAIL]
    for group in grouped(raw_rows(path, layout)):
        digests = digests_of(group, layout)
        known = recurrence.find_known(connection, snapshot.market_id, digests)
        fresh = read_fresh(group, known, layout, loaded)
        staged = staging.staged_keys(connection, snapshot.id, [row.listing.key for row in fresh.values()])
        ids = recurrence.find_ids(connection, snapshot.market_id, [row.listing.key for row in fresh.values()]) if known else {}
        first, again = first_rows(fresh, known, ids, staged)
        staging.stage_pages(connection, snapshot.id, [stage_of([fresh[place].listing for place in first], rules)])
        recurrence.note_fresh(
            connection, [(fresh[place].listing.key, None if fresh[place].damaged else digests[place] or None) for place in first]
        )
        counted = recurrence.stage_known(connection, snapshot.id, again, shown) if again else 0
        loaded.rows += len(fresh) + len(known)
        loaded.repeated += len(fresh) + len(known) - len(first) - counted
        progress(loaded.rows)
    recurrence.stage_vendors(connection, snapshot.id)


def digests_of(group: Sequence[RawRow | Fault], layout: Layout) -> list[str]:
    """A digest of each row as it stands in the file, and of the names of its columns; "" for one that is no row or has no clear digest."""
    names = next((raw[2] for raw in group if not isinstance(raw, Fault)), None) if layout.header else None
    header = hashlib.blake2b(repr(names).encode(), digest_size=DIGEST_BYTES)
    digests = []
    for raw in group:
        if isinstance(raw, Fault):
            digests.append("")
            continue
        cells = raw[1]
        text = BETWEEN.join(cells)
        if text.count(BETWEEN) + 1 != len(cells):  # other cells could give the same text
            digests.append("")
            continue
        row = header.copy()
        row.update(text.encode("utf-8", "surrogatepass"))
        digests.append(row.hexdigest())
    return digests


def read_fresh(group: Sequence[RawRow | Fault], known: Mapping[int, int], layout: Layout, loaded: Loaded) -> dict[int, Row]:
    """Place → row of those of a group that are not known; the broken ones are noted as faults."""
    fresh = {}
    for place in sorted(set(range(len(group))).difference(known)):
        raw = group[place]
        row = raw if isinstance(raw, Fault) else read_row(*raw, layout)
        if isinstance(row, Fault):
            loaded.faults.append(row)
            continue
        loaded.damaged += row.damaged
        fresh[place] = row
    return fresh


def first_rows(fresh: Mapping[int, Row], known: Mapping[int, int], ids: Mapping[str, int], staged: set[str]) -> tuple[list[int], list[int]]:
    """Each listing once a snapshot: distinct listings are counted, never rows. (places of fresh rows, ids of known listings) to stage.

    `ids`: of the listings of fresh rows, where they are known; `staged`: the keys of fresh rows that earlier groups staged.
    """
    place_of: dict[int, int] = {}
    for place, listing in known.items():
        place_of[listing] = min(place, place_of.get(listing, place))
    first, met = [], set(staged)
    for place, row in fresh.items():
        key = row.listing.key
        number = ids.get(key)
        if key in met or (number in place_of and place_of[number] < place):
            continue
        met.add(key)
        first.append(place)
        if number is not None:
            place_of.pop(number, None)
    return first, list(place_of)
