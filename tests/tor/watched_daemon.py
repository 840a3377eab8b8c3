"""A data folder, the simulated markets of its targets, and the daemon that watches them as a process of its own, for the tests of this folder."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import sqlite3
import subprocess
import sys
import time
import uuid
from pathlib import Path

from torwatch.archive.index import read_index
from torwatch.archive.reader import read_pages
from torwatch.claims import digest
from torwatch.demo.market import ENGINES, EPOCH, MarketServer, SimulatedClock
from torwatch.demo.verdict import compare_state
from torwatch.store.database import open_store
from torwatch.store.history import present_state
from torwatch.store.targets import find_target

MARK = "TORWATCH_TEST_MARK"
CLOCK_DAEMON = Path(__file__).with_name("clock_daemon.py")
READER = """
import contextlib, json, sqlite3, sys
for line in sys.stdin:
    with contextlib.closing(sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)) as connection:
        print(json.dumps(connection.execute(*json.loads(line)).fetchall()), flush=True)
"""


class Watch:
    """A data folder with its configuration, the simulated markets watched, and the daemon that watches them.

    `prefix` stands before every command of it, `root` is where its files are seen from here.
    """

    MARK = MARK  # the variable of the environment by which its processes are told, for tests that look for them
    ORPHAN_SECONDS = 20.0  # tor looks every 15 s whether its owner lives

    def __init__(self, network, directory, stack, prefix=(), root="/"):
        self.prefix = list(prefix)
        self.daemon_command = None  # torwatch run
        self.network = network
        self.directory = directory
        self.stack = stack
        self.mark = uuid.uuid4().hex
        self.config = directory / "torwatch.toml"
        self.data = Path(root) / (directory / "data").relative_to("/")
        self.database = self.data / "torwatch.db"
        self.reader = None
        self.worlds, self.servers = {}, {}
        self.clock = SimulatedClock(EPOCH + dt.timedelta(days=90))
        self.daemon = None
        self.starts = 0
        self.configure()

    def configure(self, extra="", tor=""):
        self.config.write_text(
            f"data_directory = 'data'\n[tor]\n{tor or self.own_tor}\n[crawl]\nseconds_per_request = 0\nconcurrency = 4\n"
            f"detail_max_age = '0s'\n{extra}\n",
            encoding="utf-8",
        )

    @property
    def own_tor(self):
        """The section of a tor of its own on the network."""
        lines = ",\n".join(json.dumps(f"{name} {value}") for name, value in self.network.torrc_options)
        return f"torrc = [\n{lines}\n]"

    def give_a_clock(self):
        """Let the clock of the daemon be one that `set_clock` sets."""
        self.set_clock(0)
        self.daemon_command = [*self.prefix, sys.executable, str(CLOCK_DAEMON), str(self.config), str(self.clock_file)]

    @property
    def clock_file(self):
        return self.directory / "clock"

    def set_clock(self, seconds):
        """Set the daemon's clock so many seconds ahead of the machine's."""
        whole = self.directory / "clock.next"  # never half written: it may be read at any moment
        whole.write_text(str(seconds), encoding="ascii")
        whole.replace(self.clock_file)

    def add_market(self, name, engine="souk", listings=16, seconds_per_request=0.0):
        drawn_as = ENGINES[engine]()
        self.worlds[name] = drawn_as.world(5, listings=listings)
        server = self.servers[name] = self.stack.enter_context(MarketServer(self.worlds[name], drawn_as, self.clock))
        onion = self.network.add_onion(target_port=server.port)
        self.stack.callback(self.network.remove_onion, onion.address)
        rate = ("--seconds-per-request", seconds_per_request)
        self.run("add", onion.address, "--market", name, "--parser", engine, *rate, "--legal-basis", "simulation")

    def command(self, *arguments):
        return [*self.prefix, sys.executable, "-m", "torwatch", "--config", str(self.config), *map(str, arguments)]

    @property
    def environment(self):
        return {**os.environ, MARK: self.mark, "COLUMNS": "100"}

    def run(self, *arguments, code=0):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=90, check=False, env=self.environment)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    def start(self):
        self.starts += 1
        with self.log_path.open("wb") as log:
            self.daemon = subprocess.Popen(self.daemon_command or self.command("run"), stderr=log, env=self.environment)
        self.wait_for_event("daemon_started", seconds=60)

    @property
    def log_path(self):
        return self.directory / f"daemon-{self.starts}.log"

    def events(self):
        lines = self.log_path.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def wait_for_event(self, name, seconds=30.0):
        return self.wait_for(lambda: next((event for event in self.events() if event["event"] == name), None), seconds)

    def wait_for(self, condition, seconds=30.0):
        give_up = time.monotonic() + seconds
        while not (found := condition()):
            said = self.log_path.read_text(encoding="utf-8")[-3000:] if self.starts else ""
            assert time.monotonic() < give_up, said
            assert self.daemon is None or self.daemon.poll() is None, said
            time.sleep(0.05)
        return found

    def rows(self, sql, *parameters):
        if not self.prefix:
            with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
                return connection.execute(sql, parameters).fetchall()
        if self.reader is None:  # SQLite follows the link that leads into another namespace to a file of our own: so it reads from within
            command = [*self.prefix, sys.executable, "-c", READER, str(self.directory / "data" / "torwatch.db")]
            self.reader = self.stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            self.stack.callback(self.reader.stdin.close)
        self.reader.stdin.write(json.dumps([sql, parameters]) + "\n")
        self.reader.stdin.flush()
        return [tuple(row) for row in json.loads(self.reader.stdout.readline())]

    def snapshots(self, market):
        return self.rows(
            "SELECT snapshot.id, snapshot.state, snapshot.reason FROM snapshot JOIN market ON market.id = market_id WHERE name = ?"
            " ORDER BY snapshot.id",
            market,
        )

    def wait_until_complete(self, market, number=1, seconds=40.0):
        self.wait_for(lambda: [state for _, state, _ in self.snapshots(market)] == ["complete"] * number, seconds)

    def wait_until_under_way(self, market):
        """Wait until a snapshot has committed some pages and has more to fetch."""
        sql = (
            "SELECT 1 FROM visit JOIN snapshot ON snapshot.id = visit.snapshot_id JOIN market ON market.id = snapshot.market_id"
            " WHERE market.name = ? GROUP BY snapshot.id HAVING count(outcome) > 2 AND count(*) > count(outcome)"
        )
        self.wait_for(lambda: self.rows(sql, market))
        assert [state for _, state, _ in self.snapshots(market)][-1] == "running"

    def stop(self):
        """SIGTERM; gives (exit code, seconds it took)."""
        started = time.monotonic()
        self.daemon.terminate()
        return self.daemon.wait(30), time.monotonic() - started

    def kill(self):
        self.daemon.kill()
        self.daemon.wait()

    def tor_process(self):
        """The process id of the daemon's own tor, 0 when there is none."""
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError):
                parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
                if int(parent) == self.daemon.pid and (process / "comm").read_text() == "tor\n":
                    return int(process.name)
        return 0

    def parser_worker(self):
        """The process id of a parser worker: a child of the fork server, 0 when there is none."""
        parents = {}
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError):
                marked = f"{MARK}={self.mark}".encode() in (process / "environ").read_bytes().split(b"\0")
                if marked and b"forkserver" in (process / "cmdline").read_bytes():
                    parents[int(process.name)] = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        return next((one for one, parent in parents.items() if parent in parents), 0)

    def processes(self):
        """Every living process that was started for this watch."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"{MARK}={self.mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
                    found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:80])
        return found

    def wait_until_gone(self, seconds):
        give_up = time.monotonic() + seconds
        while left := self.processes():
            assert time.monotonic() < give_up, left
            time.sleep(0.1)

    def verdict(self, market):
        """What the simulated market shows, compared with what is stored of it."""
        copy = self.directory / "copy.db"
        copy.unlink(missing_ok=True)
        self.run("db", "backup", copy)
        with open_store(copy) as store:
            state = present_state(store, find_target(store, market).market_id)
        verdict = compare_state(self.worlds[market].truth(self.clock()), state, digest)
        assert verdict.compared > 50
        return verdict

    def assert_equal_to_the_truth(self, market):
        verdict = self.verdict(market)
        assert (verdict.missing, verdict.invented) == ((), ())

    def losses(self, market):
        """How many facts and pages of a market's snapshots are missing or there twice; archive and database are sound."""
        verdict = self.verdict(market)
        lost = len(verdict.missing) + len(verdict.invented)
        for number, _, _ in self.snapshots(market):
            ((pages,),) = self.rows("SELECT pages FROM snapshot WHERE id = ?", number)
            warc = self.data / "archive" / market / f"{number:08d}.warc.gz"
            kept = [page.url for page in read_pages(warc)]
            told = [entry.url for entry in read_index(warc.with_name(f"{number:08d}.cdxj")) if entry.offset is not None]
            assert pages > 10
            lost += abs(pages - len(told)) + len(kept) - len(set(kept)) + len(set(kept) ^ set(told)) + len(told) - len(set(told))
        self.run("verify")
        self.run("db", "check")
        return lost


@contextlib.contextmanager
def a_watch(network, directory, **options):
    """A watch whose processes are gone when the context ends."""
    with contextlib.ExitStack() as stack:
        opened = Watch(network, directory, stack, **options)
        try:
            yield opened
        finally:
            if opened.daemon is not None and opened.daemon.poll() is None:
                opened.kill()
                opened.wait_until_gone(Watch.ORPHAN_SECONDS)
