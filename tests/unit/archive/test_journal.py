"""The journal is only ever appended to, and a kill spoils no line but the one it cut."""

from __future__ import annotations

import datetime as dt

import pytest

from torwatch.archive.journal import NAME, append, read_journal
from torwatch.errors import ArchiveError

AT = dt.datetime(2026, 1, 5, 8, tzinfo=dt.timezone(dt.timedelta(hours=1)))


def test_what_is_appended_is_read_back_in_order_and_in_utc(tmp_path):
    append(tmp_path / "archive", "hold_accepted", "3", {"why": "a person\nlooked"}, at=AT)
    append(tmp_path / "archive", "expired", "teahouse", {}, at=AT)
    first, second = read_journal(tmp_path / "archive")
    assert (first.kind, first.subject, first.detail, first.at) == (
        "hold_accepted",
        "3",
        {"why": "a person\nlooked"},
        "2026-01-05T07:00:00+00:00",
    )
    assert second.kind == "expired"


def test_a_half_line_left_by_a_kill_spoils_no_other(tmp_path):
    append(tmp_path, "one", "", {}, at=AT)
    with (tmp_path / NAME).open("ab") as handle:
        handle.write(b'{"at": "2026-01-0')
    append(tmp_path, "two", "", {}, at=AT)
    assert [line.kind for line in read_journal(tmp_path)] == ["one", "two"]


def test_there_may_be_no_journal_yet(tmp_path):
    assert list(read_journal(tmp_path)) == []


def test_a_journal_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / NAME).mkdir()
    with pytest.raises(ArchiveError, match="cannot be written"):
        append(tmp_path, "one", "", {}, at=AT)
