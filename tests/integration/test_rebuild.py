"""The archive alone gives the whole database again, table for table and row for row."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import shutil
import sqlite3
import sys
from dataclasses import replace
from decimal import Decimal

import pytest

from torwatch.alerting import notice
from torwatch.archive.journal import read_journal
from torwatch.claims import rules_of
from torwatch.cli import main
from torwatch.config_sections import AlertsSection
from torwatch.demo.market import Fault, FaultKind
from torwatch.errors import ArchiveError, UsageError
from torwatch.normalise.price import normalise_price
from torwatch.normalise.rates import Rate
from torwatch.overview import gather_status
from torwatch.parsing.registry import load_parser
from torwatch.parsing.worker import ParserWorkers
from torwatch.replay.history import replay_market
from torwatch.store.captures import capture_histories
from torwatch.store.database import open_store, writer_lock
from torwatch.store.holds import decide, find_hold
from torwatch.store.judgement import HoldRule
from torwatch.store.rates import add_rates
from torwatch.store.schema import WORKING_TABLE_NAMES
from torwatch.store.targets import edit_target, set_state

WEEK = dt.timedelta(days=7)
ALSO_COMPARED = {"capture", "miss", "listing_visit", "vendor_visit"}  # working tables that hold history


def tables(connection):
    """Every row of every table, hidden ones that hold history too."""
    connection.row_factory = None
    hidden = set(WORKING_TABLE_NAMES) - ALSO_COMPARED
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    wanted = [name for name in names if name not in hidden and not name.startswith(("sqlite_", "_sqlite"))]
    assert {"listing", "change", "capture", "event", "text"} <= set(wanted)
    return {name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in wanted}


def assert_same(watch, output):
    watch.store.connection.row_factory = None
    live = tables(watch.store.connection)
    watch.store.connection.row_factory = sqlite3.Row
    with contextlib.closing(sqlite3.connect(output)) as connection:
        again = tables(connection)
    for name, rows in live.items():
        assert again[name] == rows, name


def an_eventful_time(watch):
    """Weeks of every kind: complete, partial, failed, hidden, held and rejected, and held for a redesign on which nobody has decided."""
    watch.look()
    faults = watch.server.faults
    for fault, state in (
        (Fault(FaultKind.SERVER_ERROR, path=r"/aisle/2/1"), "partial"),
        (Fault(FaultKind.MAINTENANCE), "failed"),
        (Fault(FaultKind.HIDDEN, probability=0.2), "complete"),
        (None, "complete"),
    ):
        watch.clock.advance(WEEK)
        if fault:
            faults.add(fault)
        assert watch.look()[1].state == state
        faults.clear()
    watch.clock.advance(WEEK)
    faults.add(Fault(FaultKind.HIDDEN, probability=0.9))
    faults.add(Fault(FaultKind.NOT_FOUND, path="^/item/"))
    snapshot, ending = watch.look()
    assert ending.state == "held"
    faults.clear()
    decide(watch.store, find_hold(watch.store, snapshot.id), "rejected", why="hidden", now=watch.clock())
    watch.clock.advance(WEEK)
    faults.add(Fault(FaultKind.REDESIGN))
    assert watch.look()[1].state == "held"
    faults.clear()
    watch.clock.advance(WEEK)
    watch.look()


def test_a_rebuilt_database_is_the_live_one_row_for_row_ids_included(watched, tmp_path, rebuild):
    watch = watched(page_attempts=1, listings=70, second_pass=0.5)
    an_eventful_time(watch)
    assert watch.store.value("SELECT count(*) FROM second_pass_page WHERE outcome = 'ok'") > 0
    edit_target(watch.store, watch.target, {"note": "a note"}, now=watch.clock())
    set_state(watch.store, watch.target, "paused", now=watch.clock(), why="holiday")
    add_rates(watch.store, [Rate("BTC", "USD", Decimal(90000), watch.clock(), "bank")])
    done = rebuild(watch, tmp_path / "again.db")
    assert (done.snapshots, done.notes) == (8, [])
    assert done.pages > 250
    assert_same(watch, tmp_path / "again.db")


def noticed(store, watch):
    status = gather_status(store, watch.config.data_directory, jitter=0, now=watch.clock(), hours=None)
    return notice(store, watch.config, status, now=watch.clock(), environ={})


def test_a_rebuilt_database_tells_no_old_alerts(watched, tmp_path, rebuild):
    watch = watched(listings=10)
    for _ in range(2):
        watch.look()
        watch.clock.advance(WEEK)
    watch.look()
    alerts = AlertsSection.model_validate({"rules": [{"name": "all"}], "disk_below": "1B", "coverage_below": 0})
    watch.config = watch.config.model_copy(update={"alerts": alerts})
    assert noticed(watch.store, watch) > 0
    rebuild(watch, tmp_path / "again.db")
    with open_store(tmp_path / "again.db") as again:
        assert noticed(again, watch) == 0


def test_imported_files_are_loaded_again_from_the_archive(watched, tmp_path, rebuild):
    watch = watched(listings=10)
    watch.look()
    watch.load(tmp_path, 1, "tea,ann,3\nrice,bob,4\n")
    watch.load(tmp_path, 2, "tea,ann,5\n")
    assert rebuild(watch, tmp_path / "again.db").notes == []
    assert_same(watch, tmp_path / "again.db")


def test_each_snapshot_is_read_by_the_parser_version_that_read_it_first(watched, tmp_path, rebuild):
    watch = watched(listings=10)
    mine = tmp_path / "parsers" / "souk"
    shutil.copytree(load_parser("souk").path.parent, mine, ignore=shutil.ignore_patterns("pages", "expected", "__pycache__"))
    mine.parent.chmod(0o700)
    watch.config = watch.config.model_copy(update={"parsing": watch.config.parsing.model_copy(update={"directories": (mine.parent,)})})
    source = (mine / "parser.py").read_text(encoding="utf-8")
    for version in ("first", "second"):
        renamed = (
            source
            + f"\n\n_parse = parse\n\n\ndef parse(page):\n    from dataclasses import replace\n    for one in _parse(page):\n        yield replace(one, title='{version} ' + one.title) if type(one).__name__ == 'Listing' and one.title else one\n"
        )
        (mine / "parser.py").write_text(renamed, encoding="utf-8")
        with ParserWorkers(directories=(mine.parent,)) as workers:
            watch.tools = replace(watch.tools, workers=workers)
            watch.look()
        watch.clock.advance(WEEK)
    titles = watch.store.rows("SELECT DISTINCT substr(new, 1, instr(new, ' ')) FROM change WHERE field = 'title' AND entity = 'listing'")
    assert [row[0] for row in titles] == ["second "]
    shutil.rmtree(mine)
    assert rebuild(watch, tmp_path / "again.db").notes == []
    assert_same(watch, tmp_path / "again.db")


def test_a_parser_version_that_was_not_kept_is_told_and_the_present_one_reads(watched, tmp_path, rebuild):
    watch = watched(listings=10)
    watch.look()
    shutil.rmtree(watch.config.archive_directory / "_parsers")
    [note] = rebuild(watch, tmp_path / "again.db").notes
    assert "does not keep parser souk" in note
    assert_same(watch, tmp_path / "again.db")


def test_after_a_replay_and_an_accepted_hold_the_history_is_the_same(watched, tmp_path, rebuild):
    watch = watched(listings=60)
    watch.look()
    watch.clock.advance(WEEK)
    watch.server.faults.add(Fault(FaultKind.HIDDEN, probability=0.6))
    watch.server.faults.add(Fault(FaultKind.NOT_FOUND, path="^/item/"))
    snapshot, ending = watch.look()
    assert ending.state == "held"
    watch.server.faults.clear()
    watch.clock.advance(WEEK)
    watch.look()
    decide(watch.store, find_hold(watch.store, snapshot.id), "accepted", why="looked", now=watch.clock())
    parser = load_parser("souk")
    rules = rules_of(parser.market, normalise_price)
    replay_market(watch.tools, watch.target.market_id, parser, rules, HoldRule(max_fall=0.3), since=snapshot.id)
    assert rebuild(watch, tmp_path / "again.db").notes == []
    live, seen = watch.dump(), keyed_histories(watch.store)
    watch.store.close()
    with open_store(tmp_path / "again.db") as watch.store:
        again = watch.dump()
        for name, rows in live.items():
            assert again[name] == rows, name
        assert keyed_histories(watch.store) == seen
        assert watch.store.value("SELECT decision FROM hold") == "accepted"
        assert [row["max_fall"] for row in watch.store.rows("SELECT max_fall FROM snapshot ORDER BY id")] == [0.4, 0.3, 0.3]


def keyed_histories(store):
    """Capture histories by key instead of id."""
    return {
        entity: {
            store.value(f"SELECT key FROM {entity} WHERE id = ?", (number,)): bits
            for number, bits in capture_histories(store, 1, entity).seen.items()
        }
        for entity in ("listing", "vendor")
    }


@pytest.mark.parametrize("stop_after", [0.2, 0.9])
def test_a_stopped_rebuild_goes_on_where_it_was(watched, tmp_path, rebuild, stop_after):
    watch = watched(listings=20)
    for _ in range(3):
        watch.look()
        watch.clock.advance(WEEK)

    def give_up(done, total):
        if done > stop_after * total:
            raise KeyboardInterrupt(f"{done} of {total}")

    with pytest.raises(KeyboardInterrupt):
        rebuild(watch, tmp_path / "again.db", progress=give_up)
    assert not (tmp_path / "again.db").exists()
    steps = []
    rebuild(watch, tmp_path / "again.db", progress=lambda *step: steps.append(step))
    assert steps[-1][0] == steps[-1][1]
    if stop_after > 0.5:
        assert steps[-1][1] < 0.6 * watch.store.value("SELECT sum(pages) FROM snapshot")
    assert_same(watch, tmp_path / "again.db")


def test_archived_pages_of_a_second_pass_that_the_journal_does_not_have_are_told(watched, tmp_path, rebuild):
    watch = watched(listings=70, second_pass=0.5)
    watch.look()
    journal = watch.config.archive_directory / "journal.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    lost = [line for line in lines if json.loads(line)["subject"] == "second_pass_page"]
    journal.write_text("".join(line for line in lines if line not in lost), encoding="utf-8")
    [note] = rebuild(watch, tmp_path / "again.db").notes
    assert f"snapshot 1: {len(lost)} archived pages of the second pass are not in the journal" in note


def give_up(*_arguments, **_options):
    raise KeyboardInterrupt


def test_a_rebuild_stopped_before_the_derived_values_of_a_snapshot_makes_them_when_it_goes_on(watched, tmp_path, rebuild):
    watch = watched(listings=10)
    watch.look()
    watch.load(tmp_path, 1, "tea,ann,3\nrice,bob,4\n")
    watch.load(tmp_path, 2, "tea,ann,5\n")
    # after the crawled snapshot, which ended first; then after each of the two files
    for place in ("replay.rebuild.derive", "loading.derive_file", "loading.derive_file"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(f"torwatch.{place}", give_up)
            with pytest.raises(KeyboardInterrupt):
                rebuild(watch, tmp_path / "again.db")
    rebuild(watch, tmp_path / "again.db")
    assert watch.store.value("SELECT count(*) FROM origin") > 0
    assert_same(watch, tmp_path / "again.db")


def test_a_rebuild_that_was_stopped_begins_again_when_the_journal_has_grown(watched, tmp_path, rebuild):
    watch = watched(listings=10)
    watch.look()
    with pytest.raises(KeyboardInterrupt):
        rebuild(watch, tmp_path / "again.db", progress=give_up)
    watch.clock.advance(WEEK)
    watch.look()
    assert rebuild(watch, tmp_path / "again.db").snapshots == 2
    assert_same(watch, tmp_path / "again.db")


def test_a_line_that_the_journal_gets_while_it_is_read_is_missed_by_no_rebuild(watched, tmp_path, monkeypatch, rebuild):
    watch = watched(listings=10)
    watch.look()

    def read_slowly(archive_directory):
        yield from read_journal(archive_directory)
        edit_target(watch.store, watch.target, {"note": "written meanwhile"}, now=watch.clock())

    with monkeypatch.context() as patch:
        patch.setattr("torwatch.replay.rebuild.read_journal", read_slowly)
        with pytest.raises(KeyboardInterrupt):
            rebuild(watch, tmp_path / "again.db", progress=give_up)
    rebuild(watch, tmp_path / "again.db")
    assert_same(watch, tmp_path / "again.db")


def test_an_archive_that_lacks_what_it_takes_is_one_clear_line(watched, tmp_path, rebuild):
    watch = watched(listings=10)
    (watch.config.archive_directory / "journal.jsonl").unlink()
    with pytest.raises(UsageError, match="no journal"):
        rebuild(watch, tmp_path / "again.db")
    watch.begin_again()
    watch.look()
    index = watch.config.archive_directory / "souk" / "00000001.cdxj"
    index.unlink()
    with pytest.raises(ArchiveError, match=r"is missing: restore the archive$"):
        rebuild(watch, tmp_path / "again.db")


def run(watch, *arguments):
    """Call the command as a process would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STATE_DIRECTORY", str(watch.config.data_directory))
        with pytest.raises(SystemExit) as ended:
            main(["rebuild", *arguments])
    return ended.value.code


