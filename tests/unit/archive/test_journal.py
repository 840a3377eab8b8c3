"""The journal is only ever appended to, and a kill spoils no line but the one it cut."""

from __future__ import annotations

import pytest

from torwatch.archive.journal import NAME, Line, append_lines, read_journal
from torwatch.errors import ArchiveError

AT = "2026-01-05T07:00:00+00:00"
ONE, TWO = Line(AT, "one", "", {}), Line(AT, "two", "", {})


def test_what_is_appended_is_read_back_in_order(tmp_path):
    lines = [Line(AT, "row", "hold", {"snapshot_id": 3, "why": "a person\nlooked: né"}), Line(AT, "row_gone", "hold", {"snapshot_id": 3})]
    append_lines(tmp_path / "archive", lines)
    append_lines(tmp_path / "archive", [ONE])
    assert list(read_journal(tmp_path / "archive")) == [*lines, ONE]


def test_a_half_line_left_by_a_kill_spoils_no_other(tmp_path):
    append_lines(tmp_path, [ONE])
    with (tmp_path / NAME).open("ab") as handle:
        handle.write(b'{"at": "2026-01-0')
    append_lines(tmp_path, [TWO])
    assert list(read_journal(tmp_path)) == [ONE, TWO]


def test_there_may_be_no_journal_yet(tmp_path):
    assert list(read_journal(tmp_path)) == []


def test_a_journal_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / NAME).mkdir()
    with pytest.raises(ArchiveError, match="cannot be written"):
        append_lines(tmp_path, [ONE])
