"""The archive of a snapshot: what is written is found again, by us and by any WARC tool, and holds no secrets."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from planted import COOKIE

from torwatch.archive.reader import read_page, read_pages
from torwatch.archive.strip import keep_headers, strip_data_uris
from torwatch.archive.writer import SnapshotArchive, open_archive, reason_phrase
from torwatch.errors import ArchiveError
from torwatch.model import Fetched, Outcome

ONION = "http://" + "a" * 55 + "d.onion"
NOW = dt.datetime(2026, 1, 5, 7, 30, 59, tzinfo=dt.UTC)


def fetched(path="/", body=b"<p>Tea</p>", status=200, headers=(("Content-Type", "text/html"),)):
    return Fetched(
        f"{ONION}{path}",
        Outcome.OK,
        NOW,
        120,
        status,
        tuple(headers),
        body,
        digest=hashlib.sha256(body).hexdigest(),
        request_headers=(("User-Agent", "Tea"), ("Cookie", f"session={COOKIE}")),
    )


def write(archive, *pages):
    places = [archive.write_exchange(page, page.body, 0) for page in pages]
    archive.sync()
    return places


@pytest.fixture
def path(tmp_path):
    return tmp_path / "teahouse" / "00000001.warc.gz"


def test_a_page_is_read_back_as_it_was_written(path):
    pages = [fetched("/"), fetched("/listing/1?ref=a%20b", "Käse".encode()), fetched("/gone", b"", 404)]
    with open_archive(path, referenced_bytes=0) as archive:
        archive.write_info({"software": "torwatch/test"})
        places = write(archive, *pages)
    for page, (offset, _) in zip(pages, places, strict=True):
        found = read_page(path, offset)
        assert (found.url, found.body, found.status, found.date) == (page.url, page.body, page.status, "2026-01-05T07:30:59Z")
        assert found.content_type == "text/html"
    assert [found.url for found in read_pages(path)] == [page.url for page in pages]


def test_a_record_can_be_cut_out_by_its_offset_and_length(path):
    with open_archive(path, referenced_bytes=0) as archive:
        ((offset, length), (second, _)) = write(archive, fetched("/a"), fetched("/b"))
    record = gzip.decompress(path.read_bytes()[offset : offset + length])
    assert record.startswith(b"WARC/1.1\r\n")
    assert b"WARC-Target-URI: " + f"{ONION}/a".encode() in record
    assert second >= offset + length


def test_a_file_of_ours_passes_the_check_of_warcio(path):
    with open_archive(path, referenced_bytes=0) as archive:
        archive.write_info({"software": "torwatch/test"})
        write(archive, fetched("/"), fetched("/b", b"\xff\xfe raw"), fetched("/c", b"", 503))
    done = subprocess.run(
        [sys.executable, "-m", "warcio.cli", "check", "-v", str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fail" not in done.stdout.lower()


def test_no_cookie_and_no_credential_is_stored_in_either_direction(path):
    headers = [
        ("Content-Type", "text/html"),
        ("Set-Cookie", f"session={COOKIE}"),
        ("set-cookie2", f"x={COOKIE}"),
        ("Authorization", COOKIE),
    ]
    with open_archive(path, referenced_bytes=0) as archive:
        write(archive, fetched(headers=headers))
    raw = gzip.decompress(path.read_bytes()).lower()
    assert COOKIE.lower().encode() not in raw
    assert b"cookie" not in raw
    assert b"user-agent: tea" in raw


def test_headers_of_an_encoding_that_is_gone_are_not_kept():
    headers = (("Content-Encoding", "gzip"), ("Transfer-Encoding", "chunked"), ("Content-Length", "9"), ("Server", "nginx"))
    assert keep_headers(headers) == [("Server", "nginx")]


def test_both_digests_stand_in_the_record(path):
    page = fetched(body=b"<img src='data:image/png;base64,AAAA'>")
    stored, stripped = strip_data_uris(page.body)
    with open_archive(path, referenced_bytes=0) as archive:
        archive.write_exchange(page, stored, stripped)
        archive.sync()
    raw = gzip.decompress(path.read_bytes()).decode()
    assert f"WARC-Payload-Digest: sha256:{hashlib.sha256(stored).hexdigest()}" in raw
    assert f"Torwatch-Received-Digest: sha256:{page.digest}" in raw
    assert "Torwatch-Stripped-Data-URIs: 1" in raw
    assert "AAAA" not in raw


def test_a_tail_that_nothing_refers_to_is_cut_off_and_writing_goes_on(path):
    with open_archive(path, referenced_bytes=0) as archive:
        ((offset, length),) = write(archive, fetched("/a"))
    with path.open("ab") as handle:
        handle.write(b"half a record that was never comm")
    with open_archive(path, referenced_bytes=offset + length) as archive:
        write(archive, fetched("/b"))
    assert [page.url for page in read_pages(path)] == [f"{ONION}/a", f"{ONION}/b"]


def test_bytes_that_are_missing_are_one_line_and_the_rest_stays(path):
    with open_archive(path, referenced_bytes=0) as archive:
        ((offset, length),) = write(archive, fetched("/a"))
    before = path.read_bytes()
    with pytest.raises(ArchiveError, match=rf"is {len(before)} bytes long, the database refers to {offset + length + 1}: bytes were lost"):
        open_archive(path, referenced_bytes=offset + length + 1)
    assert path.read_bytes() == before


def test_an_archive_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "teahouse").write_text("in the way", encoding="utf-8")
    with pytest.raises(ArchiveError, match="cannot be written") as error:
        open_archive(tmp_path / "teahouse" / "1.warc.gz", referenced_bytes=0)
    assert "\n" not in str(error.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this machine")
def test_a_full_disk_is_one_line_whenever_it_shows(tmp_path):
    (tmp_path / "1.warc.gz").symlink_to("/dev/full")
    with (
        SnapshotArchive(tmp_path / "1.warc.gz", (tmp_path / "1.warc.gz").open("r+b", buffering=0)) as archive,
        pytest.raises(ArchiveError, match="No space left on device; free some space"),
    ):
        write(archive, fetched(body=b"Tea" * 1000))


def test_the_files_are_for_their_owner_only(path):
    with open_archive(path, referenced_bytes=0) as archive:
        write(archive, fetched())
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("offset", [1, 10**6])
def test_a_wrong_offset_is_one_line(path, offset):
    with open_archive(path, referenced_bytes=0) as archive:
        write(archive, fetched())
    with pytest.raises(ArchiveError):
        read_page(path, offset)


def test_an_archive_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(ArchiveError, match="cannot be read"):
        read_page(tmp_path / "1.warc.gz", 0)


def test_an_unheard_of_status_has_a_phrase():
    assert (reason_phrase(200), reason_phrase(799), reason_phrase(None)) == ("OK", "Unknown", "Unknown")
