"""A market watched without Tor: a real SOCKS5 port on loopback stands where Tor's would, everything else is as in earnest."""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.util
import random
import shutil
import socket
import socketserver
import struct
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import planted
import pytest

from torwatch.archive.files import hash_file
from torwatch.assembly import offline_tools, open_readers, rebuilding
from torwatch.config import load_config
from torwatch.daemon import snapshot_target
from torwatch.dataset.layout import load_layout
from torwatch.demo.market import ENGINES, EPOCH, MarketServer, SimulatedClock
from torwatch.ledger import open_journaled
from torwatch.loading import load_file
from torwatch.replay.rebuild import Rebuild
from torwatch.store.capture import decode_ids
from torwatch.store.judgement import HoldRule
from torwatch.store.schema import WORKING_TABLE_NAMES
from torwatch.store.targets import add_target
from torwatch.tor.reasons import explain

spec = importlib.util.spec_from_file_location("serving", Path(__file__).parents[1] / "serving.py")
serving = importlib.util.module_from_spec(spec)
spec.loader.exec_module(serving)
ONION = "mockmarketabcdefghijklmnopqrstuvwxyz234567abcdefghijklmd.onion"
START = EPOCH + dt.timedelta(days=90)


class Relay(socketserver.BaseRequestHandler):
    """One SOCKS5 connection with user and password, relayed to the market's port."""

    def handle(self):
        client = self.request
        version, methods = self.read(2)
        self.read(methods)
        client.sendall(b"\x05\x02")
        self.read(1)
        self.read(self.read(1)[0])
        self.read(self.read(1)[0])
        client.sendall(b"\x01\x00")
        self.read(4)
        host = self.read(self.read(1)[0]).decode()
        self.server.asked.add(host)
        self.read(2)
        if host in self.server.dead:
            client.sendall(bytes([5, self.server.dead[host], 0, 1]) + bytes(6))
            return
        with socket.create_connection(("127.0.0.1", self.server.ports.get(host, self.server.market_port))) as upstream:
            self.server.open.add((host, upstream))
            client.sendall(b"\x05\x00\x00\x01" + socket.inet_aton("127.0.0.1") + struct.pack(">H", 0))
            back = threading.Thread(target=self.pump, args=(upstream, client), daemon=True)
            back.start()
            self.pump(client, upstream)
            back.join()
            self.server.open.discard((host, upstream))
        assert version == 5

    def read(self, size):
        data = b""
        while len(data) < size:
            chunk = self.request.recv(size - len(data))
            if not chunk:
                raise ConnectionError
            data += chunk
        return data

    @staticmethod
    def pump(source, sink):
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                sink.sendall(chunk)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


class SocksServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        """A connection cut off by a stopped walk is no error."""

    def lose(self, host, code):
        """From now on a host gives this reply code of tor's SOCKS port, and the connections to it are cut."""
        self.dead[host] = code
        for name, upstream in list(self.open):
            if name == host:
                with contextlib.suppress(OSError):
                    upstream.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def relaying(port):
    """A SOCKS port that leads every onion to a port of this machine; gives the server, which remembers the names asked for."""
    server = SocksServer(("127.0.0.1", 0), Relay)
    server.market_port, server.asked, server.dead, server.open, server.ports = port, set(), {}, set(), {}
    with serving.serving(server):
        yield server


@pytest.fixture
def relay():
    """Give `relaying`."""
    return relaying


class StandInTor:
    """What a walk needs of Tor, over the relay."""

    def __init__(self, address):
        self.socks_address = address

    version = "0.4.8.0"

    def credentials(self, identity):
        return identity, planted.SOCKS_PASSWORD

    def ensure(self):
        return False

    def use_client_keys(self, keys):
        """Nothing to open."""


