"""Rows of several days are loaded day by day; what a whole file makes of the history is in tests/integration/test_loading.py."""

from __future__ import annotations

import csv
import datetime as dt
import random

import pytest

from torwatch.dataset.layout import load_layout
from torwatch.errors import StoreError
from torwatch.loading import days_of
from torwatch.rows import Loaded

HEADER = ("list", "date", "vendor", "product", "price", "cat", "subcat", "subsubcat", "feedback", "from", "to")


def test_rows_of_several_days_in_any_order_come_day_by_day_in_the_order_of_the_file(tmp_path):
    rows = [
        (number, f"2014-05-0{1 + number % 3}T0{number % 9}:00", "v", f"Th\u00e9\n{number}", str(number), "Tea", "", "", "", "Germany", "")
        for number in range(60)
    ]
    random.Random(4).shuffle(rows)
    path = tmp_path / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows((HEADER, *rows, (1, "some day", *rows[0][2:])))
    loaded = Loaded()
    days = {
        day: [listing.title for listing in listings]
        for day, listings in days_of(path, load_layout("dated"), loaded, lambda _rows: None, tmp_path)
    }
    assert days == {
        dt.datetime(2014, 5, day, tzinfo=dt.UTC): [row[3].replace("\n", " ") for row in rows if row[1].startswith(f"2014-05-0{day}")]
        for day in (1, 2, 3)
    }
    assert list(days) == sorted(days)
    assert (loaded.rows, loaded.causes) == (60, {"no date in column date": 1})
    assert [found.name for found in tmp_path.iterdir()] == ["a.csv"]  # what waited is gone


def test_rows_that_cannot_wait_for_their_day_are_one_line_that_says_what_to_do(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(",".join(HEADER), encoding="utf-8")
    with pytest.raises(
        StoreError, match=r"the rows of a\.csv cannot wait for their day in .*nowhere \(No such file or directory\): free some space"
    ):
        list(days_of(path, load_layout("dated"), Loaded(), lambda _rows: None, tmp_path / "nowhere"))
