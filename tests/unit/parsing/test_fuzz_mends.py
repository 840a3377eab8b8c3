"""What hostile pages had found once, each by itself."""

from __future__ import annotations

import pytest
from lxml import etree

from torwatch.model import Outcome, PageInfo
from torwatch.parserkit import number
from torwatch.parserkit.decode import MAX_ATTRIBUTES, MAX_TAG_BYTES, check_tags, open_tree
from torwatch.parserkit.obstacles import Obstacle
from torwatch.parserkit.page import open_page
from torwatch.parsing.parse_page import gather, parse_bytes
from torwatch.parsing.worker import SWITCH_SECONDS, ParserWorkers


@pytest.mark.parametrize("digits", [19, 400, 5000])
def test_a_number_that_no_database_holds_is_none(digits):
    assert number("9" * digits) is None
    assert number("9" * 18) == 10**18 - 1


def test_a_page_count_of_twenty_digits_is_left_out_and_the_rest_stays(tea, make):
    page = open_page(tea.market, make.index.encode(), path="/cat/1", fetched_at=make.noon)
    records = [*tea.parse(page), PageInfo(page_number=2, pages=10**20, total=-1)]
    assert gather(tea.market, page, records).info == PageInfo(page_number=2)


def test_a_lone_surrogate_in_an_address_goes_no_further(tea, make):
    got = parse_bytes(tea, make.item.encode(), path="/item/7?\ud800", fetched_at=make.noon)
    assert got.outcome is Outcome.OK
    repr(got).encode()


@pytest.mark.parametrize("before", [0, 1, MAX_TAG_BYTES - 1, MAX_TAG_BYTES, 3 * MAX_TAG_BYTES + 7])
def test_a_flood_of_attributes_is_found_wherever_it_stands(before):
    flood = b"<p " + b" ".join(b"attribute%d=1" % one for one in range(MAX_ATTRIBUTES + 10)) + b">"
    with pytest.raises(Obstacle, match="attributes"):
        check_tags(b"<b>" * (before // 3) + b"x" * (before % 3) + flood + b"<i>" * 10)
    check_tags(b"<b>" * (before // 3) + b"y " * MAX_TAG_BYTES + b"<i>" * 10)


def test_a_page_after_a_hostile_one_is_read_as_if_it_came_first():
    plain = b"<html><body><p>tea<p>coffee</body></html>"
    before = etree.tostring(open_tree(plain).root)
    with pytest.raises(Obstacle):
        open_tree(b"<html><body>" + b"<div>" * 50_000)
    assert etree.tostring(open_tree(plain).root) == before


def test_the_switch_interval_is_given_back(monkeypatch):
    given = []
    monkeypatch.setattr("sys.setswitchinterval", given.append)
    with ParserWorkers(2):
        assert given == [SWITCH_SECONDS]
    assert given == [SWITCH_SECONDS, 0.005]
