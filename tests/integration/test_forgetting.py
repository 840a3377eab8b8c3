"""What is forgotten is found nowhere any more, the chain holds, and the database made again is the one that is left."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import html
import sqlite3

import pytest

from torwatch.archive.manifest import read_chain
from torwatch.archive.tombstone import is_tombstone
from torwatch.assembly import open_readers
from torwatch.clearance import forget_target
from torwatch.cli import main
from torwatch.errors import UsageError
from torwatch.evidence import verify
from torwatch.forgetting import forget_vendor
from torwatch.retention import expire, find_due
from torwatch.store.backup import back_up, find_faults
from torwatch.store.captures import capture_histories
from torwatch.store.database import open_store, writer_lock
from torwatch.store.search import search_listings
from torwatch.store.targets import add_event, edit_target
from torwatch.versions import Versions

WEEK = dt.timedelta(days=7)


def forget(watch, name, **options):
    archive = watch.config.archive_directory
    with open_readers(watch.config) as readers:
        return forget_vendor(
            watch.store, archive, "souk", name, why="request 17", readers=readers, versions=Versions(archive), now=watch.clock(), **options
        )


def all_bytes(folder):
    """Every byte of every file under a folder, compressed ones unpacked."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) > 5
    for path in files:
        data = path.read_bytes()
        yield path, data
        if path.suffix == ".gz":
            yield path, gzip.decompress(data)


def places_of(folder, words):
    """Where one of the words still stands, however it is written."""
    forms = {form.lower().encode() for word in words for form in (word, html.escape(word))}
    assert forms
    return [(path.name, form) for path, data in all_bytes(folder) for form in forms if form in data.lower()]


@pytest.fixture
def grown(watched):
    """A market watched for three weeks, the first of which has expired, with backups and a word about a vendor in the event log."""
    watch = watched(listings=40, second_pass=0.5)
    for week in range(3):
        if week:
            watch.clock.advance(WEEK)
        watch.look()
    chosen = watch.store.row(
        "SELECT vendor.key, vendor.name FROM vendor JOIN listing ON listing.vendor_id = vendor.id JOIN feedback ON feedback.vendor_id = vendor.id"
        " WHERE vendor.standing = 1 GROUP BY vendor.id ORDER BY count(*) DESC LIMIT 1"
    )
    watch.vendor, watch.name = chosen["key"], chosen["name"]
    with watch.store.write() as connection:
        add_event(connection, watch.clock(), "note", "souk", {"text": f"{watch.name} is looked at"})
    edit_target(watch.store, watch.target, {"note": f"ask about {watch.name}!"}, now=watch.clock())
    back_up(watch.store.connection, watch.config.data_directory / "torwatch.db.before-something")
    elsewhere = watch.config.data_directory.parent / "elsewhere.db"
    back_up(watch.store.connection, elsewhere)
    with watch.store.write() as connection:
        add_event(connection, watch.clock(), "backed_up", "", {"file": str(elsewhere)})
    return watch


def titles_of(watch):
    """The titles that only the vendor ever used, and that are no part of what others wrote."""
    own = {row[0] for row in watch.store.rows("SELECT title FROM listing WHERE title IS NOT NULL AND vendor = ?", (watch.vendor,))}
    said = " ".join(
        str(row[0]).lower()
        for row in watch.store.rows(
            "SELECT new FROM change WHERE entity = 'listing' AND key IN (SELECT key FROM listing WHERE vendor <> ?1) UNION"
            " SELECT old FROM change WHERE entity = 'listing' AND key IN (SELECT key FROM listing WHERE vendor <> ?1) UNION"
            " SELECT product FROM feedback WHERE vendor <> ?1 UNION SELECT text.body FROM text JOIN listing ON description = digest WHERE vendor <> ?1",
            (watch.vendor,),
        )
    )
    only = {title for title in own if title.lower() not in said}
    assert only
    return only


