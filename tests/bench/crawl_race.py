"""Crawls of one simulated market over a private Tor network, one runner after the other; a process of its own, run by bench_crawl.py.

Arguments: "latency" or "cpu", pages of the market (about), connections, rounds, runners (torwatch, curl, scrapy) with commas between them.
In "latency" the network is as tor makes it (KIST, delayed acknowledgements: some 150 ms a page); for "cpu" this is started under quick_loopback.

What is timed, over the same onion and the same pages of 20 kB, one circuit, connections kept alive on both sides:
torwatch  from the call that takes a snapshot to its return: every page found as the crawl goes on, archived (WARC, flushed to the disk), parsed in
          the sandboxed process, staged and committed; then the index, the diff, the normalised values, the vendors' keys and the seal.
scrapy    from the start of its reactor to its end: every page found as the crawl goes on, parsed by the same parser in its process, each record
          a line of JSON. Through privoxy as Debian ships it, with the line that its users add (forward-socks5t).
curl      from exec to exit: the addresses are known before it starts, nothing is parsed or kept.
Not timed: the start of Python and of the parser in torwatch and Scrapy, and the first visit to the onion (its descriptor).

Prints one line of JSON for each crawl. With "crawl DIRECTORY CONNECTIONS" it is the process that crawls with torwatch.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from torwatch.archive.index import read_index
from torwatch.assembly import open_tools
from torwatch.config import load_config
from torwatch.daemon import snapshot_target
from torwatch.demo.market import EPOCH
from torwatch.demo.network import PrivateNetwork
from torwatch.parsing.registry import load_parser
from torwatch.store.database import open_store
from torwatch.store.targets import add_target, list_targets

HERE = Path(__file__).parent
MARKET = "souk"
PAGE_BYTES = 20_000
LISTINGS_PER_PAGE = 0.7
CRAWL_SECONDS = 1200
PRIVOXY = """
confdir /etc/privoxy
actionsfile match-all.action
actionsfile default.action
filterfile default.filter
listen-address 127.0.0.1:{port}
forward-socks5t / 127.0.0.1:{socks} .
toggle 1
buffer-limit 4096
keep-alive-timeout 300
default-server-timeout 60
connection-sharing 1
max-client-connections 256
tolerate-pipelining 1
socket-timeout 300
"""  # Debian's own, with the line that its users add, and connections kept alive on both sides


def crawl(directory, connections):
    """Take one snapshot with everything on, and say how long it took."""
    config = load_config(directory / "torwatch.toml", {})
    quick = {"seconds_per_request": 0.0, "concurrency": connections, "detail_max_age": dt.timedelta(0)}
    config = config.model_copy(update={"crawl": config.crawl.model_copy(update=quick)})
    with open_store(config.database_path) as store, open_tools(config, store, rng=random.Random(1)) as tools:
        warm_up(tools)
        started = time.monotonic()
        snapshot, ending = snapshot_target(tools, config, list_targets(store)[0], stop=threading.Event())
        seconds = time.monotonic() - started
        pages = store.value("SELECT pages FROM snapshot WHERE id = ?", (snapshot.id,))
        assert ending.state == "complete", ending
    say(seconds=seconds, pages=pages, cpu=sum(os.times()[:2]))


def warm_up(tools):
    """Load what a daemon at work has loaded since its first snapshot: parser and vocabularies. A rival has its parser loaded, too, when its time begins."""
    market = load_parser(MARKET).market
    tools.workers.parse(MARKET, b"<html></html>", fetched_at=EPOCH)
    for normaliser in tools.normalisers(market.facts):
        normaliser.rows(*("Tea from Germany, 5 g" for _ in normaliser.kind.inputs))


def say(**fields):
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


class Race:
    """One market behind an onion, and all that runners need."""

    def __init__(self, stack, scheduler, pages):
        self.base = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="torwatch-race-")))
        self.network = stack.enter_context(PrivateNetwork(scheduler=scheduler))
        port = free_port()
        listings = round(pages * LISTINGS_PER_PAGE)
        at = (EPOCH + dt.timedelta(days=90)).isoformat()
        options = {"engine": MARKET, "seed": 5, "listings": listings, "at": at, "port": port, "page-bytes": PAGE_BYTES}
        started = [sys.executable, "-m", "torwatch.demo.market", *(f"--{name}={value}" for name, value in options.items()), "--still"]
        market = stack.enter_context(subprocess.Popen(started, stdout=subprocess.DEVNULL))
        stack.callback(market.terminate)
        wait_for_port(port)
        self.onion = self.network.add_onion(target_port=port).address
        self.numbers = iter(range(1, 10_000))
        self.privoxy = None
        self.stack = stack
        self.urls = self.base / "urls"

    def torwatch(self, connections):
        directory = self.base / f"run-{next(self.numbers)}"
        directory.mkdir()
        (directory / "torwatch.toml").write_text(
            f"data_directory = '.'\n{self.network.attach_section}",
            encoding="utf-8",
        )
        with open_store(directory / "torwatch.db") as store:
            add_target(store, MARKET, [(self.onion, 80, "http")], parser=MARKET, every_seconds=604_800, now=EPOCH)
        said = run([sys.executable, __file__, "crawl", str(directory), str(connections)])
        if not self.urls.exists():
            entries = [entry for entry in read_index(directory / "archive" / MARKET / "00000001.cdxj") if entry.offset is not None]
            self.urls.write_text("".join(f'url = "{entry.url}"\noutput = "/dev/null"\n' for entry in entries), encoding="utf-8")
        return json.loads(said)

    def curl(self, connections):
        """The same pages, their addresses known beforehand, read and thrown away."""
        socks = f"race-{next(self.numbers)}:x@127.0.0.1:{self.network.socks_port}"
        command = ["curl", "--silent", "--fail", "--parallel", "--parallel-max", str(connections), "--socks5-hostname", socks]
        started = time.monotonic()
        run([*command, "--config", str(self.urls)])
        return {"seconds": time.monotonic() - started, "pages": self.urls.read_text(encoding="utf-8").count("url = ")}

    def scrapy(self, connections):
        """The same market, found and parsed as torwatch does, its records written as lines of JSON."""
        if self.privoxy is None:
            self.privoxy = free_port()
            config = self.base / "privoxy.conf"
            config.write_text(PRIVOXY.format(port=self.privoxy, socks=self.network.socks_port), encoding="ascii")
            process = self.stack.enter_context(subprocess.Popen(["privoxy", "--no-daemon", str(config)], stderr=subprocess.DEVNULL))
            self.stack.callback(process.terminate)
            wait_for_port(self.privoxy)
        items = self.base / f"items-{next(self.numbers)}.jsonl"
        spider = HERE / "crawl_spider.py"
        proxy = f"http://127.0.0.1:{self.privoxy}"
        python = os.environ["TORWATCH_SCRAPY_PYTHON"]
        return json.loads(run([python, str(spider), f"http://{self.onion}", MARKET, proxy, str(connections), str(items)]))


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=CRAWL_SECONDS, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]}: exit code {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port):
    give_up = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)
        else:
            return


def main(mode, pages, connections, rounds, runners):
    with contextlib.ExitStack() as stack:
        race = Race(stack, "Vanilla" if mode == "cpu" else "KIST", int(pages))
        race.torwatch(16)  # finds the addresses for curl, and warms the onion's descriptor
        for _ in range(int(rounds)):
            for count in map(int, connections.split(",")):
                for runner in runners.split(","):
                    say(mode=mode, runner=runner, connections=count, **getattr(race, runner)(count))


if __name__ == "__main__":
    if sys.argv[1] == "crawl":
        crawl(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main(*sys.argv[1:])
