"""kill -9 at any moment: the next start resumes, and the end is that of a run that was never killed."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from torwatch.archive.index import read_index
from torwatch.archive.reader import read_page

CHILD = Path(__file__).with_name("killed_walk.py")
POINTS = ("before_warc_flush", "after_warc_flush", "page_commit", "index", "diff_commit", "finalise", "closing", "derive", "seal")
HISTORY = ("change", "spell", "listing", "vendor", "feedback", "counter", "snapshot", "pages", "fill", "origin")


def run(watch, point="", call=1, kill_after=None):
    """Run a walk in a process of its own; gives its exit code."""
    arguments = [sys.executable, str(CHILD), str(watch.config.data_directory), str(watch.tools.tor.socks_address[1]), point, str(call)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        if kill_after is not None:
            time.sleep(kill_after)
            child.kill()
        output, errors = child.communicate(timeout=120)
    if child.returncode not in {0, -signal.SIGKILL}:
        pytest.fail(errors.decode())
    if child.returncode == 0:
        assert output.decode().strip() == "complete"
    return child.returncode


def check(watch, wanted):
    """The history equals that of an uninterrupted run, every digest is in the archive, the database is whole."""
    found = watch.dump()
    for name in HISTORY:
        assert found[name] == wanted[name], name
    with sqlite3.connect(watch.config.database_path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    archive = watch.config.archive_directory / "souk"
    entries = [entry for entry in read_index(archive / "00000001.cdxj") if entry.offset is not None]
    assert len(entries) == len({entry.url for entry in entries}) > 30
    for entry in entries:
        assert read_page(archive / entry.filename, entry.offset).url == entry.url
    assert watch.store.value("SELECT count(*) FROM visit") == 0
    assert watch.store.value("SELECT count(*) FROM stage_listing") == 0


@pytest.fixture
def market(watched, tmp_path):
    """A frozen market and the history that an uninterrupted run makes of it."""
    watch = watched("souk", listings=30, still=True)
    assert run(watch) == 0
    wanted = watch.dump()
    watch.store.close()
    return watch, wanted


def kill_and_resume(market, runs):
    """Take `runs` snapshots, each killed at least once, and check each; gives how often each fault point was met."""
    watch, wanted = market
    rng = random.Random(1)
    kills = dict.fromkeys(POINTS, 0)
    for number in range(runs):
        watch.begin_again()
        point = POINTS[number % len(POINTS)]
        call = rng.randrange(1, 6) if point in POINTS[:3] else 1
        ended = run(watch, point, call) == 0
        kills[point] += not ended
        if not ended and number % 3 == 0:
            ended = run(watch, kill_after=rng.uniform(0.3, 1.2)) == 0
        while not ended:
            ended = run(watch) == 0
        check(watch, wanted)
    return kills


def test_a_walk_killed_anywhere_ends_as_if_it_had_never_been_killed(market):
    kills = kill_and_resume(market, len(POINTS))
    assert all(count == 1 for count in kills.values()), kills


@pytest.mark.soak
@pytest.mark.timeout(3000)
def test_two_hundred_walks_killed_anywhere_end_as_if_they_had_never_been_killed(market):
    kills = kill_and_resume(market, 200)
    print(kills)  # noqa: T201 - the figure belongs to the proof
    assert all(count >= 10 for count in kills.values()), kills
