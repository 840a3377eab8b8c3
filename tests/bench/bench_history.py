"""How fast snapshots enter the history, what they add to the database, how fast a past state and a difference come back; rivals in the same run.

Each figure is a ratio. *Import*: stage and diff of rows that are there in memory, against `executemany` of the same rows. *Diff*: the
set-based diff at the end of a snapshot, without its staging, against a join of staging and `listing` that compares the same columns.
*State* and `snapshot diff`: the function, against a scan of `listing` into Python and against that join.
"""

from __future__ import annotations

import os
import sqlite3

import pytest
from invented import CHANGED_SHARE, SHOWN, Import, Market, held, say, timed

from torwatch.model import Source
from torwatch.store.comparison import compare_snapshots
from torwatch.store.entities import LISTING
from torwatch.store.state import state_after

LISTINGS = int(os.environ.get("TORWATCH_BENCH_LISTINGS", "100000"))
SNAPSHOTS = int(os.environ.get("TORWATCH_BENCH_SNAPSHOTS", "50"))
GROWTH_SNAPSHOTS = 8  # of either size, where doubling is measured
BAR_BARE = 5  # times the time of a bare executemany
BAR_UNCHANGED_BYTES = 16 * 1024
BAR_FIELD_BYTES = 200
BAR_JOIN = 4
BAR_DOUBLE = 2.2
BAR_STATE = 5


def bare_table(path):
    """One STRICT table with the key and indexes of `listing`, filled by nothing but executemany."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -32000"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    columns = ", ".join(f"{name} TEXT" for name in SHOWN)
    connection.execute(
        f"CREATE TABLE bare (snapshot_id INTEGER NOT NULL, key TEXT NOT NULL, {columns}, PRIMARY KEY (snapshot_id, key)) STRICT"
    )
    connection.execute("CREATE INDEX bare_vendor ON bare (vendor)")
    return connection


def fill_bare(connection, number, rows):
    """One snapshot's rows, in one transaction."""
    connection.execute("BEGIN")
    connection.executemany(
        f"INSERT INTO bare VALUES ({', '.join('?' * (len(SHOWN) + 2))})",
        [(number, key, *(values[name] for name in SHOWN)) for key, values in rows.items()],
    )
    connection.execute("COMMIT")


def import_all(folder, size, snapshots):
    """Seconds that torwatch and a bare executemany take for the same snapshots, and the database."""
    folder.mkdir(exist_ok=True)
    market, taken, bare = Market(size), Import(folder / "torwatch.db"), bare_table(folder / "bare.db")
    ours = theirs = 0.0
    for number in range(snapshots):
        if number:
            market.step()
        rows = dict(market.rows)
        ours += timed(lambda rows=rows: taken.take(rows))[1]
        theirs += timed(lambda rows=rows, number=number: fill_bare(bare, number, rows))[1]
    bare.close()
    return ours, theirs, taken, market


def scan_seconds(store):
    """A full scan of `listing` into Python, the best of three."""
    return min(timed(lambda: store.rows("SELECT * FROM listing"))[1] for _ in range(3))


def state_seconds(store, snapshot, size):
    """The state after a snapshot, the best of three."""

    def read():
        assert len(state_after(store, 1, snapshot)) == size

    return min(timed(read)[1] for _ in range(3))


