"""How fast snapshots enter the history from files, against git-history on the same data as JSON in git."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import subprocess

from invented import NOON, SHOWN, Market, say, timed
from rivals import rival

from torwatch.dataset.layout import load_layout
from torwatch.loading import load_file
from torwatch.store.database import open_store
from torwatch.store.judgement import HoldRule

LISTINGS = int(os.environ.get("TORWATCH_BENCH_LISTINGS", "100000")) // 10  # git-history takes hours for all
SNAPSHOTS = int(os.environ.get("TORWATCH_BENCH_SNAPSHOTS", "50"))
BAR_GIT_HISTORY = 20  # times as fast
LAYOUT = """\
currency = "EUR"
key = ["key"]

[fields]
title = "title"
vendor = "vendor"
category = "category"
price_raw = "price"
ship_from_raw = "ship_from"
ship_to_raw = "ship_to"
"""


def write_snapshots(folder):
    """The same snapshots twice: a CSV file each, and a JSON file committed again and again."""
    market = Market(LISTINGS)
    repository = folder / "repository"
    git = ("git", "-C", str(repository), "-c", "user.name=bench", "-c", "user.email=bench@localhost")
    subprocess.run(["git", "init", "-q", "-b", "main", str(repository)], check=True)
    for number in range(SNAPSHOTS):
        if number:
            market.step()
        rows = [{"key": key, **values} for key, values in market.rows.items()]
        with (folder / f"{number}.csv").open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, ("key", *SHOWN))
            writer.writeheader()
            writer.writerows(rows)
        (repository / "listings.json").write_text(json.dumps(rows), encoding="utf-8")
        subprocess.run([*git, "add", "listings.json"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", str(number), "--allow-empty"], check=True)
    return repository


def import_files(folder, store):
    """Read, normalise, stage and diff every file as `torwatch import csv` does."""
    (folder / "bench.toml").write_text(LAYOUT, encoding="utf-8")
    layout = load_layout(str(folder / "bench.toml"))
    for number in range(SNAPSHOTS):
        at = NOON + dt.timedelta(weeks=number)
        path = folder / f"{number}.csv"
        loaded = load_file(store, path, layout, "bench", at=at, file_digest=str(number), hold=HoldRule(), now=NOON)
        assert loaded.rows == LISTINGS
        assert not loaded.faults


def bench_import_against_git_history(tmp_path):
    program = rival("git-history")
    repository = write_snapshots(tmp_path)
    with open_store(tmp_path / "torwatch.db") as store:
        _, ours = timed(lambda: import_files(tmp_path, store))
        changes = store.value("SELECT count(*) FROM change WHERE cause = 'changed'")
        assert changes == (SNAPSHOTS - 1) * (LISTINGS // 100)
    database = tmp_path / "rival.db"
    command = (str(program), "file", str(database), "listings.json", "--repo", str(repository), "--id", "key", "--silent")
    _, theirs = timed(lambda: subprocess.run(command, check=True, cwd=repository))
    say(
        f"\nimport of {SNAPSHOTS} snapshots of {LISTINGS:,} listings from files, normalised: {ours:.1f} s;"
        f" git-history {theirs:.1f} s: {theirs / ours:.1f} times as fast"
    )
    assert theirs >= BAR_GIT_HISTORY * ours