def test_the_command_refuses_to_overwrite_and_keeps_what_it_replaces(watched, tmp_path, capsys):
    watch = watched(listings=10)
    watch.look()
    watch.store.close()
    assert run(watch) == 2
    assert "--from-archive" in capsys.readouterr().err
    assert run(watch, "--from-archive") == 2
    assert "--force" in capsys.readouterr().err
    with writer_lock(watch.config.database_path):
        assert run(watch, "--from-archive", "--force") == 2
        assert "stop the daemon" in capsys.readouterr().err
    assert run(watch, "--from-archive", "--force") == 0
    assert "is kept" in capsys.readouterr().out
    kept = watch.config.database_path.with_name("torwatch.db.before-rebuild-1")
    with open_store(watch.config.database_path) as watch.store, contextlib.closing(sqlite3.connect(kept)) as old:
        assert watch.store.value("SELECT count(*) FROM listing") == old.execute("SELECT count(*) FROM listing").fetchone()[0] > 0
        assert watch.store.value("SELECT kind FROM event ORDER BY id DESC") == "rebuilt"
        assert [line.detail["kind"] for line in read_journal(watch.config.archive_directory) if line.subject == "event"][-1] == "rebuilt"
        assert run(watch, "--from-archive", "-o", str(tmp_path / "again.db"), "--json") == 0
        assert json.loads(capsys.readouterr().out)["snapshots"] == 1
        assert_same(watch, tmp_path / "again.db")


def test_a_cluster_of_two_workers_gives_the_same_rows(watched, tmp_path, capsys):
    from distributed import LocalCluster  # noqa: PLC0415 - takes a second to load

    watch = watched(listings=15)
    for _ in range(2):
        watch.look()
        watch.clock.advance(WEEK)
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50) as cluster:
        assert run(watch, "--from-archive", "-o", str(tmp_path / "again.db"), "--dask", cluster.scheduler_address) == 0
    assert "2 snapshots made again" in capsys.readouterr().out
    assert_same(watch, tmp_path / "again.db")


def test_a_cluster_that_does_not_answer_is_one_clear_line(watched, tmp_path, capsys, monkeypatch):
    watch = watched(listings=10)
    watch.look()
    monkeypatch.setattr("torwatch.replay.cluster.CONNECT_SECONDS", 0.5)
    assert run(watch, "--from-archive", "-o", str(tmp_path / "again.db"), "--dask", "tcp://127.0.0.1:1") == 2
    assert "dask scheduler" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert run(watch, "--from-archive", "-o", str(tmp_path / "again.db"), "--dask", "tcp://127.0.0.1:1") == 2
    assert "torwatch[dask]" in capsys.readouterr().err
