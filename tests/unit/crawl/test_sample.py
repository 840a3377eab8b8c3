"""The sample of a second pass is drawn uniformly from the announced range, whatever the addresses of a market look like."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from torwatch.crawl.sample import draw_pages, fill, page_template


@pytest.mark.parametrize(
    ("path", "number", "links", "template"),
    [
        ("/category?id=3", 1, ["/category?id=3&page=2", "/category?id=4", "/category?id=3&page=9"], "/category?id=3&page={page}"),
        ("/category?id=3", None, ["/category?page=2&id=3", "/category?id=4"], "/category?page={page}&id=3"),
        ("/aisle/3/1", 1, ["/aisle/3/2", "/aisle/4/1", "/aisle/5/1"], "/aisle/3/{page}"),
        ("/aisle/3/4", 4, ["/aisle/3/5", "/aisle/3/3", "/aisle/4/1"], "/aisle/3/{page}"),
        ("/shop/", 1, ["/shop/page/2/", "/shop/?orderby=9"], "/shop/page/{page}/"),
        ("/", 1, ["/?page=2", "/?category=2"], "/?page={page}"),
        ("/products/44aa", 1, ["/products/44aa?page=2", "/products/55bb"], "/products/44aa?page={page}"),
        ("/category/7", 1, ["/category/7?page=2", "/category/8", "/category/2"], "/category/7?page={page}"),
        ("/welcome?c=5", 1, ["/welcome?c=5&page=3", "/welcome?c=6"], "/welcome?c=5&page={page}"),
        ("/list", 1, ["/other/2", "/other/3"], None),
        ("/list", 1, [], None),
    ],
)
def test_the_pattern_of_a_lists_pages_is_found_from_its_links(path, number, links, template):
    assert page_template(path, number, links, pages=10) == template


def test_a_list_of_one_page_needs_no_links():
    assert page_template("/category?id=3", None, [], pages=1) == "/category?id=3"
    assert [page.path for page in draw_pages("/category?id=3", 1, "/category?id=3", 1, 1.0, "", random.Random(1))] == ["/category?id=3"]


def test_the_page_that_announced_the_range_keeps_its_own_address():
    drawn = draw_pages("/shop", 1, "/shop?page={page}", 3, 1.0, "", random.Random(1))
    assert sorted(page.path for page in drawn) == ["/shop", "/shop?page=2", "/shop?page=3"]


def test_another_sort_order_is_asked_for_where_the_market_offers_one():
    drawn = draw_pages("/shop", 1, "/shop?page={page}", 2, 1.0, "sort=old", random.Random(1))
    assert sorted(page.path for page in drawn) == ["/shop?page=2&sort=old", "/shop?sort=old"]


def test_every_page_is_drawn_with_the_same_probability_and_at_any_moment():
    rng, rounds, pages, share = random.Random(7), 4000, 13, 0.1
    drawn = [one for _ in range(rounds) for one in draw_pages("/x/1", 1, "/x/{page}", pages, share, "", rng)]
    counts = Counter(one.page for one in drawn)
    expected = rounds * share
    assert set(counts) == set(range(1, pages + 1))
    assert all(abs(count - expected) < 5 * (expected * (1 - share)) ** 0.5 for count in counts.values())
    tenths = Counter(int(one.moment * 10) for one in drawn)
    assert all(abs(count - len(drawn) / 10) < 5 * (len(drawn) / 10) ** 0.5 for count in tenths.values())


def test_no_page_is_drawn_twice_and_an_absurd_range_is_cut():
    drawn = draw_pages("/x/1", 1, "/x/{page}", 10**9, 0.01, "", random.Random(1))
    assert len({one.page for one in drawn}) == len(drawn) == 500
    assert fill("/x/{page}", 4) == "/x/4"