def test_a_forgotten_vendor_is_found_nowhere_and_the_rest_is_as_it_was(grown, tmp_path, rebuild, keyed_tables):
    folder, archive = grown.config.data_directory, grown.config.archive_directory
    words = {grown.name, *titles_of(grown)}
    [listed, *_] = titles_of(grown)
    head = read_chain(archive)[-1].sha256
    others = grown.store.value("SELECT count(*) FROM listing WHERE vendor <> ?", (grown.vendor,))
    assert len(places_of(folder, words)) > 10
    done = forget(grown, grown.name)
    assert done.rows["vendor"] == 1
    assert done.records > 10
    assert len(done.backups) == 2
    assert places_of(folder, words) == []
    assert places_of(folder.parent, words) == []
    assert search_listings(grown.store, f'"{listed}"', with_past=True) == []
    assert grown.store.value("SELECT count(*) FROM listing") == others > 10
    assert find_faults(grown.store.connection) == []
    for backup in done.backups:
        with contextlib.closing(sqlite3.connect(backup)) as connection:
            assert connection.execute("SELECT count(*) FROM listing").fetchone()[0] == others
            assert find_faults(connection) == []
    verdict = verify(grown.store, archive, head=head)
    assert verdict.breaks == ()
    assert [link.fields["act"] for link in read_chain(archive) if is_tombstone(link)] == ["forgotten"] * 3
    assert rebuild(grown, tmp_path / "again.db").notes == []
    live = keyed_tables(grown.store)
    with open_store(tmp_path / "again.db") as again:
        made = keyed_tables(again)
        assert capture_histories(again, 1, "vendor").occasions == capture_histories(grown.store, 1, "vendor").occasions
    for table, rows in live.items():
        assert made[table] == rows, table


def test_a_vendor_of_expired_pages_is_forgotten_too(grown, tmp_path, rebuild, keyed_tables):
    archive, words = grown.config.archive_directory, {grown.name, *titles_of(grown)}
    due = find_due(grown.store, archive, {grown.target.market_id: 1}, grown.clock() + 5 * WEEK)
    with open_readers(grown.config) as readers:
        expire(grown.store, archive, due, readers, Versions(archive), grown.clock())
    forget(grown, grown.vendor)
    assert places_of(grown.config.data_directory, words) == []
    assert verify(grown.store, archive).breaks == ()
    grown.clock.advance(WEEK)
    rebuild(grown, tmp_path / "again.db")
    live = keyed_tables(grown.store)
    with open_store(tmp_path / "again.db") as again:
        assert keyed_tables(again) == live


def test_a_forgotten_target_leaves_manifests_and_tombstones_only(grown, tmp_path, rebuild, keyed_tables):
    folder, archive = grown.config.data_directory, grown.config.archive_directory
    words = {grown.target.mirrors[0].host, grown.name, *titles_of(grown)}
    forget_target(grown.store, archive, "souk", why="order 3", now=grown.clock())
    assert places_of(folder, words) == []
    assert grown.store.value("SELECT count(*) FROM market") == grown.store.value("SELECT count(*) FROM text") == 0
    assert find_faults(grown.store.connection) == []
    assert {path.suffix for path in (archive / "souk").iterdir()} == {".json", ".records"}
    verdict = verify(grown.store, archive)
    assert (verdict.breaks, verdict.snapshots) == ((), 3)
    rebuild(grown, tmp_path / "again.db")
    live = keyed_tables(grown.store)
    with open_store(tmp_path / "again.db") as again:
        assert keyed_tables(again) == live


def test_a_vendor_that_nobody_knows_is_one_clear_line(grown):
    with pytest.raises(UsageError, match="no vendor of souk"):
        forget(grown, "nobody")
    with pytest.raises(UsageError, match="no market"):
        forget_target(grown.store, grown.config.archive_directory, "nowhere", why="", now=grown.clock())


def test_the_command_asks_first_and_waits_for_the_daemon_to_stop(grown, capsys, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(grown.config.data_directory))

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["forget", *arguments])
        return ended.value.code, capsys.readouterr()

    monkeypatch.setattr("click.confirm", lambda *_, **options: options["abort"] and (_ for _ in ()).throw(KeyboardInterrupt))
    assert call("vendor", f"souk/{grown.vendor}", "--why", "17")[0] == 130
    assert call("vendor", grown.vendor, "--why", "17", "--yes")[0] == 2
    with writer_lock(grown.config.database_path):
        code, shown = call("vendor", f"souk/{grown.vendor}", "--why", "17", "--yes")
    assert (code, "stop it first" in shown.err) == (2, True)
    code, shown = call("vendor", f"souk/{grown.vendor}", "--why", "17", "--yes")
    assert (code, "backups were made anew" in shown.out) == (0, True)
    code, shown = call("target", "souk", "--why", "18", "--json")
    assert (code, '"records"' in shown.out) == (0, True)
