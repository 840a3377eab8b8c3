"""The daemon with a clock that can be set; a process of its own, run by test_machine.py.

Arguments: the configuration file, a file that holds by how many seconds the clock is off. SIGTERM stops it cleanly, as `torwatch run`.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from torwatch.config import load_config
from torwatch.daemon import open_daemon
from torwatch.logs import set_up_logs


def main(path, offset):
    """Run the daemon until it is told to stop."""
    config = load_config(path, os.environ)
    set_up_logs(config.log.level, config.log.format, sys.stderr)

    def now():
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=float(offset.read_text(encoding="ascii")))

    with open_daemon(config, load_config=lambda: load_config(path, os.environ)) as daemon:
        daemon.tools = daemon.attendance.tools = replace(daemon.tools, now=now)
        signal.signal(signal.SIGTERM, lambda *_: daemon.stop.set())
        daemon.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
