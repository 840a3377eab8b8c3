"""Durations and sizes are read as people write them, and written so that they are read back."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torwatch.units import format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("7d", 604_800), ("12h", 43_200), ("1h 30m", 5_400), ("2w", 1_209_600), ("0.5s", 0.5), ("45", 45), (" 3m ", 180)],
)
def test_durations_are_read(text, seconds):
    assert parse_duration(text) == dt.timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "d", "5 parsecs", "-3s", "1e9d", "7D", "9" * 400 + "d", "99999999d", "٣d", "7d\n7"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match=r"no duration|longer than"):
        parse_duration(text)


@pytest.mark.parametrize(("text", "size_bytes"), [("2MB", 2_000_000), ("512MiB", 2**29), ("1.5 kB", 1_500), ("10", 10), ("3g", 3 * 10**9)])
def test_sizes_are_read(text, size_bytes):
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "MB", "2 parsecs", "-1MB", "2MB!", "9" * 400 + "MB"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match="no size"):
        parse_size(text)


@given(st.timedeltas(min_value=dt.timedelta(0), max_value=dt.timedelta(days=3_650)))
def test_a_written_duration_is_read_back(duration):
    assert parse_duration(format_duration(duration)) == duration


@given(st.integers(min_value=0, max_value=2**40))
def test_a_written_size_is_read_back(size_bytes):
    assert parse_size(format_size(size_bytes)) == size_bytes


@given(st.text())
def test_any_text_is_a_duration_or_one_line_that_says_why_not(text):
    try:
        duration, fault = parse_duration(text), ""
    except ValueError as error:
        duration, fault = dt.timedelta(0), str(error)
    assert duration >= dt.timedelta(0)
    assert "\n" not in fault
