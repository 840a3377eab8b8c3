"""A process of its own that takes a snapshot and kills itself with SIGKILL at a named point; run by test_kill.py.

Arguments: data directory, SOCKS port, fault point ("" for none), at which call of it. Exit code 0: the snapshot ended.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

from torwatch import walk
from torwatch.archive import index
from torwatch.archive.writer import SnapshotArchive
from torwatch.assembly import offline_tools
from torwatch.config import load_config
from torwatch.daemon import snapshot_target
from torwatch.store import diff, frontier, snapshots
from torwatch.store.database import open_store
from torwatch.store.targets import list_targets

POINTS = {
    "before_warc_flush": (SnapshotArchive, "sync"),
    "after_warc_flush": (frontier, "record_results"),
    "page_commit": (frontier, "add_visits"),
    "index": (index, "write_index"),
    "diff_commit": (diff, "link_vendors"),
    "finalise": (snapshots, "write_totals"),
    "closing": (walk, "close_snapshot"),
}


class StandInTor:
    def __init__(self, port):
        self.socks_address = ("127.0.0.1", port)

    def credentials(self, identity):
        return identity, "x"

    def ensure(self):
        return False


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


def main(directory, port, point, call):
    config = load_config(None, {"STATE_DIRECTORY": directory})
    crawl = config.crawl.model_copy(update={"seconds_per_request": 0.0, "concurrency": 4, "detail_max_age": dt.timedelta(0)})
    config = config.model_copy(update={"crawl": crawl})
    now = dt.datetime(2026, 4, 5, tzinfo=dt.UTC)
    with open_store(config.database_path) as store, offline_tools(config, store, now=lambda: now) as offline:
        tools = replace(offline, tor=StandInTor(int(port)), rng=random.Random())
        if point:
            arm(point, int(call))
        _, ending = snapshot_target(tools, config, list_targets(store)[0], stop=threading.Event())
        sys.stdout.write(ending.state if ending else "stopped")


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stdout.flush()
    assert Path(sys.argv[1]).is_dir()
