"""A large market fits its week: what is asked for again is what is new, changed or stale, and no more."""

from __future__ import annotations

import datetime as dt
import random

from torwatch.config_sections import CrawlSection
from torwatch.model import PageKind, Source
from torwatch.onward import lead_onward
from torwatch.reading import Read
from torwatch.store.frontier import add_visits, count_visits
from torwatch.store.snapshots import begin_snapshot
from torwatch.store.staging import EntityRow, StagedPage

LISTINGS, PER_PAGE = 50_000, 25
WEEK_SECONDS = 7 * 86_400


class Rows:
    """As much of a parsed index page as the way onward looks at."""

    kind = PageKind.LISTING_INDEX
    links = ()


def test_a_weekly_snapshot_of_fifty_thousand_listings_fits_the_default_rate(watched):
    watch = watched()
    store, market, now = watch.store, watch.target.market_id, watch.clock()
    first = begin_snapshot(store, watch.target, mirror_id=1, parser_digest="0", torwatch_version="test", now=now).id
    weeks = [(now - dt.timedelta(days=7 * week)).isoformat(timespec="seconds") for week in range(1, 6)]  # when the own pages were read
    with store.write() as connection:
        connection.executemany(
            "INSERT INTO listing (id, market_id, key, path, first_snapshot_id) VALUES (?, ?, ?, ?, ?)",
            [(number, market, str(number), f"/item/{number}", first) for number in range(1, LISTINGS + 1)],
        )
        connection.executemany(
            "INSERT INTO listing_visit (listing_id, first_snapshot_id, snapshot_id, at, row_digest) VALUES (?, ?, ?, ?, ?)",
            [(number, first, first, weeks[number % 5], "same") for number in range(1, LISTINGS + 1)],
        )
    second = begin_snapshot(store, watch.target, mirror_id=1, parser_digest="0", torwatch_version="test", now=now).id
    followed = frozenset(PageKind)
    keys = list(range(1, LISTINGS + 1)) + list(range(LISTINGS + 1, LISTINGS + 2_501))  # a twentieth is new
    for start in range(0, len(keys), PER_PAGE):
        rows = tuple(
            EntityRow(str(number), Source.INDEX, {}, f"/item/{number}", "other" if number % 19 == 0 else "same")  # a twentieth changed
            for number in keys[start : start + PER_PAGE]
        )
        page = Read(None, None, b"", 0, Rows(), StagedPage(listings=rows), "ok", "")
        visits = lead_onward(store, market, [page], followed, now - dt.timedelta(days=28))
        with store.write() as connection:
            add_visits(connection, second, visits, random.Random(1))
    _, planned = count_visits(store, second)
    stale = store.value("SELECT count(*) FROM visit WHERE snapshot_id = ? AND stage = 2", (second,))
    assert store.value("SELECT count(*) FROM visit WHERE snapshot_id = ? AND stage = 1 AND seen = 0", (second,)) == 2_500
    # read four and five weeks ago, but for those that changed
    assert stale == sum(number % 5 > 2 and number % 19 != 0 for number in range(1, LISTINGS + 1))
    requests = planned + LISTINGS // PER_PAGE
    assert requests * CrawlSection().seconds_per_request * 1.1 < WEEK_SECONDS / 2
