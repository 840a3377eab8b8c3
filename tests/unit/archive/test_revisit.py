"""What came again byte for byte is stored once, and is read, checked and found like any other page."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import random
import subprocess
import sys

import pytest

from torwatch.archive.index import Entry, index_path, read_index, write_index
from torwatch.archive.manifest import digest_records
from torwatch.archive.reader import read_page, read_pages
from torwatch.archive.revisit import REVISIT, Place, find_references, reference_in, remember_pages
from torwatch.archive.strip import strip_data_uris
from torwatch.archive.writer import open_archive
from torwatch.errors import ArchiveError
from torwatch.model import Fetched, Outcome

ONION = "http://" + "a" * 55 + "d.onion"
NOW = dt.datetime(2026, 1, 5, 7, 30, 59, tzinfo=dt.UTC)
TEA = b"<p>Tea, one hundred grams of it</p>" * 40


def fetched(path="/", body=TEA, status=200, day=0):
    return Fetched(
        f"{ONION}{path}",
        Outcome.OK,
        NOW + dt.timedelta(days=day),
        120,
        status,
        (("Content-Type", "text/html"),),
        body,
        digest=hashlib.sha256(body).hexdigest(),
        request_headers=(("User-Agent", "Tea"),),
    )


def take(folder, number, *pages):
    """A snapshot's WARC and its index, as the end of a walk leaves them; gives the WARC and the (offset, length) of each page."""
    warc = folder / f"{number:08d}.warc.gz"
    with open_archive(warc, referenced_bytes=0) as archive:
        archive.write_info({"software": "torwatch/test"})
        places = [archive.write_exchange(page, *strip_data_uris(page.body)) for page in pages]
        archive.sync()
    references = find_references(warc, places)
    write_index(
        index_path(warc),
        [
            Entry(
                page.url,
                f"{page.fetched_at:%Y%m%d%H%M%S}",
                "ok",
                "listing",
                page.status,
                page.digest,
                warc.name,
                offset,
                length,
                size=len(page.body),
                mime=REVISIT if offset in references else None,
                orig_filename=references[offset].filename if offset in references else None,
                orig_offset=references[offset].offset if offset in references else None,
            )
            for page, (offset, length) in zip(pages, places, strict=True)
        ],
    )
    return warc, places


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "teahouse"


def test_a_page_that_came_again_in_a_later_snapshot_is_a_revisit_that_names_the_first(folder):
    first, [(origin, _)] = take(folder, 1, fetched())
    second, [(offset, length)] = take(folder, 2, fetched(day=7))
    head = gzip.decompress(second.read_bytes()[offset : offset + length]).decode()
    assert "WARC-Type: revisit" in head
    assert "WARC-Profile: http://netpreserve.org/warc/1.1/revisit/identical-payload-digest" in head
    assert f"Torwatch-Refers-To: {first.name} {origin}\r\n" in head
    assert f"WARC-Refers-To-Target-URI: {ONION}/" in head
    assert "WARC-Refers-To-Date: 2026-01-05T07:30:59Z" in head
    assert f"WARC-Payload-Digest: sha256:{hashlib.sha256(TEA).hexdigest()}" in head
    assert "Tea, one" not in head


def test_a_revisit_is_read_as_the_page_it_stands_for_with_its_own_time_and_status(folder):
    take(folder, 1, fetched())
    second, [(offset, _)] = take(folder, 2, fetched("/other", status=503, day=7))
    page = read_page(second, offset)
    assert (page.body, page.url, page.date, page.status) == (TEA, f"{ONION}/other", "2026-01-12T07:30:59Z", 503)
    assert page.is_revisit
    assert [found.body for found in read_pages(second)] == [TEA]


def test_the_third_time_refers_to_the_first_and_not_to_the_second(folder):
    first, [(origin, _)] = take(folder, 1, fetched())
    take(folder, 2, fetched(day=7))
    third, places = take(folder, 3, fetched(day=14))
    assert find_references(third, places) == {places[0][0]: Place(first.name, origin)}
    [entry] = read_index(index_path(third))
    assert (entry.mime, entry.orig_filename, entry.orig_offset) == (REVISIT, first.name, origin)


def test_the_same_page_twice_in_one_snapshot_is_stored_once(folder):
    warc, places = take(folder, 1, fetched("/gone/1"), fetched("/gone/2"), fetched("/gone/3", b"another"))
    assert find_references(warc, places) == {places[1][0]: Place(warc.name, places[0][0])}
    assert [page.body for page in read_pages(warc)] == [TEA, TEA, b"another"]


def test_an_empty_page_is_no_revisit(folder):
    warc, places = take(folder, 1, fetched("/1", b""), fetched("/2", b""))
    assert find_references(warc, places) == {}


