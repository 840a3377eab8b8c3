from __future__ import annotations

import hashlib
from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from torwatch.report.export import TABLES
from torwatch.report.guard import FEW_VENDORS, SMALL_CELL, Guard, binned_columns, small_cells

LISTINGS = TABLES[0]
BINS = binned_columns(LISTINGS)


def listing(number, vendor="v", origin="DE", goods="tea", currency="USD", market="m"):
    empty = dict.fromkeys(column.name for column in LISTINGS.columns)
    return empty | {
        "market": market, "key": str(number), "vendor": vendor, "title": f"title {number}", "claimed_origin": origin, "substance_group": goods,
        "currency": currency, "price": 12.345, "first_seen": "2026-01-02T03:04:05+00:00",
    }  # fmt: skip


def published(rows):
    guard = Guard(b"secret", small_cells(LISTINGS, rows))
    return [guard.guard(LISTINGS, row) for row in rows]


def test_a_combination_that_few_share_is_binned_although_each_of_its_values_is_common():
    rows = [listing(n, f"v{n % 6}", *pair) for pair in (("DE", "tea"), ("NL", "cake")) for n in range(20)] + [
        listing(99, "v9", "NL", "tea")
    ]
    found = published(rows)
    assert Counter((row["claimed_origin"], row["substance_group"]) for row in found)["NL", "tea"] == 0
    assert [column for column in ("title", "ship_from", "ship_to", "category") if column in found[0]] == []
    assert (found[0]["price"], found[0]["first_seen"]) == (12.0, "2026-01-02")


def test_many_listings_of_one_account_are_a_small_cell_all_the_same():
    rows = [listing(n, f"v{n % 6}") for n in range(30)] + [listing(100 + n, "lonely", "MT") for n in range(30)]
    assert {row["claimed_origin"] for row in published(rows)} == {"DE", "other"}


def test_what_is_left_of_a_market_is_not_of_one_account_either():
    rows = [listing(n, f"v{n % 6}") for n in range(30)] + [listing(50 + n, f"v{n % 4}", "NL") for n in range(8)]
    rows += [listing(100 + n, "lonely", "MT") for n in range(30)]
    found = Counter((row["claimed_origin"], row["substance_group"], row["currency"]) for row in published(rows))
    assert found == {("DE", "tea", "USD"): 30, ("other", "other", "other"): 38}


def test_a_pseudonym_is_no_plain_digest_of_the_name():
    row = published([listing(n, f"v{n}") for n in range(6)])[0]
    assert row["vendor"] not in {hashlib.sha256(text.encode()).hexdigest()[:16] for text in ("v0", "mv0", "m\x1fv0")}


@given(
    st.lists(st.tuples(st.sampled_from("ab"), *(st.sampled_from((None, "x", "y", "z")) for _ in range(3)), st.integers(0, 6)), max_size=80)
)
def test_no_combination_that_tells_anything_is_left_to_few(cells):
    rows = [
        listing(n, f"v{vendor}", origin or "undeclared", goods or "unknown", currency, market)
        for n, (market, origin, goods, currency, vendor) in enumerate(cells)
    ]
    counted, vendors = Counter(), defaultdict(set)
    for row in published(rows):
        values = (row["market"], *(row[name] for name in BINS))
        counted[values] += 1
        vendors[values].add(row["vendor"])
    of_market = Counter(values[0] for values in counted)
    for values, number in counted.items():
        alone = set(values[1:]) == {"other"} and of_market[values[0]] <= 2  # beside the market's largest, or nothing
        assert (number >= SMALL_CELL and len(vendors[values]) >= FEW_VENDORS) or alone
