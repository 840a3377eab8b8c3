"""How fast snapshots enter the history, what they add to the database, and how fast a past state comes back; rivals in the same run."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from torwatch.model import Source
from torwatch.store import diff, staging
from torwatch.store.database import open_store
from torwatch.store.entities import LISTING, VENDOR
from torwatch.store.snapshots import begin_snapshot
from torwatch.store.staging import EntityRow, StagedPage
from torwatch.store.state import state_after
from torwatch.store.targets import add_target

LISTINGS = int(os.environ.get("TORWATCH_BENCH_LISTINGS", "100000"))
SNAPSHOTS = int(os.environ.get("TORWATCH_BENCH_SNAPSHOTS", "50"))
RIVAL_SHARE = 10  # git-history runs on one part in so many
CHANGED_SHARE = 0.01
NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
ONION = "a" * 55 + "d.onion"
SHOWN = ("title", "vendor", "category", "price", "currency", "ship_from", "ship_to")
COVERAGE = {
    "listing": {Source.INDEX: frozenset(SHOWN)},
    "vendor": {Source.INDEX: frozenset({"name"})},
}
BAR_GIT_HISTORY = 20  # times as fast
BAR_BARE = 5  # times the time of a bare executemany
BAR_UNCHANGED_BYTES = 16 * 1024
BAR_FIELD_BYTES = 200
BAR_JOIN = 4
BAR_DOUBLE = 2.2
BAR_STATE = 5


def say(line=""):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Market:
    """An invented market whose listings change a little from look to look."""

    def __init__(self, size):
        self.rng = random.Random(size)
        self.rows = {
            str(1000 + number): {
                "title": f"Loose leaf tea no {number} {self.rng.choice(('fine', 'strong', 'green'))} 100 g",
                "vendor": f"house{number % max(1, size // 25)}",
                "category": "Goods > Tea",
                "price": f"{self.rng.randrange(500, 9999) / 100:.2f}",
                "currency": "EUR",
                "ship_from": self.rng.choice(("Netherlands", "Germany", None)),
                "ship_to": "Worldwide",
            }
            for number in range(size)
        }

    def step(self, share=CHANGED_SHARE):
        """Change the price of a share of the listings; gives how many."""
        chosen = self.rng.sample(sorted(self.rows), int(len(self.rows) * share))
        for key in chosen:
            self.rows[key] = self.rows[key] | {"price": f"{float(self.rows[key]['price']) + 0.01:.2f}"}
        return len(chosen)


class Import:
    """A database that takes snapshots, with the time of staging and of the diff apart."""

    def __init__(self, path):
        self.store = open_store(path)
        self.target = add_target(self.store, "bench", [(ONION, 80, "http")], parser="souk", every_seconds=604800, now=NOON)
        self.week = 0

    def stage(self, rows):
        """Begin a snapshot and stage its rows; gives its number."""
        now = NOON + dt.timedelta(weeks=self.week)
        self.week += 1
        snapshot = begin_snapshot(
            self.store, self.target, mirror_id=self.target.mirrors[0].id, parser_digest="0", torwatch_version="bench", now=now
        )
        page = StagedPage(tuple(EntityRow(key, Source.INDEX, values, f"/l/{key}") for key, values in rows.items()))
        with self.store.write() as connection:
            staging.stage_pages(connection, snapshot.id, [page])
        return snapshot.id

    def settle(self, snapshot_id):
        """Diff what was staged, clear it and commit."""
        with self.store.write() as connection:
            for entity in (VENDOR, LISTING):
                diff.diff_entity(
                    connection, entity, snapshot=snapshot_id, market=1, coverage=COVERAGE[entity.name], complete=True, confirm_misses=2
                )
            diff.link_vendors(connection, snapshot=snapshot_id, market=1)
            connection.execute("UPDATE snapshot SET state = 'complete' WHERE id = ?", (snapshot_id,))
            staging.clear(connection, snapshot_id)

    def take(self, rows):
        """One whole snapshot; gives its number."""
        snapshot_id = self.stage(rows)
        self.settle(snapshot_id)
        return snapshot_id

    def used_bytes(self):
        """Bytes in use, free pages not counted."""
        pages, free, size = (self.store.value(f"PRAGMA {name}") for name in ("page_count", "freelist_count", "page_size"))
        return (pages - free) * size


def timed(work):
    """(result, seconds)."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


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
    full, scan = timed(lambda: taken.store.rows("SELECT * FROM listing"))
    assert len(full) == LISTINGS
    past, state = timed(lambda: state_after(taken.store, 1, 1))
    assert len(past) == LISTINGS
    say(f"state after the first snapshot: {state:.2f} s; full scan of listing {scan:.2f} s: {state / scan:.2f} times")
    before = taken.used_bytes()
    taken.take(dict(market.rows))
    unchanged = taken.used_bytes() - before
    changed = market.step()
    before = taken.used_bytes()
    taken.take(dict(market.rows))
    field = (taken.used_bytes() - before) / changed
    say(f"an unchanged snapshot adds {unchanged:,} bytes; a changed field {field:.0f} bytes")
    assert unchanged <= BAR_UNCHANGED_BYTES
    assert field <= BAR_FIELD_BYTES
    assert state <= BAR_STATE * scan
    assert ours <= BAR_BARE * theirs


