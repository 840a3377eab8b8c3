"""What an answer over a year costs: times one full scan of the tables that it reads, in the same run, and growth with twice the data."""

from __future__ import annotations

import datetime as dt
import os
import sys
import time

from torwatch.answer import Question, write_answer
from torwatch.store.database import open_store

LISTINGS = int(os.environ.get("TORWATCH_BENCH_LISTINGS", "50000"))  # of each market
MARKETS, WEEKS, VENDORS = 10, 52, 1_500
BEGIN = dt.datetime(2025, 1, 6, tzinfo=dt.UTC)
QUESTION = Question("NL", dt.datetime(2025, 1, 1, tzinfo=dt.UTC), dt.datetime(2026, 1, 5, tzinfo=dt.UTC))
BAR_SCANS = 30
BAR_DOUBLE = 2.2
# What the answer reads, table by table.
READ = {
    "listing": "id market_id vendor_id title category price currency price_unit price_maximum ship_from ship_to listing_type",
    "spell": "entity entity_id opened_snapshot_id last_seen_snapshot_id first_missed_snapshot_id",
    "origin": "raw code class excluded",
    "destination": "raw code class excluded",
    "substance": "title category substance_group answer_group is_drug",
    "quantity": "title category amount unit",
    "feedback": "listing_id first_snapshot_id body delivery",
    "snapshot": "market_id state started_at",
    "vendor": "name banned",
    "miss": "spell_id snapshot_id",
    "change": "market_id entity key field old new snapshot_id",
    "listing_counter": "listing_id snapshot_id sales",
    "feedback_shown": "listing_id snapshot_id shown",
}
NUMBERS = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {})"
KINDS = (
    ("Cannabis", "cannabis-flower", "cannabis"),
    ("Cocaine", "cocaine", "cocaine"),
    ("Pills", "ecstasy-pills", "MDMA/ecstasy"),
    ("Other", "unknown", "unmapped"),
)
PLACES = (("", "", "undeclared"), ("Netherlands", "NL", "country"), ("Germany", "DE", "country"), ("United States", "US", "country"))
TARGETS = (("Worldwide", "", "world"), ("Australia", "AU", "country"))


def build(path, listings):
    """A database as a year of weekly looks leaves it: a tenth of the listings gone again, feedback on a third, four titles in five unique."""
    with open_store(path) as store, store.write() as connection:
        for market in range(1, MARKETS + 1):
            connection.execute("INSERT INTO market (id, name, added_at) VALUES (?, ?, ?)", (market, f"m{market}", BEGIN.isoformat()))
        connection.executemany(
            "INSERT INTO snapshot (id, market_id, state, started_at, parser, parser_digest, torwatch_version, pages, received_bytes)"
            " VALUES (?, ?, 'complete', ?, 'souk', 'd', 't', 2000, 9)",
            [
                (week * MARKETS + market, market, (BEGIN + dt.timedelta(weeks=week)).isoformat())
                for week in range(WEEKS)
                for market in range(1, MARKETS + 1)
            ],
        )
        for market in range(1, MARKETS + 1):
            fill(connection, market, listings)
        connection.execute(
            "INSERT INTO spell (entity, entity_id, opened_snapshot_id, last_seen_snapshot_id, first_missed_snapshot_id)"
            f" SELECT 'listing', id, first_snapshot_id, iif(gone, first_snapshot_id, NULL), iif(gone, first_snapshot_id + {MARKETS}, NULL)"
            f" FROM (SELECT id, first_snapshot_id, id % 10 = 3 AND first_snapshot_id <= {MARKETS * (WEEKS - 1)} AS gone FROM listing)"
        )
        connection.execute("INSERT INTO spell (entity, entity_id, opened_snapshot_id) SELECT 'vendor', id, first_snapshot_id FROM vendor")


