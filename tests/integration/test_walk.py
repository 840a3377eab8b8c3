"""A walk keeps what is true: what it could not look at is neither gone nor new."""

from __future__ import annotations

import datetime as dt
import gzip
import threading
from dataclasses import replace

import pytest

from torwatch.claims import rules_of
from torwatch.config import config_digest
from torwatch.demo.market import Fault, FaultKind
from torwatch.equipment import WalkSettings
from torwatch.model import PageKind
from torwatch.normalise.price import normalise_price
from torwatch.parsing.registry import load_parser
from torwatch.store.history import present_state
from torwatch.store.targets import add_mirror, find_target
from torwatch.walk.snapshot import choose_mirror, take_snapshot

WEEK = dt.timedelta(days=7)


def test_a_market_half_broken_removes_nothing_although_its_pages_say_not_found(watched):
    watch = watched(listings=60, page_attempts=1)
    watch.look()
    standing = present_state(watch.store, watch.target.market_id)
    watch.server.faults.add(Fault(FaultKind.SERVER_ERROR, path=r"^/aisle/[2-9]"))
    watch.server.faults.add(Fault(FaultKind.NOT_FOUND, path="^/(item|shop)/"))
    _, ending = watch.look()
    assert ending.state == "partial"
    assert present_state(watch.store, watch.target.market_id) == standing


def test_listings_hidden_from_the_lists_are_looked_for_on_their_own_page_and_stand(watched):
    watch = watched(listings=60)
    watch.look()
    watch.server.faults.add(Fault(FaultKind.HIDDEN, probability=0.3))
    snapshot, ending = watch.look()
    assert ending.state in {"complete", "partial"}
    assert watch.store.value("SELECT count(*) FROM change WHERE snapshot_id = ?", (snapshot.id,)) == 0


def test_details_are_fetched_again_only_when_the_row_changed_or_they_are_stale(watched):
    watch = watched("bazaar", listings=40, detail_max_age=dt.timedelta(days=28))
    watch.look()
    first = watch.store.value("SELECT pages FROM snapshot_page WHERE snapshot_id = 1 AND kind = 'listing' AND outcome = 'ok'")
    watch.clock.advance(WEEK)
    second, _ = watch.look()
    new = watch.store.value("SELECT count(*) FROM change WHERE snapshot_id = ? AND entity = 'listing' AND cause = 'new'", (second.id,))
    again = watch.store.value("SELECT pages FROM snapshot_page WHERE snapshot_id = 2 AND kind = 'listing' AND outcome = 'ok'")
    assert new <= again < first
    watch.clock.advance(4 * WEEK)
    watch.look()
    stale = watch.store.value("SELECT pages FROM snapshot_page WHERE snapshot_id = 3 AND kind = 'listing' AND outcome = 'ok'")
    assert stale >= 0.9 * watch.store.value("SELECT listings FROM snapshot WHERE id = 3")


def test_a_budget_of_pages_ends_the_snapshot_as_partial_with_its_reason(watched):
    watch = watched(listings=60)
    _, ending = watch.look(pages_per_snapshot=10)
    assert ending.state == "partial"
    assert "budget of 10 pages" in ending.reason
    assert watch.store.value("SELECT pages FROM snapshot") == 10
    assert watch.store.value("SELECT pages FROM snapshot_page WHERE outcome = 'skipped' AND kind = 'listing'") > 0


def test_endless_pages_are_cut_by_the_budget(watched):
    watch = watched(listings=20)
    watch.server.faults.add(Fault(FaultKind.ENDLESS))
    _, ending = watch.look(pages_per_snapshot=60)
    assert ending.state == "partial"


def test_another_mirror_is_tried_after_a_failed_snapshot(watched):
    watch = watched(listings=10, page_attempts=1)
    other = "b" * 55 + "d.onion"
    add_mirror(watch.store, watch.target, other, 80, "http", now=watch.clock())
    watch.target = find_target(watch.store, "souk")
    watch.look()
    assert choose_mirror(watch.store, watch.target, None, watch.clock()).host == watch.target.mirrors[0].host
    watch.server.faults.add(Fault(FaultKind.SERVER_ERROR))
    assert watch.look()[1].state == "failed"
    assert choose_mirror(watch.store, watch.target, None, watch.clock()).host == other


