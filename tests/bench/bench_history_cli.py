"""The commands of history as a person calls them, start of Python included, on a large market: `import csv`, `state --at`, `snapshot diff`."""

from __future__ import annotations

import csv
import datetime as dt
import os
import subprocess
import sys

from bench_git_history import LAYOUT
from bench_history import bare_table, fill_bare, scan_seconds
from invented import NOON, Market, held, say, timed

from torwatch.store.database import open_store

LISTINGS = int(os.environ.get("TORWATCH_BENCH_LISTINGS", "100000"))
SNAPSHOTS = 5
BAR_STATE = 5


def write_files(folder):
    """A CSV file for each snapshot, named by its day; gives the paths."""
    market, paths = Market(LISTINGS), []
    for number in range(SNAPSHOTS):
        if number:
            market.step()
        path = folder / f"{NOON + dt.timedelta(weeks=number):%Y-%m-%d}.csv"
        market.write_csv(path)
        paths.append(path)
    return paths


def fill_from_files(folder, paths):
    """The same files read by the csv module and written by nothing but executemany."""
    bare = bare_table(folder / "bare.db")
    for number, path in enumerate(paths):
        with path.open(encoding="utf-8", newline="") as handle:
            fill_bare(bare, number, {row["key"]: row for row in csv.DictReader(handle)})
    bare.close()


def command(folder, *arguments):
    """Run torwatch; its output is thrown away."""
    environment = {**os.environ, "STATE_DIRECTORY": str(folder)}
    environment.pop("TORWATCH_CONFIG", None)
    done = subprocess.run([sys.executable, "-m", "torwatch", *map(str, arguments)], capture_output=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def bench_commands_on_a_large_market(tmp_path):
    (tmp_path / "bench.toml").write_text(LAYOUT, encoding="utf-8")
    paths = write_files(tmp_path)
    _, ours = timed(lambda: command(tmp_path, "import", "csv", *paths, "--map", tmp_path / "bench.toml", "--market", "bench"))
    _, theirs = timed(lambda: fill_from_files(tmp_path, paths))
    say(f"\n`torwatch import csv` of {SNAPSHOTS} files of {LISTINGS:,} listings: {ours:.1f} s; csv module and executemany {theirs:.1f} s")
    held("`import csv`, every title normalised, and archived, against reading the files and a bare executemany", ours / theirs)
    with open_store(tmp_path / "torwatch.db") as store:
        scan = scan_seconds(store)
    for word, number in (("first", 0), ("middle", SNAPSHOTS // 2), ("last", SNAPSHOTS - 1)):
        at = f"{NOON + dt.timedelta(weeks=number):%Y-%m-%d}"
        printed, seconds = min(
            (timed(lambda at=at: command(tmp_path, "state", "--at", at, "--json")) for _ in range(3)), key=lambda pair: pair[1]
        )
        assert printed.count(b'"key"') == LISTINGS
        held(f"`state --at` of the {word} snapshot, printed as JSON, against a scan of listing", seconds / scan, BAR_STATE)
        _, seconds = timed(lambda at=at: command(tmp_path, "state", "--at", at))
        held(f"`state --at` of the {word} snapshot, the first lines as a table", seconds / scan, BAR_STATE)
    _, seconds = timed(lambda: command(tmp_path, "snapshot", "diff", 1, SNAPSHOTS, "--json"))
    held("`snapshot diff` of the first and the last, as JSON, against a scan of listing", seconds / scan)
