"""The crew gives back one result for every page, hands faults on, and leaves when the walk is over."""

from __future__ import annotations

import threading
import time

import pytest

from torwatch.model import PageKind
from torwatch.store.frontier import Visit
from torwatch.walk.crew import GROUP_SECONDS, Crew


def pass_on(_visit, page):
    return page


def crew_of(fetch, *, read=pass_on, size=2, wait=lambda: True, over=None, stop=None):
    return Crew(fetch, read, size=size, name="test", wait=wait, over=over or threading.Event(), stop=stop or threading.Event())


def visit(number):
    return Visit(f"/page/{number}", PageKind.LISTING_INDEX)


def test_every_page_handed_over_comes_back_once():
    with crew_of(lambda page: page.path) as crew:
        for number in range(100):
            crew.hand_over(visit(number))
        came = []
        while len(came) < 100:
            came += crew.gather()
    assert sorted(came) == sorted(f"/page/{number}" for number in range(100))


def test_a_fault_in_a_thread_is_raised_where_pages_are_gathered():
    def break_down(page):
        raise RuntimeError(page.path)

    with crew_of(break_down) as crew:
        crew.hand_over(visit(7))
        with pytest.raises(RuntimeError, match="/page/7"):
            crew.gather()


def test_a_fault_while_a_page_is_read_is_raised_where_pages_are_gathered():
    def break_down(_visit, page):
        raise RuntimeError(page.path)

    with crew_of(lambda page: page, read=break_down) as crew:
        crew.hand_over(visit(7))
        with pytest.raises(RuntimeError, match="/page/7"):
            crew.gather()


def test_a_connection_goes_on_while_pages_wait_to_be_read():
    fetched, may_read = [], threading.Event()

    def fetch(page):
        fetched.append(page.path)
        return page

    def read(_visit, page):
        assert may_read.wait(5)
        return page

    with crew_of(fetch, read=read, size=1) as crew:
        for number in range(6):
            crew.hand_over(visit(number))
        assert crew.gather() == []
        assert len(fetched) == 6
        may_read.set()
        came = []
        while len(came) < 6:
            came += crew.gather()


def test_pages_that_follow_one_another_are_one_group_while_the_connections_have_enough_to_do():
    with crew_of(lambda page: time.sleep(0.01) or page.path, size=1) as crew:
        for number in range(8):
            crew.hand_over(visit(number))
        assert len(crew.gather()) >= 7


def test_the_last_page_handed_over_waits_for_no_other():
    with crew_of(lambda page: page.path, size=1) as crew:
        crew.hand_over(visit(1))
        started = time.monotonic()
        assert crew.gather() == ["/page/1"]
        assert time.monotonic() - started < GROUP_SECONDS / 2


def test_nothing_ready_is_an_empty_group_and_no_page_is_begun_once_the_walk_is_over():
    read, over = [], threading.Event()
    with crew_of(read.append, wait=lambda: not over.is_set(), over=over) as crew:
        assert crew.gather() == []
        over.set()
        crew.hand_over(visit(1))
        assert crew.gather() == []
    assert read == []


def test_no_thread_is_left_after_the_crew():
    before = threading.active_count()
    with crew_of(lambda page: page, size=5) as crew:
        crew.hand_over(visit(1))
        assert crew.gather()
    assert threading.active_count() == before
