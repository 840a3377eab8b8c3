"""The door tells a market that has shut from one that stumbles, and what is asked for again."""

from __future__ import annotations

import datetime as dt

import pytest

from torwatch.model import Fetched, Outcome, PageKind
from torwatch.reading import Read
from torwatch.store.frontier import Visit
from torwatch.store.staging import StagedPage
from torwatch.walk.door import WALL_PAGES, Door, result_of

AT = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


def read_of(outcome, *, reason="", attempts=0):
    fetched = Fetched("http://x/page", outcome, AT, 12, reason=reason)
    return Read(Visit("/page", PageKind.LISTING, "1", attempts), fetched, b"", 0, None, StagedPage(), outcome, reason)


def test_a_market_has_shut_after_some_obstacles_in_a_row_and_says_which():
    door = Door()
    door.watch([read_of(Outcome.CAPTCHA)] * (WALL_PAGES - 1))
    assert not door.shut
    door.watch([read_of(Outcome.CAPTCHA, reason="a small page with a picture")])
    assert door.shut == f"captcha on {WALL_PAGES} pages in a row: a small page with a picture"


@pytest.mark.parametrize("good", [Outcome.OK, Outcome.UNCHANGED, Outcome.GONE])
def test_one_page_that_answers_keeps_the_door_open(good):
    door = Door()
    for _ in range(3):
        door.watch([read_of(Outcome.QUEUE)] * (WALL_PAGES - 1) + [read_of(good)])
    assert not door.shut


def test_a_page_that_is_broken_says_nothing_about_the_door():
    door = Door()
    door.watch([read_of(Outcome.LAYOUT_CHANGED), read_of(Outcome.RESET)] * WALL_PAGES)
    assert not door.shut


def result(outcome, *, attempts=0, has_session=False):
    return result_of(read_of(outcome, attempts=attempts), "1.warc.gz", None, page_attempts=3, has_session=has_session)


def test_a_passing_failure_is_tried_again_while_attempts_are_left():
    assert result(Outcome.STALLED).retry
    assert result(Outcome.STALLED, attempts=1).retry
    assert not result(Outcome.STALLED, attempts=2).retry
    assert not result(Outcome.GONE).retry


def test_our_own_fault_costs_no_attempt_for_good_and_a_lost_session_waits():
    assert result(Outcome.TOR_DOWN, attempts=9).retry
    assert result(Outcome.LOGIN, has_session=True).retry
    assert not result(Outcome.LOGIN).retry


def test_where_a_page_lies_in_the_archive_is_kept_only_when_it_lies_there():
    kept = result_of(read_of(Outcome.OK), "1.warc.gz", (10, 20), page_attempts=1, has_session=False)
    assert (kept.warc, kept.warc_offset, kept.warc_length) == ("1.warc.gz", 10, 20)
    assert (result(Outcome.RESET).warc, result(Outcome.RESET).warc_offset) == ("", None)