class Watch:
    """One simulated market under watch."""

    def __init__(self, stack, directory, engine="souk", seed=5, listings=25, *, still=False, **crawl):
        self.clock = SimulatedClock(START)
        drawn_as = ENGINES[engine]()
        self.world = drawn_as.world(seed, listings=listings)
        self.server = stack.enter_context(MarketServer(self.world, drawn_as, self.clock, still=still))
        relay = stack.enter_context(relaying(self.server.port))
        self.asked = relay.asked
        self.relay, self.lose = relay, relay.lose
        self.find = relay.dead.pop
        self.lead = relay.ports.__setitem__
        config = load_config(None, {"STATE_DIRECTORY": str(directory)})
        quick = {"seconds_per_request": 0.0, "concurrency": 4, "detail_max_age": dt.timedelta(0)} | crawl
        self.config = config.model_copy(update={"crawl": config.crawl.model_copy(update=quick)})
        self.engine = engine
        self.store = stack.enter_context(self.open_database())
        tools = stack.enter_context(offline_tools(self.config, self.store, now=self.clock))
        self.tools = replace(
            tools, tor=StandInTor(relay.server_address), rng=random.Random(3), explain=partial(explain, extended_errors=True)
        )

    def open_database(self):
        """The database, with the market as its one target."""
        store = open_journaled(self.config.database_path, self.config.archive_directory)
        self.target = add_target(store, self.engine, [(ONION, 80, "http")], parser=self.engine, every_seconds=604800, now=self.clock())
        return store

    def begin_again(self):
        """Throw away what was stored and archived."""
        self.store.close()
        shutil.rmtree(self.config.data_directory)
        self.store = self.open_database()
        self.tools = replace(self.tools, store=self.store)

    def keep(self, folder):
        """Keep a copy of all that is stored now, in a folder that is not there yet, for `go_back`."""
        self.store.close()
        shutil.copytree(self.config.data_directory.parent, folder)
        self.kept = folder, self.clock()

    def go_back(self):
        """Let all that is stored be as it was kept."""
        folder, moment = self.kept
        self.store.close()
        shutil.rmtree(self.config.data_directory.parent)
        shutil.copytree(folder, self.config.data_directory.parent)
        self.clock.set(moment)
        self.store = open_journaled(self.config.database_path, self.config.archive_directory)
        self.tools = replace(self.tools, store=self.store)

    def look(self, stop=None, progress=lambda _: None, **crawl):
        """Take a snapshot; options override the crawl section."""
        config = self.config.model_copy(update={"crawl": self.config.crawl.model_copy(update=crawl)})
        return snapshot_target(self.tools, config, self.target, stop=stop or threading.Event(), progress=progress)

    def look_every(self, span, times):
        """Take so many snapshots, `span` apart."""
        for number in range(times):
            if number:
                self.clock.advance(span)
            self.look()

    def load(self, folder, month, rows):
        """Import rows of title, vendor and price into a market of its own, as those of a month of 2014; the file is gone afterwards."""
        file, layout = folder / f"items-{month}.csv", folder / "mine.toml"
        file.write_text("title,vendor,price\n" + rows, encoding="utf-8")
        layout.write_text('[fields]\ntitle = "title"\nvendor = "vendor"\nprice_raw = "price"\n', encoding="utf-8")
        load_file(
            self.store,
            file,
            load_layout(str(layout)),
            "elsewhere",
            at=dt.datetime(2014, month, 1, tzinfo=dt.UTC),
            file_digest=hash_file(file),
            hold=HoldRule(),
            now=self.clock(),
            archive_directory=self.config.archive_directory,
        )
        file.unlink()

    def dump(self):
        """Every row that history is made of, without ids."""
        queries = {
            "change": "SELECT snapshot_id, entity, key, field, old, new, cause FROM change ORDER BY 1, 2, 3, 4, 7",
            "spell": "SELECT s.entity, coalesce(l.key, v.key), s.opened_snapshot_id, s.last_seen_snapshot_id, s.first_missed_snapshot_id, s.why"
            " FROM spell AS s LEFT JOIN listing AS l ON s.entity = 'listing' AND l.id = s.entity_id"
            " LEFT JOIN vendor AS v ON s.entity = 'vendor' AND v.id = s.entity_id ORDER BY 1, 2, 3",
            "listing": "SELECT key, title, vendor, category, price, currency, price_unit, ship_from, ship_to, description, standing, sources, views,"
            " sales, stock, claimed_origin FROM listing ORDER BY key",
            "vendor": "SELECT key, name, member_since, ship_from, profile, pgp, standing, sources, sales, last_seen FROM vendor ORDER BY key",
            "feedback": "SELECT key, vendor, listing_key, body, rating, first_snapshot_id FROM feedback ORDER BY key",
            "shown": "SELECT l.key, s.snapshot_id, s.shown FROM feedback_shown AS s JOIN listing AS l ON l.id = s.listing_id ORDER BY 1, 2",
            "counter": "SELECT l.key, c.snapshot_id, c.views, c.sales, c.stock FROM listing_counter AS c JOIN listing AS l ON l.id = c.listing_id"
            " ORDER BY 1, 2",
            "snapshot": "SELECT id, state, reason, listings, vendors, new_feedback, pages FROM snapshot ORDER BY id",
            "pages": "SELECT * FROM snapshot_page ORDER BY 1, 2, 3",
            "fill": "SELECT * FROM fill_rate ORDER BY 1, 2, 3",
            "failure": "SELECT snapshot_id, path, kind, outcome FROM failure ORDER BY 1, 2",
            "origin": "SELECT raw, code, class, excluded FROM origin ORDER BY 1, 2, 4",
        }
        return {name: [tuple(row) for row in self.store.rows(sql)] for name, sql in queries.items()}


