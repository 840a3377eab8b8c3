"""The SQL that stands beside a figure gives that figure: the arrays and SQLite count the same."""

from __future__ import annotations

import pytest


def section(document, key):
    return next(one for one in document.sections if one.key == key)


@pytest.fixture
def sql_rows(bazaar, bazaar_answers):
    """Run the SQL printed with a section, with the parameters printed with the answer."""

    def run(key):
        document = bazaar_answers["en"]
        text = section(document, key).sql
        return bazaar.rows(text, {name: value for name, value in document.parameters.items() if f":{name}" in text})

    return run


def test_every_printed_share_of_the_country_has_limits_that_hold_it(bazaar_answers):
    shares = (("destinations", "limits", "percent"), ("sales_money", "limits", "percent_of_revenue"))
    trends = [(f"trend_{span}", f"{of}limits", f"{of}percent") for span in ("week", "month") for of in ("", "panel_")]
    for key, limits, share in (*shares, *trends):
        one = section(bazaar_answers["en"], key)
        assert one.rows
        for row in one.rows:
            told = dict(zip(one.names, row, strict=True))
            if told[share] is None:
                assert told[limits] is None
            else:
                assert told[limits].low <= told[share] <= told[limits].high
                assert told[limits].low < told[limits].high


def test_shares(bazaar_answers, sql_rows):
    counts = {"physical drugs": [0] * 5, "all goods": [0] * 5}
    for row in sql_rows("share"):
        labels = ["all goods", row["category"], *(["physical drugs"] if row["drug"] else [])]
        for label in labels:
            sums = counts.setdefault(label, [0] * 5)
            counts[label] = [
                a + b for a, b in zip(sums, (row["only_here"], row["weight"], row["declared"], row["perhaps"], row["every"]), strict=True)
            ]
    printed = {row[0]: row[1:] for row in section(bazaar_answers["en"], "share").rows}
    assert len(counts) > 8
    for label, (only, weight, declared, perhaps, every) in counts.items():
        expected = (every, 100 * only / every, 100 * weight / declared, 100 * perhaps / every, 100 * declared / every)
        assert printed[label] == pytest.approx(expected, abs=0.0051)


def test_extent(bazaar_answers, sql_rows):
    fields = ("category", "standing", "ever", "standing_here", "ever_here", "vendors_here")
    printed = section(bazaar_answers["en"], "extent").rows
    assert list(printed[2:]) == [tuple(row[field] for field in fields) for row in sql_rows("extent")]
    assert printed[0][1:5] == tuple(sum(row[at] for row in printed[2:]) for at in range(1, 5))
    assert printed[1][1] == next(row[1] for row in section(bazaar_answers["en"], "share").rows if row[0] == "physical drugs")


def test_destinations(bazaar_answers, sql_rows):
    printed = {row[0].removesuffix("wide").split()[0]: row[1] for row in section(bazaar_answers["en"], "destinations").rows}
    counted = {row["destination"]: row["listings"] for row in sql_rows("destinations")}
    assert {"AU", "NZ", "world"} <= set(printed)
    for name, listings in counted.items():
        if name in printed:
            assert printed[name] == listings
    assert min(printed[name] for name in counted if name in printed) > 0


def test_vendors_and_movers(bazaar_answers, sql_rows):
    rows = sql_rows("vendors")
    printed = section(bazaar_answers["en"], "vendors").rows
    assert printed[1][1] == len(rows)
    assert printed[0][1] < printed[1][1]
    assert printed[2][1] == pytest.approx(
        100 * sum(row["listings"] for row in rows[:10]) / sum(row["listings"] for row in rows), abs=0.0051
    )
    movers = sorted(
        (-row["fresh"], row["vendor"], row["market"], row["gone"], row["listings"]) for row in rows if row["vendor_id"] > 0 and row["fresh"]
    )[:10]
    assert section(bazaar_answers["en"], "movers").rows == tuple(
        (name, market, -fresh, gone, listings) for fresh, name, market, gone, listings in movers
    )


def test_sales_and_scams(bazaar_answers, sql_rows):
    printed = {row[0]: row[1:] for row in section(bazaar_answers["en"], "sales").rows}
    names = ("floor", "shown", "feedback", "low", "high", "counted", "vendors")
    counted = {row["category"]: tuple(row[name] for name in names) for row in sql_rows("sales")}
    for category, figures in counted.items():
        assert printed[category] == pytest.approx(figures, abs=0.51, nan_ok=True), category
        floor, shown, first_seen, low, high, *_ = printed[category]
        assert shown <= floor <= low <= high
        assert shown <= first_seen
    assert set(printed) == {*counted, "all goods", "physical drugs"}
    for place in range(3):  # floors and both views are whole numbers: their sums are exact
        assert printed["all goods"][place] == sum(figures[place] for figures in counted.values())
    assert printed["all goods"][1] < printed["all goods"][2] < printed["all goods"][0]
    by_day = {row["day"]: (row["shown"], row["first_seen"], row["sold"]) for row in sql_rows("sales_shown")}
    weeks = section(bazaar_answers["en"], "sales_shown").rows
    for end, *told in weeks:
        assert tuple(told) == by_day[max(day for day in by_day if day <= end)]
    assert len(weeks) == 7
    row = sql_rows("scams")[0]
    printed = [cell for _, cell in section(bazaar_answers["en"], "scams").rows]
    assert printed == [
        row["feedback"],
        row["complaints"],
        row["feedback_here"],
        row["complaints_here"],
        row["banned"],
        row["phishing"],
        row["not_on_list"],
        row["wrong_market"],
        row["closed"],
    ]
    assert printed[1] > 0


