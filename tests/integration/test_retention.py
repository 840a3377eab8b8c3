"""Old pages go, digests stay, the chain holds, and the database can still be made again from what is left."""

from __future__ import annotations

import datetime as dt
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from torwatch.archive.index import read_index
from torwatch.archive.manifest import read_chain
from torwatch.archive.reader import read_page
from torwatch.archive.tombstone import is_tombstone
from torwatch.assembly import open_readers
from torwatch.cli import main
from torwatch.errors import ArchiveError
from torwatch.evidence import verify
from torwatch.removal.retention import expire, find_due, months_before
from torwatch.replay.versions import Versions
from torwatch.store.database import open_store

MONTH = dt.timedelta(days=31)


@pytest.fixture(scope="module")
def aged_once(watched_once, tmp_path_factory):
    """A market watched once a month for four months."""
    watch = watched_once(listings=12, second_pass=0.5)
    watch.look_every(MONTH, 4)
    watch.keep(tmp_path_factory.mktemp("kept") / "data")
    return watch


@pytest.fixture
def aged(aged_once):
    """The same market as it had aged, whatever the test before did with it."""
    aged_once.go_back()
    return aged_once


def let_expire(watch, months=2):
    archive = watch.config.archive_directory
    due = find_due(watch.store, archive, {watch.target.market_id: months}, watch.clock())
    with open_readers(watch.config) as readers:
        expire(watch.store, archive, due, readers, Versions(archive), watch.clock())
    return due


def test_expired_pages_are_gone_the_chain_holds_and_a_rebuild_is_the_live_database(aged, tmp_path, rebuild, keyed_tables):
    archive = aged.config.archive_directory
    head = read_chain(archive)[-1].sha256
    before = sum(path.stat().st_blocks for path in archive.glob("souk/*.warc.gz"))
    due = let_expire(aged)
    assert [one.snapshot.id for one in due] == [1, 2]
    warc = archive / "souk" / "00000001.warc.gz"
    gone = [entry for entry in read_index(warc.with_suffix("").with_suffix(".cdxj")) if entry.removed]
    assert len(gone) > 15
    assert {entry.removed for entry in gone} == {"expired"}
    for entry in gone:
        with pytest.raises(ArchiveError):
            read_page(warc, entry.offset)
    assert sum(path.stat().st_blocks for path in archive.glob("souk/*.warc.gz")) < before
    verdict = verify(aged.store, archive, head=head)
    assert verdict.breaks == ()
    assert "expired or were forgotten" in " ".join(verdict.notes)
    assert [link.fields["concerns"] for link in read_chain(archive) if is_tombstone(link)] == [
        "souk/00000002.manifest.json",  # the newest first: it may refer to the other
        "souk/00000001.manifest.json",
    ]
    assert rebuild(aged, tmp_path / "again.db").notes == []
    live = keyed_tables(aged.store)
    with open_store(tmp_path / "again.db") as again:
        made = keyed_tables(again)
    for table, rows in live.items():
        assert made[table] == rows, table
    assert let_expire(aged) == []


def test_what_is_altered_after_an_expiry_is_found(aged):
    archive = aged.config.archive_directory
    warc = archive / "souk" / "00000001.warc.gz"
    sealed = warc.read_bytes()
    let_expire(aged)
    entry = next(entry for entry in read_index(warc.with_suffix("").with_suffix(".cdxj")) if entry.removed)
    filled = warc.read_bytes()
    middle = entry.offset + entry.length // 2
    for altered in (flipped(filled, middle), flipped(filled, 3), filled[:-1], sealed):
        warc.write_bytes(altered)
        assert verify(aged.store, archive).breaks != ()
    warc.write_bytes(filled)
    assert verify(aged.store, archive).breaks == ()
    for pattern in ("*1.gleanings.gz", "*1.cdxj", "*1.records", "*1.tombstone-*.json", "*2.tombstone-*.json"):
        [file] = warc.parent.glob(pattern)
        whole = file.read_bytes()
        file.write_bytes(whole + b" ")
        assert verify(aged.store, archive).breaks != (), pattern
        file.unlink()
        assert verify(aged.store, archive).breaks != (), pattern
        file.write_bytes(whole)
    assert verify(aged.store, archive).breaks == ()


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_the_newest_snapshot_stays_however_old_it_is(aged):
    aged.clock.advance(12 * MONTH)
    due = find_due(aged.store, aged.config.archive_directory, {aged.target.market_id: 1}, aged.clock())
    assert [one.snapshot.id for one in due] == [1, 2, 3]


def test_the_command_shows_first_what_would_go(aged, tmp_path, capsys, monkeypatch):
    config = tmp_path / "config.toml"
    config.write_text(
        f'data_directory = "{aged.config.data_directory}"\n[retention]\nmonths = 1\ntargets = {{ elsewhere = 3 }}\n', encoding="utf-8"
    )
    for arguments in (["--dry-run"], [], []):
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(config), "retention", "run", *arguments])
        assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "These would be taken out." in shown
    assert "Taken out" in shown
    assert "Nothing has expired." in shown


