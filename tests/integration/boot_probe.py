"""Runs as root inside the machine that boot_container.sh boots: the service's life, each step written to /out/results.json.

Its argument: own (torwatch starts a tor) or attach (the system's tor runs, and torwatch attaches to it by its control socket).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sqlite3
import subprocess
import sys
import time
import traceback
import urllib.request
from pathlib import Path

from torwatch.demo.market import ENGINES, EPOCH, MarketServer, SimulatedClock
from torwatch.demo.network import PrivateNetwork

OUT = Path("/out")
PROGRAM = "/opt/torwatch/bin/torwatch"
STATE = Path("/var/lib/torwatch")
TOR = sys.argv[1]
USER_OF_TOR = {"own": "torwatch", "attach": "debian-tor"}
DROP_IN = Path("/etc/systemd/system/torwatch.service.d/short.conf")


def run(*command, check=True):
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{command}: {done.returncode}: {done.stdout[-800:]} {done.stderr[-800:]}")
    return done.stdout.strip()


def as_torwatch(*arguments, check=True):
    return run("runuser", "-u", "torwatch", "--", PROGRAM, *arguments, check=check)


def shown(name):
    return run("systemctl", "show", "torwatch.service", "-P", name)


def the_tor():
    return run("pgrep", "-u", USER_OF_TOR[TOR], "-x", "tor", check=False)


def states():
    with contextlib.closing(sqlite3.connect(f"file:{STATE / 'torwatch.db'}?mode=ro", uri=True)) as connection:
        return [state for (state,) in connection.execute("SELECT state FROM snapshot ORDER BY id")]


def wait_for(condition, seconds, what):
    give_up = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > give_up:
            raise RuntimeError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.3)
    return found


def datasette_answers():
    try:
        return urllib.request.urlopen("http://127.0.0.1:8001/-/versions.json", timeout=3).status == 200
    except OSError:
        return False


def install(network):
    run(PROGRAM, "systemd", "install", "--program", PROGRAM, "--tor", TOR)
    run("systemd-sysusers", "torwatch.conf")
    options = [f"{name} {value}" for name, value in network.torrc_options]
    if TOR == "own":
        tor = f"torrc = {json.dumps(options)}"
    else:  # Debian's own unit and defaults: control socket with a cookie for the group debian-tor, SOCKS port 9050
        Path("/etc/tor/torrc").write_text("\n".join(["SocksPort 9050 ExtendedErrors", *options, ""]), encoding="utf-8")
        tor = "mode = 'attach'\ncontrol = '/run/tor/control'\nsocks = '127.0.0.1:9050'"
    Path("/etc/torwatch/config.toml").write_text(
        f"data_directory = '{STATE}'\n[tor]\n{tor}\n[crawl]\nseconds_per_request = 0\n", encoding="utf-8"
    )
    run("systemd-tmpfiles", "--create", "torwatch.conf")
    store = Path("/etc/credstore")
    store.mkdir(mode=0o700, exist_ok=True)
    (store / "torwatch.alerts").write_text("json://127.0.0.1:9/\n", encoding="utf-8")
    run("systemctl", "daemon-reload")
    if TOR == "attach":
        run("systemctl", "start", "tor@default.service")


def live(results):
    run("systemctl", "start", "torwatch.service")
    results["start"] = shown("ActiveState")
    wait_for(lambda: states() == ["complete"], 90, "a complete snapshot")
    results["snapshot"] = states()[0]

    before = shown("MainPID")
    run("systemctl", "restart", "torwatch.service")
    results["restart"] = shown("ActiveState") if shown("MainPID") != before else "the same process"

    before = shown("MainPID")
    run("systemctl", "reload", "torwatch.service")
    wait_for(lambda: "config_reloaded" in run("journalctl", "-u", "torwatch", "-o", "cat", "--no-pager"), 20, "the reload")
    results["reload"] = shown("ActiveState") if shown("MainPID") == before else "another process"

    tor = the_tor()
    run("kill", "-9", *tor.split())
    wait_for(lambda: the_tor() not in {"", tor}, 60, "tor to come back")
    results["tor kill"] = shown("ActiveState") if shown("MainPID") == before else "another process"
    wait_for(lambda: json.loads(as_torwatch("status", "--json", check=False))["state"] == "ok", 60, "a status of ok")
    results["status"] = "ok"


def starve(results):
    """A watchdog of 25 s is fed by a living daemon and bites one that stands still."""
    DROP_IN.parent.mkdir()
    DROP_IN.write_text("[Service]\nWatchdogSec=25s\nRestartSec=1s\n", encoding="utf-8")
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", "torwatch.service")
    time.sleep(40)
    results["restarts of a fed service"] = int(shown("NRestarts"))
    before = shown("MainPID")
    run("kill", "-STOP", before)
    wait_for(lambda: shown("MainPID") not in {"0", before} and shown("ActiveState") == "active", 180, "the watchdog's restart")
    results["watchdog kill"] = shown("ActiveState")
    as_torwatch("snapshot", "now", "souk")
    results["snapshots"] = states()


def main():
    results = {}
    try:
        run("ip", "link", "set", "lo", "up")
        engine = ENGINES["souk"]()
        clock = SimulatedClock(EPOCH + dt.timedelta(days=90))
        with PrivateNetwork() as network, MarketServer(engine.world(5, listings=16), engine, clock) as server:
            onion = network.add_onion(target_port=server.port)
            install(network)
            as_torwatch("add", onion.address, "--market", "souk", "--parser", "souk", "--legal-basis", "simulation")
            live(results)
            starve(results)
            run("systemctl", "start", "torwatch-datasette.service")
            wait_for(datasette_answers, 60, "datasette")
            results["datasette"] = "answers"
            for name in ("backup", "answer"):
                run("systemctl", "start", f"torwatch-{name}.service")
            results["backups"] = len(list((STATE / "backups").glob("torwatch-*.db")))
            results["reports"] = len(list((STATE / "reports").glob("answer-NL-*.html")))
            handed = Path("/run/credentials/torwatch.service")
            results["credentials"] = sorted(path.name for path in handed.iterdir()) if handed.exists() else []
            run("systemctl", "stop", "torwatch-datasette.service", "torwatch.service")
        outside = ("(", "-path", "/proc", "-o", "-path", str(STATE), ")", "-prune", "-o", "-user", "torwatch", "-print")
        results["written elsewhere"] = run("find", "/", "-xdev", *outside, check=False).split()
    except Exception:  # whatever it was: the host must learn of it before the machine powers off; it is raised again
        results["fault"] = traceback.format_exc() + run("journalctl", "-u", "torwatch*", "-o", "cat", "--no-pager", "-n", "60", check=False)
        raise
    finally:
        (OUT / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
        run("systemctl", "poweroff", "--no-block")


if __name__ == "__main__":
    main()
