"""Replaying the archive gives the history again, and a mended parser mends the history."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from torwatch.archive.index import read_index
from torwatch.archive.revisit import REVISIT
from torwatch.claims import rules_of
from torwatch.cli import main
from torwatch.demo.market import Fault, FaultKind
from torwatch.errors import ArchiveError
from torwatch.normalise.price import normalise_price
from torwatch.parsing.registry import load_parser
from torwatch.replay.history import replay_market
from torwatch.store.agreement import find_offers
from torwatch.store.history import present_state
from torwatch.store.holds import decide, find_hold, list_holds
from torwatch.store.judgement import HoldRule

WEEK = dt.timedelta(days=7)


def again(watch, **options):
    parser = load_parser(watch.target.parser)
    return replay_market(watch.tools, watch.target.market_id, parser, rules_of(parser.market, normalise_price), HoldRule(), **options)


@pytest.mark.parametrize("engine", ["bazaar", "souk"])
@pytest.mark.parametrize("since", [0, 2, 3])
def test_replaying_with_the_same_parser_changes_nothing(watched, engine, since):
    watch = watched(engine)
    watch.look_every(WEEK, 3)
    before = watch.dump()
    report = again(watch, since=since)
    after = watch.dump()
    assert report.differences == ()
    assert report.changes_before == report.changes_after
    for name in before:
        assert after[name] == before[name], name


def test_snapshots_whose_pages_came_again_byte_for_byte_replay_to_the_same_history(watched):
    watch = watched(still=True)
    watch.look_every(WEEK, 2)
    watch.look()
    entries = list(read_index(watch.config.archive_directory / watch.engine / "00000003.cdxj"))
    assert all(entry.mime == REVISIT for entry in entries if entry.size)
    before = watch.dump()
    report = again(watch)
    assert report.differences == ()
    assert watch.dump() == before


def test_a_dry_run_writes_nothing(watched):
    watch = watched()
    watch.look_every(WEEK, 2)
    before, events = watch.dump(), watch.store.value("SELECT count(*) FROM event")
    report = again(watch, dry_run=True)
    assert report.pages > 30
    assert watch.dump() == before
    assert watch.store.value("SELECT count(*) FROM event") == events
    assert watch.store.value("SELECT count(*) FROM visit") == 0


def test_partial_failed_and_hidden_weeks_replay_to_the_same_history(watched):
    watch = watched(page_attempts=1, listings=90)
    watch.look()
    watch.clock.advance(WEEK)
    broken = watch.server.faults.add(Fault(FaultKind.SERVER_ERROR, path=r"/aisle/2/1"))
    assert watch.look()[1].state == "partial"
    watch.server.faults.remove(broken)
    shut = watch.server.faults.add(Fault(FaultKind.MAINTENANCE))
    watch.clock.advance(WEEK)
    assert watch.look()[1].state == "failed"
    watch.server.faults.remove(shut)
    hidden = watch.server.faults.add(Fault(FaultKind.HIDDEN, probability=0.2))
    watch.clock.advance(WEEK)
    watch.look()
    watch.server.faults.remove(hidden)
    watch.clock.advance(WEEK)
    watch.look()
    before = watch.dump()
    for since in (0, 2, 4):
        again(watch, since=since)
        after = watch.dump()
        for name in before:
            assert after[name] == before[name], (since, name)


def test_a_field_that_faded_holds_the_snapshot_and_a_mended_parser_releases_it(watched, monkeypatch):
    watch = watched("souk", listings=40)
    watch.look()
    standing = present_state(watch.store, watch.target.market_id)
    watch.clock.advance(WEEK)
    relabelled = watch.server.faults.add(Fault(FaultKind.RELABEL))
    snapshot, ending = watch.look()
    assert ending.state == "held"
    assert "ship_from_raw" in ending.reason
    assert "last good snapshot 1" in ending.reason
    assert present_state(watch.store, watch.target.market_id) == standing
    kept = list((watch.config.data_directory / "held" / "souk" / str(snapshot.id)).glob("listing-*.html"))
    assert kept
    watch.server.faults.remove(relabelled)
    [waiting] = list_holds(watch.store)
    decide(watch.store, waiting, "accepted", why="a person looked", now=watch.clock())
    report = again(watch, since=snapshot.id)
    assert report.states == ((snapshot.id, "held", "complete"),)
    assert find_hold(watch.store, snapshot.id).decision == "accepted"
    changed = watch.store.value("SELECT count(*) FROM change WHERE snapshot_id = ? AND field = 'ship_from'", (snapshot.id,))
    assert changed > 0


def test_a_redesign_is_held_with_the_kind_of_page_and_nothing_is_removed(watched):
    watch = watched("bazaar")
    watch.look()
    watch.clock.advance(WEEK)
    watch.server.faults.add(Fault(FaultKind.REDESIGN))
    snapshot, ending = watch.look()
    assert ending.state == "held"
    assert "layout of" in ending.reason
    assert watch.store.value("SELECT count(*) FROM change WHERE snapshot_id = ?", (snapshot.id,)) == 0


def test_a_rejected_hold_stays_out_of_the_history_when_replayed(watched):
    watch = watched("souk")
    watch.look()
    watch.clock.advance(WEEK)
    watch.server.faults.add(Fault(FaultKind.HIDDEN, probability=0.9))
    watch.server.faults.add(Fault(FaultKind.NOT_FOUND, path="^/item/"))
    snapshot, ending = watch.look()
    assert ending.state == "held"
    watch.server.faults.clear()
    decide(watch.store, find_hold(watch.store, snapshot.id), "rejected", why="hidden", now=watch.clock())
    watch.clock.advance(WEEK)
    watch.look()
    before = watch.dump()
    again(watch)
    assert watch.dump() == before
    assert watch.store.value("SELECT state FROM snapshot WHERE id = ?", (snapshot.id,)) == "rejected"


def test_a_real_fall_seen_twice_is_offered_and_once_accepted_removes_what_both_missed(watched):
    watch = watched("souk", listings=60)
    watch.look()
    watch.server.faults.add(Fault(FaultKind.HIDDEN, probability=0.7))
    watch.server.faults.add(Fault(FaultKind.SERVER_ERROR, path="^/item/"))  # their own pages do not say that they are gone
    assert [watch.look()[1].state, watch.look()[1].state] == ["held", "held"]
    [offer] = find_offers(list_holds(watch.store))
    assert (offer.first, offer.last) == (2, 3)
    for hold in list_holds(watch.store):
        decide(watch.store, hold, "accepted", why="the market shrank", now=watch.clock())
    report = again(watch, since=offer.first)
    assert report.states == ((2, "held", "complete"), (3, "held", "complete"))
    removed = watch.store.value("SELECT count(*) FROM change WHERE snapshot_id = 3 AND entity = 'listing' AND cause = 'missed'")
    assert removed > 25
    assert find_offers(list_holds(watch.store)) == []


def test_a_missing_index_is_one_clear_line_and_nothing_is_lost(watched):
    watch = watched()
    watch.look_every(WEEK, 2)
    before = watch.dump()
    index = watch.config.archive_directory / "souk" / "00000002.cdxj"
    index.rename(index.with_suffix(".away"))
    with pytest.raises(ArchiveError, match="missing: restore the archive, or replay with --since a later one"):
        again(watch)
    assert watch.dump() == before


def test_only_the_market_is_asked_for(watched):
    watch = watched()
    watch.look()
    assert watch.asked == {watch.target.mirrors[0].host}


def test_a_stopped_tool_leaves_no_staged_rows(watched):
    watch = watched()
    watch.look_every(WEEK, 2)

    def give_up(done, total):
        raise KeyboardInterrupt(f"{done} of {total}")

    with pytest.raises(KeyboardInterrupt):
        again(watch, progress=give_up)
    assert watch.store.value("SELECT count(*) FROM stage_listing") == 0
    assert replace(watch.target).market == "souk"


def test_an_accepted_hold_whose_replay_was_killed_is_accepted_again(watched, capsys, monkeypatch):
    watch = watched(listings=40)
    watch.look()
    watch.clock.advance(dt.timedelta(days=7))
    watch.server.faults.add(Fault(FaultKind.HIDDEN, probability=0.9))
    watch.server.faults.add(Fault(FaultKind.NOT_FOUND, path="^/item/"))
    snapshot, ending = watch.look()
    assert ending.state == "held"
    decide(watch.store, find_hold(watch.store, snapshot.id), "accepted", why="real", now=watch.clock())
    monkeypatch.setenv("STATE_DIRECTORY", str(watch.config.data_directory))
    for code in (0, 2):
        with pytest.raises(SystemExit) as ended:
            main(["hold", "accept", str(snapshot.id), "--why", "real"])
        assert ended.value.code == code
    assert "is accepted already" in capsys.readouterr().err
    assert watch.store.value("SELECT state FROM snapshot WHERE id = ?", (snapshot.id,)) == "complete"
    assert watch.store.value("SELECT count(*) FROM hold WHERE decision = 'accepted'") == 1
