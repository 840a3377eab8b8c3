"""Two databases for the answer: Silk Road 2012 as published, and a small one with every kind of claim, life and price."""

from __future__ import annotations

import datetime as dt
import random

import pytest

from torwatch.answer import Question, write_answer
from torwatch.model import MarketFacts
from torwatch.normalisers import normalisers_for
from torwatch.store.capture import encode_ids
from torwatch.store.database import open_store
from torwatch.store.derived import write_derived

DAY = dt.datetime(2012, 7, 1, tzinfo=dt.UTC)
ITEMS, UNDECLARED, DUTCH = 24_385, 3_972, 1_590  # 16.29 % and 6.52 %
WEEKS = 8
BEGIN = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
TITLES = (
    ("5 gram white widow", "Drugs > Cannabis"),
    ("10g strong hash voor Nederland", "Drugs > Cannabis > Hash"),
    ("1 g cocaine", "Drugs > Cocaine"),
    ("2,5 gram cocaine", "Drugs > Cocaine"),
    ("100 XTC pillen gratis verzending", "Drugs > Ecstasy"),
    ("4-FA 1g", "Drugs > NPS"),
    ("GBL 500 ml", "Drugs > GHB"),
    ("PMK glycidate 1 kg", "Precursors"),
    ("10 feminised cannabis seeds", "Seeds"),
    ("LED grow lamp", "Supplies"),
    ("Glock 17", "Weapons"),
    ("Guide to safety", "Digital > Guides"),
)
ORIGINS = (
    None,
    "Netherlands",
    "Netherlands",
    "Germany",
    "United States",
    "Netherlands, Germany",
    "Europe",
    "EU",
    "Worldwide",
    "qwzzk",
    "Belgium",
)
TARGETS = (None, "Worldwide", "Australia", "Netherlands", "Netherlands, Germany", "Worldwide except US", "New Zealand, Australia", "EU")


def snapshot_sql(**columns):
    """An INSERT of a snapshot and its values."""
    values = {
        "parser": "souk",
        "parser_digest": "d",
        "torwatch_version": "t",
        "pages": 10,
        "received_bytes": 1000,
        "state": "complete",
    } | columns
    return f"INSERT INTO snapshot ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", tuple(values.values())


