"""A record that was taken out leaves its digest and a filler of its length, and everything else stays where it was."""

from __future__ import annotations

import gzip
import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from torwatch.archive.tombstone import filler
from torwatch.errors import ArchiveError

SHA = hashlib.sha256(b"tea").hexdigest()


@given(st.integers(22, 400_000))
def test_a_filler_has_exactly_the_length_of_the_record(length):
    data = b"".join(filler(length, SHA))
    assert len(data) == length
    assert b"tea" not in gzip.decompress(data)


def test_a_filler_is_a_record_for_other_programs():
    plain = gzip.compress(
        b"WARC/1.1\r\nWARC-Type: resource\r\nWARC-Record-ID: <urn:x>\r\nWARC-Date: 2026-01-05T00:00:00Z\r\nContent-Length: 3\r\n\r\ntea\r\n\r\n"
    )
    data = plain + b"".join(filler(5000, SHA)) + plain + b"".join(filler(200_000, SHA)) + plain
    kinds = [record.rec_type for record in ArchiveIterator(io.BytesIO(data))]
    assert [kind for kind in kinds if kind == "resource"] == ["resource"] * 3
    assert set(kinds) <= {"resource", "metadata"}


def test_no_record_is_shorter_than_the_shortest_filler():
    with pytest.raises(ArchiveError, match="as short as"):
        list(filler(10, SHA))
