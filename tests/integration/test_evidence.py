"""Whatever is done to one file, record, manifest or row of a sealed archive, the check finds it; a clean archive has no break."""

from __future__ import annotations

import datetime as dt
import json
import random
import secrets
import shutil
import sqlite3
import threading

import pytest

from torwatch.archive.index import read_index
from torwatch.archive.manifest import digest_records, read_chain
from torwatch.closing import finish_closings
from torwatch.evidence import seal_snapshots, verify
from torwatch.ledger import open_journaled
from torwatch.parsing.registry import load_parser
from torwatch.store.database import open_store
from torwatch.store.manifests import unsealed_snapshots
from torwatch.store.targets import edit_target

SNAPSHOTS = 20
MUTATIONS = ("flip", "remove", "truncate", "manifest", "row", "swap")


@pytest.fixture
def sealed(watched):
    """A market watched 20 times, every second time so soon that all its pages come again byte for byte."""
    watch = watched("souk", listings=10, still=True)
    for look in range(SNAPSHOTS):
        watch.clock.advance(dt.timedelta(days=7) if look % 2 == 0 else dt.timedelta(0))
        watch.look()
    return watch


def mutate(kind, rng, data):
    """One random change to a copy of an archive and its database."""
    warc = rng.choice(sorted(data.glob("archive/*/*.warc.gz")))
    raw = warc.read_bytes()
    records = list(digest_records(warc))
    if kind == "flip":
        at = rng.randrange(len(raw))
        warc.write_bytes(raw[:at] + bytes([raw[at] ^ 1 << rng.randrange(8)]) + raw[at + 1 :])
    elif kind == "remove":
        gone = rng.choice(records)
        warc.write_bytes(raw[: gone.offset] + raw[gone.offset + gone.length :])
    elif kind == "truncate":
        file = rng.choice(sorted(warc.parent.glob(f"{warc.name.partition('.')[0]}.*")))
        whole = file.read_bytes()
        file.write_bytes(whole[: rng.randrange(len(whole))])
    elif kind == "manifest":
        file = rng.choice(sorted(data.glob("archive/*/*.manifest.json")))
        fields = json.loads(file.read_text(encoding="utf-8"))
        fields[rng.choice(("first", "market", "snapshot", "previous"))] = "0"
        file.write_text(json.dumps(fields, indent=1) + "\n", encoding="utf-8")
    elif kind == "row":
        with sqlite3.connect(data / "torwatch.db") as connection:
            connection.execute("DELETE FROM snapshot WHERE id = ?", (rng.randint(1, SNAPSHOTS),))
    else:
        one, other = sorted(
            rng.sample([record for record in records if record.kind in {"response", "revisit"}], 2), key=lambda record: record.offset
        )
        first, second = (raw[part.offset : part.offset + part.length] for part in (one, other))
        between = raw[one.offset + one.length : other.offset]
        warc.write_bytes(raw[: one.offset] + second + between + first + raw[other.offset + other.length :])
    return kind


def test_every_one_of_200_random_mutations_is_found_and_a_clean_archive_has_no_break(sealed, tmp_path):
    data = sealed.config.data_directory
    sealed.store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    clean = verify(sealed.store, sealed.config.archive_directory)
    assert (clean.breaks, clean.snapshots) == ((), SNAPSHOTS)
    assert clean.records > 20 * SNAPSHOTS
    revisits = sum(link.fields["records"].get("revisit", 0) for link in read_chain(sealed.config.archive_directory))
    assert revisits > 5 * SNAPSHOTS
    rng, missed = random.Random(7), []
    for number in range(200):
        copy = tmp_path / "copy"
        shutil.copytree(data, copy)
        kind = mutate(MUTATIONS[number % len(MUTATIONS)], rng, copy)
        with open_store(copy / sealed.config.database_path.name) as store:
            if not verify(store, copy / "archive").breaks:
                missed.append((number, kind))
        shutil.rmtree(copy)
    assert missed == []


def test_a_revisit_whose_page_is_gone_is_told_even_where_its_own_file_is_whole(watched):
    watch = watched("souk", listings=10, still=True)
    watch.look()
    watch.look()
    archive = watch.config.archive_directory / "souk"
    entry = next(entry for entry in read_index(archive / "00000002.cdxj") if entry.orig_filename == "00000001.warc.gz")
    for file in archive.glob("00000001.*"):
        file.unlink()
    breaks = verify(watch.store, watch.config.archive_directory).breaks
    assert any(f"00000002.cdxj: {entry.url} refers to a page that is not in 00000001.warc.gz" in line for line in breaks)


def test_a_tail_cut_off_with_its_rows_and_lines_shows_only_against_a_deposited_head(watched, tmp_path):
    watch = watched("souk", listings=10)
    watch.look()
    watch.store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copytree(watch.config.data_directory, tmp_path / "cut")
    watch.clock.advance(dt.timedelta(days=7))
    watch.look()
    head = read_chain(watch.config.archive_directory)[-1].sha256
    with open_store(tmp_path / "cut" / "torwatch.db") as store:
        silent = verify(store, tmp_path / "cut" / "archive")
        assert silent.breaks == ()
        assert "only against a head deposited elsewhere" in silent.notes[0]
        [found] = verify(store, tmp_path / "cut" / "archive", head=head).breaks
    assert "the deposited head" in found


