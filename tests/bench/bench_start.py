"""How long commands take to start: processor time of whole processes, side by side in one run."""

from __future__ import annotations

import datetime as dt
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

from torwatch.store.database import open_store
from torwatch.store.targets import add_target

ROUNDS = 21
TARGETS = 8
STATUS_BAR = 1.5  # `status --json` against the bare start of the package: `--version`, and an import of the command line
VERSION_BAR = 2.5  # `--version` against an empty python and the import of click


def time_process(arguments, environment):
    """Processor milliseconds of one process, its start included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3


def bench_start_of_the_command_line(tmp_path):
    now = dt.datetime.now(dt.UTC)
    with open_store(tmp_path / "torwatch.db") as store:
        for number in range(TARGETS):
            add_target(store, f"souk{number}", [(f"{number:055}d.onion", 80, "http")], parser="souk", every_seconds=604_800, now=now)
            with store.write() as connection:
                connection.execute(
                    "INSERT INTO snapshot (market_id, target_id, state, started_at, ended_at, parser, parser_digest, torwatch_version, listings)"
                    " VALUES (?1, ?1, 'complete', ?2, ?2, 'souk', '', '', 40)",
                    (number + 1, now.isoformat(timespec="seconds")),
                )
    (tmp_path / "torwatch.toml").write_text(f'data_directory = "{tmp_path}"\n[schedule]\nhours = "22:00-06:00"\n')
    environment = os.environ | {"TORWATCH_CONFIG": str(tmp_path / "torwatch.toml")}
    torwatch = str(Path(sys.executable).with_name("torwatch"))
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import click": [sys.executable, "-c", "import click"],
        "torwatch --version": [torwatch, "--version"],
        "import torwatch.cli": [sys.executable, "-c", "import torwatch.cli"],
        "torwatch status --json": [torwatch, "status", "--json"],
    }
    times = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, arguments in commands.items():
            times[name].append(time_process(arguments, environment))
    middle = {name: statistics.median(found) for name, found in times.items()}
    sys.stdout.write(f"\nstart, CPU ms of the process (median of {ROUNDS}, best in brackets)\n")
    for name, milliseconds in middle.items():
        sys.stdout.write(f"  {name:26} {milliseconds:7.1f} ({min(times[name]):.1f})\n")
    against_version = middle["torwatch status --json"] / middle["torwatch --version"]
    against_import = middle["torwatch status --json"] / middle["import torwatch.cli"]
    version = middle["torwatch --version"] / middle["import click"]  # which holds the empty python
    sys.stdout.write(f"  status / --version            {against_version:.2f} (bar {STATUS_BAR})\n")
    sys.stdout.write(f"  status / import torwatch.cli  {against_import:.2f} (bar {STATUS_BAR})\n")
    sys.stdout.write(f"  --version / import click      {version:.2f} (bar {VERSION_BAR})\n")
    assert against_version <= STATUS_BAR
    assert against_import <= STATUS_BAR
    assert version <= VERSION_BAR
