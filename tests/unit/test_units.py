"""Durations, hours and sizes are read as people write them, and written so that they are read back; waits double."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torwatch.units import back_off, format_duration, format_size, parse_duration, parse_hours, parse_size


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


def test_hours_are_read_and_what_is_none_is_refused():
    assert parse_hours("") is None
    assert parse_hours("22:00-06:30") == (dt.time(22), dt.time(6, 30))
    for text in ("22:00", "22:00-22:00", "24:00-06:00", "22:00:00-06:00:00", "10pm-6am"):
        with pytest.raises(ValueError, match=r"as in 22:00-06:00"):
            parse_hours(text)


@given(st.integers(1, 10_000))
def test_a_wait_doubles_with_every_failure_and_never_passes_the_longest(failures):
    first, longest = dt.timedelta(minutes=10), dt.timedelta(hours=6)
    assert back_off(failures, first, longest) == min(longest, first * 2 ** min(failures - 1, 20))
