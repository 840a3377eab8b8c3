"""Lists without an end are left after a few pages, lists with one are never cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from torwatch.crawl.endless import REPEATS, EndlessLists


def test_a_list_that_goes_round_in_circles_is_left_with_its_reason_and_other_lists_are_not():
    lists = EndlessLists(5_000)
    for page in range(2, 4):
        lists.watch(f"/category?id=3&page={page}", page, {str(page)})
    for page in range(4, 4 + REPEATS):
        assert lists.admits(f"/category?id=3&page={page + 1}")
        lists.watch(f"/category?id=3&page={page}", page, {"3"})
    assert not lists.admits("/category?id=3&page=99")
    assert lists.admits("/category?id=4&page=99")
    assert lists.admits("/category?id=3")
    assert lists.reasons == {
        "/category?id=3&page={page}": f"the list /category?id=3&page={{page}} goes on without an end: {REPEATS} of its pages repeat others"
    }


@given(st.integers(2, 300), st.randoms())
def test_a_list_whose_pages_differ_is_read_to_its_end_in_any_order(pages, rng):
    lists = EndlessLists(0)
    numbers = list(range(1, pages + 1))
    rng.shuffle(numbers)
    for page in numbers:
        lists.watch(f"/aisle/7/{page}", page, {f"{page}-{row}" for row in range(25)})
    assert lists.reasons == {}


def test_empty_first_pages_of_many_lists_are_no_circle():
    lists = EndlessLists(0)
    for category in range(1, 50):
        lists.watch(f"/category?id={category}", 1, set())
        lists.watch(f"/category?id={category}", None, set())
    assert lists.reasons == {}


def test_a_list_longer_than_any_is_left_though_every_page_differs():
    lists = EndlessLists(100)
    for page in range(2, 200):
        lists.watch(f"/new?page={page}", page, {str(page)})
    assert lists.reasons == {"/new?page={page}": "the list /new?page={page} was left after 100 pages"}


def test_a_page_whose_address_does_not_hold_its_number_is_not_judged():
    lists = EndlessLists(2)
    for page in range(2, 20):
        lists.watch("/list", page, set())
        lists.watch("/list?offset=50", page, set())
    assert lists.reasons == {}
