"""A file of the archive is written whole or not at all, and one that cannot be written is one line."""

from __future__ import annotations

import errno
import hashlib
import os

import pytest

from torwatch.archive.files import hash_file, replacing, write_whole
from torwatch.archive.index import write_index
from torwatch.archive.originals import import_path, keep_import, layout_path
from torwatch.errors import ArchiveError


@pytest.fixture
def full_disk(monkeypatch):
    """Let every write that is forced to the disk fail as on a full one."""

    def fail(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("torwatch.archive.files.os.fsync", fail)


def test_a_file_takes_the_place_of_the_old_one_whole(tmp_path):
    path = tmp_path / "1.records"
    write_whole(path, "old\n")
    write_whole(path, "né\n")
    assert path.read_bytes() == "né\n".encode()
    assert hash_file(path) == hashlib.sha256("né\n".encode()).hexdigest()
    assert list(tmp_path.iterdir()) == [path]


def test_on_a_full_disk_the_old_file_stays_and_no_part_of_the_new_one(tmp_path, full_disk):
    path = tmp_path / "1.cdxj"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(ArchiveError, match=r"1\.cdxj cannot be written: No space left on device; free some space"):
        write_index(path, [])
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_stop_while_it_is_written_leaves_the_old_file(tmp_path):
    path = tmp_path / "1.records"
    write_whole(path, "old")

    def stop_halfway():
        with replacing(path) as handle:
            handle.write(b"ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop_halfway()
    assert path.read_text(encoding="utf-8") == "old"


def test_an_import_on_a_full_disk_leaves_neither_file_nor_layout(tmp_path, full_disk):
    file = tmp_path / "items.csv"
    file.write_text("title\ntea\n", encoding="utf-8")
    with pytest.raises(ArchiveError, match="free some space"):
        keep_import(tmp_path, file, "1" * 64, "title = 'x'", "2" * 64)
    assert not import_path(tmp_path, "1" * 64).exists()
    assert not layout_path(tmp_path, "2" * 64).exists()
