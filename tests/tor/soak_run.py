"""The daemon watched while it watches: many markets over a private Tor network, a hasty clock, random faults; a process of its own, run by test_soak.py.

Arguments: minutes, markets, seed. Every twelfth of the time it prints a line with what the daemon holds (threads, file descriptors, circuits,
memory) and what became of the snapshots that came due; the last line is JSON, for the test. A snapshot that was not taken whole or in time is
explained by something that was provoked or measured, or counted as unexplained.
"""

from __future__ import annotations

import bisect
import contextlib
import datetime as dt
import json
import os
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import stem.control
from hasty_daemon import hasty_now

from torwatch.claims import digest
from torwatch.crawl.schedule import Past, due_at
from torwatch.demo.market import ENGINES, EPOCH, Fault, FaultKind, MarketServer, SimulatedClock
from torwatch.demo.network import PrivateNetwork
from torwatch.demo.verdict import compare_state
from torwatch.evidence import verify
from torwatch.store.database import open_store
from torwatch.store.history import present_state
from torwatch.store.targets import add_target, find_target, set_state

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
import planted  # noqa: E402 - a script finds only its own folder

MARK = "TORWATCH_SOAK_MARK"
FACTOR = 60.0
AT_ONCE = 8  # snapshots
ROUNDS = 10  # snapshots of each market, when nothing goes wrong
SHORTEST_INTERVAL_SECONDS = 75.0
SECONDS_BETWEEN_FAULTS = 6.0
BUSY_SHARE = 0.7  # of the faults of markets that strike one that is being visited
SAMPLE_SECONDS = 5.0
SLACK_SECONDS = 5.0  # a snapshot that begins so much after its due time is in time
AFTERMATH_SECONDS = 45.0  # how long what was provoked may still be felt: circuits are built anew, descriptors fetched
IDLE_SECONDS = 120.0  # in which a daemon with nothing to do must hold no more than at its start
SESSION_MARKETS = 2  # watched with a person's session
JITTER = 0.1
MARKET_FAULTS = (
    *(FaultKind.SERVER_ERROR, FaultKind.UNAVAILABLE, FaultKind.TOO_MANY, FaultKind.RESET, FaultKind.TRUNCATED, FaultKind.STALLED),
    *(FaultKind.SLOW, FaultKind.DRIP, FaultKind.MAINTENANCE, FaultKind.CAPTCHA, FaultKind.QUEUE, FaultKind.EMPTY, FaultKind.REDIRECT_OFF),
)
COOKIES = "# Netscape HTTP Cookie File\n{host}\tFALSE\t/\tFALSE\t0\tsession\t{cookie}\n"


@dataclass(slots=True)
class Provoked:
    """One fault: from when until when (seconds since the epoch; None: still on), and whom it concerns (None: all)."""

    what: str
    began: float
    market: str | None = None
    ended: float | None = None


@dataclass(slots=True)
class Sample:
    """What the daemon held at one moment."""

    at: float
    life: int  # which start of the daemon
    threads: int
    descriptors: int
    circuits: int | None
    pss_mib: float
    walking: int


@dataclass(slots=True)
class Account:
    """What became of the snapshots that came due in a span."""

    due: int = 0
    in_time: int = 0
    late: Counter = field(default_factory=Counter)
    states: Counter = field(default_factory=Counter)
    reasons: Counter = field(default_factory=Counter)
    unexplained: list = field(default_factory=list)

    def __str__(self):
        late = f", late {dict(self.late)}" if self.late else ""
        reasons = f" {dict(self.reasons)}" if self.reasons else ""
        return f"due {self.due}: begun in time {self.in_time}{late}; {dict(self.states)}{reasons}; unexplained {len(self.unexplained)}"


