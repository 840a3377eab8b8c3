"""What crawls cost in memory: "many N" walks N targets of a private Tor network at once, "long PAGES" one market through a stand-in SOCKS port.

A process of its own, run by bench_crawl.py: the markets, the network and the daemon are processes apart, so that only the daemon's is counted.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib.util
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from torwatch.assembly import offline_tools
from torwatch.config import load_config
from torwatch.daemon import snapshot_target
from torwatch.demo.market import ENGINES, EPOCH, MarketServer, SimulatedClock
from torwatch.demo.network import PrivateNetwork
from torwatch.store.database import open_store
from torwatch.store.targets import add_target, list_targets

MEBIBYTE = 2**20
SAMPLE_SECONDS = 0.25
LONGEST_SECONDS = 3000
PAGE_BYTES = 20_000
LISTINGS_PER_PAGE = 0.7
NEVER = "z" * 56 + ".onion"


def processes_of(root):
    """The daemon and all that descends from it, but for tor."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = stat.read_text(encoding="utf-8").rpartition(")")
            if not name.endswith("(tor"):
                parents[int(stat.parent.name)] = int(rest.split()[1])
    found = {root}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def pss_mebibytes(root):
    """Proportional set size of the daemon and its workers."""
    total = 0
    for process in processes_of(root):
        with contextlib.suppress(OSError):
            rollup = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
            total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total * 1024 / MEBIBYTE


@contextlib.contextmanager
def daemon(directory):
    """`torwatch run` on a prepared data directory; gives its process."""
    command = [sys.executable, "-m", "torwatch", "--config", str(directory / "torwatch.toml"), "run"]
    with (directory / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def value(directory, sql):
    with open_store(directory / "torwatch.db") as store:
        return store.value(sql)


def watch(directory, process, wanted):
    """[(pages done, PSS)] until so many snapshots have ended."""
    samples, give_up = [], time.monotonic() + LONGEST_SECONDS
    with open_store(directory / "torwatch.db") as store:
        while store.value("SELECT count(*) FROM snapshot WHERE state <> 'running'") < wanted:
            if process.poll() is not None or time.monotonic() > give_up:
                raise SystemExit((directory / "log").read_text(encoding="utf-8")[-3000:])
            samples.append((store.value("SELECT count(*) FROM visit WHERE outcome IS NOT NULL"), pss_mebibytes(process.pid)))
            time.sleep(SAMPLE_SECONDS)
    return samples


def write_config(directory, tor, **crawl):
    lines = [f"{name} = {json.dumps(option)}" for name, option in crawl.items()]
    (directory / "torwatch.toml").write_text(
        f"data_directory = '.'\n[tor]\n{tor}\n[crawl]\nseconds_per_request = 0.0\n" + "\n".join(lines) + "\n", encoding="utf-8"
    )


def walk_many(directory, count):
    """Walk so many markets, each an onion of its own, all at once."""
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(PrivateNetwork())
        clock = SimulatedClock(EPOCH + dt.timedelta(days=90))
        engines = [ENGINES[sorted(ENGINES)[number % len(ENGINES)]]() for number in range(count)]
        servers = [stack.enter_context(MarketServer(one.world(number, listings=25), one, clock)) for number, one in enumerate(engines)]
        with ThreadPoolExecutor(8) as pool:
            onions = list(pool.map(lambda server: network.add_onion(target_port=server.port), servers))
        torrc = ", ".join(json.dumps(f"{name} {option}") for name, option in network.torrc_options)
        write_config(directory, f"torrc = [{torrc}]", targets_at_once=count, concurrency=2)
        with open_store(directory / "torwatch.db") as store:
            for number, (engine, onion) in enumerate(zip(engines, onions, strict=True)):
                add_target(store, f"market-{number}", [(onion.address, 80, "http")], parser=engine.name, every_seconds=604_800, now=EPOCH)
        with daemon(directory) as process:
            samples = watch(directory, process, count)
        complete = value(directory, "SELECT count(*) FROM snapshot WHERE state = 'complete'")
        return {"most": max(pss for _, pss in samples), "snapshots": complete}


def walk_long(directory, pages):
    """Walk one large market. Tor's part, whose memory is not ours, is played by a SOCKS port that leads everything to the market."""
    with contextlib.ExitStack() as stack:
        played = [sys.executable, __file__, "play", str(round(pages * LISTINGS_PER_PAGE))]
        player = stack.enter_context(subprocess.Popen(played, stdout=subprocess.PIPE, text=True))
        stack.callback(player.terminate)
        socks = int(player.stdout.readline())
        with open_store(directory / "torwatch.db") as store:
            add_target(store, "market", [(NEVER, 80, "http")], parser="souk", every_seconds=604_800, now=EPOCH)
        write_config(directory, "", concurrency=8)
        command = [sys.executable, __file__, "walk", str(directory), str(socks)]
        started = time.monotonic()
        process = stack.enter_context(subprocess.Popen(command, stderr=(directory / "log").open("wb")))
        samples = watch(directory, process, 1)
        seconds = time.monotonic() - started
        process.wait(60)
        done = max(count for count, _ in samples)
        thirds = [
            [pss for count, pss in samples if done * third / 3 < count <= done * (third + 1) / 3 and count < done] for third in range(3)
        ]
        return {"pages": done, "seconds": seconds, "thirds": [statistics.median(one) for one in thirds]}


def play(listings):
    """The market and the SOCKS port that leads to it."""
    conftest = load_conftest()
    engine = ENGINES["souk"]()
    clock = SimulatedClock(EPOCH + dt.timedelta(days=90))
    with MarketServer(engine.world(5, listings=listings), engine, clock, page_bytes=PAGE_BYTES) as server:
        server.view()
        with conftest.relaying(server.port) as way:
            sys.stdout.write(f"{way.server_address[1]}\n")
            sys.stdout.flush()
            threading.Event().wait()


def walk(directory, port):
    """One snapshot as the daemon takes it, over the stand-in port."""
    config = load_config(directory / "torwatch.toml", {})
    with open_store(config.database_path) as store, offline_tools(config, store) as offline:
        tools = replace(offline, tor=load_conftest().StandInTor(("127.0.0.1", port)))
        snapshot_target(tools, config, list_targets(store)[0], stop=threading.Event())


def load_conftest():
    """The stand-in for Tor of the integration tests."""
    path = Path(__file__).parent.parent / "integration" / "conftest.py"
    spec = importlib.util.spec_from_file_location("watched_market", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["play", listings]:
            play(int(listings))
        case ["walk", directory, port]:
            walk(Path(directory), int(port))
        case [kind, count]:
            with tempfile.TemporaryDirectory(prefix="torwatch-bench-") as base:
                os.environ.pop("TORWATCH_CONFIG", None)
                sys.stdout.write(json.dumps((walk_many if kind == "many" else walk_long)(Path(base), int(count))) + "\n")
