"""Accounts are linked by a key, are candidates by a handle, and a key change is a change."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from torwatch.errors import UsageError
from torwatch.model import Source
from torwatch.store.staging import EntityRow, StagedPage
from torwatch.store.vendor_keys import KeyReader, accounts_of, write_vendor_keys

spec = importlib.util.spec_from_file_location("store_builders", Path(__file__).with_name("builders.py"))
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)
READER = KeyReader(
    "1", lambda text: [(part.upper(), part[-2:], None, None, False, part) for part in text.split()], lambda name: name.lower().strip("_")
)


def account(store, target, name, week, pgp=None, key=None, reader=READER):
    """A snapshot in which one account shows its profile."""
    with store.write() as connection:
        connection.execute("INSERT OR IGNORE INTO text VALUES (?, ?)", (f"digest {pgp}", pgp or ""))
    row = EntityRow(key or name, Source.DETAIL, {"name": name, "pgp": f"digest {pgp}" if pgp else None})
    snapshot, _ = builders.take(store, target, {}, week=week, page=StagedPage(vendors=(row,)))
    write_vendor_keys(store, target.market_id, reader)
    return snapshot


def reasons(store, name):
    return {(one.market, one.name): one.why for one in accounts_of(store, name, READER.handle(name))}


def test_the_same_key_links_and_the_same_handle_is_a_candidate(store):
    first, second, third = (builders.a_target(store, name, host=number) for number, name in enumerate(("bazaar", "souk", "teahouse")))
    account(store, first, "Leaf", 0, pgp="aa11")
    account(store, second, "Other", 0, pgp="aa11 bb22")
    account(store, third, "leaf_", 0)
    links = {(row["evidence"], row["strength"], row["shared"]) for row in store.rows("SELECT * FROM vendor_link")}
    assert links == {("pgp", "linked", "AA11"), ("handle", "candidate", "leaf")}
    assert reasons(store, "Leaf") == {
        ("bazaar", "Leaf"): "linked: same key AA11",
        ("souk", "Other"): "linked: same key AA11",
        ("teahouse", "leaf_"): "candidate only: same handle leaf",
    }


def test_a_new_key_is_a_change_and_the_old_one_stays_known(store):
    target = builders.a_target(store)
    account(store, target, "Leaf", 0, pgp="aa11")
    snapshot = account(store, target, "Leaf", 1, pgp="bb22")
    row = store.row("SELECT field, old, new FROM change WHERE snapshot_id = ? AND cause = 'changed'", (snapshot,))
    assert tuple(row) == ("pgp", "digest aa11", "digest bb22")
    (one,) = accounts_of(store, "Leaf", "leaf")
    assert [key["fingerprint"] for key in one.keys] == ["AA11", "BB22"]


def test_a_vendor_renamed_under_its_own_id_is_found_by_both_names(store):
    target = builders.a_target(store)
    account(store, target, "Leaf", 0, key="17")
    account(store, target, "Tree", 1, key="17")
    assert [one.id for one in accounts_of(store, "Leaf", "leaf")] == [one.id for one in accounts_of(store, "Tree", "tree")]


def test_a_new_version_of_the_reader_reads_every_block_again(store):
    target = builders.a_target(store)
    account(store, target, "Leaf", 0, pgp="aa11")
    write_vendor_keys(store, target.market_id, KeyReader("2", lambda _text: [], READER.handle))
    assert store.value("SELECT count(*) FROM vendor_key") == 0


def test_a_name_that_is_not_known_is_wrong_usage(store):
    with pytest.raises(UsageError, match="no vendor"):
        accounts_of(store, "nobody", "nobody")
