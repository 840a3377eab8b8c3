"""Runs over a private Tor network, each killed with SIGKILL at a named point and resumed until complete; a process of its own, run by test_kill.py.

Arguments: how many runs, listings of the simulated market, the number of the first run (0; the number tells where and when a run is killed,
so that many can be taken in slices). Started under quick_loopback where namespaces are to be had: a page over tor then takes 4 ms instead of
150. Prints one line of JSON for each run, and before them one that says how the uninterrupted run went.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import multiprocessing
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from torwatch.archive.index import read_index
from torwatch.archive.reader import read_page
from torwatch.demo.market import ENGINES, EPOCH, MarketServer, SimulatedClock
from torwatch.demo.network import PrivateNetwork
from torwatch.evidence import verify
from torwatch.ledger import open_journaled
from torwatch.store.database import open_store
from torwatch.store.schema import WORKING_TABLE_NAMES
from torwatch.store.targets import add_target

sys.path.insert(0, str(Path(__file__).parent.parent / "integration"))  # for the processes that are forked, too
MARKET = "souk"
SEED = 5
REPEATED_POINTS = {"before_warc_flush": 9, "after_warc_flush": 9, "page_commit": 9}  # killed at one of the first so many calls
POINTS = (*REPEATED_POINTS, "index", "diff_commit", "finalise", "closing", "derive", "seal")
AT_ONCE = 2
CHILD_SECONDS = 120
# Times and places in the archive differ from run to run, and so does the digest of a manifest, which holds them.
NOT_COMPARED = {"elapsed_ms", "warc_offset", "warc_length", "sha256"}
# Every process is forked from one that has loaded everything and does nothing else: a second and a half of loading less for each.
PROCESSES = multiprocessing.get_context("forkserver")


def walk(directory, point, call, said):
    """The process that is killed: the same as test_kill.py starts, its last words in a file."""
    from killed_walk import main as walk_until_killed  # noqa: PLC0415 - found through the path set above

    with said.open("w", encoding="utf-8") as sys.stdout:
        walk_until_killed(str(directory), "tor", point, call)


def take(directory, point="", call=1, kill_after=None):
    """Take or resume the snapshot in a process of its own; gives whether it ended (else it was killed)."""
    said = directory / "said"
    child = PROCESSES.Process(target=walk, args=(directory, point, call, said))
    child.start()
    child.join(kill_after or CHILD_SECONDS)
    if child.exitcode is None:
        child.kill()
        child.join()
        if kill_after is None:
            raise SystemExit(f"{directory.name}: the walk hangs")
    if child.exitcode == -signal.SIGKILL:
        return False
    if (child.exitcode, said.read_text(encoding="utf-8")) != (0, "complete"):
        raise SystemExit(
            f"{directory.name}, killed at {point or 'no point'}: exit code {child.exitcode}, {said.read_text(encoding='utf-8')!r}"
        )
    return True


def prepare(directory, network, onion):
    """A data directory with its configuration and the market as its one target."""
    directory.mkdir()
    (directory / "torwatch.toml").write_text(network.attach_section, encoding="utf-8")
    with open_journaled(directory / "torwatch.db", directory / "archive") as store:
        add_target(store, MARKET, [(onion.address, 80, "http")], parser=MARKET, every_seconds=604_800, now=EPOCH)


def dump(directory):
    """Every row of every table that is kept, in order, without times and places in the archive: {table: rows}."""
    with contextlib.closing(sqlite3.connect(directory / "torwatch.db")) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
        return {
            name: rows(connection, name)
            for name in names
            if name not in WORKING_TABLE_NAMES and not name.startswith(("sqlite_", "_sqlite"))
        }


def rows(connection, table):
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    kept = [name for name in columns if name not in NOT_COMPARED and name != "at" and not name.endswith("_at")]
    return sorted(connection.execute(f"SELECT {', '.join(kept)} FROM {table}"), key=repr)


def integrity(directory):
    with contextlib.closing(sqlite3.connect(directory / "torwatch.db")) as connection:
        return connection.execute("PRAGMA integrity_check").fetchone()[0]


def breaks(directory):
    """What `torwatch verify` finds wrong with the archive and its chain of manifests."""
    with open_store(directory / "torwatch.db") as store:
        return verify(store, directory / "archive").breaks


def unread(directory):
    """How many pages of the index cannot be read from the archive where it says, with the digest it says; and how many there are."""
    archive = directory / "archive" / MARKET
    entries = [entry for entry in read_index(archive / "00000001.cdxj") if entry.offset is not None]
    missing = sum(not is_there(archive, entry) for entry in entries)
    return missing + len(entries) - len({entry.url for entry in entries}), len(entries)


def is_there(archive, entry):
    page = read_page(archive / entry.filename, entry.offset)
    return (page.url, hashlib.sha256(page.body).hexdigest()) == (entry.url, entry.digest)


def one_run(number, base, network, onion, wanted):
    """Kill and resume until complete; gives what is to be said of it."""
    directory = base / f"run-{number}"
    prepare(directory, network, onion)
    drawn = random.Random(number)
    point = POINTS[number % len(POINTS)]
    call = drawn.randrange(1, 1 + REPEATED_POINTS.get(point, 1))
    killed = not take(directory, point, call)
    again = 0
    ended = not killed
    while not ended:  # every third run is killed once more, at a moment that nobody chose
        ended = take(directory, kill_after=drawn.uniform(0.3, 3.0) if number % 3 == 2 and not again else None)
        again += not ended
    found = dump(directory)
    missing, pages = unread(directory)
    said = {
        "number": number,
        "point": point,
        "call": call,
        "killed": killed,
        "killed_again": again,
        "different": sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)),
        "missing": missing,
        "pages": pages,
        "integrity": integrity(directory),
        "breaks": breaks(directory),
    }
    shutil.rmtree(directory)
    return said


def tell(said):
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def main(runs, listings, first=0):
    drawn_as = ENGINES[MARKET]()
    clock = SimulatedClock(EPOCH + dt.timedelta(days=90))
    with contextlib.ExitStack() as stack:
        base = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="torwatch-kill-")))
        network = stack.enter_context(PrivateNetwork())
        server = stack.enter_context(MarketServer(drawn_as.world(SEED, listings=listings), drawn_as, clock, still=True))
        onion = network.add_onion(target_port=server.port)
        prepare(base / "undisturbed", network, onion)
        take(base / "undisturbed")
        wanted = dump(base / "undisturbed")
        tell({"pages": unread(base / "undisturbed")[1], "rows": {name: len(found) for name, found in wanted.items()}})
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for said in pool.map(lambda number: one_run(number, base, network, onion, wanted), range(first, first + runs)):
                tell(said)


if __name__ == "__main__":
    PROCESSES.set_forkserver_preload(["killed_walk", "torwatch.parsing.worker"])
    main(*map(int, sys.argv[1:]))
