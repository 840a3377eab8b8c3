"""Hostile pages all the way: from bytes through parser, normalisers and store to every output, without a fault that is not on the list."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import random
import sys
import time

import pytest
import structlog

from torwatch.alerting import content_alerts
from torwatch.claims import stage_of
from torwatch.cli.output import escape_hidden, print_csv, show
from torwatch.config import Config
from torwatch.errors import ParserError
from torwatch.logs import set_up_logs
from torwatch.model import Outcome, PageKind
from torwatch.normalise.text import visible
from torwatch.normalisers import key_reader, normalisers_for
from torwatch.ops.notifier import compose
from torwatch.parsing.parse_page import parse_bytes
from torwatch.store.database import open_store
from torwatch.store.derived import write_derived
from torwatch.store.frontier import Visit, VisitResult, add_visits, record_results
from torwatch.store.judgement import HoldRule, Signs
from torwatch.store.signals import Scannable
from torwatch.store.snapshots import begin_snapshot, end_snapshot, find_snapshot
from torwatch.store.staging import stage_pages
from torwatch.store.targets import add_target
from torwatch.store.vendor_keys import write_vendor_keys

SOAK_INPUTS = 100_000
INPUTS = 2_000  # in every run
PAGES_A_SNAPSHOT = 50
STEERING = frozenset(
    chr(code) for code in (*range(9), *range(11, 32), *range(127, 160), 0x200B, 0x200E, 0x202A, 0x202E, 0x2066, 0x2069, 0x2028)
)


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def fuzzing(checkout):
    """The mutations that the parsers are tested with."""
    return load(checkout / "tests" / "unit" / "parsing" / "fuzzing.py", "torwatch_fuzzing_outputs")


@pytest.fixture(scope="module")
def subjects(fuzzing):
    return {name: subject for name, subject in fuzzing.find_subjects().items() if subject.pages}


class Pipeline:
    """One database that every page goes through."""

    def __init__(self, store, fuzzing):
        self.store, self.fuzzing = store, fuzzing
        self.targets, self.pages, self.listings, self.refused = {}, 0, 0, 0
        self.config = Config.model_validate({"data_directory": "/nowhere", "alerts": {"rules": [{"name": "all"}]}})

    def target(self, name):
        if name not in self.targets:
            host = f"{len(self.targets):055d}d.onion"
            self.targets[name] = add_target(self.store, name, [(host, 80, "http")], parser=name, every_seconds=60, now=self.fuzzing.NOON)
        return self.targets[name]

    def take(self, name, subject, seeds):
        """One snapshot of mutated pages, diffed, normalised, and shown everywhere."""
        target = self.target(name)
        staged = []
        for seed in seeds:
            body, path = self.fuzzing.mutate(random.Random(seed), subject)
            self.pages += 1
            try:
                parsed = parse_bytes(subject.parser, body, path=path, fetched_at=self.fuzzing.NOON)
            except ParserError:
                self.refused += 1
                continue
            if parsed.outcome is Outcome.OK:
                staged.append(stage_of(parsed, subject.rules))
        snapshot = begin_snapshot(
            self.store, target, mirror_id=target.mirrors[0].id, parser_digest="", torwatch_version="fuzz", now=self.fuzzing.NOON
        )
        with self.store.write() as connection:
            index = Visit("/index", PageKind.LISTING_INDEX)  # one good page: what is held back or failed would not reach the outputs
            add_visits(connection, snapshot.id, [index], random.Random(0))
            seen = VisitResult(index, Outcome.OK, "", 200, 10, self.fuzzing.NOON, digest="d", size=1)
            record_results(connection, snapshot.id, [seen], random.Random(0))
            stage_pages(connection, snapshot.id, staged)
        end_snapshot(
            self.store,
            find_snapshot(self.store, snapshot.id),
            coverage=subject.rules.coverage(),
            rule=HoldRule(1.0, 2),
            now=self.fuzzing.NOON,
            warc="x",
            signs=Signs(),
        )
        write_derived(self.store, target.market_id, normalisers_for(subject.rules.facts))
        write_vendor_keys(self.store, target.market_id, key_reader())
        self.show(target, snapshot.id)

    def show(self, target, snapshot_id):
        """Every output of what this snapshot brought."""
        rows = self.store.rows(
            "SELECT l.key, l.title, l.vendor, l.category, l.ship_from, l.claimed_origin, l.price FROM listing AS l WHERE l.market_id = ?"
            " AND l.key IN (SELECT key FROM change WHERE snapshot_id = ? AND entity = 'listing')",
            (target.market_id, snapshot_id),
        )
        self.listings += len(rows)
        words = [str(cell) for row in rows for cell in row if cell is not None]
        harmless(" ".join(show(word) for word in words), "terminal")
        document = escape_hidden(json.dumps([dict(row) for row in rows], ensure_ascii=False))
        harmless(document, "JSON")
        assert json.loads(document) == [dict(row) for row in rows]
        table = written(
            lambda: print_csv(("key", "title", "vendor", "category", "ship_from", "origin", "price"), [tuple(row) for row in rows])
        )
        harmless(table.replace("\r", ""), "CSV")
        csv.field_size_limit(2**26)  # a mutated title may be longer than the 128 kB that Python reads by itself
        parsed = list(csv.reader(io.StringIO(table)))
        assert [len(row) for row in parsed] == [7] * (len(rows) + 1)
        assert not any(cell.startswith(("=", "+", "@", "\t", "\r")) for row in parsed[1:] for cell in row)
        alerts = list(content_alerts(self.store, self.config, Scannable(snapshot_id, target.market_id, target.market, quiet=False)))
        if alerts:
            title, body = compose(alerts, reveal=True, show=visible)
            harmless(title + body, "notification")
        lines = logged(words)
        assert all(json.loads(line)["event"] == "seen" for line in lines)
        assert len(lines) == len(words)
        harmless("".join(lines), "log")


def harmless(text, where):
    found = STEERING & set(text)
    assert not found, f"{where}: {sorted(map(hex, map(ord, found)))}"
    text.encode("utf-8")


def written(work):
    """What a piece of work prints."""
    kept, sys.stdout = sys.stdout, io.StringIO()
    try:
        work()
        return sys.stdout.getvalue()
    finally:
        sys.stdout = kept


def logged(words):
    """The lines of the log that these words give."""
    stream = io.StringIO()
    set_up_logs("info", "json", stream)
    try:
        for word in words:
            structlog.get_logger().info("seen", title=word)
    finally:
        structlog.reset_defaults()
    return stream.getvalue().splitlines()


def feed(store, fuzzing, subjects, inputs, seed):
    """Send so many inputs through; gives the pipeline, and what went wrong by its seeds."""
    chosen, pipeline, faults = random.Random(seed), Pipeline(store, fuzzing), {}
    names = sorted(subjects)
    turn = chosen.randrange(len(names))
    while pipeline.pages < inputs:
        name = names[turn % len(names)]
        turn += 1
        seeds = [chosen.getrandbits(48) for _ in range(min(PAGES_A_SNAPSHOT, inputs - pipeline.pages))]
        try:
            pipeline.take(name, subjects[name], seeds)
        except Exception as error:  # noqa: BLE001 - every one is what is looked for, and all are wanted at the end
            faults[f"{name} {type(error).__name__}: {error!s:.300}"] = seeds[:3]
    return pipeline, faults


def test_hostile_pages_reach_every_output_harmlessly(fuzzing, subjects, tmp_path):
    with open_store(tmp_path / "torwatch.db") as store:
        pipeline, faults = feed(store, fuzzing, subjects, INPUTS, seed=7)
        assert faults == {}
        assert pipeline.pages == INPUTS
        assert pipeline.listings > 20
        assert store.value("PRAGMA integrity_check") == "ok"


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_hostile_pages_reach_every_output_harmlessly(fuzzing, subjects, tmp_path, tell_figure):
    started = time.monotonic()
    with open_store(tmp_path / "torwatch.db") as store:
        pipeline, faults = feed(store, fuzzing, subjects, SOAK_INPUTS, seed=time.time_ns())
        assert store.value("PRAGMA integrity_check") == "ok"
    seconds = time.monotonic() - started
    tell_figure(
        f"{pipeline.pages} hostile pages from bytes to every output, {len(subjects)} parsers, {pipeline.listings} times a listing was new or changed,"
        f" {pipeline.refused} refused by their parser, {seconds:.0f} s"
    )
    assert faults == {}
    assert pipeline.pages == SOAK_INPUTS
