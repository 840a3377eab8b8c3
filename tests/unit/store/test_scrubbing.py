"""A name is taken out of every column that may hold words of pages or people, and no column is overlooked."""

from __future__ import annotations

import re

import pytest

from tests.unit.store.builders import a_target, take
from torwatch.store.database import open_store
from torwatch.store.scrubbing import DERIVED, DIGESTS, WHO, WORDS, scrub_tables
from torwatch.store.tables import ordinary_tables

# Text columns that are not scrubbed, by name wherever they stand: what they hold is a time, one of our own words, or a digest or key.
NO_WORDS = {
    *("at", "day", "until", "created", "expires", "expected_until", "started_at", "ended_at", "added_at", "changed_at", "removed_at"),
    *("held_at", "decided_at", "sealed_at", "imported_at", "lost_at", "tried_at", "sent_at"),
    *("kind", "state", "outcome", "verdict", "entity", "field", "cause", "pass", "decision", "method", "class", "code", "version", "rule"),
    *("parser", "torwatch_version", "engine", "scheme", "claimed_origin", "substance_group", "answer_group"),
    *("amount", "unit", "dose", "dose_unit", "pack_count", "base", "quote", "rate"),
    *("key", "listing_key", "buyer_hash", "digest", "row_digest", "parser_digest", "sha256", "warc", "host"),
}
# What else is not scrubbed, and why.
NOT_SCRUBBED = {
    "who others are": {
        *(
            f"{table}.{claim}"
            for table in ("vendor", "stage_vendor", "listing", "stage_listing", "feedback", "stage_feedback")
            for claim in WHO
        ),
        *(f"{table}.{claim}" for table in ("vendor", "stage_vendor", "listing", "stage_listing") for claim in DIGESTS),
        *("vendor_handle.handle", "vendor_handle.name", "vendor_key.fingerprint", "vendor_key.key_id", "vendor_key.user_id"),
    },
    "names and facts of a market": {
        *("market.name", "market.title", "market.aliases", "market.opened", "market.closed", "market.default_origin"),
        *("event.subject", "alert.subject", "manifest.path"),
    },
    "one of few words of ours": {"mirror_visit.source", "snapshot.source", "rate.source", "spell.why", "alert_delivery.destination"},
    "scrubbed by field": {"change.old", "change.new"},
    "deleted where it changes, and derived anew": {
        *(f"{table}.{column}" for table, columns in DERIVED.items() for column in columns),
    },
    "keys, taken out with their listings": {"second_pass_page.strays"},
}


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "torwatch.db") as opened:
        take(opened, a_target(opened), {"1": {"title": "tea", "vendor": "ann"}}, week=0)
        yield opened


def text_columns(connection):
    return {
        f"{table}.{row[1]}"
        for table in ordinary_tables(connection)
        for row in connection.execute(f"PRAGMA table_info({table})")
        if row[2] == "TEXT"
    }


def test_every_column_of_text_is_scrubbed_or_has_a_reason(store):
    there = text_columns(store.connection)
    scrubbed = {f"{table}.{column}" for table, (columns, _) in WORDS.items() for column in columns}
    with_reason = set().union(*NOT_SCRUBBED.values())
    plain = {column for column in there - scrubbed if column.partition(".")[2] in NO_WORDS}
    assert len(there) > 100
    assert scrubbed <= there
    assert there - scrubbed - with_reason - plain == set(), "add it to WORDS in store/scrubbing.py, or give the reason here"
    assert not scrubbed & with_reason
    assert {column.partition(".")[2] for column in plain} == NO_WORDS


def scrub(store, name="teashop"):
    with store.write() as connection:
        scrub_tables(connection, 1, lambda text: re.sub(name, "[forgotten]", text, flags=re.IGNORECASE))


def test_what_is_displayed_beside_the_claims_loses_the_name_in_every_table(store):
    with store.write() as connection:
        connection.execute("INSERT INTO listing_counter (listing_id, snapshot_id, stock) VALUES (1, 1, 'as much as Teashop')")
        connection.execute("UPDATE listing SET stock = 'as much as Teashop'")
        connection.execute("INSERT INTO stage_total (snapshot_id, scope) VALUES (1, '/u/teashop')")
    scrub(store)
    assert store.value("SELECT stock FROM listing") == store.value("SELECT stock FROM listing_counter") == "as much as [forgotten]"
    assert store.value("SELECT scope FROM stage_total") == "/u/[forgotten]"


def test_pages_that_only_the_spelling_of_the_name_told_apart_become_one(store):
    with store.write() as connection:
        for path in ("/u/TeaShop", "/u/teashop", "/u/ann"):
            connection.execute("INSERT INTO page_seen (market_id, path, snapshot_id) VALUES (1, ?, 1)", (path,))
    scrub(store)
    assert [row["path"] for row in store.rows("SELECT path FROM page_seen WHERE path LIKE '/u/%' ORDER BY path")] == [
        "/u/[forgotten]",
        "/u/ann",
    ]


def test_what_was_derived_from_a_category_that_held_the_name_goes(store):
    with store.write() as connection:
        connection.executemany(
            "INSERT INTO quantity (market_id, title, category, method, confidence, version) VALUES (1, 'tea', ?, 'x', 1, '1')",
            [("tea > of Teashop",), ("tea",)],
        )
    scrub(store)
    assert [row["category"] for row in store.rows("SELECT category FROM quantity")] == ["tea"]
