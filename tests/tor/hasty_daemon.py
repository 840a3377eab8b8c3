"""The daemon, its clock of plans and records running FACTOR times as fast from the moment ORIGIN on; a process of its own, run by soak_run.py.

Arguments: the configuration file, ORIGIN (seconds since the epoch), FACTOR. SIGTERM stops it cleanly, as `torwatch run`.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

from torwatch.config import load_config
from torwatch.daemon import open_daemon
from torwatch.logs import set_up_logs


def hasty_now(origin, factor):
    """The moment that the hasty clock shows."""
    return dt.datetime.fromtimestamp(origin + (time.time() - origin) * factor, dt.UTC)


def main(path, origin, factor):
    config = load_config(path, os.environ)
    set_up_logs(config.log.level, config.log.format, sys.stderr)
    with open_daemon(config, load_config=lambda: load_config(path, os.environ), now=partial(hasty_now, origin, factor)) as daemon:
        signal.signal(signal.SIGTERM, lambda *_: daemon.stop.set())
        daemon.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
