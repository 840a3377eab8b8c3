"""Reading data sets: moments, keys, and rows that are broken."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torwatch.dataset.layout import Layout, load_layout
from torwatch.dataset.reading import Fault, Row, never, raw_rows, read_moment, read_rows
from torwatch.errors import UsageError


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


PLAIN = Layout("plain", "d", fields={"title": ("product",), "vendor": ("vendor",), "price_raw": ("price",)})


def read(tmp_path, data, layout=PLAIN):
    path = tmp_path / "a.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return list(read_rows(path, layout))


def test_a_quote_that_is_never_closed_swallows_no_row_after_it(tmp_path):
    lines = ["vendor,product,price", *(f'v,tea {number},"1,50"' for number in range(9))]
    lines[4] = 'v,"never closed,1'
    found = read(tmp_path, "\n".join(lines))
    assert [item.listing.title for item in found if isinstance(item, Row)] == [f"tea {number}" for number in range(9) if number != 3]
    assert [(item.line, item.reason) for item in found if isinstance(item, Fault)] == [(5, "2 columns, expected 3")]
    lines[-1] = 'v,"tea,1'
    assert [item.line for item in read(tmp_path, "\n".join(lines)) if isinstance(item, Fault)] == [5, 10]


def test_a_cell_of_several_lines_stays_one_and_lines_after_it_keep_their_numbers(tmp_path):
    found = read(tmp_path, 'vendor,product,price\r\nv,"tea\r\nand cake",1\r\nv,x\r\n')
    assert found[0].listing.title == "tea and cake"
    assert (found[1].line, found[1].reason) == (4, "2 columns, expected 3")


def test_a_quote_inside_a_cell_is_read_as_it_stands(tmp_path):
    assert [item.listing.title for item in read(tmp_path, 'vendor,product,price\nv,"the "best" tea",1\nv,5" pipe,2\n')] == [
        'the best" tea"',
        '5" pipe',
    ]


def test_a_mark_of_utf8_is_no_part_of_the_header_and_semicolons_are_told_by_the_layout(tmp_path):
    layout = replace(PLAIN, separator=";")
    assert read(tmp_path, b"\xef\xbb\xbfproduct;vendor;price\ntea;v;1,5\n", layout)[0].listing.title == "tea"


def test_bytes_of_another_encoding_are_kept_as_damaged_and_read_with_the_right_one(tmp_path):
    data = "vendor,product,price\nv,caf\u00e9,1\nv,tea,2\n".encode("cp1252")
    found = read(tmp_path, data)
    assert [(row.listing.title, row.damaged) for row in found] == [("caf\ufffd", True), ("tea", False)]
    assert [row.listing.title for row in read(tmp_path, data, replace(PLAIN, encoding="cp1252"))] == ["caf\u00e9", "tea"]


def test_utf16_is_refused_where_the_layout_does_not_say_so(tmp_path):
    data = "vendor,product,price\nv,caf\u00e9,1\n".encode("utf-16")
    with pytest.raises(UsageError, match='encoding = "utf-16"'):
        read(tmp_path, data)
    assert read(tmp_path, data, replace(PLAIN, encoding="utf-16"))[0].listing.title == "caf\u00e9"


def test_an_empty_file_has_no_header_and_says_so(tmp_path):
    with pytest.raises(UsageError, match="is empty"):
        read(tmp_path, "")


def test_a_count_is_a_number_or_not_known(tmp_path):
    layout = replace(PLAIN, fields={**PLAIN.fields, "sales": ("sold",), "views": ("seen",)})
    rows = read(tmp_path, "vendor,product,price,sold,seen\nv,tea,1,12,many\nv,rice,1,,\n", layout)
    assert [(row.listing.sales, row.listing.views) for row in rows] == [(12, None), (None, None)]


def test_a_known_record_is_left_out_wherever_it_begins_and_only_there(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('vendor,product,price\nv,tea,1\nv,"green\nv,tea,1\n",1\nvendor,product,price\nv,rice,1\n', encoding="utf-8")
    known = {"v,tea,1\n", "vendor,product,price\n"}
    found = list(raw_rows(path, PLAIN, lambda names: known.__contains__ if names else never))
    assert [(raw.line, raw.cells[1], raw.text) for raw in found] == [
        (3, "green\nv,tea,1\n", 'v,"green\nv,tea,1\n",1\n'),
        (7, "rice", "v,rice,1\n"),
    ]


def test_lines_that_a_broken_quote_ran_together_have_no_text_that_says_what_they_are(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('vendor,product,price\nv,"tea,1\nv,rice,1\n', encoding="utf-8")
    assert [raw.text for raw in raw_rows(path, PLAIN) if not isinstance(raw, Fault)] == [None, None]


def test_utf16_without_a_mark_is_refused_too(tmp_path):
    with pytest.raises(UsageError, match="UTF-16"):
        read(tmp_path, "vendor,title\nhouse,茶\n".encode("utf-16-le"))


@pytest.mark.parametrize(("start", "program"), [(b"\x1f\x8b\x08", "gunzip"), (b"PK\x03\x04", "unzip"), (b"\xfd7zXZ\x00", "unxz")])
def test_a_compressed_file_is_told_to_be_unpacked(tmp_path, start, program):
    with pytest.raises(UsageError, match=program):
        read(tmp_path, start + b"\x00\xff" * 40)


def test_a_mapped_column_that_the_header_has_twice_is_refused(tmp_path):
    with pytest.raises(UsageError, match="two columns 'product'"):
        read(tmp_path, b"vendor,product,product,price\nhouse,tea,coffee,1\n")


@pytest.mark.parametrize("text", ["9999-12-31T23:59-23:59", "0001-01-01T00:00+14:00", "0000-01-01", "2014-02-30", "2014-05-01T10:00+99:99"])
def test_a_day_that_there_is_not_in_utc_is_no_date(text):
    assert read_moment(text) is None
