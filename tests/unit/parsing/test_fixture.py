from __future__ import annotations

import pytest

from torwatch.errors import ParserError
from torwatch.parsing.fixture import expectations, find_fixtures, load_fixture

WANT = {
    "path": "/item/7",
    "kind": "listing",
    "listings": [{"key": "7", "title": "Tea", "category": []}],
    "count": {"links": 0, "listings": 1},
    "truncated": False,
}


def faults(parser, expected, make, page=None):
    folder = parser.path.parent
    make.fixture(folder, "item", page or make.item, expected)
    (fixture,) = find_fixtures(folder)
    parsed = fixture.parse(parser)
    return [fault for one in expectations(expected) if (fault := one.fault(parsed))]


def test_a_page_that_gives_what_it_must_has_no_fault(tea, make):
    assert faults(tea, WANT, make) == []


def test_every_wrong_value_is_told_by_itself(tea, make):
    wrong = WANT | {"kind": "vendor", "listings": [{"key": "8", "title": "Tea", "price_raw": "$5"}, {"key": "9"}], "count": {"links": 3}}
    assert faults(tea, wrong, make) == [
        "kind is 'listing', not 'vendor'",
        "number of listings is 1, not 2",
        "listing 1: key is '7', not '8'",
        "listing 1: price_raw is '$4', not '$5'",
        "listing 2: key is None, not '9'",
        "number of links is 0, not 3",
    ]


def test_an_expected_obstacle_is_a_result(tea, make):
    assert faults(tea, {"outcome": "gone", "reason": "item was removed"}, make, "<p>This item was removed</p>") == []
    assert faults(tea, {"outcome": "captcha"}, make, "<p>This item was removed</p>") == ["outcome is 'gone', not 'captcha'"]


def test_vendors_info_and_links_are_compared(tea, make):
    expected = {
        "vendor": {"name": "anna"},
        "info": {"pages": 3},
        "links": [{"kind": "listing", "path": "/item/1"}, {"kind": "vendor", "path": "/u/x"}],
        "count": {"listings": 3},
    }
    assert faults(tea, expected, make, make.index) == [
        "vendor: name is None, not 'anna'",
        "info: pages is None, not 3",
        "no link {'kind': 'vendor', 'path': '/u/x'}",
    ]


def test_the_key_of_a_link_is_compared_where_it_is_named(tea, make):
    wrong = {"kind": "listing", "path": "/item/1", "key": "2"}
    assert faults(tea, {"links": [wrong | {"key": "1"}, wrong]}, make, make.index) == [f"no link {wrong}"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ('{"listing": []}', "unknown part listing"),
        ("[]", "unknown part"),
        ('{"page": "no.html"}', "its page no.html is not in"),
    ],
)
def test_a_faulty_fixture_is_one_clear_error(tmp_path, content, message):
    (tmp_path / "expected").mkdir()
    (tmp_path / "expected" / "x.json").write_text(content)
    with pytest.raises(ParserError, match=message):
        load_fixture(tmp_path / "expected" / "x.json")
