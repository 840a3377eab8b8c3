"""Loading what others measured: a published data set becomes snapshots without a crawl, marked as imported, diffed like any other.

Rows go through the same claim rows, staging, diff and normalisers as a crawled page, so that spells, returns and capture histories are
those that a crawl would have given. An imported snapshot is complete unless the caller says otherwise: a listing that the file lacks
counts as not seen.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import shutil
import tempfile
import tomllib
from array import array
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from torwatch import __version__
from torwatch.archive.originals import GLEANED, keep_import, kept_file, layout_path
from torwatch.claims import ClaimRules
from torwatch.dataset.layout import read_layout
from torwatch.dataset.reading import Fault, Row, read_rows
from torwatch.errors import ArchiveError, StoreError, UsageError
from torwatch.gleanings import Gleaned, unpack_gleanings
from torwatch.model import MarketFacts, Outcome, PageKind
from torwatch.normalise.price import normalise_price
from torwatch.normalisers import normalisers_for, spread_over_cores
from torwatch.parsing.codec import decode_listing, encode_listing
from torwatch.rows import GROUP_ROWS, Loaded, grouped, stage_of, stage_rows
from torwatch.store import derived, recurrence, staging
from torwatch.store.imports import begin_import, end_import, find_or_add_market, note_import, refuse_loaded

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from torwatch.dataset.layout import Layout
    from torwatch.model import Listing
    from torwatch.store.database import Store
    from torwatch.store.judgement import HoldRule
    from torwatch.store.snapshots import Ending, Snapshot
    from torwatch.store.staging import StagedPage


def rules_for(layout: Layout, market: str) -> ClaimRules:
    """The claim rules of a data set: every mapped field is known from the row itself."""
    facts = MarketFacts(name=market, decimal=layout.decimal, currency=layout.currency, iso2=layout.iso2)
    shown = frozenset(layout.fields) | ({"ship_to_raw"} if layout.glued else frozenset())
    return ClaimRules(facts, {PageKind.LISTING: shown}, frozenset(), vendor_by_key=False, price=normalise_price)


def load_file(
    store: Store,
    path: Path,
    layout: Layout,
    market: str,
    *,
    at: dt.datetime | None,
    file_digest: str,
    hold: HoldRule,
    now: dt.datetime,
    complete: bool = True,
    archive_directory: Path | None = None,
    progress: Callable[[int], None] = lambda _rows: None,
) -> Loaded:
    """Load one file as one snapshot of `market` at the moment `at`; where that is None, as one a day that its rows name.

    All of the file is written, or nothing; the archive keeps it and its layout, so that the database can be made again. Raises
    UsageError when nothing in it can be read, the file was loaded before, or the market has a snapshot at or after the moment already
    (history is written forward).
    """
    if at is None and not layout.at:
        raise UsageError(f"layout {layout.name} names no column with a date: give --at 2014-05-01")
    if at is not None:
        layout = replace(layout, at="")  # the caller knows better than the rows, whose dates may be broken
    rules, loaded = rules_for(layout, market), Loaded()
    with store.write() as connection:
        market_id = find_or_add_market(connection, market, source=f"imported from {path.name}", now=now)
        refuse_loaded(connection, market_id, path.name, file_digest)
        begin = partial(begin_import, connection, market_id, parser=f"import:{layout.name}", digest=layout.digest, version=__version__)
        if at is not None:
            snapshot = begin(at=at)
            recurrence.begin_recurrence(connection, snapshot)
            stage_rows(connection, snapshot, path, layout, rules, loaded, progress)
            if loaded.rows:
                ending = end_import(connection, snapshot, coverage=rules.coverage(), rule=hold, complete=complete)
                loaded.snapshots.append((snapshot.id, snapshot.started_at, ending))
            recurrence.end_recurrence(connection, snapshot)
        else:
            for moment, listings in days_of(path, layout, loaded, progress, store.path.parent):
                snapshot = begin(at=moment)
                ending = write_moment(connection, snapshot, listings, rules, loaded, hold, complete=complete)
                loaded.snapshots.append((snapshot.id, snapshot.started_at, ending))
        if not loaded.snapshots:
            raise UsageError(f"{path.name} holds no row that layout {layout.name} can read ({loaded.broken} broken): nothing was written")
        if archive_directory is not None:
            keep_import(archive_directory, path, file_digest, layout.text, layout.digest)
        note_import(
            connection,
            market,
            now=now,
            detail={
                "file": path.name,
                "sha256": file_digest,
                "layout": layout.name,
                "layout_sha256": layout.digest,
                "at": None if at is None else at.isoformat(),
                "complete": complete,
                "snapshots": [number for number, _, _ in loaded.snapshots],
                "rows": loaded.rows,
                "repeated": loaded.repeated,
                "damaged": loaded.damaged,
                "broken": [[fault.line, fault.reason] for fault in loaded.faults],
                "broken_by_cause": dict(loaded.causes),
            },
        )
    write_all_derived(store, market_id, rules.facts)
    return loaded


def write_all_derived(store: Store, market_id: int, facts: MarketFacts) -> None:
    """Normalise the claims that have no normalised rows yet, with all cores where they are many."""
    derived.write_derived(store, market_id, normalisers_for(facts), spread=partial(spread_over_cores, facts=facts))


def write_moment(
    connection: sqlite3.Connection,
    snapshot: Snapshot,
    listings: Iterable[Listing],
    rules: ClaimRules,
    loaded: Loaded,
    hold: HoldRule,
    *,
    complete: bool,
) -> Ending:
    """Stage and diff the listings of one moment."""
    for group in grouped(listings):
        first = first_of_each(group, staging.staged_keys(connection, snapshot.id, [listing.key for listing in group]))
        loaded.repeated += len(group) - len(first)
        staging.stage_pages(connection, snapshot.id, [stage_of(first, rules)])
    return end_import(connection, snapshot, coverage=rules.coverage(), rule=hold, complete=complete)


def reload_file(store: Store, archive_directory: Path, detail: Mapping[str, Any], snapshots: Sequence[Snapshot], *, hold: HoldRule) -> None:
    """Load a file that the archive keeps into its snapshots again; `detail` is what the event log says of its import.

    Raises ArchiveError when the archive does not keep it.
    """
    rules = rules_for(kept_layout(archive_directory, detail), detail["market"])
    if GLEANED in detail:
        reload_gleanings(store, unpack_gleanings(kept_file(archive_directory, detail)), snapshots, rules, hold, complete=detail["complete"])
    else:
        with kept_moments(archive_directory, detail) as kept, store.write() as connection:
            for snapshot, (_, listings) in zip(snapshots, kept, strict=True):
                write_moment(connection, snapshot, listings, rules, Loaded(), hold, complete=detail["complete"])
    derive_file(store, archive_directory, detail, snapshots[0].market_id)


def reload_gleanings(
    store: Store, gleaned: Iterable[Gleaned], snapshots: Sequence[Snapshot], rules: ClaimRules, hold: HoldRule, *, complete: bool
) -> None:
    """Load what a request to forget left of a file into its snapshots again."""
    by_place: dict[str, list[StagedPage]] = {str(place): [] for place, _ in enumerate(snapshots)}
    for one in gleaned:
        by_place[one.path].append(one.staged)
    with store.write() as connection:
        for snapshot, pages in zip(snapshots, by_place.values(), strict=True):
            staging.stage_pages(connection, snapshot.id, pages)
            end_import(connection, snapshot, coverage=rules.coverage(), rule=hold, complete=complete)


@contextlib.contextmanager
def kept_moments(archive_directory: Path, detail: Mapping[str, Any]) -> Iterator[Iterator[tuple[dt.datetime, Iterable[Listing]]]]:
    """The moments of an imported file that the archive keeps."""
    at = dt.datetime.fromisoformat(detail["at"]) if detail["at"] else None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "imported"
        with gzip.open(kept_file(archive_directory, detail), "rb") as source, path.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
        yield moments(path, kept_layout(archive_directory, detail), at)


def glean_file(archive_directory: Path, detail: Mapping[str, Any]) -> list[Gleaned]:
    """All that an imported file gave, each with the number of its moment. Raises ArchiveError when the archive does not keep it."""
    rules = rules_for(kept_layout(archive_directory, detail), detail["market"])
    if GLEANED in detail:
        return unpack_gleanings(kept_file(archive_directory, detail))
    gleaned = []
    with kept_moments(archive_directory, detail) as kept:
        for place, (_, listings) in enumerate(kept):
            seen: set[str] = set()
            for group in grouped(listings):
                page = stage_of(first_of_each(group, seen), rules)
                gleaned.append(Gleaned(str(place), second=False, outcome=Outcome.OK, reason="", staged=page, keys=frozenset()))
    return gleaned


def derive_file(store: Store, archive_directory: Path, detail: Mapping[str, Any], market_id: int) -> None:
    """Normalise the claims of an imported file that have no normalised rows yet. Raises ArchiveError when its layout is not kept."""
    rules = rules_for(kept_layout(archive_directory, detail), detail["market"])
    write_all_derived(store, market_id, rules.facts)


def kept_layout(archive_directory: Path, detail: Mapping[str, Any]) -> Layout:
    """The layout by which a file was imported. Raises ArchiveError when the file or the layout is not kept."""
    if "layout_sha256" not in detail or not kept_file(archive_directory, detail).is_file():
        raise ArchiveError(f"the archive does not keep {detail['file']}, which was imported: import it again into the new database")
    plan = layout_path(archive_directory, detail["layout_sha256"])
    if not plan.is_file():
        raise ArchiveError(f"{plan}, the layout by which {detail['file']} was imported, is missing: restore the archive")
    text = plan.read_text(encoding="utf-8")
    layout = read_layout(detail["layout"], text, tomllib.loads(text))
    return replace(layout, at="") if detail["at"] else layout


def moments(path: Path, layout: Layout, at: dt.datetime | None) -> Iterator[tuple[dt.datetime, Iterable[Listing]]]:
    """(moment, its listings) in the order of time: all rows at `at`, or by the day that each row names."""
    if at is None:
        yield from days_of(path, layout, Loaded(), lambda _rows: None, path.parent)
    else:
        yield at, (row.listing for row in good_rows(path, layout, Loaded(), lambda _rows: None))


def days_of(
    path: Path, layout: Layout, loaded: Loaded, progress: Callable[[int], None], folder: Path
) -> Iterator[tuple[dt.datetime, Iterable[Listing]]]:
    """(day, its listings) in the order of time, by the day that each row names.

    Rows may come in any order. All of them are read first, and wait in a file without a name in `folder`: in memory is only where each begins.
    Raises StoreError where they cannot wait there.
    """
    days: dict[dt.datetime, array[int]] = {}
    try:
        with tempfile.TemporaryFile(dir=folder) as waiting:
            for row in good_rows(path, layout, loaded, progress):
                if row.at is not None:
                    day = row.at.replace(hour=0, minute=0, second=0, microsecond=0)
                    days.setdefault(day, array("Q")).append(waiting.tell())
                    waiting.write(encode_listing(row.listing) + b"\n")
            for day in sorted(days):
                yield day, listings_at(waiting, days[day])
    except OSError as error:
        raise StoreError(
            f"the rows of {path.name} cannot wait for their day in {folder} ({error.strerror}): free some space there"
        ) from error


def listings_at(waiting: IO[bytes], places: Iterable[int]) -> Iterator[Listing]:
    """The listings that wait at these places of a file."""
    for place in places:
        waiting.seek(place)
        yield decode_listing(waiting.readline())


def good_rows(path: Path, layout: Layout, loaded: Loaded, progress: Callable[[int], None]) -> Iterator[Row]:
    """The rows that can be read; the others are noted as faults."""
    for item in read_rows(path, layout):
        if isinstance(item, Fault):
            loaded.note_fault(item)
            continue
        loaded.rows += 1
        loaded.damaged += item.damaged
        if loaded.rows % GROUP_ROWS == 0:
            progress(loaded.rows)
        yield item


def first_of_each(listings: Iterable[Listing], staged: set[str]) -> list[Listing]:
    """Each listing once a snapshot, and none that is staged: distinct listings are counted, never rows. `staged` takes their keys in."""
    first = []
    for listing in listings:
        if listing.key not in staged:
            staged.add(listing.key)
            first.append(listing)
    return first