def fill(connection, market, listings):
    """One market's vendors, listings, normalised claims and feedback."""
    bound = {"market": market}
    connection.execute(
        "INSERT INTO vendor (market_id, key, name, first_snapshot_id)"
        f" {NUMBERS.format(VENDORS)} SELECT :market, 'v' || i, 'v' || i, :market FROM n",
        bound,
    )
    category = " ".join(f"WHEN {place} THEN 'Drugs > {name}'" for place, (name, _, _) in enumerate(KINDS))
    connection.execute(
        "INSERT INTO listing (market_id, vendor_id, key, title, category, price, currency, ship_from, ship_to, first_snapshot_id)"
        f" {NUMBERS.format(listings)} SELECT :market, (:market - 1) * {VENDORS} + 1 + i % {VENDORS}, i,"
        f" (1 + i % 9) || ' gram of fine goods number ' || (i % ({listings} * 4 / 5)), CASE i % 4 {category} END, (20 + i % 97) || '.50', 'USD',"
        " CASE i % 9 WHEN 0 THEN NULL WHEN 1 THEN 'Netherlands' WHEN 2 THEN 'Germany' ELSE 'United States' END,"
        f" CASE i % 7 WHEN 0 THEN 'Worldwide' ELSE 'Australia' END, :market + {MARKETS} * (i % {WEEKS}) FROM n",
        bound,
    )
    for table, places in (("origin", PLACES), ("destination", TARGETS)):
        connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?, 0, 't', 1, '1')", [(market, *place) for place in places])
    for name, group, answer in KINDS:
        connection.execute(
            "INSERT INTO substance SELECT DISTINCT market_id, title, category, ?, ?, 1, 't', 1, '1' FROM listing"
            " WHERE market_id = ? AND category = ?",
            (group, answer, market, f"Drugs > {name}"),
        )
    connection.execute(
        "INSERT INTO quantity (market_id, title, category, amount, unit, method, confidence, version)"
        " SELECT DISTINCT market_id, title, category, substr(title, 1, 1), 'g', 't', 1, '1' FROM listing WHERE market_id = :market",
        bound,
    )
    connection.execute(
        "INSERT INTO feedback (market_id, vendor_id, listing_id, key, body, first_snapshot_id)"
        f" SELECT market_id, vendor_id, id, id, 'arrived in time, would buy again', min(first_snapshot_id + {MARKETS}, {MARKETS * (WEEKS - 1)} + :market)"
        " FROM listing WHERE market_id = :market AND id % 3 = 0",
        bound,
    )
    connection.execute(
        "INSERT INTO feedback_shown (listing_id, snapshot_id, shown) SELECT listing_id, first_snapshot_id, 1 FROM feedback WHERE market_id = :market",
        bound,
    )
    # Every listing came once, a tenth of the prices moved; every fourth listing shows what was sold, twice.
    connection.execute(
        "INSERT INTO change (snapshot_id, market_id, entity, key, new, cause)"
        " SELECT first_snapshot_id, market_id, 'listing', key, json_object('title', title, 'price', price), 'new' FROM listing WHERE market_id = :market",
        bound,
    )
    connection.execute(
        "INSERT INTO change (snapshot_id, market_id, entity, key, field, old, new, cause)"
        f" SELECT min(first_snapshot_id + {MARKETS}, {MARKETS * (WEEKS - 1)} + :market), market_id, 'listing', key, 'price', '30.50', price, 'changed'"
        " FROM listing WHERE market_id = :market AND id % 10 = 7",
        bound,
    )
    for look in (0, WEEKS - 1):
        connection.execute(
            f"INSERT INTO listing_counter (listing_id, snapshot_id, sales) SELECT id, {look * MARKETS} + :market, {look} + id % 5 FROM listing"
            " WHERE market_id = :market AND id % 4 = 0",
            bound,
        )


def scan(store):
    """Seconds of processor time of one scan of every table, all columns that the answer reads."""
    start = time.process_time()
    for table, columns in READ.items():
        store.value(f"SELECT {' + '.join(f'count({column})' for column in columns.split())} FROM {table}")
    return time.process_time() - start


def measure(path):
    """(seconds of a scan, seconds of an answer), the better of three."""
    with open_store(path) as store:
        answers, scans = [], []
        for _ in range(3):
            scans.append(scan(store))
            start = time.process_time()
            document = write_answer(store, QUESTION)
            answers.append(time.process_time() - start)
        assert document.sections[0].rows[1][1] > 0
    return min(scans), min(answers)


def bench_answer_over_a_year(tmp_path):
    measured = {}
    for factor in (1, 2):
        path = tmp_path / f"{factor}.db"
        build(path, LISTINGS * factor)
        measured[factor] = measure(path)
        path.unlink()
    (scanned, answered), (_, double) = measured[1], measured[2]
    sys.stdout.write(
        f"\nanswer over {WEEKS} weeks of {MARKETS} markets with {LISTINGS} listings each, 1,000 draws included\n"
        f"  one scan of what it reads {scanned:.2f} s, answer {answered:.2f} s: {answered / scanned:.1f} scans (bar {BAR_SCANS})\n"
        f"  twice the data: {double:.2f} s, {double / answered:.2f} times (bar {BAR_DOUBLE})\n"
    )
    assert answered <= BAR_SCANS * scanned
    assert double <= BAR_DOUBLE * answered