def test_cookies_and_images_never_reach_the_archive(watched):
    watch = watched(listings=10)
    watch.look()
    raw = gzip.decompress((watch.config.archive_directory / "souk" / "00000001.warc.gz").read_bytes()).lower()
    assert b"set-cookie" not in raw
    assert b"cookie:" not in raw
    assert b"data:image" not in raw


@pytest.mark.parametrize("engine", ["bazaar", "souk"])
def test_a_redesign_in_the_middle_of_a_walk_records_nothing_as_removed(watched, engine):
    watch = watched(engine, listings=60)
    watch.look()
    standing = present_state(watch.store, watch.target.market_id)
    watch.clock.advance(WEEK)
    served = len(watch.server.requests)

    def redesign(step):
        if step.done > 12 and not watch.redesigned:
            watch.redesigned = True
            watch.server.faults.add(Fault(FaultKind.REDESIGN))

    watch.redesigned = False
    snapshot, ending = watch.look(progress=redesign)
    assert watch.redesigned
    assert len(watch.server.requests) > served + 12
    assert ending.state in {"held", "partial"}, ending
    causes = {row["cause"] for row in watch.store.rows("SELECT DISTINCT cause FROM change WHERE snapshot_id = ?", (snapshot.id,))}
    assert not causes & {"gone_explicit", "missed"}
    assert standing.keys() <= present_state(watch.store, watch.target.market_id).keys()


def test_pages_of_a_kind_that_the_parser_cannot_read_are_not_asked_for(watched):
    watch = watched(listings=20)
    parser = load_parser("souk")
    rules = replace(rules_of(parser.market, normalise_price), followed=frozenset({PageKind.HOME, PageKind.LISTING_INDEX}))
    _, ending = take_snapshot(watch.tools, watch.target, parser, rules, WalkSettings(seconds_per_request=0), stop=threading.Event())
    assert ending.state == "complete"
    kinds = {row["kind"] for row in watch.store.rows("SELECT kind FROM snapshot_page")}
    assert kinds == {"home", "listing-index"}


def test_a_page_that_ends_in_the_middle_erases_nothing(watched):
    watch = watched(listings=15, page_attempts=1)
    watch.look()
    standing = present_state(watch.store, watch.target.market_id)
    read = watch.tools.workers.parse

    class Cut:
        """The workers, on pages cut off in the middle of a tag, as a market that dies while it writes sends them."""

        recognise = staticmethod(watch.tools.workers.recognise)

        def parse(self, parser, body, *, path, **facts):
            if "/item/" in path:
                body = body[: body.index(b"Origin Country") + 9] if b"Origin Country" in body else body
            return read(parser, body, path=path, **facts)

    watch.tools = replace(watch.tools, workers=Cut())
    _, ending = watch.look()
    assert ending.state == "complete"
    assert present_state(watch.store, watch.target.market_id) == standing
    assert {row["outcome"] for row in watch.store.rows("SELECT outcome FROM failure")} == {"reset"}


def test_the_archive_says_with_which_versions_it_was_made(watched):
    watch = watched(listings=5)
    watch.look()
    with gzip.open(watch.config.archive_directory / watch.engine / "00000001.warc.gz") as handle:
        info = handle.read(2000).decode().partition("\r\n\r\n")[2].partition("\r\n\r\n")[0]
    fields = dict(line.split(": ", 1) for line in info.splitlines())
    assert fields.keys() == {"software", "format", "tor", "parser", "configuration", "isPartOf"}
    assert fields["tor"] == "0.4.8.0"
    assert fields["parser"] == f"{watch.engine} {load_parser(watch.engine).digest}"
    assert fields["configuration"] == config_digest(watch.config)


def test_a_snapshot_whose_front_page_is_gone_says_that_it_is(watched):
    watch = watched(listings=5)
    watch.server.faults.add(Fault(FaultKind.NOT_FOUND, path="^/$"))
    _, ending = watch.look()
    assert (ending.state, ending.reason) == ("failed", "no page of the list could be read: gone (HTTP 404)")
