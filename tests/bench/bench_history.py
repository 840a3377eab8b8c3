"""How fast snapshots enter the history, what they add to the database, and how fast a past state comes back; rivals in the same run."""

from __future__ import annotations

import os
import sqlite3

import pytest
from invented import SHOWN, Import, Market, say, timed

from torwatch.model import Source
from torwatch.store.entities import LISTING
from torwatch.store.state import state_after

LISTINGS = int(os.environ.get("TORWATCH_BENCH_LISTINGS", "100000"))
SNAPSHOTS = int(os.environ.get("TORWATCH_BENCH_SNAPSHOTS", "50"))
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


def bench_import_against_a_bare_executemany(tmp_path):
    ours, theirs, taken, market = import_all(tmp_path, LISTINGS, SNAPSHOTS)
    say(
        f"\nimport of {SNAPSHOTS} snapshots of {LISTINGS:,} listings, 1 % changed: {ours:.1f} s; bare executemany {theirs:.1f} s: {ours / theirs:.2f} times"
    )
    scan = min(timed(lambda: taken.store.rows("SELECT * FROM listing"))[1] for _ in range(3))
    slowest = 0.0
    for snapshot in sorted({1, SNAPSHOTS // 2, SNAPSHOTS}):
        past, state = min(
            (timed(lambda snapshot=snapshot: state_after(taken.store, 1, snapshot)) for _ in range(3)), key=lambda pair: pair[1]
        )
        assert len(past) == LISTINGS
        say(f"state after snapshot {snapshot}: {state:.2f} s; full scan of listing {scan:.2f} s: {state / scan:.2f} times")
        slowest = max(slowest, state)
    unchanged = added_bytes(taken, market)
    field = added_bytes(taken, market, market.step)
    title = added_bytes(taken, market, market.retitle)
    counter = added_bytes(taken, market, market.view)
    say(
        f"an unchanged snapshot adds {unchanged:,.0f} bytes; a changed price {field:.0f} bytes; a changed title {title:.0f}, search index included"
    )
    say(f"a snapshot in which every listing was viewed: {counter:.0f} bytes a point of the counter series")
    assert unchanged <= BAR_UNCHANGED_BYTES
    assert field <= BAR_FIELD_BYTES
    assert slowest <= BAR_STATE * scan
    assert ours <= BAR_BARE * theirs


def added_bytes(taken, market, alter=lambda: None):
    """Bytes that a snapshot adds: in all where nothing was altered, else for each altered listing."""
    altered = alter() or 1
    before = taken.used_bytes()
    taken.take(dict(market.rows))
    return (taken.used_bytes() - before) / altered


def settle_time(folder, size, alter, sources=(Source.INDEX,)):
    """(seconds of the diff of an altered snapshot, seconds of the bare join that compares the same columns), the best of three each."""
    folder.mkdir()
    market, taken = Market(size), Import(folder / "torwatch.db")
    taken.settle(taken.stage(dict(market.rows), sources))
    ours, join = [], []
    differs = " OR ".join(f"s.{column.name} IS NOT e.{column.name}" for column in LISTING.claims)
    sql = (
        f"SELECT count(*) FROM stage_listing AS s JOIN listing AS e ON e.market_id = 1 AND e.key = s.key"
        f" WHERE s.snapshot_id = ? AND ({differs})"
    )
    for _ in range(3):
        alter(market)
        number = taken.stage(dict(market.rows), sources)
        join += [timed(lambda number=number: taken.store.value(sql, (number,)))[1] for _ in range(3)]
        ours.append(timed(lambda number=number: taken.settle(number))[1])
    taken.store.close()
    return min(ours), min(join)


def bench_diff_against_a_bare_join_and_its_growth(tmp_path):
    half, _ = settle_time(tmp_path / "half", LISTINGS // 2, Market.step)
    whole, join = settle_time(tmp_path / "whole", LISTINGS, Market.step)
    say(
        f"\ndiff of {LISTINGS:,} listings: {whole:.2f} s; bare join {join:.2f} s: {whole / join:.2f} times; doubling: {whole / half:.2f} times"
    )
    assert whole <= BAR_DOUBLE * half
    assert whole <= BAR_JOIN * join


def turn_over(market):
    market.step()
    market.turn_over()


@pytest.mark.parametrize(
    ("what", "alter", "sources", "bar"),
    [
        ("each read from its own page too", Market.step, (Source.DETAIL, Source.INDEX), BAR_JOIN),
        ("1 % new and 1 % missed", turn_over, (Source.INDEX,), None),  # the rows of the new are more than a join of what is known
        ("every view counter moved", Market.view, (Source.INDEX,), None),  # a row for each: the series is written, not compared
    ],
)
def bench_diff_of_other_snapshots(tmp_path, what, alter, sources, bar):
    ours, join = settle_time(tmp_path / "market", LISTINGS, alter, sources)
    say(f"\ndiff of {LISTINGS:,} listings, {what}: {ours:.2f} s; bare join {join:.2f} s: {ours / join:.2f} times")
    if bar:
        assert ours <= bar * join
