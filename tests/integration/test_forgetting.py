"""What is forgotten is found nowhere any more, the chain holds, and the database made again is the one that is left."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import gzip
import html
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from torwatch.alerting import notice
from torwatch.archive.index import read_index
from torwatch.archive.manifest import read_chain
from torwatch.archive.tombstone import is_tombstone
from torwatch.assembly import open_readers
from torwatch.cli import main
from torwatch.config_sections import AlertsSection
from torwatch.crawl.session import BrowserSession, save_session
from torwatch.errors import UsageError
from torwatch.evidence import verify
from torwatch.overview import gather_status
from torwatch.removal.account import request_vendor
from torwatch.removal.market import request_target
from torwatch.removal.oblivion import carry_out
from torwatch.removal.retention import expire, find_due
from torwatch.replay.versions import Versions
from torwatch.store.backup import back_up, backup_path, find_faults
from torwatch.store.captures import capture_histories
from torwatch.store.database import open_store, writer_lock
from torwatch.store.search import search_listings
from torwatch.store.targets import add_event, edit_target
from torwatch.tor.client_keys import save_client_key

WEEK = dt.timedelta(days=7)
TWO_ROWS = "tea of the hill,annabel,3\nrice as annabel has it,bob,4\n"


def forget(watch, name):
    return carry_out_for(watch, request_vendor(watch.store, "souk", name, "request 17"))


def carry_out_for(watch, request):
    with open_readers(watch.config) as readers:
        return carry_out(watch.tools, request, readers, Versions(watch.config.archive_directory))


def all_bytes(folder):
    """Every byte of every file under a folder, compressed ones unpacked."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) > 5
    for path in files:
        data = path.read_bytes()
        yield path, str(path.relative_to(folder)).encode()
        yield path, data
        if path.suffix == ".gz":
            yield path, gzip.decompress(data)
        if data.startswith(b"SQLite format 3"):  # what the file system would show after a crash, and what a reader sees
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                yield path, "\n".join(connection.iterdump()).encode("utf-8", "surrogatepass")


def places_of(folder, words):
    """Where one of the words still stands, however it is written."""
    forms = {form.lower().encode() for word in words for form in (word, html.escape(word), quote(word), json.dumps(word)[1:-1])}
    assert forms
    return [(path.name, form) for path, data in all_bytes(folder) for form in forms if form in data.lower()]


@pytest.fixture(scope="module")
def grown_once(watched_once, tmp_path_factory):
    """A market watched for three weeks, with a snapshot stopped half-way, alerts, backups and words about a vendor in note, log and hold."""
    watch = watched_once(listings=40, second_pass=0.5)
    watch.look_every(WEEK, 3)
    alerts = AlertsSection.model_validate({"rules": [{"name": "all"}], "disk_below": "1B", "coverage_below": 0})
    watch.config = watch.config.model_copy(update={"alerts": alerts})
    status = gather_status(watch.store, watch.config.data_directory, jitter=0, now=watch.clock(), hours=None)
    assert notice(watch.store, watch.config, status, now=watch.clock(), environ={}) > 0
    watch.clock.advance(WEEK)
    stop = threading.Event()
    assert watch.look(stop=stop, progress=lambda step: step.done > 15 and stop.set())[1] is None
    chosen = watch.store.row(
        "SELECT vendor.key, vendor.name FROM vendor JOIN listing ON listing.vendor_id = vendor.id JOIN feedback ON feedback.vendor_id = vendor.id"
        " WHERE vendor.standing = 1 GROUP BY vendor.id ORDER BY count(*) DESC LIMIT 1"
    )
    watch.vendor, watch.name = chosen["key"], chosen["name"]
    with watch.store.write() as connection:
        add_event(connection, watch.clock(), "note", "souk", {"text": f"{watch.name} is looked at"})
    edit_target(watch.store, watch.target, {"note": f"ask about {watch.name}!"}, now=watch.clock())
    back_up(watch.store.connection, watch.config.data_directory / "torwatch.db.before-something")
    back_up(watch.store.connection, backup_path(watch.config.data_directory, watch.clock()))
    (watch.config.data_directory / "torwatch.db.rebuilding").write_text(watch.name, encoding="utf-8")
    (watch.config.archive_directory / "souk" / "00000001.cdxj.part").write_text(watch.name, encoding="utf-8")
    (watch.config.archive_directory / "_parsers" / ".0123-4567.part").mkdir()
    elsewhere = watch.config.data_directory.parent / "elsewhere.db"
    back_up(watch.store.connection, elsewhere)
    with watch.store.write() as connection:
        add_event(connection, watch.clock(), "backed_up", "", {"file": str(elsewhere)})
    watch.keep(tmp_path_factory.mktemp("kept") / "data")
    return watch


