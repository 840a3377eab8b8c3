"""How fast a crawl is beside curl and Scrapy over the same Tor network, and what it costs in memory.

TORWATCH_BENCH_PAGES and TORWATCH_BENCH_ROUNDS make the races shorter, TORWATCH_BENCH_CONNECTIONS names the numbers of connections.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from invented import say
from rivals import rival

from torwatch.demo.quick_loopback import quick_loopback_available, quick_loopback_command

HERE = Path(__file__).parent
PAGES = int(os.environ.get("TORWATCH_BENCH_PAGES", "3000"))
ROUNDS = int(os.environ.get("TORWATCH_BENCH_ROUNDS", "5"))
CONNECTIONS = os.environ.get("TORWATCH_BENCH_CONNECTIONS", "8,16,32")
LONG_PAGES = int(os.environ.get("TORWATCH_BENCH_LONG_PAGES", "30000"))
BAR_CURL, BAR_SCRAPY = 0.95, 1.0
BAR_PSS_MEBIBYTES = 200
BAR_GROWTH = 1.05


def race(mode, runners):
    """Let the runners crawl the same market in turn; gives {connections: {runner: pages a second of each round}}."""
    command = [sys.executable, str(HERE / "crawl_race.py"), mode, str(PAGES), CONNECTIONS, str(ROUNDS), ",".join(runners)]
    if mode == "cpu":
        command = quick_loopback_command(command)
    environment = {**os.environ, "TORWATCH_SCRAPY_PYTHON": str(Path(rival("scrapy")).with_name("python"))}
    rates = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        pages = set()
        for said in map(json.loads, process.stdout):
            rates.setdefault(said["connections"], {}).setdefault(said["runner"], []).append(said["pages"] / said["seconds"])
            pages.add(said["pages"])
    assert process.returncode == 0
    assert len(pages) == 1, f"the runners saw different numbers of pages: {pages}"
    return rates


def tell(mode, rates):
    """Print the rates; gives {connections: {rival: median ratio of the pairs}}."""
    ratios = {}
    for connections, runners in rates.items():
        ours = runners["torwatch"]
        ratios[connections] = {
            other: statistics.median(mine / theirs for mine, theirs in zip(ours, runners[other], strict=True))
            for other in ("curl", "scrapy")
        }
        shown = ", ".join(f"{runner} {statistics.median(found):.0f}" for runner, found in runners.items())
        beside = ", ".join(f"{ratio:.2f} of {other}" for other, ratio in ratios[connections].items())
        say(
            f"{mode}, {PAGES} pages of 20 kB, {connections} connections: pages a second {shown}; torwatch {beside} (median of {ROUNDS} pairs)"
        )
    return ratios


def check_tools():
    missing = [name for name in ("curl", "privoxy") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} to measure against: sudo apt-get install {' '.join(missing)}")


def bench_crawl_where_latency_decides():
    check_tools()
    ratios = tell("latency-bound", race("latency", ("torwatch", "curl", "scrapy")))
    assert all(ratio["curl"] >= BAR_CURL and ratio["scrapy"] >= BAR_SCRAPY for ratio in ratios.values()), ratios


def bench_crawl_where_processors_decide():
    check_tools()
    if not quick_loopback_available():
        pytest.skip("no network namespace here, so no loopback that acknowledges at once")
    ratios = tell("CPU-bound", race("cpu", ("torwatch", "curl", "scrapy")))
    assert all(ratio["scrapy"] >= BAR_SCRAPY for ratio in ratios.values()), ratios


def run_memory(*arguments):
    done = subprocess.run(
        [sys.executable, str(HERE / "crawl_memory.py"), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def bench_memory_of_fifty_targets():
    said = run_memory("many", 50)
    say(
        f"50 targets walked at once over tor: PSS of daemon and workers at most {said['most']:.0f} MiB, {said['snapshots']} snapshots complete"
    )
    assert said["snapshots"] == 50
    assert said["most"] < BAR_PSS_MEBIBYTES


def bench_memory_of_a_long_crawl():
    said = run_memory("long", LONG_PAGES)
    middle, last = said["thirds"][1:]
    say(
        f"{said['pages']} pages through a stand-in SOCKS port: PSS {said['thirds'][0]:.0f}, {middle:.0f}, {last:.0f} MiB in the three thirds "
        f"({last / middle:.3f}), {said['pages'] / said['seconds']:.0f} pages a second"
    )
    assert last <= BAR_GROWTH * middle
