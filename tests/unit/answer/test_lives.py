from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from torwatch.advice import listing_lives
from torwatch.answer import Question, write_answer
from torwatch.answer.lives import LEAST_AT_RISK, lives_by_market, read_day, watched_at
from torwatch.answer.looks import Looks, Spells, read_looks, read_spells
from torwatch.measure.survival import Life, kaplan_meier
from torwatch.store.database import open_store

LATER = "2030-01-01T00:00:00+00:00"


def test_alike_lives_counted_together_are_the_lives_that_the_adviser_reads_one_by_one(bazaar):
    looks = read_looks(bazaar)
    spells, _ = read_spells(bazaar, looks)
    by_market = lives_by_market(looks, spells, LATER)
    for market in (1, 2, 3):
        ours, theirs = kaplan_meier(by_market[market]), kaplan_meier(listing_lives(bazaar, market))
        assert [step.deaths for step in ours] == [step.deaths for step in theirs]
        assert [step.survival for step in ours] == pytest.approx([step.survival for step in theirs])


def test_an_account_of_known_age_enters_late_and_one_of_unknown_age_is_left_out():
    days = [1000, 1007, 1014]
    looks = Looks(
        np.array([1, 2, 3]), np.array([1, 1, 1]), np.array(["2026-01-01", "2026-01-08", "2026-01-15"]), np.array(days, dtype=float), np.array(["complete"] * 3)
    )  # fmt: skip
    spells = Spells(np.array([1, 2, 3]), np.array([0, 0, 1]), np.array([1, -1, -1]), np.array([2, -1, -1]))
    born = np.array([900.0, np.nan, np.nan])
    assert lives_by_market(looks, spells, LATER, born) == {1: {Life(100, 107, 114): 1, Life(0, 7, None): 1}}
    assert lives_by_market(looks, spells, LATER) == {1: {Life(0, 7, None): 1}}


def test_what_happens_after_the_period_is_not_known_to_it(bazaar):
    looks = read_looks(bazaar)
    spells, _ = read_spells(bazaar, looks)
    early = lives_by_market(looks, spells, str(looks.at[12]))
    assert sum(early[1].values()) < sum(lives_by_market(looks, spells, LATER)[1].values())
    assert max(life.last_seen for life in early[1]) <= looks.day[12] - looks.day[0]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-01-31", dt.date(2026, 1, 31)),
        ("2026-01-31 12:00:00", dt.date(2026, 1, 31)),
        ("31 Jan 2026", dt.date(2026, 1, 31)),
        ("January 31, 2026", dt.date(2026, 1, 31)),
        ("31.01.2026", dt.date(2026, 1, 31)),
        ("two months ago", None),
        ("", None),
    ],
)
def test_days_are_read_as_markets_write_them_and_never_guessed(text, day):
    assert read_day(text) == day


def test_lives_of_listings_and_vendors_are_told_with_limits(bazaar_answers):
    rows = {key: next(one for one in bazaar_answers["en"].sections if one.key == key).rows for key in ("lives", "survival")}
    assert [row[0] for row in rows["lives"]] == ["listings", "NL listings", "vendors", "NL vendors"]
    assert rows["lives"][0][1] > rows["lives"][1][1] > 0
    for _, _, standing, limits in rows["survival"]:
        low, high = limits.low, limits.high
        assert low < standing < high


def test_what_few_were_watched_for_is_not_told(tmp_path):
    assert watched_at({Life(0.0, 5.0, None): 3, Life(2.0, 9.0, 12.0): 4, Life(20.0, 30.0, None): 5}, 10.0) == 4
    begin = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
    for number, told in ((LEAST_AT_RISK - 1, (None, "fewer than 10 were watched so long")), (LEAST_AT_RISK, (38.5, ""))):
        with open_store(tmp_path / f"{number}.db") as store:
            with store.write() as connection:
                connection.execute("INSERT INTO market (id, name, added_at) VALUES (1, 'm', '2026-01-01T00:00:00+00:00')")
                connection.executemany(
                    "INSERT INTO snapshot (id, market_id, state, started_at, parser, parser_digest, torwatch_version)"
                    " VALUES (?, 1, 'complete', ?, 'souk', 'd', 't')",
                    [(week, (begin + dt.timedelta(weeks=week)).isoformat()) for week in range(1, 10)],
                )
                connection.executemany(
                    "INSERT INTO listing (id, market_id, key, title, first_snapshot_id) VALUES (?, 1, ?, 'tea', 2)",
                    [(one, str(one)) for one in range(1, number + 1)],
                )
                connection.execute(
                    "INSERT INTO spell (entity, entity_id, opened_snapshot_id, last_seen_snapshot_id, first_missed_snapshot_id)"
                    " SELECT 'listing', id, 2, 7, 8 FROM listing"
                )
            answer = write_answer(store, Question("NL", begin, begin + dt.timedelta(weeks=20)))
        rows = {one.key: one.rows for one in answer.sections}
        assert rows["lives"][0] == ("listings", number, number, *told)
        assert [row[:2] for row in rows["survival"]] == ([("listings", 30)] if number == LEAST_AT_RISK else [])