def test_pages_whose_images_were_taken_out_are_compared_as_they_are_stored(folder):
    page = TEA + b'<img src="data:image/png;base64,AAAA">'
    take(folder, 1, fetched(body=page))
    second, [(offset, _)] = take(folder, 2, fetched(body=page, day=7))
    assert read_page(second, offset).is_revisit
    assert b"AAAA" not in read_page(second, offset).body


@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_a_page_is_stored_whole_again_where_the_earlier_one_is_damaged_or_gone(folder, harm):
    first, [(origin, _)] = take(folder, 1, fetched())
    raw = bytearray(first.read_bytes())
    if harm == "flip":
        raw[-30] ^= 1
        first.write_bytes(raw)
    elif harm == "cut":
        first.write_bytes(raw[: origin + 50])
    else:
        first.unlink()
    second, [(offset, _)] = take(folder, 2, fetched(day=7))
    page = read_page(second, offset)
    assert (page.body, page.is_revisit) == (TEA, False)


def test_a_revisit_whose_page_was_lost_is_one_line_with_the_remedy(folder):
    first, _ = take(folder, 1, fetched())
    second, [(offset, _)] = take(folder, 2, fetched(day=7))
    first.unlink()
    with pytest.raises(ArchiveError, match="cannot be read") as error:
        read_page(second, offset)
    assert "\n" not in str(error.value)


def test_a_revisit_that_leads_to_another_page_is_not_believed(folder):
    first, [(origin, length)] = take(folder, 1, fetched())
    second, [(offset, _)] = take(folder, 2, fetched(day=7))
    raw = first.read_bytes()
    record = gzip.decompress(raw[origin : origin + length]).replace(b"one", b"two")
    first.write_bytes(raw[:origin] + gzip.compress(record))
    with pytest.raises(ArchiveError, match=r"no longer there: run `torwatch verify`"):
        read_page(second, offset)


def test_the_request_of_a_page_that_came_again_is_kept_only_where_it_differs(folder):
    first, places = take(folder, 1, fetched("/a"))
    again, _ = take(folder, 2, fetched("/a", day=7))
    elsewhere, _ = take(folder, 3, fetched("/b", day=14))
    assert [record.kind for record in digest_records(again)] == ["warcinfo", "revisit"]
    assert [record.kind for record in digest_records(elsewhere)] == ["warcinfo", "request", "revisit"]
    request = gzip.decompress(first.read_bytes()[: places[0][0]]).decode()
    assert f"WARC-Block-Digest: {read_page(first, places[0][0]).request_digest}\r\n" in request


def test_a_name_that_leads_out_of_the_archive_is_refused(folder):
    with pytest.raises(ArchiveError, match="no name of a file"):
        Place("../../secret", 0).inside(folder)


def test_only_earlier_snapshots_are_remembered_and_a_broken_index_teaches_nothing(folder):
    take(folder, 1, fetched("/1", b"one"))
    take(folder, 3, fetched("/3", b"three"))
    (folder / "00000002.cdxj").write_text("no index\n", encoding="utf-8")
    known = remember_pages(folder / "00000003.warc.gz")
    assert known.keys() == {hashlib.sha256(b"one").hexdigest()}


def test_no_more_than_the_newest_pages_are_remembered(folder):
    for number in (1, 2, 3):
        take(folder, number, fetched("/", str(number).encode()))
    assert remember_pages(folder / "00000004.warc.gz", most=2).keys() == {hashlib.sha256(body).hexdigest() for body in (b"3", b"2")}


def test_what_is_no_record_refers_to_nothing():
    assert reference_in(b"no gzip") is None
    assert reference_in(gzip.compress(b"WARC/1.1\r\nWARC-Type: response\r\n\r\n")) is None


def test_a_file_with_revisits_passes_the_check_of_warcio(folder):
    take(folder, 1, fetched())
    warc, _ = take(folder, 2, fetched(day=7), fetched("/2", day=7))
    done = subprocess.run(
        [sys.executable, "-m", "warcio.cli", "check", "-v", str(warc)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fail" not in done.stdout.lower()


def test_a_page_of_50_kilobytes_that_came_again_costs_less_than_a_tenth(folder):
    rng = random.Random(1)
    words = ["".join(rng.choices("abcdefghijklmnop", k=6)) for _ in range(3000)]
    page = " ".join(f"<li class=offer>{rng.choice(words)} {rng.randrange(10**6)}" for _ in range(1500)).encode()
    first, _ = take(folder, 1, fetched(body=page))
    second, _ = take(folder, 2, fetched(body=page, day=7))
    assert second.stat().st_size < first.stat().st_size / 10
