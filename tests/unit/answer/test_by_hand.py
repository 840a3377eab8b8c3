"""A market small enough to count by hand: ten listings of four accounts on two markets, and every figure that the answer gives of them."""

from __future__ import annotations

import datetime as dt

import pytest

from torwatch.answer import Question, write_answer
from torwatch.model import MarketFacts
from torwatch.normalisers import normalisers_for
from torwatch.report.document import Interval
from torwatch.store.database import open_store
from torwatch.store.derived import write_derived

FIRST, SECOND, THIRD = (dt.datetime(2026, 1, day, 12, tzinfo=dt.UTC) for day in (5, 12, 19))
LOOKS = ((1, 1, FIRST), (2, 1, SECOND), (3, 1, THIRD), (4, 2, THIRD))  # number, market, moment
# number, account, title, category, from, to, USD, the look that first saw it, the look that missed it
LISTINGS = (
    (1, 1, "5 gram cocaine", "Drugs > Cocaine", "Netherlands", "Worldwide", 300, 1, None),
    (2, 1, "10 gram cocaine", "Drugs > Cocaine", "Netherlands, Germany", "Australia", 500, 2, None),
    (3, 2, "1 gram cocaine", "Drugs > Cocaine", "Germany", "Netherlands", 80, 1, None),
    (4, 2, "5 gram white widow", "Drugs > Cannabis", None, None, 50, 1, 2),
    (5, 3, "100 XTC pillen gratis verzending", "Drugs > Ecstasy", "Netherlands", "Netherlands", 250, 4, None),
    (6, 3, "1 gram cocaine", "Drugs > Cocaine", "Netherlands", "New Zealand", 70, 4, None),
    (7, 4, "Guide to safety", "Digital > Guides", None, "Worldwide", 5, 4, None),
    (8, 4, "1 gram cocaine", "Drugs > Cocaine", "Worldwide", None, 90, 4, None),
    (9, 4, "1 gram cocaine", "Drugs > Cocaine", "EU", None, 90, 4, None),
    (10, 3, "2 gram cocaine", "Drugs > Cocaine", "Netherlands", "Worldwide", 100, 4, None),
)
# Listing, look, words; the first two were seen before the period begins.
FEEDBACK = ((1, 1, "ok"), (1, 1, "fine"), (1, 2, "good"), (1, 2, "a SCAM"), (1, 3, "good"), (3, 3, "good"))


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """The sections of the answer on the two weeks after the first look, by key."""
    with open_store(tmp_path_factory.mktemp("hand") / "torwatch.db") as store:
        with store.write() as connection:
            fill(connection)
        for market in (1, 2):
            write_derived(store, market, normalisers_for(MarketFacts("ab"[market - 1])))
        document = write_answer(store, Question("NL", FIRST + dt.timedelta(days=1), THIRD + dt.timedelta(days=1)))
    return {section.key: section for section in document.sections}


