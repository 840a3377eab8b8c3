"""The units in a machine that really boots: systemd in a container, a private Tor network, the simulated market."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SYSTEM_TOR = Path("/lib/systemd/system/tor@default.service")
NEEDED = ("systemd-nspawn", "unshare", "tor")
missing = [name for name in NEEDED if shutil.which(name) is None]

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)} (apt-get install systemd-container tor)"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root boots a container"),
]


@pytest.mark.parametrize("tor", ["own", "attach"])
def test_the_service_lives_through_restart_reload_tor_kill_and_watchdog_and_writes_only_its_state(checkout, tmp_path, tor):
    if tor == "attach" and not SYSTEM_TOR.exists():
        pytest.skip("no unit of the system's tor: apt-get install tor")
    script = Path(__file__).with_name("boot_container.sh")
    command = ["unshare", "--mount", "--propagation", "private", "bash", script, checkout, tmp_path, sys.base_prefix, tor]
    console = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=580, check=False, stdin=subprocess.DEVNULL)
    for folder in Path("/var/tmp").glob("torwatch-boot.*"):
        with contextlib.suppress(OSError):  # another run's, still mounted
            folder.rmdir()
    assert (tmp_path / "results.json").exists(), console.stdout[-2000:] + console.stderr[-2000:]
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8")) == {
        "start": "active",
        "snapshot": "complete",
        "restart": "active",
        "reload": "active",
        "tor kill": "active",
        "status": "ok",
        "restarts of a fed service": 0,
        "watchdog kill": "active",
        "snapshots": ["complete", "complete"],
        "datasette": "answers",
        "backups": 1,
        "reports": 1,
        "credentials": ["torwatch.alerts"],
        "written elsewhere": [],
    }