@pytest.fixture
def grown(grown_once):
    """The same market as it was grown, whatever the test before did with it."""
    grown_once.go_back()
    return grown_once


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
    held = folder / "held" / "souk" / "2"
    held.mkdir(parents=True)
    for name, page in (("index-1", f"<a>{listed}</a>"), ("index-2", "<a>of others</a>"), ("vendor-1", f"<b>{grown.name}</b>")):
        (held / f"{name}.html").write_text(page, encoding="utf-8")
    head = read_chain(archive)[-1].sha256
    others = grown.store.value("SELECT count(*) FROM listing WHERE vendor <> ?", (grown.vendor,))
    assert len(places_of(folder, words)) > 10
    done = forget(grown, grown.name)
    assert done.rows["vendor"] == 1
    assert done.records > 10
    assert len(done.backups) == 3
    assert done.out_of_reach == []
    assert places_of(folder, words) == []
    assert places_of(folder.parent, words) == []
    assert [example.name for example in held.iterdir()] == ["index-2.html"]
    assert search_listings(grown.store, f'"{listed}"', with_past=True) == []
    assert grown.store.value("SELECT count(*) FROM listing") >= others > 10  # the snapshot that was under way is ended first
    assert find_faults(grown.store.connection) == []
    for backup in done.backups:
        with contextlib.closing(sqlite3.connect(backup)) as connection:
            assert connection.execute("SELECT count(*) FROM listing").fetchone()[0] == others
            assert find_faults(connection) == []
    verdict = verify(grown.store, archive, head=head)
    assert verdict.breaks == ()
    assert [link.fields["act"] for link in read_chain(archive) if is_tombstone(link)] == ["forgotten"] * 4
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
    host = grown.target.mirrors[0].host
    words = {host, grown.name, *titles_of(grown)}
    save_session(grown.config.sessions_directory, grown.target.id, BrowserSession((), ()))
    save_client_key(grown.config.client_keys_directory, host, base64.b64encode(bytes(32)).decode())
    carry_out_for(grown, request_target(grown.store, "souk", "order 3"))
    assert not [*grown.config.sessions_directory.iterdir(), *grown.config.client_keys_directory.iterdir()]
    assert places_of(folder, words) == []
    assert grown.store.value("SELECT count(*) FROM market") == grown.store.value("SELECT count(*) FROM text") == 0
    assert find_faults(grown.store.connection) == []
    assert {path.suffix for path in (archive / "souk").iterdir()} == {".json", ".records"}
    verdict = verify(grown.store, archive)
    assert (verdict.breaks, verdict.snapshots) == ((), 4)
    rebuild(grown, tmp_path / "again.db")
    live = keyed_tables(grown.store)
    with open_store(tmp_path / "again.db") as again:
        assert keyed_tables(again) == live


def test_a_market_that_is_watched_again_after_it_was_forgotten_is_sealed_under_new_numbers(watched):
    watch = watched(listings=5)
    watch.look()
    carry_out_for(watch, request_target(watch.store, "souk", "order 4"))
    watch.store.close()
    watch.store = watch.open_database()
    watch.tools = replace(watch.tools, store=watch.store)
    snapshot, _ = watch.look()
    assert snapshot.id == 2
    verdict = verify(watch.store, watch.config.archive_directory)
    assert (verdict.breaks, verdict.snapshots) == ((), 2)


def test_a_vendor_that_nobody_knows_is_one_clear_line(watched):
    watch = watched(listings=5)
    watch.look()
    with pytest.raises(UsageError, match="no vendor of souk"):
        forget(watch, "nobody")
    with pytest.raises(UsageError, match="no market"):
        request_target(watch.store, "nowhere", "")


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


KILLED_AT = (
    ("torwatch.closing:follow_up", 1),  # the unfinished snapshot is ended and not sealed
    ("torwatch.removal.records:append_tombstone", 2),  # all is prepared, and nothing decided
    ("torwatch.removal.records:finish", 1),  # decided, and no file changed
    ("torwatch.removal.records:tell_removals", 2),  # the files changed, and the log does not know
    ("torwatch.removal.account:note_forgotten", 1),  # the rows go back
    ("torwatch.removal.traces:overwrite_deleted", 1),  # the rows are gone, and the file holds them still
    ("torwatch.removal.traces:rewrite_journal", 1),
    ("torwatch.removal.traces:overwrite_deleted", 2),  # the first backup's rows are gone
    ("torwatch.removal.account:drop_request", 1),
)


def killed(watch, place, times, *arguments):
    """Run a command that dies at a place; gives its return code."""
    script = str(Path(__file__).with_name("killed_command.py"))
    environment = os.environ | {"STATE_DIRECTORY": str(watch.config.data_directory)}
    return subprocess.run(
        [sys.executable, script, place, str(times), *arguments], env=environment, check=False, capture_output=True, timeout=120
    ).returncode


