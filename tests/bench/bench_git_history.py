"""How fast snapshots enter the history from files, against git-history on the same data as JSON in git."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess

from invented import NOON, Market, held, say, timed
from rivals import rival

from torwatch.dataset.layout import load_layout
from torwatch.loading import load_file
from torwatch.store.database import open_store
from torwatch.store.judgement import HoldRule

LISTINGS = int(os.environ.get("TORWATCH_BENCH_LISTINGS", "100000")) // 10  # git-history takes hours for all
SNAPSHOTS = int(os.environ.get("TORWATCH_BENCH_SNAPSHOTS", "50"))
BAR_GIT_HISTORY = 20  # times as fast
TURN_SNAPSHOTS = 5
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


def begin(folder):
    """The market, and the empty git repository of its snapshots."""
    repository = folder / "repository"
    subprocess.run(["git", "init", "-q", "-b", "main", str(repository)], check=True)
    (folder / "bench.toml").write_text(LAYOUT, encoding="utf-8")
    return Market(LISTINGS), repository


def write_snapshots(folder, market, repository, numbers):
    """The same snapshots twice: a CSV file each, and a JSON file committed again and again."""
    git = ("git", "-C", str(repository), "-c", "user.name=bench", "-c", "user.email=bench@localhost")
    for number in numbers:
        if number:
            market.step()
        rows = [{"key": key, **values} for key, values in market.rows.items()]
        market.write_csv(folder / f"{number}.csv")
        (repository / "listings.json").write_text(json.dumps(rows), encoding="utf-8")
        subprocess.run([*git, "add", "listings.json"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", str(number), "--allow-empty"], check=True)


def import_files(folder, numbers):
    """Read, normalise, stage and diff every file as `torwatch import csv` does."""
    layout = load_layout(str(folder / "bench.toml"))
    with open_store(folder / "torwatch.db") as store:
        for number in numbers:
            at = NOON + dt.timedelta(weeks=number)
            path = folder / f"{number}.csv"
            loaded = load_file(store, path, layout, "bench", at=at, file_digest=str(number), hold=HoldRule(), now=NOON)
            assert loaded.rows == LISTINGS
            assert not loaded.faults


def import_commits(program, folder, repository):
    """Let git-history take the commits that it has not seen yet."""
    command = (program, "file", folder / "rival.db", "listings.json", "--repo", repository, "--id", "key", "--silent")
    subprocess.run(list(map(str, command)), check=True, cwd=repository)


def take_turns(program, folder, market, repository, numbers):
    """(our seconds, git-history's) for the same snapshots, one after the other, so that both meet the same load."""
    write_snapshots(folder, market, repository, numbers)
    _, ours = timed(lambda: import_files(folder, numbers))
    _, theirs = timed(lambda: import_commits(program, folder, repository))
    return ours, theirs


def bench_import_against_git_history(tmp_path):
    program = rival("git-history")
    market, repository = begin(tmp_path)
    ours = theirs = 0.0
    for first in range(0, SNAPSHOTS, TURN_SNAPSHOTS):
        mine, other = take_turns(program, tmp_path, market, repository, range(first, min(SNAPSHOTS, first + TURN_SNAPSHOTS)))
        ours, theirs = ours + mine, theirs + other
    with open_store(tmp_path / "torwatch.db") as store:
        assert store.value("SELECT count(*) FROM change WHERE cause = 'changed'") == (SNAPSHOTS - 1) * (LISTINGS // 100)
    say(f"\n{SNAPSHOTS} snapshots of {LISTINGS:,} listings from files, normalised: {ours:.1f} s; git-history {theirs:.1f} s")
    held("git-history against the import", theirs / ours, at_least=BAR_GIT_HISTORY)