def tell(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Soak:
    """The markets, the daemon that watches them, and what is done to both."""

    def __init__(self, network, directory, stack, *, minutes, markets, seed):
        self.network, self.directory, self.stack = network, directory, stack
        self.seconds = minutes * 60
        self.rng = random.Random(seed)
        self.origin = time.time()
        self.every_seconds = round(max(SHORTEST_INTERVAL_SECONDS, self.seconds / ROUNDS) * FACTOR)
        self.names = [f"market{number:02}" for number in range(markets)]
        self.mark = str(seed) + str(os.getpid())
        self.config = directory / "torwatch.toml"
        self.data = directory / "data"
        self.clock = SimulatedClock(EPOCH + dt.timedelta(days=90))
        self.servers, self.onions = {}, {}
        self.daemon = None
        self.lives = 0
        self.provoked, self.mends, self.samples = [], [], []
        self.prepare()

    # Setting up

    def prepare(self):
        torrc = ",\n".join(json.dumps(f"{name} {value}") for name, value in self.network.torrc_options)
        self.config.write_text(
            f"data_directory = 'data'\n[tor]\nsocks_timeout = '15s'\ntorrc = [\n{torrc}\n]\n[schedule]\njitter = {JITTER}\n"
            f"[crawl]\nseconds_per_request = 0.4\nconcurrency = 2\ntargets_at_once = {AT_ONCE}\nconnect_timeout = '20s'\n"
            "read_timeout = '5s'\npage_deadline = '20s'\n",
            encoding="utf-8",
        )
        for number, name in enumerate(self.names):
            engine = ENGINES[("souk", "bazaar")[number % 2]]()
            world = engine.world(number, listings=self.rng.randrange(6, 14))
            self.servers[name] = self.stack.enter_context(MarketServer(world, engine, self.clock))
        with ThreadPoolExecutor(6) as pool:
            self.onions = dict(
                zip(self.names, pool.map(lambda name: self.network.add_onion(self.servers[name].port), self.names), strict=True)
            )
        with open_store(self.data / "torwatch.db") as store:
            for number, name in enumerate(self.names):
                target = add_target(
                    store,
                    name,
                    [(self.onions[name].address, 80, "http")],
                    parser=("souk", "bazaar")[number % 2],
                    every_seconds=self.every_seconds,
                    now=self.now(),
                )
                set_state(store, target, "paused", now=self.now())
        for name in self.names[:SESSION_MARKETS]:
            self.lend_session(name)

    def lend_session(self, name):
        cookies = self.directory / "cookies.txt"
        cookies.write_text(COOKIES.format(host=self.onions[name].address, cookie=planted.COOKIE), encoding="ascii")
        verb = "renew" if self.lives else "import"
        command = [sys.executable, "-m", "torwatch", "--config", str(self.config), "session", verb, name, str(cookies)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)

    def set_states(self, state):
        with open_store(self.data / "torwatch.db") as store:
            for name in self.names:
                set_state(store, find_target(store, name), state, now=self.now())

    def now(self):
        return hasty_now(self.origin, FACTOR)

    def rows(self, sql, *parameters):
        with contextlib.closing(sqlite3.connect(f"file:{self.data / 'torwatch.db'}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(sql, parameters).fetchall()

    # The daemon

    def start(self):
        self.lives += 1
        with (self.directory / f"daemon-{self.lives}.log").open("wb") as log:
            command = [sys.executable, str(HERE / "hasty_daemon.py"), str(self.config), str(self.origin), str(FACTOR)]
            self.daemon = subprocess.Popen(command, stderr=log, env={**os.environ, MARK: self.mark})
        give_up = time.monotonic() + 120
        while "daemon_started" not in self.log():
            if self.daemon.poll() is not None or time.monotonic() > give_up:
                raise SystemExit(f"the daemon did not start: {self.log()[-2000:]}")
            time.sleep(0.1)

    def log(self):
        return (self.directory / f"daemon-{self.lives}.log").read_text(encoding="utf-8", errors="replace")

    def processes(self):
        """{process id: (parent, command line)} of everything that was started for this soak."""
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError):
                if f"{MARK}={self.mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
                    parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
                    found[int(process.name)] = (parent, (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        return found

    def tor(self):
        return next((one for one, (parent, line) in self.processes().items() if parent == self.daemon.pid and "torrc" in line), None)

    def worker(self):
        found = self.processes()
        return next(
            (one for one, (parent, line) in found.items() if "forkserver" in line and "forkserver" in found.get(parent, (0, ""))[1]), None
        )

    def circuits(self):
        sockets = sorted(self.data.glob("tor/control-*.sock"), key=lambda path: path.stat().st_mtime)
        try:
            with stem.control.Controller.from_socket_file(str(sockets[-1])) as control:
                control.authenticate()
                return len(control.get_info("circuit-status").splitlines())
        except (OSError, IndexError, stem.ControllerError, stem.connection.AuthenticationFailure):
            return None  # killed a moment ago

    def sample(self, *, with_circuits=True):
        process = Path("/proc") / str(self.daemon.pid)
        pss = 0.0
        for one in self.processes():
            with contextlib.suppress(OSError):
                rollup = (Path("/proc") / str(one) / "smaps_rollup").read_text()
                pss += int(next(part.split()[1] for part in rollup.splitlines() if part.startswith("Pss:"))) / 1024
        with contextlib.suppress(OSError):
            self.samples.append(
                Sample(
                    time.time(),
                    self.lives,
                    len(list((process / "task").iterdir())),
                    len(list((process / "fd").iterdir())),
                    self.circuits() if with_circuits else None,
                    pss,
                    self.rows("SELECT count(*) FROM snapshot WHERE state = 'running'")[0][0],
                )
            )

    # Faults

    def provoke(self, may_kill_daemon):
        """One fault, drawn at random."""
        kinds = {
            "market": 12,
            "service gone": 2,
            "session lost": 1,
            "tor killed": 2,
            "worker killed": 2,
            "tor hangs": 1,
            "daemon killed": 2 if may_kill_daemon else 0,
        }
        kind = self.rng.choices(list(kinds), list(kinds.values()))[0]
        free = [name for name in self.names if not any(one.market == name and one.ended is None for one in self.provoked)]
        ordinary, lent = (
            [name for name in free if (name in self.names[:SESSION_MARKETS]) is with_session] for with_session in (False, True)
        )
        if kind == "market" and ordinary:
            self.provoke_market(self.choose(ordinary))
        elif kind == "service gone" and ordinary:
            name = self.choose(ordinary)
            self.network.remove_onion(self.onions[name].address)
            onion, port = self.onions[name], self.servers[name].port
            self.note(kind, name, self.rng.uniform(10, 60), lambda: self.network.add_onion(port, private_key=onion.private_key))
        elif kind == "session lost" and lent:
            name = self.rng.choice(lent)
            fault = self.servers[name].faults.add(Fault(FaultKind.LOGIN))
            self.note(kind, name, self.every_seconds / FACTOR * self.rng.uniform(0.3, 1.2), lambda: self.renew(name, fault))
        elif kind in {"tor killed", "worker killed"}:
            victim = self.tor() if kind == "tor killed" else self.worker()
            if victim:
                os.kill(victim, signal.SIGKILL)
                self.note(kind, None, 0, lambda: None)
        elif kind == "tor hangs" and (victim := self.tor()):
            os.kill(victim, signal.SIGSTOP)
            self.note(kind, None, self.rng.uniform(5, 25), lambda: go_on(victim))
        elif kind == "daemon killed":
            self.daemon.kill()
            self.daemon.wait()
            provoked = Provoked(kind, time.time())
            self.provoked.append(provoked)
            time.sleep(self.rng.uniform(0, 5))
            self.start()
            provoked.ended = time.time()

    def choose(self, names):
        """One of the markets, most often one that is being visited."""
        visited = {name for (name,) in self.rows("SELECT name FROM snapshot JOIN market ON market.id = market_id WHERE state = 'running'")}
        busy = [name for name in names if name in visited]
        return self.rng.choice(busy if busy and self.rng.random() < BUSY_SHARE else names)

    def provoke_market(self, name):
        kind = self.rng.choice(MARKET_FAULTS)
        chance = self.rng.choice((0.1, 0.5, 1.0))
        fault = self.servers[name].faults.add(Fault(kind, probability=chance, seconds=self.rng.uniform(1, 8)))
        self.note(str(kind), name, self.rng.uniform(5, 60), lambda: self.servers[name].faults.remove(fault))

    def renew(self, name, fault):
        self.servers[name].faults.remove(fault)
        self.lend_session(name)

    def note(self, what, market, seconds, mend):
        provoked = Provoked(what, time.time(), market)
        self.provoked.append(provoked)
        bisect.insort(self.mends, (time.time() + seconds, len(self.provoked), provoked, mend), key=lambda entry: entry[:2])

    def mend(self, *, everything=False):
        while self.mends and (everything or self.mends[0][0] <= time.time()):
            _, _, provoked, undo = self.mends.pop(0)
            undo()
            provoked.ended = time.time()

    # The account

    def real(self, stamp):
        """A stored moment of the hasty clock as seconds since the epoch."""
        return self.origin + (dt.datetime.fromisoformat(stamp).timestamp() - self.origin) / FACTOR

    def felt(self, began, ended, market):
        """What was provoked, for all or for this market, that could be felt in the span."""
        return sorted(
            {
                one.what
                for one in self.provoked
                if one.market in {None, market} and one.began <= ended and (one.ended is None or one.ended + AFTERMATH_SECONDS >= began)
            }
        )

    def account(self, since, until):
        """What became of all that came due in the span."""
        found = Account()
        snapshots = self.rows(
            "SELECT target_id, market.name, state, reason, started_at, ended_at FROM snapshot JOIN market ON market.id = market_id ORDER BY snapshot.id"
        )
        spans = [(self.real(began), self.real(ended) if ended else time.time()) for _, _, _, _, began, ended in snapshots]
        for number, name in enumerate(self.names, 1):
            own = [row for row in snapshots if row[0] == number]
            due, failures, ready = self.begun, 0, self.begun
            for _, market, state, reason, started_at, ended_at in [*own, (number, name, None, "", None, None)]:
                started = self.real(started_at) if started_at else None
                if since <= due < until:
                    self.enter(found, market, due, ready, started, spans)
                    if started is not None:
                        self.judge(found, market, state, reason, started, self.real(ended_at) if ended_at else time.time())
                if started_at is None:
                    break
                failures = failures + 1 if state == "failed" else 0
                past = Past(
                    dt.datetime.fromisoformat(started_at),
                    dt.datetime.fromisoformat(ended_at) if ended_at else None,
                    failures,
                    state == "running",
                )
                ready = self.real(ended_at) if ended_at else time.time()
                every = dt.timedelta(seconds=self.every_seconds)
                due = self.real(due_at(number, every, past, jitter=JITTER, added_at=self.now()).isoformat())
                if state == "running":
                    break
        return found

    def enter(self, found, market, due, ready, started, spans):
        """Enter one due time: begun in time, late for a reason, or not explained."""
        begun = time.time() if started is None else started
        found.due += 1
        if begun - max(due, ready) <= SLACK_SECONDS:
            found.in_time += started is not None and ready <= due
            if ready > due:
                found.late["the one before was under way"] += 1
            elif started is None:
                found.due -= 1  # due this moment
            return
        if sum(one <= begun and ended >= due for one, ended in spans) >= AT_ONCE:
            found.late["all places taken"] += 1
        elif felt := self.felt(due, begun, market):
            found.late[felt[0]] += 1
        else:
            found.unexplained.append(f"{market}: due {due - self.begun:.0f} s, begun {begun - self.begun:.0f} s")

    def judge(self, found, market, state, reason, started, ended):
        """Enter the end of one snapshot: whole, or for a reason."""
        found.states[state] += 1
        if state not in {"complete", "running"}:
            felt = self.felt(started, ended, market)
            found.reasons[f"{reason.split(':')[0][:60]}"] += 1
            if not felt:
                found.unexplained.append(f"{market}: {state}, {reason} ({started - self.begun:.0f} s to {ended - self.begun:.0f} s)")

    # The run

    def run(self):
        self.start()
        time.sleep(8)
        self.sample()
        idle = self.samples.pop()
        self.set_states("active")
        self.begun = time.time()
        tell(f"idle before: {describe([idle])}")
        next_fault, next_sample, window_began, window = self.begun + 5, self.begun, self.begun, self.seconds / 12
        while (now := time.time()) < self.begun + self.seconds:
            if self.daemon.poll() is not None:
                raise SystemExit(f"the daemon died: {self.log()[-3000:]}")
            self.mend()
            if now >= next_fault:
                next_fault = now + self.rng.expovariate(1 / SECONDS_BETWEEN_FAULTS)
                self.provoke(may_kill_daemon=now < self.begun + self.seconds / 2)
            if now >= next_sample:
                next_sample = now + SAMPLE_SECONDS
                self.sample()
            if now >= window_began + window:
                self.tell_window(window_began, now)
                window_began = now
            time.sleep(0.2)
        self.mend(everything=True)
        self.tell_window(window_began, time.time())
        whole = self.account(self.begun, time.time())
        self.set_states("paused")
        give_up = time.monotonic() + IDLE_SECONDS
        while True:  # what is under way ends, connections that are kept are closed
            time.sleep(2)
            self.sample()
            idle_after = self.samples.pop()
            if (idle_after.threads <= idle.threads and idle_after.descriptors <= idle.descriptors) or time.monotonic() > give_up:
                break
        tell(f"idle after:  {describe([idle_after])}")
        tell(f"whole: {whole}")
        for line in whole.unexplained:
            tell(f"unexplained: {line}")
        self.finish(idle, idle_after, whole)

    def tell_window(self, since, until):
        held = [one for one in self.samples if since <= one.at < until]
        provoked = Counter(one.what for one in self.provoked if since <= one.began < until)
        tell(f"{(since - self.begun) / 60:5.1f} to {(until - self.begun) / 60:.1f} min: {describe(held)}")
        tell(f"    {self.account(since, until)}")
        tell(f"    provoked {dict(provoked)}")

    def compare(self, store, name):
        """Claims that were missed or invented by a market's last snapshot, where that was complete; None where it was not."""
        target = find_target(store, name)
        if target.last_snapshot_state != "complete":
            return None
        verdict = compare_state(self.servers[name].world.truth(self.clock()), present_state(store, target.market_id), digest)
        return len(verdict.missing) + len(verdict.invented)

    def finish(self, idle, idle_after, whole):
        self.daemon.terminate()
        code = self.daemon.wait(30)
        with open_store(self.data / "torwatch.db") as store:
            breaks = list(verify(store, self.data / "archive").breaks)
            verdicts = {name: self.compare(store, name) for name in self.names}
        (integrity,) = self.rows("PRAGMA integrity_check")[0]
        logs = "".join(path.read_text(encoding="utf-8", errors="replace") for path in self.directory.glob("daemon-*.log"))
        alive = [one for one in self.samples if one.life == self.lives]
        quiet = [one for one in alive if not one.walking][:1]
        third = max(1, len(alive) // 3)
        tell(
            json.dumps(
                {
                    "idle": [idle.threads, idle.descriptors, idle.circuits],
                    "first_idle_of_last_life": [[one.threads, one.descriptors, one.circuits] for one in quiet],
                    "idle_after": [idle_after.threads, idle_after.descriptors, idle_after.circuits],
                    "last_life_minutes": round((alive[-1].at - alive[0].at) / 60, 1),
                    "thirds": [
                        {name: middle(alive[start : start + third], name) for name in ("threads", "descriptors", "circuits", "pss_mib")}
                        for start in (0, third, 2 * third)
                    ],
                    "due": whole.due,
                    "in_time": whole.in_time,
                    "late": whole.late,
                    "states": whole.states,
                    "unexplained": whole.unexplained,
                    "provoked": Counter(one.what for one in self.provoked),
                    "crashes": logs.count("_crashed"),
                    "tracebacks": logs.count("Traceback"),
                    "exit": code,
                    "breaks": breaks,
                    "secrets_found_in": planted.found_in(self.directory),
                    "equal_to_the_truth": sum(found == 0 for found in verdicts.values()),
                    "not_equal": {name: found for name, found in verdicts.items() if found},
                    "integrity": integrity,
                },
                default=str,
            )
        )


def middle(samples, name):
    """The median of one figure; None where it was never seen."""
    values = [value for one in samples if (value := getattr(one, name)) is not None]
    return round(statistics.median(values), 1) if values else None


def describe(samples):
    """Median and most of each figure."""
    parts = []
    for name, label in (
        ("threads", "threads"),
        ("descriptors", "fds"),
        ("circuits", "circuits"),
        ("pss_mib", "PSS MiB"),
        ("walking", "running"),
    ):
        values = [value for one in samples if (value := getattr(one, name)) is not None]
        parts.append(f"{label} {statistics.median(values):.0f} (most {max(values):.0f})" if values else f"{label} -")
    return ", ".join(parts)


def go_on(process):
    """Let a stopped process go on, if it still lives."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGCONT)


def main(minutes, markets, seed):
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="torwatch-soak-")))
        network = stack.enter_context(PrivateNetwork())
        soak = Soak(network, directory, stack, minutes=minutes, markets=markets, seed=seed)
        try:
            soak.run()
        finally:
            if soak.daemon is not None and soak.daemon.poll() is None:
                soak.daemon.kill()
            for process in soak.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
