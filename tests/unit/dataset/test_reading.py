"""Reading data sets: moments, keys, and rows that are broken."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torwatch.dataset.layout import load_layout
from torwatch.dataset.reading import Fault, Row, read_moment, read_rows


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2019-04-02", dt.datetime(2019, 4, 2, tzinfo=dt.UTC)),
        ("2019-04-02 13:37:00.123456789 +0000 UTC m=+0.000123", dt.datetime(2019, 4, 2, 13, 37, tzinfo=dt.UTC)),
        ("2019-04-02 13:37:00.5 +0200 CEST", dt.datetime(2019, 4, 2, 11, 37, tzinfo=dt.UTC)),
        ("2019-04-02T13:37:00Z", dt.datetime(2019, 4, 2, 13, 37, tzinfo=dt.UTC)),
        ("2019-13-02", None),
        ("yesterday", None),
    ],
)
def test_a_moment_is_read_from_iso_and_from_what_go_prints(text, moment):
    assert read_moment(text) == moment


def test_one_column_is_the_data_sets_own_id_and_several_are_a_digest(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("list,date,vendor,product,price,cat,subcat,subsubcat,feedback,from,to\n1,2014-05-01,v,Tea,1,,,,,,\n", encoding="utf-8")
    rows = list(read_rows(path, load_layout("dated")))
    assert [len(row.listing.key) for row in rows] == [32]
    assert rows == list(read_rows(path, load_layout("dated")))


@given(st.binary(max_size=400))
def test_any_bytes_give_rows_with_keys_or_faults_with_lines(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("bytes") / "a.csv"
    path.write_bytes(b"list,date,vendor,product,price,cat,subcat,subsubcat,feedback,from,to\n" + data)
    for item in read_rows(path, load_layout("dated")):
        assert (item.line > 1 and item.reason) if isinstance(item, Fault) else (isinstance(item, Row) and item.listing.key)