@pytest.fixture(scope="session")
def silk_road(tmp_path_factory):
    """Silk Road 2012, invented item by item: 500 vendors, each from one country or none."""
    with open_store(tmp_path_factory.mktemp("silkroad") / "torwatch.db") as opened:
        with opened.write() as connection:
            connection.execute("INSERT INTO market (id, name, added_at) VALUES (1, 'silkroad', ?)", (DAY.isoformat(),))
            connection.execute(*snapshot_sql(id=1, market_id=1, started_at=DAY.isoformat()))
            connection.executemany(
                "INSERT INTO vendor (id, market_id, key, name, first_snapshot_id) VALUES (?, 1, ?, ?, 1)",
                [(number, f"v{number}", f"vendor {number}") for number in range(1, 501)],
            )
            rows = []
            for number in range(ITEMS):
                origin = None if number < UNDECLARED else "Netherlands" if number < UNDECLARED + DUTCH else "United States"
                rows.append((number + 1, 1 + number * 500 // ITEMS, str(number), origin, "Australia" if number % 2 else "Worldwide"))
            connection.executemany(
                "INSERT INTO listing (id, market_id, vendor_id, key, title, category, price, currency, ship_from, ship_to, first_snapshot_id)"
                " VALUES (?, 1, ?, ?, '5 gram white widow', 'Drugs > Cannabis', '50', 'USD', ?, ?, 1)",
                rows,
            )
            connection.execute("INSERT INTO spell (entity, entity_id, opened_snapshot_id) SELECT 'listing', id, 1 FROM listing")
        write_derived(opened, 1, normalisers_for(MarketFacts("silkroad")))
        yield opened


@pytest.fixture(scope="session")
def bazaar(tmp_path_factory):
    """Three invented markets over eight weeks, drawn anew the same each time; the third comes late, the second has a held week."""
    rng = random.Random(6)
    with open_store(tmp_path_factory.mktemp("bazaar") / "torwatch.db") as opened:
        with opened.write() as connection:
            fill(connection, rng)
        for market in (1, 2, 3):
            write_derived(opened, market, normalisers_for(MarketFacts(f"m{market}")))
        yield opened


def fill(connection, rng):
    """Everything that a crawl would have left."""
    looks = {market: [] for market in (1, 2, 3)}
    for week in range(WEEKS):
        for market in (1, 2, 3):
            if market == 3 and week < 3:
                continue
            state = "held" if (market, week) == (2, 5) else "partial" if (market, week) in {(1, 6), (2, 4)} else "complete"
            number = 1 + week * 3 + market
            at = (BEGIN + dt.timedelta(weeks=week, hours=market)).isoformat()
            if not looks[market]:
                connection.execute(
                    "INSERT INTO market (id, name, added_at, closed) VALUES (?, ?, ?, ?)",
                    (market, f"m{market}", at, at if market == 3 else None),
                )
            connection.execute(*snapshot_sql(id=number, market_id=market, started_at=at, state=state, parser_digest=f"d{week // 4}"))
            looks[market].append((number, state))
    for vendor in range(1, 61):
        market = 1 + vendor % 3
        connection.execute(
            "INSERT INTO vendor (id, market_id, key, name, banned, first_snapshot_id) VALUES (?, ?, ?, ?, ?, ?)",
            (vendor, market, f"v{vendor}", f"seller {vendor % 50}", int(vendor % 20 == 0), looks[market][0][0]),
        )
        if vendor % 5 == 0:
            connection.execute(
                "INSERT INTO vendor_key (vendor_id, fingerprint, key_id, first_snapshot_id) VALUES (?, ?, 'k', ?)",
                (vendor, f"F{vendor % 10}", looks[market][0][0]),
            )
    for number in range(1, 901):
        add_listing(connection, rng, number, looks)
    add_feedback(connection, rng, looks)
    add_shown(connection, random.Random(7), looks)
    add_partial_captures(connection, looks)
    add_prices(connection, rng, looks)
    connection.executemany(
        "INSERT INTO rate (base, quote, at, rate, source) VALUES ('EUR', 'USD', ?, '1.25', 'bank')",
        [((BEGIN + dt.timedelta(weeks=week)).isoformat(),) for week in range(WEEKS)],
    )


def add_partial_captures(connection, looks):
    """Two listings in three are seen by a partial look."""
    for market, seen in looks.items():
        for snapshot, state in seen:
            if state == "partial":
                ids = [row[0] for row in connection.execute("SELECT id FROM listing WHERE market_id = ? AND id % 3", (market,))]
                connection.execute("INSERT INTO capture VALUES (?, 'listing', 'A', ?, ?)", (snapshot, len(ids), encode_ids(ids)))


def add_prices(connection, rng, looks):
    """Prices that moved: most a little, some to a price that only holds the place; a few listings changed currency; counters of sales."""
    rows = connection.execute("SELECT id, market_id, key, price FROM listing WHERE id % 3 = 0").fetchall()
    for listing, market, key, price in rows:
        before = None
        for snapshot, _ in sorted(rng.sample(looks[market], rng.randrange(2, 4))):
            if before is not None:
                after = str(round(float(price) * rng.choice((0.9, 1.1, 4, 7, 40)), 2)) if rng.random() < 0.9 else price
                field, old, new = ("currency", "USD", "EUR") if listing % 33 == 0 else ("price", before, after)
                connection.execute(
                    "INSERT INTO change (snapshot_id, market_id, entity, key, field, old, new, cause) VALUES (?, ?, 'listing', ?, ?, ?, ?, 'changed')",
                    (snapshot, market, key, field, old, new),
                )
                connection.execute("UPDATE listing SET price = ? WHERE id = ?", (after, listing))
            before = before or price
    for listing, market in connection.execute("SELECT id, market_id FROM listing WHERE id % 5 = 0").fetchall():
        sold = 0
        for snapshot, _ in looks[market]:
            sold = 1 if rng.random() < 0.1 else sold + rng.randrange(3)
            connection.execute("INSERT INTO listing_counter (listing_id, snapshot_id, sales) VALUES (?, ?, ?)", (listing, snapshot, sold))


def add_feedback(connection, rng, looks):
    """Feedback on listings and on none, some of it complaints."""
    for number in range(1, 400):
        listing = rng.randrange(1, 901)
        market, vendor = connection.execute("SELECT market_id, vendor_id FROM listing WHERE id = ?", (listing,)).fetchone()
        seen = rng.choice(looks[market])[0]
        body = rng.choice(("fine", "a SCAM", "never arrived", None))
        connection.execute(
            "INSERT INTO feedback (id, market_id, vendor_id, listing_id, key, body, first_snapshot_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (number, market, vendor, None if number % 9 == 0 else listing, f"f{number}", body, seen),
        )


def add_shown(connection, rng, looks):
    """How much feedback the pages of two listings in three showed: now more, now less."""
    for listing, market in connection.execute("SELECT id, market_id FROM listing WHERE id % 3").fetchall():
        for snapshot, _ in sorted(rng.sample(looks[market], 3)):
            connection.execute("INSERT INTO feedback_shown VALUES (?, ?, ?)", (listing, snapshot, rng.randrange(1, 4)))


def add_listing(connection, rng, number, looks):
    """One listing with its spells: half stand to the end, some end, some come back, some are missed once."""
    vendor = rng.randrange(1, 61) if number % 40 else None
    market = 1 + vendor % 3 if vendor else 1
    title, category = rng.choice(TITLES)
    believed = [snapshot for snapshot, state in looks[market] if state == "complete"]
    first = rng.randrange(len(believed))
    unit, maximum = ("gram", None) if number % 17 == 0 else (None, "90") if number % 19 == 0 else (None, None)
    connection.execute(
        "INSERT INTO listing (id, market_id, vendor_id, key, title, category, price, currency, price_unit, price_maximum, ship_from, ship_to,"
        " listing_type, first_snapshot_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number, market, vendor, str(number), title, category, str(rng.randrange(500, 9000) / 100), rng.choice(("USD", "EUR", "USDT")),
            unit, maximum, rng.choice(ORIGINS), rng.choice(TARGETS), "Digital" if number % 23 == 0 else None, believed[first],
        ),
    )  # fmt: skip
    ends = rng.randrange(first + 1, len(believed) + 4)
    spells = [(first, ends)]
    if ends + 1 < len(believed) and number % 4 == 0:
        spells.append((ends + 1, len(believed) + 1))
    for opened, ended in spells:
        gone = believed[ended] if ended < len(believed) else None
        last = believed[ended - 1] if gone else None
        cursor = connection.execute(
            "INSERT INTO spell (entity, entity_id, opened_snapshot_id, last_seen_snapshot_id, first_missed_snapshot_id) VALUES ('listing', ?, ?, ?, ?)",
            (number, believed[opened], last, gone),
        )
        if number % 7 == 0 and opened + 1 < min(ended, len(believed)):
            connection.execute("INSERT INTO miss VALUES (?, ?)", (cursor.lastrowid, believed[opened + 1]))


QUESTION = {"country": "NL", "since": BEGIN + dt.timedelta(weeks=1), "until": BEGIN + dt.timedelta(weeks=WEEKS - 1, hours=1)}


@pytest.fixture(scope="session")
def bazaar_answers(bazaar):
    """The answer over part of the weeks, by language."""
    return {language: write_answer(bazaar, Question(**QUESTION, language=language)) for language in ("en", "nl")}


@pytest.fixture(scope="session")
def silk_road_answers(silk_road):
    """The answer over Silk Road 2012, by language."""
    return {language: write_answer(silk_road, Question("NL", DAY, DAY, language)) for language in ("en", "nl")}
