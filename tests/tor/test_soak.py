"""The daemon in a hurry: thirty markets over real tor, its clock sixty times as fast, random faults, for TORWATCH_SOAK_MINUTES."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("soak_run.py")
MINUTES = float(os.environ.get("TORWATCH_SOAK_MINUTES") or 3)
MARKETS = 30
WARM_DESCRIPTORS = 6  # pipes of the parser workers, which start with the first page
GROWTH = 1.1  # of memory, from the middle third to the last
LEVEL_MINUTES = 15  # so old a daemon has loaded and met all that it will


@pytest.mark.soak
@pytest.mark.timeout(MINUTES * 60 + 900)
def test_a_daemon_under_random_faults_leaks_nothing_and_misses_no_snapshot_without_a_reason():
    command = [sys.executable, str(SCRIPT), str(MINUTES), str(MARKETS), os.environ.get("TORWATCH_SOAK_SEED", "7")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    print(done.stdout)  # noqa: T201 - the figures belong to the proof
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["due"] >= MARKETS
    assert said["unexplained"] == []
    assert (said["crashes"], said["tracebacks"], said["exit"]) == (0, 0, 0)
    assert (said["breaks"], said["integrity"], said["not_equal"]) == ([], "ok", {})
    assert said["secrets_found_in"] == []
    threads, descriptors, _ = said["idle"]
    assert said["idle_after"][0] <= threads
    assert said["idle_after"][1] <= descriptors + WARM_DESCRIPTORS
    if said["last_life_minutes"] >= LEVEL_MINUTES:
        _, middle, last = said["thirds"]
        assert last["pss_mib"] <= GROWTH * middle["pss_mib"]
        assert last["circuits"] <= 1.5 * middle["circuits"]
