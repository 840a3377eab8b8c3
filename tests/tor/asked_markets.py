"""Markets that keep logs of their own, while a daemon crawls them over a private Tor network and all goes wrong that makes requests come in bursts.

Each market has two addresses. Of all but the last, pages err, are reset, late, redirected without end and refused with Retry-After, which slows
a walk down; the last one is calm, and so is asked as fast as may be. One market's first address dies; the daemon is killed with SIGKILL and
started again; and, where asked for, tor is held up so that requests pile up in front of it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

from torwatch.demo.market import ENGINES, EPOCH, Fault, FaultKind, Faults, MarketServer, SimulatedClock
from torwatch.store.database import open_store
from torwatch.store.targets import add_target

CONNECTIONS = 4
NAMES = ("first", "second", "calm")
FAULTS = (
    Fault(FaultKind.SERVER_ERROR, probability=0.06),
    Fault(FaultKind.RESET, probability=0.06),
    Fault(FaultKind.REDIRECT_LOOP, path="^/item/", probability=0.06),
    Fault(FaultKind.SLOW, probability=0.1, seconds=1.5),
    Fault(FaultKind.TOO_MANY, path="^/item/", probability=0.02, seconds=2),
)


@dataclass(frozen=True)
class Asked:
    """What one market's own log says: when it was asked (monotonic seconds), and what for."""

    market: str
    moments: tuple[float, ...]
    redirects: int
    errors: int
    addresses: int  # of its two, how many were asked
    second_pass_pages: int

    def worst(self, window_seconds):
        """Most requests in any window of so many seconds."""
        moments = sorted(self.moments)
        return max(sum(1 for later in moments[place:] if later < first + window_seconds) for place, first in enumerate(moments))


class Rig:
    """The markets, the daemon that crawls them, and what befalls both."""

    def __init__(self, network, directory, stack, seconds_per_request, listings):
        self.network = network
        self.directory = directory
        self.clock = SimulatedClock(EPOCH + dt.timedelta(days=90))
        self.servers = {
            name: [self.serve(stack, listings, Faults(() if name == "calm" else FAULTS, seed=seed)) for seed in (place, place + len(NAMES))]
            for place, name in enumerate(NAMES)
        }
        (directory / "torwatch.toml").write_text(
            f"data_directory = '{directory}/data'\n"
            f"{network.attach_section}"
            f"[crawl]\nseconds_per_request = {seconds_per_request}\nconcurrency = {CONNECTIONS}\nsecond_pass = 0.5\n"
            f"targets_at_once = {len(NAMES)}\n",
            encoding="utf-8",
        )
        (directory / "data").mkdir()
        with open_store(directory / "data" / "torwatch.db") as store:
            for name, servers in self.servers.items():
                onions = [network.add_onion(target_port=server.port) for server, _ in servers]
                for onion in onions:
                    stack.callback(network.remove_onion, onion.address)
                addresses = [(onion.address, 80, "http") for onion in onions]
                add_target(store, name, addresses, parser="souk", every_seconds=604_800, now=self.clock())
        self.daemon = None
        stack.callback(self.kill)

    def serve(self, stack, listings, faults):
        """A market with these faults; gives it with what ends it alone."""
        souk = ENGINES["souk"]()
        own = stack.enter_context(contextlib.ExitStack())
        server = own.enter_context(MarketServer(souk.world(5, listings=listings), souk, self.clock, faults=faults))
        return server, own

    def start(self):
        """Start the daemon, and wait until it asks."""
        before = self.asked_in_all()
        command = [sys.executable, "-m", "torwatch", "--config", str(self.directory / "torwatch.toml"), "run"]
        with (self.directory / "daemon.log").open("ab") as log:
            self.daemon = subprocess.Popen(command, stdout=log, stderr=log, env=dict(os.environ))
        give_up = time.monotonic() + 60
        while self.asked_in_all() == before:
            assert self.daemon.poll() is None, (self.directory / "daemon.log").read_text()[-2000:]
            assert time.monotonic() < give_up, (self.directory / "daemon.log").read_text()[-2000:]
            time.sleep(0.05)

    def kill(self):
        """SIGKILL the daemon."""
        if self.daemon is not None:
            self.daemon.kill()
            self.daemon.wait()

    def asked_in_all(self):
        return sum(len(server.requests) for servers in self.servers.values() for server, _ in servers)

    def hold_tor_up(self, seconds):
        """Let requests pile up in front of tor."""
        self.network.pause("client")
        time.sleep(seconds)
        self.network.resume("client")

    def asked(self):
        """What each market was asked."""
        with open_store(self.directory / "data" / "torwatch.db") as store:
            for name, servers in self.servers.items():
                logs = [server.requests for server, _ in servers]
                requests = [request for log in logs for request in log]
                yield Asked(
                    name,
                    tuple(request.monotonic for request in requests),
                    redirects=sum(FaultKind.REDIRECT_LOOP in request.faults for request in requests),
                    errors=sum(bool({FaultKind.SERVER_ERROR, FaultKind.RESET} & set(request.faults)) for request in requests),
                    addresses=sum(bool(log) for log in logs),
                    second_pass_pages=store.value(
                        "SELECT count(*) FROM second_pass_page AS page JOIN snapshot ON snapshot.id = page.snapshot_id"
                        " JOIN market ON market.id = market_id WHERE market.name = ? AND outcome IS NOT NULL",
                        (name,),
                    ),
                )


def crawl(network, directory, *, seconds_per_request, seconds, listings=400, held_up_seconds=0.0, kills=1):
    """Crawl for so long, and give what each market was asked; each kill, and each time that tor is held up, comes after an equal share of it."""
    with contextlib.ExitStack() as stack:
        rig = Rig(network, directory, stack, seconds_per_request, listings)
        rig.start()
        dying = threading.Timer(seconds / 4, rig.servers[NAMES[0]][0][1].close)
        dying.start()
        stack.callback(dying.join)
        for _ in range(kills):
            time.sleep(seconds / (kills + 1) / 2)
            if held_up_seconds:
                rig.hold_tor_up(held_up_seconds)
            time.sleep(seconds / (kills + 1) / 2)
            rig.kill()
            rig.start()
        time.sleep(seconds / (kills + 1))
        rig.kill()
        return list(rig.asked())
