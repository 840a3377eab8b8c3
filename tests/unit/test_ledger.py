"""The journal holds every row that no page can tell, as the database has it."""

from __future__ import annotations

import datetime as dt

from torwatch.archive.journal import read_journal
from torwatch.ledger import GONE, ROW, open_journaled
from torwatch.store.targets import add_target, set_state

NOW = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
ONION = "t" * 55 + "d.onion"


def test_the_newest_line_of_each_row_is_the_row(tmp_path):
    with open_journaled(tmp_path / "torwatch.db", tmp_path / "archive") as store:
        target = add_target(store, "teahouse", [(ONION, 80, "http")], parser="souk", every_seconds=604800, now=NOW)
        set_state(store, target, "paused", now=NOW, why="asked to")
        newest = {(line.subject, line.detail.get("id")): line.detail for line in read_journal(tmp_path / "archive") if line.kind == ROW}
        for table in ("market", "target", "mirror", "event"):
            for row in store.rows(f"SELECT * FROM {table}"):
                assert newest[table, row["id"]] == dict(row)


def test_a_row_that_went_has_a_line_of_its_own(tmp_path):
    with open_journaled(tmp_path / "torwatch.db", tmp_path / "archive") as store, store.write() as connection:
        connection.execute("INSERT INTO market (name, added_at) VALUES ('teahouse', '')")
        connection.execute("DELETE FROM market")
    assert [line.kind for line in read_journal(tmp_path / "archive")] == [ROW, GONE]
