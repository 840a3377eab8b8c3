"""`torwatch run`: the daemon in the foreground, as systemd wants it."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import click

from torwatch.cli.context import the_config

if TYPE_CHECKING:
    from pathlib import Path

    from torwatch.config import Config


@click.command()
def run() -> None:
    """Take every snapshot that comes due, until SIGTERM or Ctrl-C.

    SIGTERM stops cleanly within 5 seconds; what was under way is resumed at the next start. SIGHUP reads the configuration again.
    Targets may be added, changed and paused while it runs.
    """
    from torwatch.cli.snapshot import show_bootstrap
    from torwatch.daemon import open_daemon
    from torwatch.logs import set_up_logs
    from torwatch.ops.allocator import share_heaps
    from torwatch.ops.heartbeat import Heartbeat
    from torwatch.ops.sd_notify import take_notifier

    share_heaps()
    path = click.get_current_context().find_root().obj
    config = the_config()
    set_up_logs(config.log.level, config.log.format, sys.stderr)
    heartbeat = Heartbeat(take_notifier(os.environ))
    interrupted = [False]

    def leave(*_: object) -> None:
        interrupted[0] = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)
    try:
        with open_daemon(config, load_config=lambda: load_again(path), tor_progress=show_bootstrap, heartbeat=heartbeat) as daemon:
            signal.signal(signal.SIGTERM, lambda *_: daemon.stop.set())
            signal.signal(signal.SIGINT, lambda *_: daemon.stop.set())
            signal.signal(signal.SIGHUP, lambda *_: daemon.reload.set())
            daemon.run()
    except KeyboardInterrupt:
        if not interrupted[0]:
            raise


def load_again(path: Path | None) -> Config:
    """The configuration as it stands now."""
    from torwatch.config import load_config

    return load_config(path, os.environ)