def test_trend(bazaar_answers, sql_rows):
    rows = sql_rows("trend_week")
    for day, here, share, *_ in section(bazaar_answers["en"], "trend_week").rows:
        stood = [row for row in rows if row["opened"] <= day and (row["missed"] or "9") > day and row["ends"] >= day]
        if here is not None:
            assert here == pytest.approx(sum(row["here"] for row in stood), abs=0.0051)
            assert share == pytest.approx(100 * sum(row["here"] for row in stood) / sum(row["declared"] for row in stood), abs=0.0051)


def test_goods_and_offers_at_home(bazaar_answers, sql_rows):
    printed = {
        (row[0], row[1], size): row[2 + size]
        for row in section(bazaar_answers["en"], "order_sizes").rows
        for size in range(5)
        if row[2 + size]
    }
    assert printed == {(row["category"], row["unit"], row["size"] - 1): row["listings"] for row in sql_rows("order_sizes")}
    assert section(bazaar_answers["en"], "variety").rows == (tuple(sql_rows("variety")[0]),)
    assert [cell for _, cell in section(bazaar_answers["en"], "at_home").rows] == list(sql_rows("at_home")[0])
    assert min(sql_rows("at_home")[0]) > 0


def test_prices(bazaar_answers, sql_rows):
    counted = {(row["substance_group"], row["origin"], row["currency"]): (row["median"], row["listings"]) for row in sql_rows("prices")}
    printed = section(bazaar_answers["en"], "prices").rows
    assert {row[1][:2] for row in printed} > {"NL"}
    for group, origin, median, currency, _, number in printed:
        assert counted[group, origin[:2], currency] == (pytest.approx(median, abs=0.0051), number)


def test_money_where_no_price_is_passed_over(bazaar_answers, sql_rows):
    rates = {"USD": 1.0, "EUR": 1.25}
    rows = sql_rows("sales_money")
    assert {row["currency"] for row in rows} == {"USD", "EUR", "USDT"}
    worth = sum(row["amount"] * rates.get(row["currency"], 0) for row in rows)
    rules = {row[0]: row[2] for row in section(bazaar_answers["en"], "sales_sensitivity").rows}
    assert rules["none passed over"] == pytest.approx(worth, abs=1)
    assert rules["factor 3"] < rules["factor 5"] < rules["factor 10"] < rules["none passed over"]
    orders = section(bazaar_answers["en"], "sales_money").rows[0][1]
    assert orders == pytest.approx(sum(row["orders"] for row in rows if row["currency"] in rates), abs=5)


def test_markets_and_what_was_held(bazaar_answers, sql_rows):
    printed = [(row[0], *row[1:4]) for row in section(bazaar_answers["en"], "markets").rows]
    assert printed == [(row["market"], row["standing"], row["standing_here"], row["vendors_here"]) for row in sql_rows("markets")]
    closed = {row[0]: row[5] for row in section(bazaar_answers["en"], "markets").rows}
    assert closed == {"m1": None, "m2": None, "m3": "2026-01-26"}
    assert {row[0]: row[1] for row in printed}["m3"] == 0
    assert section(bazaar_answers["en"], "held").rows == tuple(tuple(row) for row in sql_rows("held"))
    assert [row[:3] for row in section(bazaar_answers["en"], "held").rows] == [("m2", "2026-02-09", "held")]


def test_destinations_by_category(bazaar_answers, sql_rows):
    counted = {(row["category"], row["destination"]): row["listings"] for row in sql_rows("destinations_category")}
    for category, listings, *told, other, silent in section(bazaar_answers["en"], "destinations_category").rows:
        assert told == [counted.get((category, place), 0) for place in ("AU", "NZ", "world", "NL")]
        assert silent == counted.get((category, "undeclared"), 0)
        assert 0 <= other <= listings
    standing = {row[0]: row[3] for row in section(bazaar_answers["en"], "extent").rows}
    assert all(row[1] == standing[row[0]] for row in section(bazaar_answers["en"], "destinations_category").rows)