def bench_import_against_a_bare_executemany(tmp_path):
    ours, theirs, taken, market = import_all(tmp_path, LISTINGS, SNAPSHOTS)
    say(f"\n{SNAPSHOTS} snapshots of {LISTINGS:,} listings, 1 % changed: {ours:.1f} s; bare executemany {theirs:.1f} s")
    held("import against a bare executemany", ours / theirs, BAR_BARE)
    scan = scan_seconds(taken.store)
    for word, snapshot in (("first", 1), ("middle", SNAPSHOTS // 2), ("last", SNAPSHOTS)):
        held(f"state after the {word} snapshot against a scan of listing", state_seconds(taken.store, snapshot, LISTINGS) / scan, BAR_STATE)
    held("an unchanged snapshot", added_bytes(taken, market), BAR_UNCHANGED_BYTES, "bytes")
    held("a changed price", added_bytes(taken, market, market.step), BAR_FIELD_BYTES, "bytes")
    searched = taken.search_bytes()
    title = added_bytes(taken, market, market.retitle)
    index = (taken.search_bytes() - searched) / (LISTINGS * CHANGED_SHARE)
    held("a changed title, search index aside", title - index, BAR_FIELD_BYTES, "bytes")
    held("a changed title in the search index, until it is merged", index, unit="bytes")
    counter = added_bytes(taken, market, market.view)
    say(f"a snapshot in which every listing was viewed: {counter:.0f} bytes a point of the counter series")


def added_bytes(taken, market, alter=lambda: None):
    """Bytes that a snapshot adds: in all where nothing was altered, else for each altered listing."""
    altered = alter() or 1
    before = taken.used_bytes()
    taken.take(dict(market.rows))
    return (taken.used_bytes() - before) / altered


def bench_growth_when_listings_double(tmp_path):
    half, _, half_taken, _ = import_all(tmp_path / "half", LISTINGS // 2, GROWTH_SNAPSHOTS)
    whole, _, taken, _ = import_all(tmp_path / "whole", LISTINGS, GROWTH_SNAPSHOTS)
    say(f"\n{LISTINGS // 2:,} and {LISTINGS:,} listings, {GROWTH_SNAPSHOTS} snapshots each")
    held("import, doubled", whole / half, BAR_DOUBLE)
    held("state, doubled", state_seconds(taken.store, 1, LISTINGS) / state_seconds(half_taken.store, 1, LISTINGS // 2), BAR_DOUBLE)


def join_seconds(store, number):
    """A bare join of what is staged and `listing` that compares the same columns, the best of three."""
    differs = " OR ".join(f"s.{column.name} IS NOT e.{column.name}" for column in LISTING.claims)
    sql = (
        f"SELECT count(*) FROM stage_listing AS s JOIN listing AS e ON e.market_id = 1 AND e.key = s.key"
        f" WHERE s.snapshot_id = ? AND ({differs})"
    )
    return min(timed(lambda: store.value(sql, (number,)))[1] for _ in range(3))


def settle_times(folder, size, alter, sources=(Source.INDEX,), *, complete=True, rounds=3):
    """Seconds of an altered snapshot, the best of some: its diff, the bare join, its staging with its diff, a bare executemany, `snapshot diff`."""
    folder.mkdir()
    market, taken, bare = Market(size), Import(folder / "torwatch.db"), bare_table(folder / "bare.db")
    taken.settle(taken.stage(dict(market.rows), sources))
    found = []
    for _ in range(rounds):
        alter(market)
        rows = dict(market.rows)
        number, staging = timed(lambda rows=rows: taken.stage(rows, sources))
        join = join_seconds(taken.store, number)
        _, diff = timed(lambda number=number: taken.settle(number, complete=complete))
        _, filled = timed(lambda rows=rows, number=number: fill_bare(bare, number, rows))
        _, shown = timed(lambda number=number: compare_snapshots(taken.store, 1, number - 1, number, fingerprints=lambda _: ()))
        found.append((diff, join, staging + diff, filled, shown))
    bare.close()
    taken.store.close()
    return tuple(map(min, zip(*found, strict=True)))


def bench_diff_against_a_bare_join_and_its_growth(tmp_path):
    half, *_, half_shown = settle_times(tmp_path / "half", LISTINGS // 2, Market.step)
    whole, join, _, _, shown = settle_times(tmp_path / "whole", LISTINGS, Market.step)
    say(f"\ndiff of {LISTINGS:,} listings: {whole:.2f} s; `snapshot diff` {shown:.2f} s; bare join {join:.2f} s")
    held("diff against a bare join", whole / join, BAR_JOIN)
    held("diff, doubled", whole / half, BAR_DOUBLE)
    held("`snapshot diff` against a bare join", shown / join, BAR_JOIN)
    held("`snapshot diff`, doubled", shown / half_shown, BAR_DOUBLE)


def turn_over(market):
    market.step()
    market.turn_over()


class ComeAndGo:
    """Half of the listings are away at every second look: each look misses them, or brings them back."""

    def __init__(self):
        self.away = {}

    def __call__(self, market):
        if self.away:
            market.rows |= self.away
            self.away = {}
        else:
            for key in sorted(market.rows)[::2]:
                self.away[key] = market.rows.pop(key)


@pytest.mark.parametrize(
    ("what", "alter", "options"),
    [
        ("nothing changed", Market.rest, {}),
        ("each read from its own page too", Market.step, {"sources": (Source.DETAIL, Source.INDEX)}),
        ("partial", Market.step, {"complete": False}),
    ],
)
def bench_diff_of_snapshots_that_change_little(tmp_path, what, alter, options):
    ours, join, *_ = settle_times(tmp_path / "market", LISTINGS, alter, **options)
    say(f"\ndiff of {LISTINGS:,} listings, {what}: {ours:.2f} s; bare join {join:.2f} s")
    held(f"{what}: diff against a bare join", ours / join, BAR_JOIN)


@pytest.mark.parametrize(
    ("what", "alter", "rounds"),
    [
        ("1 % new and 1 % missed", turn_over, 3),
        ("every price changed", Market.cheapen, 3),
        ("every view counter moved", Market.view, 3),
        ("half gone, or back", ComeAndGo(), 6),
    ],
)
def bench_snapshots_that_change_much_against_a_bare_executemany(tmp_path, what, alter, rounds):
    """Their diff writes a row for each that changed, which no join does: all of the import is measured, against writing the rows."""
    market = tmp_path / "market"
    diff, join, ours, bare, _ = settle_times(market, LISTINGS, alter, rounds=rounds)
    say(f"\n{LISTINGS:,} listings, {what}: {ours:.2f} s; bare executemany {bare:.2f} s; the diff alone {diff / join:.2f} bare joins")
    held(f"{what}: import against a bare executemany", ours / bare, BAR_BARE)


def bench_first_snapshot_against_a_bare_executemany(tmp_path):
    ours, theirs, _, _ = import_all(tmp_path, LISTINGS, 1)
    say(f"\nfirst snapshot of {LISTINGS:,} listings: {ours:.2f} s; bare executemany {theirs:.2f} s")
    held("first: import against a bare executemany, with the search index made", ours / theirs)
