"""kill -9 at any moment over real tor: 300 pages, resumed until complete, and the end is the database of a run that was never killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from torwatch.demo.quick_loopback import quick_loopback_available, quick_loopback_command

SCRIPT = Path(__file__).with_name("killed_runs.py")
LISTINGS = 210  # with their lists, vendors and other pages just over 300
# what each named point of a kill stands for
FAULT_POINTS = {
    "WARC flush": ("before_warc_flush", "after_warc_flush"),
    "page commit": ("page_commit",),
    "diff commit": ("diff_commit",),
    "finalise": ("finalise",),
}


def run_killed(runs, seconds):
    """Take the runs in a process of its own, on a quick loopback where there is one; gives what is said of each."""
    command = [sys.executable, str(SCRIPT), str(runs), str(LISTINGS)]
    if quick_loopback_available():
        command = quick_loopback_command(command)
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stderr[-3000:]
    undisturbed, *killed = map(json.loads, done.stdout.splitlines())
    assert undisturbed["pages"] >= 300
    assert {"change", "listing", "vendor", "feedback", "spell", "origin", "quantity", "substance", "snapshot", "manifest"} <= {
        name for name, count in undisturbed["rows"].items() if count
    }
    assert len(killed) == runs
    return undisturbed, killed


def check(undisturbed, killed, fewest):
    """Each was killed and ended as if it had not been; gives how often each fault point was met."""
    for said in killed:
        assert said["killed"], said
        assert (said["different"], said["missing"], said["integrity"], said["breaks"]) == ([], 0, "ok", []), said
        assert said["pages"] == undisturbed["pages"], said
    met = Counter(said["point"] for said in killed)
    counts = {fault: sum(met[point] for point in points) for fault, points in FAULT_POINTS.items()}
    assert min(*met.values(), *counts.values()) >= fewest, (met, counts)
    return {"runs": len(killed), "equal": sum(not said["different"] for said in killed), "at": counts, **met} | {
        "at a random moment": sum(said["killed_again"] for said in killed)
    }


def test_twenty_runs_of_300_pages_over_tor_killed_anywhere_end_as_if_they_had_never_been_killed():
    check(*run_killed(20, 170), fewest=2)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_two_hundred_runs_of_300_pages_over_tor_killed_anywhere_end_as_if_they_had_never_been_killed():
    print(check(*run_killed(200, 3500), fewest=10))  # noqa: T201 - the figure belongs to the proof