def fill(connection):
    for market in (1, 2):
        connection.execute("INSERT INTO market (id, name, added_at) VALUES (?, ?, ?)", (market, "ab"[market - 1], FIRST.isoformat()))
    for number, market, at in LOOKS:
        connection.execute(
            "INSERT INTO snapshot (id, market_id, state, started_at, parser, parser_digest, torwatch_version, pages)"
            " VALUES (?, ?, 'complete', ?, 'souk', 'd', 't', 10)",
            (number, market, at.isoformat()),
        )
    for vendor in (1, 2, 3, 4):
        connection.execute(
            "INSERT INTO vendor (id, market_id, key, name, first_snapshot_id) VALUES (?, ?, ?, ?, 1)",
            (vendor, 1 + vendor // 3, f"v{vendor}", f"seller {vendor}"),
        )
    for vendor in (1, 3):
        connection.execute(
            "INSERT INTO vendor_key (vendor_id, fingerprint, key_id, first_snapshot_id) VALUES (?, 'SAME', 'k', 1)", (vendor,)
        )
    for number, vendor, title, category, origin, target, price, opened, missed in LISTINGS:
        connection.execute(
            "INSERT INTO listing (id, market_id, vendor_id, key, title, category, ship_from, ship_to, price, currency, first_snapshot_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'USD', ?)",
            (number, 1 + vendor // 3, vendor, str(number), title, category, origin, target, str(price), opened),
        )
        connection.execute(
            "INSERT INTO spell (entity, entity_id, opened_snapshot_id, last_seen_snapshot_id, first_missed_snapshot_id)"
            " VALUES ('listing', ?, ?, ?, ?)",
            (number, opened, opened if missed else None, missed),
        )
    for number, (listing, look, words) in enumerate(FEEDBACK):
        connection.execute(
            "INSERT INTO feedback (market_id, listing_id, key, body, first_snapshot_id) VALUES (1, ?, ?, ?, ?)",
            (listing, f"f{number}", words, look),
        )
    connection.executemany("INSERT INTO feedback_shown VALUES (1, ?, ?)", [(1, 2), (2, 3), (3, 4)])
    connection.executemany("INSERT INTO listing_counter (listing_id, snapshot_id, sales) VALUES (2, ?, ?)", [(2, 10), (3, 14)])
    connection.execute(
        "INSERT INTO target (id, market_id, parser, every_seconds, added_at, changed_at, legal_basis, bytes_per_day)"
        " VALUES (1, 1, 'souk', 604800, ?, ?, 'case 7', 2000000)",
        (FIRST.isoformat(), FIRST.isoformat()),
    )
    days = [(SECOND.date().isoformat(), 30, 1_500_000), (THIRD.date().isoformat(), 40, 700_000), ("2026-01-01", 99, 9_000_000)]
    connection.executemany("INSERT INTO spending (target_id, day, requests, received_bytes) VALUES (1, ?, ?, ?)", days)
    connection.execute("INSERT INTO mirror (id, target_id, host, added_at) VALUES (1, 1, 'x.onion', ?)", (FIRST.isoformat(),))
    connection.executemany(
        "INSERT INTO mirror_visit (mirror_id, at, source, outcome, verdict) VALUES (1, ?, 'probe', 'wrong_market', 'down')",
        [(SECOND.isoformat(),), (THIRD.isoformat(),)],
    )
    connection.execute(
        "INSERT INTO event (at, kind, subject, detail) VALUES (?, 'mirrors_imported', 'a', '{\"not_on_list\": [\"x.onion\", \"y.onion\"]}')",
        (SECOND.isoformat(),),
    )


def without_limits(row):
    """The cells that can be counted; limits follow their share, and there are none (None) where it is one vendor's."""
    return tuple(cell for cell in row if not isinstance(cell, Interval))


@pytest.mark.parametrize(
    ("key", "rows"),
    [
        (
            "share",
            # goods, listings, low, declared, high, % declaring
            [
                ("physical drugs", 8, 50.0, 75.0, 87.5, 75.0),  # 4 of 8; 4½ of 6; 4 + shared + world + EU of 8
                ("all goods", 9, 44.44, 75.0, 88.89, 66.67),
                ("MDMA/ecstasy", 1, None, None, None, 100.0),  # of one account
                ("cocaine", 7, 42.86, 70.0, 85.71, 71.43),
                ("fraud and digital", 1, None, None, None, 0.0),
            ],
        ),
        (
            "extent",
            # standing, ever, NL standing, NL ever, NL accounts
            [
                ("all", 9, 10, 5, 5, 2),
                ("physical drugs", 8, 9, 5, 5, 2),
                ("cocaine", 7, 7, 4, 4, 2),
                ("MDMA/ecstasy", 1, 1, 1, 1, 1),
                ("fraud and digital", 1, 1, 0, 0, 0),
                ("cannabis", 0, 1, 0, 0, 0),
            ],
        ),
        ("destinations", [("AU Australia", 1, 20.0), ("NZ New Zealand", 1, 20.0), ("worldwide", 2, 40.0), ("NL Netherlands", 1, 20.0)]),
        ("destinations_category", [("cocaine", 4, 1, 1, 2, 0, 0, 0), ("MDMA/ecstasy", 1, 0, 0, 0, 1, 0, 0)]),
        ("vendors", [("sellers, accounts of one key linked", 1), ("accounts, unlinked", 2), ("% of listings by the top 10", 100.0)]),
        ("movers", [("seller 3", "b", 3, 0, 3), ("seller 1", "a", 1, 0, 2)]),
        # Of one listing two more feedbacks at once than before, three by first sight (one was edited); of another four more by its counter:
        # a floor of 2 + 4; from 2 / 0.88 + 4 to 3 / 0.71 + 4.
        ("sales", [(name, 6, 2, 3, 6, 8, 4, 1) for name in ("all goods", "physical drugs", "cocaine")]),
        ("sales_shown", [("2026-01-12", 3, 4, 10), ("2026-01-19", 4, 5, 14)]),
        (
            "sales_money",
            # three orders of USD 300, and one of USD 80 from elsewhere
            [
                ("all goods", 3, 900, 1023, 1268, 91.84),
                ("physical drugs", 3, 900, 1023, 1268, 91.84),
                ("cocaine", 3, 900, 1023, 1268, 91.84),
            ],
        ),
        ("sales_sensitivity", [("none passed over", 0, 900), ("factor 3", 0, 900), ("factor 5", 0, 900), ("factor 10", 0, 900)]),
        ("trend_week", [("2026-01-12", 1.5, 50.0, 1.5, 50.0, ""), ("2026-01-19", 4.5, 75.0, 1.5, 50.0, "+")]),
        ("trend_month", [("2026-01-19", 4.5, 75.0, 1.5, 50.0, "+")]),
        ("order_sizes", [("MDMA/ecstasy", "unit", 0, 0, 1, 0, 0), ("cocaine", "g", 1, 3, 0, 0, 0)]),
        ("variety", [(2, 2)]),
        ("at_home", [("NL \u2192 NL", 1), ("titles with Dutch words, all origins", 1), ("of these from NL", 1)]),
        (
            "scams",
            [
                ("feedback read", 4),
                ("that speaks of non-delivery or scam", 1),
                ("feedback on NL listings", 3),
                ("of these, non-delivery or scam, NL", 1),
                ("accounts that their market calls banned", 0),
                ("pages that looked like phishing checks", 0),
                ("addresses that are not on their market's signed list", 2),
                ("addresses that served another market", 1),
                ("markets closed", 0),
            ],
        ),
        ("prices", [("cocaine", "NL Netherlands", 60.0, "USD", 60.0, 3)]),  # 60, 70 and 50 a gram
        ("budgets", [("a", None, 40, 2.0, 1.5, "case 7")]),
        ("markets", [("a", 3, 2, 1, "2026-01-19", None), ("b", 6, 3, 1, "2026-01-19", None)]),
        ("snapshots", [("a", 2, 0, 0, 0, 0, 20, 0.0), ("b", 1, 0, 0, 0, 0, 10, 0.0)]),
    ],
)
def test_the_answer_gives_what_is_counted_by_hand(counted, key, rows):
    found = [without_limits(row) for row in counted[key].rows if key != "share" or row[1]]
    assert found == rows


def test_every_section_names_its_columns_apart(counted):
    for section in counted.values():
        assert len(section.names) == len(set(section.names)) == len(section.columns), section.key
