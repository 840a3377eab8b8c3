"""Whatever is done to an archive with tombstones, revisits, expired pages, imports, a replay and decisions on holds, the check finds it."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import random
import shutil
import sqlite3
from types import SimpleNamespace

import pytest

from torwatch.archive.manifest import digest_records, read_chain
from torwatch.archive.tombstone import is_tombstone
from torwatch.assembly import open_readers
from torwatch.claims import rules_of
from torwatch.cli import main
from torwatch.config import load_config
from torwatch.demo.market import Fault, FaultKind
from torwatch.errors import ArchiveError, UsageError
from torwatch.evidence import verify
from torwatch.normalise.price import normalise_price
from torwatch.parsing.registry import load_parser
from torwatch.removal.account import request_vendor
from torwatch.removal.oblivion import carry_out
from torwatch.removal.retention import expire, find_due
from torwatch.replay.history import replay_market
from torwatch.replay.versions import Versions
from torwatch.store.database import open_store
from torwatch.store.holds import decide, find_hold
from torwatch.store.judgement import HoldRule
from torwatch.store.targets import edit_target

MONTH = dt.timedelta(days=31)


@pytest.fixture(scope="module")
def eventful(watched_once, tmp_path_factory):
    """A market with a past of every kind."""
    watch = watched_once(listings=30, still=True, second_pass=0.5)
    folder, archive, faults = tmp_path_factory.mktemp("files"), watch.config.archive_directory, watch.server.faults
    watch.look_every(MONTH, 3)
    watch.look()  # every page comes again
    watch.clock.advance(MONTH)
    faults.add(Fault(FaultKind.HIDDEN, probability=0.6))
    faults.add(Fault(FaultKind.NOT_FOUND, path="^/item/"))
    for decision in ("accepted", "rejected"):
        snapshot, ending = watch.look()
        assert ending.state == "held"
        decide(watch.store, find_hold(watch.store, snapshot.id), decision, why="looked", now=watch.clock())
        watch.clock.advance(dt.timedelta(days=1))
    faults.clear()
    watch.look()
    edit_target(watch.store, watch.target, {"note": "a note"}, now=watch.clock())
    watch.load(folder, 1, "tea,ann,3\nrice,bob,4\n")
    watch.load(folder, 2, "tea,ann,5\n")
    parser = load_parser("souk")
    replay_market(watch.tools, watch.target.market_id, parser, rules_of(parser.market, normalise_price), HoldRule(), since=2)
    with open_readers(watch.config) as readers:
        due = find_due(watch.store, archive, {watch.target.market_id: 2}, watch.clock())
        expire(watch.store, archive, due, readers, Versions(archive), watch.clock())
        name = watch.store.value("SELECT name FROM vendor WHERE market_id = 1 AND standing = 1 ORDER BY id LIMIT 1")
        carry_out(watch.tools, request_vendor(watch.store, "souk", name, "request 17"), readers, Versions(archive))
        carry_out(watch.tools, request_vendor(watch.store, "elsewhere", "bob", "request 18"), readers, Versions(archive))
    watch.clock.advance(MONTH)
    watch.look()
    watch.store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return watch


class Mutation:
    """One random change to a copy of an archive and its database; each method is one kind."""

    def __init__(self, rng, data):
        self.rng, self.data = rng, data
        self.take(rng.choice(sorted(data.glob("archive/*/*.warc.gz"))))
        self.links = read_chain(data / "archive")

    def take(self, warc):
        self.warc, self.raw, self.records = warc, warc.read_bytes(), list(digest_records(warc))

    def execute(self, sql, *parameters, without=()):
        with sqlite3.connect(self.data / "torwatch.db") as connection:
            for trigger in without:
                connection.execute(f"DROP TRIGGER {trigger}")
            assert connection.execute(sql, parameters).rowcount > 0

    def pages(self):
        return [record for record in self.records if record.kind in {"response", "revisit"}]

    def flip(self):
        at = self.rng.randrange(len(self.raw))
        self.warc.write_bytes(self.raw[:at] + bytes([self.raw[at] ^ 1 << self.rng.randrange(8)]) + self.raw[at + 1 :])

    def remove_a_record(self):
        gone = self.rng.choice(self.records)
        self.warc.write_bytes(self.raw[: gone.offset] + self.raw[gone.offset + gone.length :])

    def truncate_a_file(self):
        file = self.rng.choice([path for path in sorted(self.data.glob("archive/*/*")) if path.is_file() and path.stat().st_size])
        whole = file.read_bytes()
        file.write_bytes(whole[: self.rng.randrange(len(whole))])

    def edit_a_manifest(self):
        path = self.rng.choice(self.links).path
        fields = json.loads(path.read_text(encoding="utf-8"))
        fields[self.rng.choice(sorted(fields))] = self.rng.choice(["0", 0, None, [], {}, [{}]])
        path.write_text(json.dumps(fields, indent=1) + "\n", encoding="utf-8")

    def flip_in_a_manifest(self):
        path = self.rng.choice(self.links).path
        raw = bytearray(path.read_bytes())
        raw[self.rng.randrange(len(raw))] ^= 1 << self.rng.randrange(8)
        path.write_bytes(raw)

    def delete_a_snapshot_row(self):
        self.execute("DELETE FROM snapshot WHERE id = (SELECT id FROM snapshot ORDER BY random() LIMIT 1)")

    def swap_two_pages(self):
        while len(self.pages()) < 2:
            self.take(self.rng.choice(sorted(self.warc.parent.glob("*.warc.gz"))))
        one, other = sorted(self.rng.sample(self.pages(), 2), key=lambda record: record.offset)
        first, second = (self.raw[part.offset : part.offset + part.length] for part in (one, other))
        between = self.raw[one.offset + one.length : other.offset]
        self.warc.write_bytes(self.raw[: one.offset] + second + between + first + self.raw[other.offset + other.length :])

    def swap_two_manifests(self):
        one, other = (link.path for link in self.rng.sample(self.links, 2))
        first, second = one.read_bytes(), other.read_bytes()
        one.write_bytes(second)
        other.write_bytes(first)

    def remove_a_manifest(self):
        self.rng.choice(self.links).path.unlink()

    def remove_a_tombstone(self):
        self.rng.choice([link for link in self.links if is_tombstone(link)]).path.unlink()

    def remove_the_event_of_a_tombstone(self):
        self.execute(
            "DELETE FROM event WHERE id = (SELECT id FROM event WHERE kind IN ('expired', 'forgotten') ORDER BY random() LIMIT 1)",
            without=["event_keeps_its_rows", "journal_event_delete"],
        )

    def edit_an_event(self):
        self.execute(
            "UPDATE event SET at = '2026-01-01T00:00:00+00:00' WHERE id = (SELECT id FROM event ORDER BY random() LIMIT 1)",
            without=["event_keeps_its_words", "journal_event_update"],
        )

    def edit_a_journal_line(self):
        journal = self.data / "archive" / "journal.jsonl"
        lines = journal.read_bytes().splitlines(keepends=True)
        at = self.rng.randrange(len(lines))
        line = json.loads(lines[at])
        name = self.rng.choice(sorted(line["detail"]))
        line["detail"][name] = 77 if line["detail"][name] != 77 else 78
        lines[at] = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        journal.write_bytes(b"".join(lines))

    def remove_a_journal_line(self):
        journal = self.data / "archive" / "journal.jsonl"
        lines = journal.read_bytes().splitlines(keepends=True)
        del lines[self.rng.randrange(len(lines))]
        journal.write_bytes(b"".join(lines))

    def cut_the_journal(self):
        journal = self.data / "archive" / "journal.jsonl"
        lines = journal.read_bytes().splitlines(keepends=True)
        journal.write_bytes(b"".join(lines[: -self.rng.randint(1, 5)]))

    def remove_the_journal(self):
        (self.data / "archive" / "journal.jsonl").unlink()

    def edit_an_index(self):
        index = self.rng.choice(sorted(self.data.glob("archive/*/*.cdxj")))
        lines = index.read_bytes().splitlines(keepends=True)
        del lines[self.rng.randrange(len(lines))]
        index.write_bytes(b"".join(lines))

    def remove_an_index(self):
        self.rng.choice(sorted(self.data.glob("archive/*/*.cdxj"))).unlink()

    def remove_a_list_of_records(self):
        self.rng.choice(sorted(self.data.glob("archive/*/*.records"))).unlink()

    def remove_gleanings(self):
        self.rng.choice(sorted(self.data.glob("archive/*/*.gleanings.gz"))).unlink()

    def replace_a_record_by_one_of_the_same_length(self):
        record = self.rng.choice([one for one in self.records if one.length < 60_000])
        head = b"WARC/1.1\r\nWARC-Type: metadata\r\nContent-Length: 0\r\n\r\n\r\n\r\n"
        bare = len(gzip.compress(head, mtime=0)) + 2
        forged = bytearray(gzip.compress(head, mtime=0))
        forged[3] |= 4  # an extra field fills it up
        spare = record.length - bare
        forged[10:10] = spare.to_bytes(2, "little") + bytes(spare)
        assert len(forged) == record.length
        self.warc.write_bytes(self.raw[: record.offset] + forged + self.raw[record.offset + record.length :])
        assert len(list(digest_records(self.warc))) == len(self.records)

    def swap_two_records_between_snapshots(self):
        other = self.rng.choice([path for path in sorted(self.warc.parent.glob("*.warc.gz")) if path != self.warc])
        theirs = other.read_bytes()
        mine, yours = self.rng.choice(self.records[1:]), self.rng.choice(list(digest_records(other))[1:])
        first, second = self.raw[mine.offset : mine.offset + mine.length], theirs[yours.offset : yours.offset + yours.length]
        self.warc.write_bytes(self.raw[: mine.offset] + second + self.raw[mine.offset + mine.length :])
        other.write_bytes(theirs[: yours.offset] + first + theirs[yours.offset + yours.length :])

    def append_garbage(self):
        self.warc.write_bytes(self.raw + self.rng.randbytes(self.rng.randint(1, 50)))

    def append_a_record(self):
        record = self.rng.choice(self.records)
        self.warc.write_bytes(self.raw + self.raw[record.offset : record.offset + record.length])

    def rename_a_warc(self):
        self.warc.rename(self.warc.with_name("00000099.warc.gz"))

    def plant_a_warc(self):
        shutil.copy(self.warc, self.warc.with_name("00000099.warc.gz"))

    def swap_two_warcs(self):
        other = self.rng.choice([path for path in sorted(self.warc.parent.glob("*.warc.gz")) if path != self.warc])
        theirs = other.read_bytes()
        other.write_bytes(self.raw)
        self.warc.write_bytes(theirs)

    def remove_an_import(self):
        self.rng.choice(sorted(self.data.glob("archive/_imports/*"))).unlink()

    def edit_an_import(self):
        file = self.rng.choice(sorted(self.data.glob("archive/_imports/*.gz")))
        file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()).replace(b"tea", b"gin"), mtime=0))

    def edit_a_layout(self):
        file = self.rng.choice(sorted(self.data.glob("archive/_imports/*.toml")))
        file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")

    def edit_a_parser(self):
        source = self.rng.choice(sorted(self.data.glob("archive/_parsers/*/*/*.py")))
        source.write_text(source.read_text(encoding="utf-8") + "\n", encoding="utf-8")

    def plant_a_parser_module(self):
        folder = self.rng.choice(sorted(self.data.glob("archive/_parsers/*")))
        (folder / "engines").mkdir(exist_ok=True)
        (folder / "engines" / "planted.py").write_text("1\n", encoding="utf-8")

    def remove_a_parser(self):
        shutil.rmtree(self.rng.choice(sorted(self.data.glob("archive/_parsers/*"))))

    def edit_a_decision(self):
        self.execute("UPDATE hold SET decision = 'rejected', why = '' WHERE decision = 'accepted'", without=["journal_hold_update"])

    def edit_the_sha256_of_a_manifest(self):
        self.execute(
            "UPDATE manifest SET sha256 = replace(sha256, substr(sha256, 1, 1), 'x') WHERE sequence = (SELECT sequence FROM manifest ORDER BY random() LIMIT 1)",
            without=["journal_manifest_update"],
        )

    def edit_a_snapshot_row(self):
        self.execute("UPDATE snapshot SET listings = listings + 1 WHERE id = 1", without=["journal_snapshot_update"])


KINDS = sorted(name for name in vars(Mutation) if not name.startswith("_") and name not in {"execute", "pages", "take"})


def count_missed(eventful, tmp_path, times):
    """Do so many random mutations, each to a copy of its own; gives those that were not found."""
    data, missed, rng = eventful.config.data_directory, [], random.Random(11)
    for number in range(times):
        copy, kind = tmp_path / "copy", KINDS[number % len(KINDS)]
        shutil.copytree(data, copy)
        getattr(Mutation(rng, copy), kind)()
        with open_store(copy / eventful.config.database_path.name) as store:
            if not verify(store, copy / "archive").breaks:
                missed.append((number, kind))
        shutil.rmtree(copy)
    return missed


def test_an_eventful_archive_has_no_break(eventful):
    verdict = verify(eventful.store, eventful.config.archive_directory)
    assert verdict.breaks == ()
    links = read_chain(eventful.config.archive_directory)
    assert sum(map(is_tombstone, links)) > 4
    assert sum(link.fields.get("records", {}).get("revisit", 0) for link in links) > 50
    states = {row[0] for row in eventful.store.rows("SELECT decision FROM hold")}
    assert states == {"accepted", "rejected"}


def test_every_kind_of_mutation_of_an_eventful_archive_is_found(eventful, tmp_path):
    assert len(KINDS) > 30
    assert count_missed(eventful, tmp_path, len(KINDS)) == []


def test_the_database_made_again_from_an_eventful_archive_is_the_live_one(eventful, tmp_path, rebuild, keyed_tables):
    assert rebuild(eventful, tmp_path / "again.db").notes == []
    live = keyed_tables(eventful.store)
    with open_store(tmp_path / "again.db") as again:
        made = keyed_tables(again)
        assert verify(again, eventful.config.archive_directory).breaks == ()
    for table, rows in live.items():
        assert made[table] == rows, table


@pytest.mark.parametrize(
    "pattern", ["*/*1.gleanings.gz", "*/*2.cdxj", "*/*10.warc.gz", "*/*3.warc.gz", "journal.jsonl", "_imports/*.toml", "_imports/*.gz"]
)
def test_an_archive_that_lacks_a_file_is_one_clear_line_and_no_database(eventful, tmp_path, rebuild, pattern):
    watch = copy_of(eventful, tmp_path)
    file = min(watch.config.archive_directory.glob(pattern))
    file.unlink()
    with pytest.raises((ArchiveError, UsageError)) as error:
        rebuild(watch, tmp_path / "again.db")
    assert "restore the archive" in str(error.value) or "import it again" in str(error.value) or "no journal" in str(error.value)
    assert not (tmp_path / "again.db").exists()


def copy_of(watch, folder):
    """What a rebuild needs of a copy of all that is stored."""
    shutil.copytree(watch.config.data_directory, folder / "data")
    return SimpleNamespace(config=load_config(None, {"STATE_DIRECTORY": str(folder / "data")}), clock=watch.clock)


@pytest.mark.soak
def test_every_one_of_400_random_mutations_of_an_eventful_archive_is_found(eventful, tmp_path):
    assert count_missed(eventful, tmp_path, 400) == []


def test_the_command_tells_each_break_in_one_line(eventful, tmp_path, capsys, monkeypatch):
    copy = tmp_path / "torwatch"
    shutil.copytree(eventful.config.data_directory, copy)
    monkeypatch.setenv("STATE_DIRECTORY", str(copy))
    with pytest.raises(SystemExit) as ended:
        main(["verify"])
    assert ended.value.code == 0
    assert "no break" in capsys.readouterr().out
    for kind in KINDS:
        shutil.rmtree(copy)
        shutil.copytree(eventful.config.data_directory, copy)
        getattr(Mutation(random.Random(kind), copy), kind)()
        with pytest.raises(SystemExit) as ended:
            main(["verify"])
        said = capsys.readouterr()
        assert ended.value.code == 1, kind
        assert "Traceback" not in said.out + said.err
