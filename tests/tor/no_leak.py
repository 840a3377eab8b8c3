"""A daemon at work in a namespace with a way out, every call of it watched: where did it go? A process of its own, run by test_no_leak.py.

Argument: an empty directory. Prints one line of JSON for each thing done: what was sent where, as strace saw it, and how many packets took the
way out, as nftables counted them. The last two are leaks made on purpose, which both must see.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from torwatch.demo.market import ENGINES, EPOCH, Fault, FaultKind, Faults, MarketServer, SimulatedClock
from torwatch.demo.network import PrivateNetwork

PAST_THE_DOOR = r"^/."  # a snapshot whose first page is no page ends at once, before tor can be killed in the middle of it
LURES = (
    Fault(FaultKind.LINKS_OFF, probability=0.5),
    Fault(FaultKind.REFRESH_OFF, path=PAST_THE_DOOR, probability=0.05),
    Fault(FaultKind.REDIRECT_OFF, path=PAST_THE_DOOR, probability=0.05),
)
CALLS = "connect,sendto,sendmsg,sendmmsg,execve,clone,clone3,fork,vfork"
# A torwatch that leaves names to this machine, as socks5:// instead of socks5h:// would.
CARELESS = (
    "import torwatch.crawl.fetch as f; f.Route.proxy = property(lambda s: f'socks5://{s.user}:{s.password}@{s.socks_host}:{s.socks_port}');"
    " from torwatch.cli import main; main()"
)
STRAIGHT = "import socket; s = socket.socket(); s.settimeout(0.3); s.connect(('192.0.2.1', 80))"
WAIT_SECONDS = 60.0


class Watched:
    """A data directory, and torwatch run on it under strace."""

    def __init__(self, directory, network):
        self.directory = directory
        self.database = directory / "data" / "torwatch.db"
        self.traces = 0
        self.tor = directory / "our-tor"  # a name of its own, which can be taken away: then tor cannot be started again
        self.allow_tor()
        lines = ", ".join(json.dumps(f"{name} {value}") for name, value in network.torrc_options)
        (directory / "torwatch.toml").write_text(
            f"data_directory = 'data'\n[tor]\nbinary = {json.dumps(str(self.tor))}\nsocks_timeout = '5s'\ntorrc = [{lines}]\n"
            "[crawl]\nseconds_per_request = 0.02\nconcurrency = 4\ndetail_max_age = '0s'\nconnect_timeout = '6s'\n",
            encoding="utf-8",
        )

    def allow_tor(self):
        self.tor.write_text('#!/bin/sh\nexec tor "$@"\n', encoding="ascii")
        self.tor.chmod(0o755)

    def command(self, *arguments):
        return [sys.executable, "-m", "torwatch", "--config", str(self.directory / "torwatch.toml"), *arguments]

    @contextlib.contextmanager
    def traced(self, command):
        """Start a command under strace; gives (process, the file that the trace goes to)."""
        self.traces += 1
        trace = self.directory / f"trace-{self.traces}"
        strace = ["strace", "-f", "-qq", "--seccomp-bpf", "-s", "200", "-e", f"trace={CALLS}", "-e", "signal=none", "-o", str(trace)]
        said = self.directory / f"said-{self.traces}"
        with said.open("wb") as log, subprocess.Popen([*strace, *command], stdout=log, stderr=log, start_new_session=True) as process:
            try:
                yield process, trace
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def run(self, *arguments):
        subprocess.run(self.command(*arguments), check=True, capture_output=True, timeout=WAIT_SECONDS)

    def value(self, sql):
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return connection.execute(sql).fetchone()[0]

    def wait_for(self, sql):
        give_up = time.monotonic() + WAIT_SECONDS
        while not self.value(sql):
            if time.monotonic() > give_up:
                said = (self.directory / f"said-{self.traces}").read_text(encoding="utf-8", errors="replace")
                raise SystemExit(f"waited in vain for {sql}: {said[-2000:]}")
            time.sleep(0.05)


def tor_of(parents):
    """(process id, ports it listens on) of the tor that descends from one of the processes; None while there is none."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if parent in parents and (process / "comm").read_text() == "tor\n" and (ports := listening(process)):
                return int(process.name), ports
    return None


def listening(process):
    """The TCP ports that a process listens on."""
    sockets = {str(link.readlink()) for link in (process / "fd").iterdir()}
    lines = [line.split() for line in (process / "net" / "tcp").read_text().splitlines()[1:]]
    return {int(line[1].rpartition(":")[2], 16) for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets}


def children(process_id):
    return {int(child) for child in Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()}


def wait_for_tor(strace, other_than=0):
    give_up = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < give_up:
        found = tor_of(children(strace.pid))
        if found and found[0] != other_than:
            return found
        time.sleep(0.05)
    raise SystemExit("tor was not started")