def test_a_request_to_forget_that_is_killed_anywhere_is_finished_and_leaves_nothing_half(grown, tmp_path, rebuild, keyed_tables):
    archive, words = grown.config.archive_directory, {grown.name, *titles_of(grown)}
    first, *rest = KILLED_AT
    assert killed(grown, *first, "forget", "vendor", f"souk/{grown.vendor}", "--why", "17", "--yes") == -signal.SIGKILL
    request, salts = grown.config.data_directory / "forgetting.json", set()
    for number, place in enumerate(rest):
        known = grown.store.value("SELECT count(*) FROM vendor WHERE key = ?", (grown.vendor,))
        by_name = known and number % 2 == 0  # called again as it was, or with "resume"
        again = ["vendor", f"souk/{grown.vendor}", "--why", "17", "--yes"] if by_name or not request.exists() else ["resume"]
        assert killed(grown, *place, "forget", *again) == -signal.SIGKILL, place
        salts.add(json.loads(request.read_text(encoding="utf-8"))["person"]["salt"])
    assert len(salts) == 1
    assert any("forgetting" in line for line in verify(grown.store, archive).breaks)
    status = gather_status(grown.store, grown.config.data_directory, jitter=0, now=grown.clock(), hours=None)
    assert "torwatch forget resume" in " ".join(problem.remedy for problem in status.problems)
    assert killed(grown, "torwatch.cli:main", 99, "forget", "resume") == 0
    assert places_of(grown.config.data_directory, words) == []
    assert verify(grown.store, archive).breaks == ()
    assert find_faults(grown.store.connection) == []
    assert not list(grown.config.data_directory.rglob("*.next*"))
    assert killed(grown, "torwatch.cli:main", 99, "forget", "resume") == 2
    rebuild(grown, tmp_path / "again.db")
    live = keyed_tables(grown.store)
    with open_store(tmp_path / "again.db") as again:
        made = keyed_tables(again)
    for table, rows in live.items():
        assert made[table] == rows, table


def test_a_vendor_of_an_imported_file_is_forgotten_in_the_file_that_the_archive_keeps(watched, tmp_path, rebuild, keyed_tables):
    watch = watched(listings=10)
    watch.load(tmp_path, 1, TWO_ROWS)
    carry_out_for(watch, request_vendor(watch.store, "elsewhere", "annabel", "18"))
    assert places_of(watch.config.data_directory, {"annabel", "tea of the hill"}) == []
    assert [row["title"] for row in watch.store.rows("SELECT title FROM listing")] == ["rice as [forgotten] has it"]
    assert rebuild(watch, tmp_path / "again.db").notes == []
    live = keyed_tables(watch.store)
    with open_store(tmp_path / "again.db") as again:
        assert keyed_tables(again) == live


def test_an_imported_market_that_was_forgotten_can_be_loaded_forgotten_and_made_again(watched, tmp_path, rebuild, keyed_tables):
    watch = watched(listings=10)
    watch.load(tmp_path, 1, TWO_ROWS)
    carry_out_for(watch, request_target(watch.store, "elsewhere", "order 5"))
    assert places_of(watch.config.data_directory, {"annabel", "tea of the hill"}) == []
    assert rebuild(watch, tmp_path / "without.db").notes == []
    watch.load(tmp_path, 1, TWO_ROWS)
    carry_out_for(watch, request_vendor(watch.store, "elsewhere", "annabel", "18"))
    assert places_of(watch.config.data_directory, {"annabel", "tea of the hill"}) == []
    assert rebuild(watch, tmp_path / "again.db").notes == []
    live = keyed_tables(watch.store)
    with open_store(tmp_path / "again.db") as again:
        assert keyed_tables(again) == live


def test_the_reason_must_not_name_who_is_forgotten(watched):
    watch = watched(listings=5)
    watch.look()
    vendor = watch.store.row("SELECT key, name FROM vendor LIMIT 1")
    with pytest.raises(UsageError, match="file number"):
        request_vendor(watch.store, "souk", vendor["key"], f"because of {vendor['name']}")


def test_pages_that_came_again_are_forgotten_with_the_page_that_holds_their_body(watched, tmp_path, rebuild, keyed_tables):
    watch = watched(listings=15, still=True, page_attempts=1)
    for _ in range(3):
        watch.look()
    index = [entry for path in sorted((watch.config.archive_directory / "souk").glob("*.cdxj")) for entry in read_index(path)]
    assert sum(entry.orig_offset is not None for entry in index) > 10
    name = watch.store.value("SELECT name FROM vendor WHERE standing = 1 ORDER BY id LIMIT 1")
    forget(watch, name)
    assert places_of(watch.config.data_directory, {name}) == []
    assert verify(watch.store, watch.config.archive_directory).breaks == ()
    assert rebuild(watch, tmp_path / "again.db").notes == []
    live = keyed_tables(watch.store)
    with open_store(tmp_path / "again.db") as again:
        assert keyed_tables(again) == live
