"""A process of its own that takes a snapshot and kills itself with SIGKILL at a named point; run by test_kill.py and, over real tor, by killed_runs.py.

Arguments: data directory, SOCKS port (or "tor": the one that torwatch.toml in the data directory attaches to), fault point ("" for none), at
which call of it. As the daemon does, it first finishes what a kill cut off. Exit code 0: the snapshot ended; 1: one line says what is wrong.
`archive.synced` in the data directory holds the length of the WARC that has been forced to the disk: what a power loss would leave.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

from torwatch import closing
from torwatch.archive.writer import SnapshotArchive
from torwatch.assembly import offline_tools, open_tools
from torwatch.config import load_config
from torwatch.daemon import finish_what_was_cut_off, snapshot_target
from torwatch.errors import TorwatchError
from torwatch.ledger import open_journaled
from torwatch.store import diff, frontier, snapshots
from torwatch.store.targets import list_targets
from torwatch.walk import crew, snapshot

GROUP_PAGES = 3  # on a busy machine the thirty listings would come in fewer groups than there are calls to be killed at
NOW = dt.datetime(2026, 4, 5, tzinfo=dt.UTC)
POINTS = {
    "before_warc_flush": (SnapshotArchive, "sync"),
    "after_warc_flush": (frontier, "record_results"),
    "page_commit": (frontier, "add_visits"),
    "index": (snapshot, "write_fetch_log"),
    "diff_commit": (diff, "link_vendors"),
    "finalise": (snapshots, "write_totals"),
    "closing": (snapshot, "close_snapshot"),
    "derive": (closing, "derive"),
    "seal": (closing, "seal_snapshots"),
}


class StandInTor:
    def __init__(self, port):
        self.socks_address = ("127.0.0.1", port)

    version = "0.4.8.0"

    def credentials(self, identity):
        return identity, "x"

    def ensure(self):
        return False

    def use_client_keys(self, keys):
        """Nothing to open."""


def arm(point, call):
    """Make the given call of a function the last thing this process does."""
    owner, name = POINTS[point]
    original = getattr(owner, name)
    left = [call]

    def deadly(*args, **kwargs):
        left[0] -= 1
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)

    setattr(owner, name, deadly)


def note_what_is_on_the_disk(directory):
    """Write down after every sync of the archive how much of it a power loss would leave."""
    original = os.fsync

    def noting(descriptor):
        original(descriptor)
        (Path(directory) / "archive.synced").write_text(str(os.fstat(descriptor).st_size), encoding="ascii")

    os.fsync = noting


@contextlib.contextmanager
def tools_for(config, store, port):
    """The tools of a walk, over the SOCKS port given or over the tor of the configuration."""

    def now():
        return NOW

    if port == "tor":
        with open_tools(config, store, now=now, rng=random.Random()) as tools:
            yield tools
    else:
        crew.GROUP_PAGES = GROUP_PAGES
        with offline_tools(config, store, now=now) as offline:
            yield replace(offline, tor=StandInTor(int(port)), rng=random.Random())


def main(directory, port, point, call):
    note_what_is_on_the_disk(directory)
    config = load_config(Path(directory) / "torwatch.toml" if port == "tor" else None, {"STATE_DIRECTORY": directory})
    crawl = config.crawl.model_copy(update={"seconds_per_request": 0.0, "concurrency": 4, "detail_max_age": dt.timedelta(0)})
    config = config.model_copy(update={"crawl": crawl})
    with open_journaled(config.database_path, config.archive_directory) as store, tools_for(config, store, port) as tools:
        if point:
            arm(point, int(call))
        finish_what_was_cut_off(tools, config)
        if store.value("SELECT state FROM snapshot") == "complete":
            sys.stdout.write("complete")
            return
        _, ending = snapshot_target(tools, config, list_targets(store)[0], stop=threading.Event())
        sys.stdout.write(ending.state if ending else "stopped")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except TorwatchError as error:
        sys.exit(str(error))
    sys.stdout.flush()
    assert Path(sys.argv[1]).is_dir()
