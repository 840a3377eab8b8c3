from __future__ import annotations

import datetime as dt

import pytest

from torwatch.advice import advise
from torwatch.measure.estimate import Refusal
from torwatch.store.database import open_store


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "torwatch.db") as opened:
        with opened.write() as connection:
            connection.execute("INSERT INTO market (id, name, added_at) VALUES (1, 'teahouse', '2026-01-01T00:00:00+00:00')")
            for week in range(10):
                at = dt.datetime(2026, 1, 5, tzinfo=dt.UTC) + dt.timedelta(weeks=week)
                connection.execute(
                    "INSERT INTO snapshot (id, market_id, state, started_at, parser, parser_digest, torwatch_version, pages)"
                    " VALUES (?, 1, 'complete', ?, 'souk', 'd', 't', 100)",
                    (week + 1, at.isoformat(timespec="seconds")),
                )
        yield opened


def spell(store, number, opened, seen=None, missed=None):
    with store.write() as connection:
        connection.execute(
            "INSERT INTO spell (entity, entity_id, opened_snapshot_id, last_seen_snapshot_id, first_missed_snapshot_id)"
            " VALUES ('listing', ?, ?, ?, ?)",
            (number, opened, seen, missed),
        )


def test_a_rarer_look_sees_less_and_the_costs_follow_the_interval(store):
    for number in range(20):
        spell(store, number, 2, 2 + number % 5, 3 + number % 5)
    median, (now, eighty, ninety) = advise(store, 1, 7 * 86_400, 3.6)
    assert median == pytest.approx(17.5)
    assert ninety.every_days < eighty.every_days
    assert (eighty.at_best, ninety.at_best) == pytest.approx((0.8, 0.9), abs=1e-6)
    assert now.pages_a_year == pytest.approx(100 * 365 / 7)
    assert now.hours_a_year == pytest.approx(now.pages_a_year / 1000)


def test_without_a_death_there_is_no_advice(store):
    spell(store, 1, 2)
    assert isinstance(advise(store, 1, 86_400, 1.0), Refusal)


def test_what_stood_at_the_first_look_has_no_known_age(store):
    spell(store, 1, 1, 2, 3)
    assert isinstance(advise(store, 1, 86_400, 1.0), Refusal)
