from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from torwatch.answer import Question, write_answer
from torwatch.store.capture import encode_ids
from torwatch.store.database import open_store

BEGIN = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
STANDING, SEEN, PAGE = 4_000, 3_200, 25
WEEKS = 6


def section(document, key):
    return next(one for one in document.sections if one.key == key)


@pytest.fixture(scope="module", params=["quick", "slow"])
def watched(request, tmp_path_factory):
    """One market of 4,000 listings; the last look saw 80 % of them and, apart, 60 of its 160 pages. The slow one took a month for that."""
    rng = np.random.default_rng(7)
    with open_store(tmp_path_factory.mktemp("levels") / "torwatch.db") as store:
        with store.write() as connection:
            connection.execute("INSERT INTO market (id, name, added_at) VALUES (1, 'm', '2026-01-01T00:00:00+00:00')")
            for week in range(WEEKS):
                begun = BEGIN + dt.timedelta(weeks=week)
                last = week == WEEKS - 1
                ended = begun + dt.timedelta(days=30 if last and request.param == "slow" else 0.2)
                connection.execute(
                    "INSERT INTO snapshot (id, market_id, state, started_at, ended_at, parser, parser_digest, torwatch_version)"
                    " VALUES (?, 1, ?, ?, ?, 'souk', 'd', 't')",
                    (week + 1, "partial" if last else "complete", begun.isoformat(), ended.isoformat()),
                )
            connection.execute(
                "INSERT INTO vendor (id, market_id, key, name, first_snapshot_id) VALUES (1, 1, 'v', 'v', 1), (2, 1, 'w', 'w', 1)"
            )
            # Known to the history: those that stand and were seen, and 400 that came in the second week and went in the fourth.
            known = range(1, SEEN + 401)
            connection.executemany(
                "INSERT INTO listing (id, market_id, vendor_id, key, title, first_snapshot_id) VALUES (?, 1, ?, ?, 'tea', ?)",
                [(number, 1 + number % 2, str(number), 1 if number <= SEEN else 2) for number in known],
            )
            connection.executemany(
                "INSERT INTO spell (entity, entity_id, opened_snapshot_id, last_seen_snapshot_id, first_missed_snapshot_id)"
                " VALUES ('listing', ?, ?, ?, ?)",
                [(number, 1, None, None) if number <= SEEN else (number, 2, 3, 4) for number in known],
            )
            connection.execute(
                "INSERT INTO capture (snapshot_id, entity, pass, size, ids) VALUES (?, 'listing', 'A', ?, ?)",
                (WEEKS, SEEN, encode_ids(range(1, SEEN + 1))),
            )
            order = rng.permutation(np.arange(1, STANDING + 1)).reshape(-1, PAGE)
            caught = []
            for number, page in enumerate(order[:60]):
                ids = [int(one) for one in page if one <= SEEN]
                caught += ids
                strays = ", ".join(f'"s{one}"' for one in page if one > SEEN)
                connection.execute(
                    "INSERT INTO second_pass_page (snapshot_id, scope, page, path, moment, outcome, size, ids, strays)"
                    " VALUES (?, '/l', ?, ?, 0, 'ok', ?, ?, ?)",
                    (WEEKS, number, f"/l?page={number}", PAGE, encode_ids(ids), f"[{strays}]"),
                )
            connection.execute(
                "INSERT INTO capture (snapshot_id, entity, pass, size, ids) VALUES (?, 'listing', 'B', ?, ?)",
                (WEEKS, len(caught), encode_ids(caught)),
            )
        question = (BEGIN, BEGIN + dt.timedelta(weeks=20))
        yield request.param, {language: write_answer(store, Question("NL", *question, language)) for language in ("en", "nl")}


def test_two_passes_give_the_level_with_its_coverage_unless_the_first_took_too_long(watched):
    kind, answers = watched
    levels = [row for row in section(answers["en"], "levels").rows if row[1].startswith("Chapman")]
    refused = [row for row in section(answers["en"], "levels_refused").rows if row[1].startswith("Chapman")]
    if kind == "slow":
        assert levels == []
        assert "pass A took 30.0 days, over a tenth of the median life" in refused[0][2]
        assert "gang A duurde 30,0 dagen" in section(answers["nl"], "levels_refused").rows[0][2]
        return
    (_, method, level, limits, coverage, covered) = levels[0]
    assert method == "Chapman, two passes"
    assert level == pytest.approx(STANDING, rel=0.06)
    assert limits.low < STANDING < limits.high
    assert covered.low < coverage < covered.high <= 100


def test_no_level_stands_without_its_coverage_and_every_refusal_has_a_reason(watched, bazaar_answers):
    for document in (*watched[1].values(), *bazaar_answers.values()):
        assert all(row[4] for row in section(document, "levels").rows)
        assert all(row[2] for row in section(document, "levels_refused").rows)
        printed = {row[:2] for key in ("levels", "levels_refused") for row in section(document, key).rows}
        coverage = section(document, "coverage").rows
        assert len(printed) == 3 * len(coverage) + sum(cell is None for row in coverage for cell in (row[3], row[5]))


def test_schnabel_is_refused_where_lives_are_shorter_than_its_window(watched):
    reasons = [row[2] for row in section(watched[1]["en"], "levels_refused").rows if row[1].startswith("Schnabel")]
    assert reasons == ["the window of 14.0 days is longer than the median life of 10.5 days"]


def test_coverage_has_an_interval(bazaar_answers):
    for _, looks, seen, coverage, limits, least in section(bazaar_answers["en"], "coverage").rows:
        assert looks == 4
        assert limits.low <= coverage <= limits.high <= 100
        assert seen > 0
        assert least is None or least >= seen
