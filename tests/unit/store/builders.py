"""A market in memory and the snapshots taken of it, for tests of the store."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from torwatch.model import Outcome, PageKind, Source
from torwatch.store import frontier, staging
from torwatch.store.frontier import Visit, VisitResult
from torwatch.store.judgement import HoldRule, Signs
from torwatch.store.snapshots import Ending, begin_snapshot, end_snapshot, find_snapshot
from torwatch.store.staging import EntityRow, StagedPage
from torwatch.store.targets import Target, add_target

if TYPE_CHECKING:
    from torwatch.store.database import Store

ONION = "a" * 55 + "d.onion"
NOW = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
WEEK = dt.timedelta(days=7)
INDEX_FIELDS = frozenset({"title", "vendor", "price", "currency"})
COVERAGE = {
    "listing": {
        Source.DETAIL: INDEX_FIELDS | {"category", "ship_from", "ship_to", "description"},
        Source.INDEX: INDEX_FIELDS,
        Source.VENDOR_TABLE: frozenset({"title"}),
    },
    "vendor": {Source.DETAIL: frozenset({"name", "ship_from", "pgp"}), Source.INDEX: frozenset({"name"})},
}
Claims = Mapping[str, object]


def a_target(store: Store, market: str = "teahouse", host: int | None = None) -> Target:
    """A target; `host` numbers its address, so that one database can hold many."""
    onion = ONION.replace("a", market[0], 1) if host is None else f"{host:055d}d.onion"
    return add_target(store, market, [(onion, 80, "http")], parser="souk", every_seconds=604800, now=NOW)


def take(
    store: Store,
    target: Target,
    listings: Mapping[str, Claims],
    *,
    week: int,
    complete: bool = True,
    gone: Iterable[str] = (),
    source: Source = Source.DETAIL,
    confirm_misses: int = 2,
    max_fall: float = 1.0,
    total: int | None = None,
    readable: bool = True,
    drift: str = "",
    again: Mapping[str, Claims] | None = None,
    page: StagedPage | None = None,
) -> tuple[int, Ending]:
    """Take a snapshot that saw exactly `listings` (key → claims); `gone` are the keys whose own page said so.

    `readable=False`: no list page could be read; `drift`: why the snapshot is held; `again`: rows met later under the same keys;
    `page`: one more page as staged.
    """
    now = NOW + WEEK * week
    snapshot = begin_snapshot(store, target, mirror_id=target.mirrors[0].id, parser_digest="0" * 64, torwatch_version="test", now=now)
    rng = random.Random(week)
    visits = [Visit("/index", PageKind.LISTING_INDEX)]
    if not complete:
        visits.append(Visit("/index2", PageKind.LISTING_INDEX))
    visits += [Visit(f"/listing/{key}", PageKind.LISTING, key) for key in gone]
    rows = tuple(EntityRow(key, source, claims, path=f"/listing/{key}", row_digest="same") for key, claims in listings.items())
    vendors = {str(claims["vendor"]): claims["vendor"] for claims in listings.values() if claims.get("vendor")}
    with store.write() as connection:
        frontier.add_visits(connection, snapshot.id, visits, rng)
        outcome = {"/index": Outcome.OK if readable else Outcome.STALLED, "/index2": Outcome.STALLED}
        results = [VisitResult(visit, outcome.get(visit.path, Outcome.GONE), "", 200, 10, now, digest="d", size=100) for visit in visits]
        frontier.record_results(connection, snapshot.id, results, rng)
        index = StagedPage(rows, tuple(EntityRow(key, Source.INDEX, {"name": name}) for key, name in vendors.items()), total=total)
        later = StagedPage(tuple(EntityRow(key, source, claims, path=f"/listing/{key}") for key, claims in (again or {}).items()))
        staging.stage_pages(connection, snapshot.id, [index, later, *([page] if page else [])])
    ending = end_snapshot(
        store,
        find_snapshot(store, snapshot.id),
        coverage=COVERAGE,
        rule=HoldRule(max_fall, confirm_misses),
        now=now,
        warc="teahouse/x.warc.gz",
        signs=Signs(drift=drift),
    )
    return snapshot.id, ending