def keyed_tables(store):
    """Every table that holds history, with keys in the place of ids: equal where two databases know the same."""
    hidden = set(WORKING_TABLE_NAMES) - {"capture", "miss"} | {
        "alert",
        "alert_delivery",
    }  # a database made again has told all and keeps none
    names = [row[0] for row in store.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    wanted = [name for name in names if name not in hidden and not name.startswith(("sqlite_", "_sqlite"))]
    assert {"listing", "change", "capture", "event", "text"} <= set(wanted)
    keys = {entity: {row[0]: row[1] for row in store.rows(f"SELECT id, key FROM {entity}")} for entity in ("listing", "vendor")}
    spells = {
        row["id"]: (row["entity"], keys[row["entity"]][row["entity_id"]], row["opened_snapshot_id"])
        for row in store.rows("SELECT * FROM spell")
    }

    def keyed(table, row):
        fields = dict(row)
        if table in {"listing", "vendor", "feedback", "change", "spell", "failure"}:
            fields.pop("id")
        if table == "spell":
            fields["entity_id"] = keys[row["entity"]][row["entity_id"]]
        for entity in ("listing", "vendor"):
            if fields.get(f"{entity}_id") is not None:
                fields[f"{entity}_id"] = keys[entity][fields[f"{entity}_id"]]
        if "spell_id" in fields:
            fields["spell_id"] = spells[fields["spell_id"]]
        if fields.get("ids") is not None:
            fields["ids"] = sorted(keys[fields.get("entity", "listing")][number] for number in decode_ids(fields["ids"]))
        return repr(fields)

    return {name: sorted(keyed(name, row) for row in store.rows(f"SELECT * FROM {name}")) for name in wanted}


@pytest.fixture(name="keyed_tables")
def give_keyed_tables():
    """Give the function of this name."""
    return keyed_tables


def rebuild_at(watch, output, **options):
    """Make the database of a watched market again at `output`; gives what was made."""
    with rebuilding(watch.config, output, now=watch.clock) as (tools, work), open_readers(watch.config) as readers:
        done = Rebuild(tools, readers, HoldRule(), **options).run()
    work.replace(output)
    return done


@pytest.fixture(name="rebuild")
def give_rebuild():
    """Give `rebuild_at`."""
    return rebuild_at


@pytest.fixture
def watched(tmp_path):
    """Give a function that begins to watch a simulated market."""
    with contextlib.ExitStack() as stack:
        yield lambda engine="souk", **options: Watch(stack, tmp_path / engine, engine, **options)


@pytest.fixture(scope="module")
def watched_once(tmp_path_factory):
    """As `watched`, for what all tests of a module go back to."""
    with contextlib.ExitStack() as stack:
        yield lambda engine="souk", **options: Watch(stack, tmp_path_factory.mktemp("watched") / engine, engine, **options)
