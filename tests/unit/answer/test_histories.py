from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np

from torwatch.answer import Question
from torwatch.answer.asking import Asking
from torwatch.answer.histories import LAST_LOOKS, read_histories
from torwatch.answer.lives import lives_by_market
from torwatch.answer.scope import read_scope
from torwatch.measure.abundance import count_seen
from torwatch.store.captures import capture_histories

EVER = (dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2030, 1, 1, tzinfo=dt.UTC))


def asking_about(store):
    question = Question("NL", *EVER)
    return Asking(store, question, read_scope(store, question))


def histories_of(asking):
    scope, markets = asking.scope, {row["id"]: row["name"] for row in asking.store.rows("SELECT id, name FROM market ORDER BY name")}
    return read_histories(asking, markets, lives_by_market(scope.looks, scope.spells, asking.question.parameters["until"]))


def test_the_arrays_say_what_the_capture_histories_say(bazaar):
    asking = asking_about(bazaar)
    histories = histories_of(asking)
    assert [history.market for history in histories] == ["m1", "m2", "m3"]
    for market, history in enumerate(histories, 1):
        truth = capture_histories(bazaar, market, "listing")
        assert len(truth.occasions) <= LAST_LOOKS
        ids = asking.scope.id[asking.scope.market == market]
        bits = {
            int(one): int(sum(1 << at for at, seen in enumerate(column) if seen)) for one, column in zip(ids, history.seen.T, strict=True)
        }
        assert {one: seen for one, seen in bits.items() if seen} == truth.seen
        array = np.array([[seen >> at & 1 for seen in truth.seen.values()] for at in range(len(truth.occasions))], dtype=bool)
        assert count_seen(history.seen) == count_seen(array)


def test_frequencies_by_vendor_add_up_to_those_of_the_market(bazaar):
    for history in histories_of(asking_about(bazaar)):
        table = history.by_vendor(4)
        frequencies = count_seen(history.seen[-4:]).frequencies
        assert {often: int(count) for often, count in enumerate(table.sum(axis=0)) if count} == frequencies


def test_partial_looks_are_no_part_of_the_near_closed_window(bazaar):
    history = histories_of(asking_about(bazaar))[0]
    _, seen = replace(history, median_life_days=999).near_closed()
    assert not history.complete.all()
    assert np.array_equal(seen, history.seen[history.complete][-3:])