def test_a_tail_cut_off_whose_rows_were_deleted_shows_in_the_journal(watched):
    watch = watched("souk", listings=10)
    watch.look_every(dt.timedelta(days=7), 2)
    archive = watch.config.archive_directory
    for file in archive.glob("souk/00000002.*"):
        file.unlink()
    with sqlite3.connect(watch.config.database_path) as connection:
        connection.execute("DELETE FROM snapshot WHERE id = 2")
        connection.execute("DELETE FROM manifest WHERE snapshot_id = 2")
    assert any("row 2 of snapshot was deleted" in line for line in verify(watch.store, archive).breaks)


def test_a_manifest_vouches_for_the_files_and_says_where_they_come_from(watched):
    watch = watched("souk", listings=10)
    snapshot, ending = watch.look()
    [link] = read_chain(watch.config.archive_directory)
    fields = link.fields
    assert (fields["sequence"], fields["previous"], fields["market"], fields["snapshot"]) == (1, "", "souk", snapshot.id)
    assert fields["state"] == ending.state
    assert [file["name"] for file in fields["files"]] == ["00000001.warc.gz", "00000001.cdxj", "00000001.records"]
    pages = [entry for entry in read_index(link.path.parent / "00000001.cdxj") if entry.offset is not None]
    assert fields["records"] == {"request": len(pages), "response": len(pages), "warcinfo": 1}
    assert fields["first"] <= fields["last"]


def test_a_snapshot_that_a_kill_left_unsealed_is_told_and_sealed_later(watched):
    watch = watched("souk", listings=10)
    watch.look()
    archive = watch.config.archive_directory
    for path in archive.glob("*/*.manifest.json"):
        path.unlink()
    with sqlite3.connect(watch.config.database_path) as connection:
        connection.execute("DELETE FROM manifest")
    assert "run `torwatch evidence seal`" in verify(watch.store, archive).breaks[0]
    assert len(seal_snapshots(watch.store, archive, watch.clock())) == 1
    assert seal_snapshots(watch.store, archive, watch.clock()) == []
    assert verify(watch.store, archive).breaks == ()


def test_the_end_of_a_market_leaves_to_another_what_a_kill_kept_from_following_its_own(watched):
    watch = watched("souk", listings=10)
    watch.look()
    archive, held = watch.config.archive_directory, watch.config.data_directory / "held"
    cut_off_by_a_kill(watch, {90: "souk", 91: "empire"})
    watch.clock.advance(dt.timedelta(days=7))
    watch.look()
    assert [row["id"] for row in unsealed_snapshots(watch.store)] == [90, 91]
    asked = []
    finish_closings(watch.tools, lambda name: asked.append(name) or load_parser(name).market)
    assert asked == ["empire"]
    assert sorted(folder.name for folder in (held / "elsewhere").iterdir()) == ["90", "91"]
    assert unsealed_snapshots(watch.store) == []
    assert verify(watch.store, archive).breaks == ()


def cut_off_by_a_kill(watch, parsers):
    """Give another market held snapshots of these parsers after whose end nothing was done; their pages are those of the first."""
    folder = watch.config.archive_directory / "elsewhere"
    folder.mkdir()
    with watch.store.write() as connection:
        connection.execute("INSERT INTO market (id, name, added_at) VALUES (2, 'elsewhere', '2026-01-05')")
        for number, parser in parsers.items():
            for file in ("00000001.warc.gz", "00000001.cdxj"):
                shutil.copy(folder.parent / "souk" / file, folder / file.replace("01.", f"{number}."))
            fields = dict(watch.store.row("SELECT * FROM snapshot WHERE id = 1"))
            fields |= {
                "id": number,
                "market_id": 2,
                "target_id": None,
                "mirror_id": None,
                "state": "held",
                "parser": parser,
                "parser_digest": "",
            }
            fields["warc"] = f"elsewhere/000000{number}.warc.gz"
            connection.execute(f"INSERT INTO snapshot ({', '.join(fields)}) VALUES ({', '.join('?' * len(fields))})", [*fields.values()])


def test_a_manifest_taken_away_is_not_made_anew(watched):
    watch = watched("souk", listings=10)
    watch.look()
    archive = watch.config.archive_directory
    for path in archive.glob("*/*.manifest.json"):
        path.unlink()
    assert seal_snapshots(watch.store, archive, watch.clock()) == []
    assert "missing or unreadable" in verify(watch.store, archive).breaks[0]


def test_a_snapshot_under_way_and_a_daemon_that_writes_are_no_break(watched):
    watch = watched("souk", listings=10)
    watch.look()
    watch.clock.advance(dt.timedelta(days=7))
    stop = threading.Event()
    assert watch.look(stop=stop, progress=lambda step: step.done > 5 and stop.set())[1] is None
    archive = watch.config.archive_directory
    assert len(list(archive.glob("souk/*.warc.gz"))) == 2
    ended = threading.Event()

    def write_on():
        with open_journaled(watch.config.database_path, archive) as daemon:
            while not ended.is_set():
                edit_target(daemon, watch.target, {"note": secrets.token_hex(8)}, now=watch.clock())

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        found = [verify(watch.store, archive).breaks]
        while watch.store.value("SELECT count(*) FROM event") < 30:
            found.append(verify(watch.store, archive).breaks)
    finally:
        ended.set()
        writer.join()
    assert len(found) > 5
    assert set(found) == {()}


def test_the_event_log_only_grows(watched):
    watch = watched("souk", listings=10)
    assert watch.store.value("SELECT count(*) FROM event") > 0
    for statement in ("DELETE FROM event", "UPDATE event SET kind = 'x'"):
        with pytest.raises(sqlite3.IntegrityError, match="only grows"), watch.store.write() as connection:
            connection.execute(statement)