def settle_time(folder, size):
    """(seconds of the diff of an almost unchanged snapshot, seconds of the bare join that compares the same columns)."""
    folder.mkdir()
    market, taken = Market(size), Import(folder / "torwatch.db")
    taken.take(dict(market.rows))
    best, join = [], []
    for _ in range(3):
        market.step()
        number = taken.stage(dict(market.rows))
        differs = " OR ".join(f"s.{column.name} IS NOT e.{column.name}" for column in LISTING.claims)
        sql = (
            f"SELECT count(*) FROM stage_listing AS s JOIN listing AS e ON e.market_id = 1 AND e.key = s.key"
            f" WHERE s.snapshot_id = ? AND ({differs})"
        )
        join.append(timed(lambda number=number, sql=sql: taken.store.value(sql, (number,)))[1])
        best.append(timed(lambda number=number: taken.settle(number))[1])
    return min(best), min(join)


def bench_diff_against_a_bare_join_and_its_growth(tmp_path):
    (half, _), (whole, join) = settle_time(tmp_path / "half", LISTINGS // 2), settle_time(tmp_path / "whole", LISTINGS)
    say(
        f"\ndiff of {LISTINGS:,} listings: {whole:.2f} s; bare join {join:.2f} s: {whole / join:.2f} times; doubling: {whole / half:.2f} times"
    )
    assert whole <= BAR_DOUBLE * half
    assert whole <= BAR_JOIN * join


def bench_import_against_git_history(tmp_path):
    program = Path(".venv-bench/bin/git-history")
    if not program.exists():
        pytest.skip("no rival: python -m venv .venv-bench && .venv-bench/bin/pip install --require-hashes -r requirements/bench.txt")
    size = LISTINGS // RIVAL_SHARE
    market, taken = Market(size), Import(tmp_path / "torwatch.db")
    repository = tmp_path / "pages"
    git = ("git", "-C", str(repository), "-c", "user.name=bench", "-c", "user.email=bench@localhost")
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    ours = 0.0
    for number in range(SNAPSHOTS):
        if number:
            market.step()
        rows = dict(market.rows)
        ours += timed(lambda rows=rows: taken.take(rows))[1]
        (repository / "listings.json").write_text(json.dumps([{"key": key, **values} for key, values in rows.items()]), encoding="utf-8")
        subprocess.run([*git, "add", "listings.json"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", str(number), "--allow-empty"], check=True)
    command = [
        str(program.absolute()),
        "file",
        str(tmp_path / "rival.db"),
        "listings.json",
        "--repo",
        str(repository),
        "--id",
        "key",
        "--silent",
    ]
    _, theirs = timed(lambda: subprocess.run(command, check=True, cwd=repository))
    say(
        f"\nimport of {SNAPSHOTS} snapshots of {size:,} listings: {ours:.1f} s; git-history {theirs:.1f} s: {theirs / ours:.0f} times as fast"
    )
    assert theirs >= BAR_GIT_HISTORY * ours