def test_months_are_months_of_the_calendar():
    assert months_before(dt.datetime(2026, 3, 31, tzinfo=dt.UTC), 1) == dt.datetime(2026, 2, 28, tzinfo=dt.UTC)
    assert months_before(dt.datetime(2026, 1, 5, tzinfo=dt.UTC), 13) == dt.datetime(2024, 12, 5, tzinfo=dt.UTC)


def test_a_younger_page_identical_to_an_expired_one_stays_readable_and_rebuildable(watched, tmp_path, rebuild, keyed_tables):
    watch = watched(listings=10, still=True)
    watch.look()
    watch.look()
    with watch.store.write() as connection:  # the page stays what it was while time goes by
        connection.execute("UPDATE snapshot SET started_at = ? WHERE id = 1", ((watch.clock() - 3 * MONTH).isoformat(),))
    archive = watch.config.archive_directory
    younger = archive / "souk" / "00000002.cdxj"
    revisits = [entry for entry in read_index(younger) if entry.orig_offset is not None]
    assert len(revisits) > 10
    let_expire(watch)
    for entry in revisits:
        assert read_page(younger.with_name("00000002.warc.gz"), entry.offset).body
    assert verify(watch.store, archive).breaks == ()
    assert rebuild(watch, tmp_path / "again.db").notes == []
    live = keyed_tables(watch.store)
    with open_store(tmp_path / "again.db") as again:
        made = keyed_tables(again)
    for table in live.keys() - {"rate"}:  # a rate has the time of its snapshot
        assert made[table] == live[table], table


def test_a_page_that_a_snapshot_under_way_has_come_to_refer_to_stays(watched):
    watch = watched(listings=10, still=True)
    watch.look()
    watch.look()
    with watch.store.write() as connection:
        connection.execute("UPDATE snapshot SET started_at = ? WHERE id = 1", ((watch.clock() - 3 * MONTH).isoformat(),))
    archive = watch.config.archive_directory
    second = archive / "souk" / "00000002.cdxj"
    second.write_text("", encoding="utf-8")  # as if it had seen nothing: then all of the first is due
    [due] = find_due(watch.store, archive, {watch.target.market_id: 1}, watch.clock())
    stop = threading.Event()
    assert watch.look(stop=stop, progress=lambda step: step.done > 5 and stop.set())[1] is None
    with open_readers(watch.config) as readers:
        expire(watch.store, archive, [due], readers, Versions(archive), watch.clock())
    first = [entry for entry in read_index(archive / "souk" / "00000001.cdxj") if entry.offset is not None]
    kept = {entry.offset for entry in first if not entry.removed}
    assert 5 <= len(kept) < len(first)
    for offset in kept:
        assert read_page(archive / "souk" / "00000001.warc.gz", offset).body
    assert watch.look()[1].state == "complete"  # what is gone is stored again
    assert not [line for line in verify(watch.store, archive).breaks if "00000003" in line]


@pytest.mark.parametrize(
    "place",
    [
        ("torwatch.removal.records:append_tombstone", 1),
        ("torwatch.removal.records:finish", 1),
        ("torwatch.removal.records:tell_removals", 2),
    ],
)
def test_an_expiry_that_is_killed_is_finished_by_the_next_run(aged, tmp_path, place):
    config = tmp_path / "config.toml"
    config.write_text(f'data_directory = "{aged.config.data_directory}"\n[retention]\nmonths = 1\n', encoding="utf-8")
    script = str(Path(__file__).with_name("killed_command.py"))

    def run(where, times):
        command = [sys.executable, script, where, str(times), "--config", str(config), "retention", "run"]
        return subprocess.run(command, check=False, capture_output=True, timeout=120).returncode

    assert run(*place) == -signal.SIGKILL
    assert run("torwatch.cli:main", 99) == 0
    archive = aged.config.archive_directory
    assert verify(aged.store, archive).breaks == ()
    assert not list(archive.rglob("*.next*"))
    for number in (1, 2, 3):
        entries = [entry for entry in read_index(archive / "souk" / f"0000000{number}.cdxj") if entry.offset is not None]
        assert {entry.removed for entry in entries} == {"expired"}


def test_a_tombstone_that_torwatch_did_not_plan_is_told_and_never_adopted(aged):
    archive = aged.config.archive_directory
    let_expire(aged)
    [tombstone] = archive.glob("souk/00000001.tombstone-*.json")
    fields = json.loads(tombstone.read_text(encoding="utf-8"))
    head = read_chain(archive)[-1]
    forged = archive / "souk" / "00000003.tombstone-99.manifest.json"
    concerned = fields | {"sequence": head.sequence + 1, "previous": head.sha256, "concerns": "souk/00000003.manifest.json", "files": []}
    forged.write_text(json.dumps(concerned | {"gone": ["0" * 64]}), encoding="utf-8")
    let_expire(aged, months=1)
    assert any("99" in line and "no such tombstone" in line for line in verify(aged.store, archive).breaks)