def destinations(trace):
    """Where the traced processes sent to, as {"torwatch": {…}, "tor": {…}}: "inet 127.0.0.1:9050", "unix …", "netlink"."""
    lines = [line.split(maxsplit=1) for line in trace.read_text(encoding="utf-8", errors="replace").splitlines()]
    parent = {
        int(found[1]): int(pid)
        for pid, call in lines
        if re.match(r"(?:<\.\.\. )?(?:clone3?|v?fork)\b", call) and (found := re.search(r"= (\d+)$", call))
    }
    are_tor = {int(pid) for pid, call in lines if re.match(r'execve\("(?:[^"]*/)?tor"', call)}
    found = {"torwatch": set(), "tor": set()}
    for pid, call in lines:
        process = int(pid)
        while process not in are_tor and process in parent:
            process = parent[process]
        for place in places(call):
            found["tor" if process in are_tor else "torwatch"].add(place)
    return found


def places(call):
    """The addresses in one line of a trace."""
    yield from (f"inet {address}:{port}" for port, address in re.findall(r'sin_port=htons\((\d+)\), sin_addr=inet_addr\("([^"]*)"\)', call))
    for port, address in re.findall(r'sin6_port=htons\((\d+)\).*?inet_pton\(AF_INET6, "([^"]*)"', call):
        yield f"inet6 {address}:{port}"
    for path in re.findall(r'sun_path=(@?"[^"]*")', call):
        yield f"unix {path}"
    for family in re.findall(r"sa_family=(AF_\w+)", call):
        if family not in {"AF_INET", "AF_INET6", "AF_UNIX"}:
            yield f"family {family}"


def counters():
    """{"away": packets that took the way out, "names": packets to a port of DNS} so far."""
    said = json.loads(subprocess.run(["nft", "-j", "list", "counters"], capture_output=True, check=True).stdout)
    return {entry["counter"]["name"]: entry["counter"]["packets"] for entry in said["nftables"] if "counter" in entry}


def tell(what, trace, before, ports=(), **more):
    now = counters()
    packets = {name: now[name] - before[name] for name in now}
    sent = {name: sorted(found) for name, found in destinations(trace).items()}
    sys.stdout.write(json.dumps({"what": what, "sent": sent, "socks": sorted(ports), "packets": packets, **more}) + "\n")
    sys.stdout.flush()


def crawl(watched, server):
    """The daemon: a whole snapshot of a market full of lures; one in which tor is killed; one in which tor is gone for good."""
    before = counters()
    with watched.traced(watched.command("run")) as (strace, trace):
        first, ports = wait_for_tor(strace)
        watched.wait_for("SELECT count(*) FROM snapshot WHERE state <> 'running'")
        watched.run("target", "probe", "souk")
        pages = watched.value("SELECT pages FROM snapshot")
        struck = {kind: sum(kind in request.faults for request in server.requests) for kind in (fault.kind for fault in LURES)}
        ask(watched)
        os.kill(first, signal.SIGKILL)
        second, more = wait_for_tor(strace, other_than=first)
        watched.wait_for("SELECT count(*) = 2 FROM snapshot WHERE state <> 'running'")
        ask(watched)
        watched.tor.unlink()
        os.kill(second, signal.SIGKILL)
        seen = len(server.requests)
        time.sleep(4.0)
        down = watched.value("SELECT count(*) FROM snapshot WHERE state = 'running'")
        (daemon,) = children(strace.pid)
        os.kill(daemon, signal.SIGTERM)
        strace.wait(20)
    watched.allow_tor()
    tell("crawl", trace, before, ports | more, pages=pages, struck=struck, left_without_tor=down, after_tor=len(server.requests) - seen)


def ask(watched):
    """Ask for another snapshot and wait until it is well under way."""
    count = watched.value("SELECT count(*) FROM snapshot")
    subprocess.Popen(watched.command("snapshot", "now", "souk"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    watched.wait_for(f"SELECT count(*) > {count} FROM snapshot")
    watched.wait_for("SELECT count(*) > 5 FROM visit WHERE outcome IS NOT NULL")


def leak(watched, what, command):
    before = counters()
    with watched.traced(["env", "RES_OPTIONS=timeout:1 attempts:1", *command]) as (strace, trace):  # nobody answers: no need to wait for it
        strace.wait(WAIT_SECONDS)
    tell(what, trace, before)


def main(directory):
    drawn_as = ENGINES["souk"]()
    clock = SimulatedClock(EPOCH + dt.timedelta(days=90))
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(PrivateNetwork())
        server = stack.enter_context(MarketServer(drawn_as.world(5, listings=60), drawn_as, clock, Faults(LURES, seed=1)))
        onion = network.add_onion(target_port=server.port)
        watched = Watched(directory, network)
        watched.run("add", onion.address, "--market", "souk", "--parser", "souk", "--legal-basis", "simulation")
        watched.run("target", "edit", "souk", "--seconds-per-request", "0.02")
        crawl(watched, server)
        careless = [sys.executable, "-c", CARELESS, "--config", str(directory / "torwatch.toml"), "target", "probe", "souk"]
        leak(watched, "names resolved here", careless)
        leak(watched, "a connection past tor", [sys.executable, "-c", STRAIGHT])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
