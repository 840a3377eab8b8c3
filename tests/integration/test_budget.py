"""A large market fits its week: what is asked for again is what is new, changed or stale, and no more."""

from __future__ import annotations

import datetime as dt
import random

from torwatch.config_sections import CrawlSection
from torwatch.model import PageKind, Source
from torwatch.reading import Read
from torwatch.store.frontier import add_visits, count_visits
from torwatch.store.progress import MEAN_JITTER
from torwatch.store.snapshots import begin_snapshot
from torwatch.store.staging import EntityRow, StagedPage
from torwatch.walk.onward import lead_onward

LISTINGS, PER_PAGE = 50_000, 25
WEEK_SECONDS = 7 * 86_400


class Rows:
    """As much of a parsed index page as the way onward looks at."""

    kind = PageKind.LISTING_INDEX
    links = ()


def plan(watch, read_weeks_ago, *, new=0, changed_every=0):
    """Plan a snapshot of a market whose listings were read `read_weeks_ago(number)` weeks ago, `new` of them never; gives its id and its requests."""
    store, market, now = watch.store, watch.target.market_id, watch.clock()
    first = begin_snapshot(store, watch.target, mirror_id=1, parser_digest="0", torwatch_version="test", now=now).id
    with store.write() as connection:
        connection.executemany(
            "INSERT INTO listing (id, market_id, key, path, first_snapshot_id) VALUES (?, ?, ?, ?, ?)",
            [(number, market, str(number), f"/item/{number}", first) for number in range(1, LISTINGS + 1)],
        )
        connection.executemany(
            "INSERT INTO listing_visit (listing_id, first_snapshot_id, snapshot_id, at, row_digest) VALUES (?, ?, ?, ?, 'same')",
            [
                (number, first, first, (now - dt.timedelta(weeks=read_weeks_ago(number))).isoformat(timespec="seconds"))
                for number in range(1, LISTINGS + 1)
            ],
        )
    second = begin_snapshot(store, watch.target, mirror_id=1, parser_digest="0", torwatch_version="test", now=now).id
    for start in range(1, LISTINGS + new + 1, PER_PAGE):
        rows = tuple(
            EntityRow(
                str(number), Source.INDEX, {}, f"/item/{number}", "other" if changed_every and number % changed_every == 0 else "same"
            )
            for number in range(start, min(start + PER_PAGE, LISTINGS + new + 1))
        )
        page = Read(None, None, b"", 0, Rows(), StagedPage(listings=rows), "ok", "")
        visits = lead_onward(store, market, [page], frozenset(PageKind), now - CrawlSection().detail_max_age)
        with store.write() as connection:
            add_visits(connection, second, visits, random.Random(1))
    _, planned = count_visits(store, second)
    return second, planned + -(-(LISTINGS + new) // PER_PAGE)


def seconds_for(requests):
    """How long they take at the default rate, with the mean jitter."""
    return requests * CrawlSection().seconds_per_request * MEAN_JITTER


def test_a_weekly_snapshot_of_fifty_thousand_listings_fits_the_default_rate(watched):
    watch = watched()
    second, requests = plan(watch, lambda number: 1 + number % 5, new=2_500, changed_every=19)  # a twentieth is new, a twentieth changed
    stages = watch.store.rows(
        "SELECT stage, count(*) AS pages, max(seen) AS seen FROM visit WHERE snapshot_id = ? GROUP BY stage", (second,)
    )
    planned = {row["stage"]: row["pages"] for row in stages}
    assert watch.store.value("SELECT count(*) FROM visit WHERE snapshot_id = ? AND stage = 1 AND seen = 0", (second,)) == 2_500
    assert planned[1] == 2_500 + LISTINGS // 19
    # read four and five weeks ago, but for those that changed
    assert planned[2] == sum(number % 5 > 2 and number % 19 != 0 for number in range(1, LISTINGS + 1))
    assert seconds_for(requests) < WEEK_SECONDS / 2


def test_the_worst_week_when_every_own_page_is_stale_at_once_as_after_a_first_look_fits_too(watched):
    _, requests = plan(watched(), lambda _: 5)
    assert requests == LISTINGS + LISTINGS // PER_PAGE
    assert seconds_for(requests) < WEEK_SECONDS


def test_a_quiet_week_costs_the_lists_alone(watched):
    _, requests = plan(watched(), lambda number: 1 + number % 3)
    assert requests == LISTINGS // PER_PAGE
    assert seconds_for(requests) < WEEK_SECONDS / 50
