"""The doctor: findings about one installation, each with its remedy; the checks that need only the machine."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

OLDEST_TOR: Final = (0, 4, 7)
FIRST_POW_TOR: Final = (0, 4, 8)
EARLIEST_CLOCK: Final = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)  # this version did not exist before
PROBE_SECONDS: Final = 10.0

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor."""

    check: str
    level: Level
    what: str
    remedy: str = ""


def check_data_directory(path: Path) -> Finding:
    """Whether it can be written, and by its owner only."""
    name = "data directory"
    if not path.exists():
        return Finding(name, "warn", f"{path} is not there yet", "it is made with the first target: torwatch add ADDRESS --market NAME")
    if not os.access(path, os.W_OK | os.X_OK):
        return Finding(name, "fail", f"{path} cannot be written by this user", "run as its owner: sudo -u torwatch torwatch doctor")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Finding(name, "warn", f"{path} is open to other users (mode {mode:04o})", f"chmod 700 {path}")
    return Finding(name, "ok", f"{path}, for its owner only")


def check_tor_program(binary: str) -> Finding:
    """Whether our own tor can be started, how new it is, and whether it can solve proofs of work."""
    name = "tor program"
    program = shutil.which(os.path.expanduser(binary))  # noqa: PTH111 - as in tor/process.py
    if program is None:
        return Finding(name, "fail", f"no tor program {binary!r}", "apt-get install tor, or set tor.binary")
    try:
        said = _output(program, "--version")
        modules = _output(program, "--list-modules")
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(name, "fail", f"{program} does not run: {error}", "install tor anew, or set tor.binary")
    found = re.search(r"(\d+)\.(\d+)\.(\d+)(?:\.\d+)?", said)
    if found is None:
        return Finding(name, "fail", f"{program} is no tor", "set tor.binary to the tor program")
    if tuple(map(int, found.groups())) < OLDEST_TOR:
        return Finding(name, "fail", f"tor {found[0]} is too old", "install tor 0.4.7 or newer, from your distribution's backports")
    if not re.search(r"^pow: yes$", modules, re.MULTILINE):
        what = f"tor {found[0]} without the module pow: onions that ask for proof of work are slow to reach"
        return Finding(name, "warn", what, "install a tor 0.4.8 or newer with it, where your distribution has one")
    return Finding(name, "ok", f"tor {found[0]}, with pow")


def check_client_keys(faults: Sequence[str], kept: Collection[str], watched: Collection[str]) -> Finding:
    """Whether the client keys that are kept for closed onions are good, for their owner only, and of addresses that are watched."""
    name = "client keys"
    if faults:
        return Finding(name, "fail", "; ".join(faults), "torwatch target edit NAME --client-auth-key-file FILE keeps it anew")
    strangers = sorted(set(kept) - set(watched))
    if strangers:
        return Finding(name, "warn", f"kept for what is no address of a target: {', '.join(strangers)}", "delete them in client_keys/")
    return Finding(name, "ok", f"{len(kept)} kept, for their owner only" if kept else "none kept")


def check_clock(now: dt.datetime, newest_known: dt.datetime | None) -> Finding:
    """Whether the clock can be right: it is not before this version, and not before what was stored. Tor needs it within hours."""
    bound = max(EARLIEST_CLOCK, newest_known or EARLIEST_CLOCK)
    if now < bound - dt.timedelta(minutes=5):
        what = f"the clock says {now:%Y-%m-%d %H:%M} UTC, which lies before {bound:%Y-%m-%d %H:%M}"
        return Finding("clock", "fail", what, "set it: timedatectl set-ntp true")
    return Finding("clock", "ok", f"{now:%Y-%m-%d %H:%M} UTC")


def check_disk(path: Path, *, little_bytes: int, full_bytes: int) -> Finding:
    """How much is free where the data lies."""
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    level: Level = "fail" if free < full_bytes else "warn" if free < little_bytes else "ok"
    return Finding("disk", level, f"{free / 1e9:.1f} GB free", "" if level == "ok" else "free some space, or move data_directory")


def check_units(folder: Path, expected: Mapping[str, str]) -> Finding:
    """Whether the units that are installed are of this version, and none is missing beside them. `expected`: text by name."""
    there = {name for name in expected if (folder / name).exists()}
    if not there:
        return Finding("units", "ok", "not installed as a service")
    other = sorted(name for name in expected if name not in there or (folder / name).read_text(encoding="utf-8") != expected[name])
    if other:
        what = f"{', '.join(other)} in {folder} not as this version writes them"
        return Finding("units", "warn", what, "torwatch systemd install (systemctl edit is for changes)")
    return Finding("units", "ok", f"{len(there)} in {folder}, of this version")


def check_attached_tor(version: str, problem: str, advice: str, *, joined: bool, isolates: bool) -> list[Finding]:
    """How the tor is that let torwatch in. `advice`: the torrc line that would mend its SOCKS port."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    number = tuple(map(int, found.groups())) if found else (0, 0, 0)
    findings = [Finding("tor control", "ok", f"tor {version} let torwatch in")]
    if number < OLDEST_TOR:
        findings = [
            Finding("tor control", "fail", f"tor {version} is too old", "install tor 0.4.7 or newer, from your distribution's backports")
        ]
    elif number < FIRST_POW_TOR:
        what = f"tor {version} has no module pow: onions that ask for proof of work are slow to reach"
        findings = [Finding("tor control", "warn", what, "install tor 0.4.8 or newer")]
    if joined:
        findings.append(Finding("tor network", "ok", "joined, circuits are built"))
    else:
        what = f"not joined{': ' if problem else ''}{problem}"
        findings.append(Finding("tor network", "fail", what, "check this machine's network and clock, or set bridges in tor's torrc"))
    if not isolates:
        findings.append(Finding("tor SOCKS", "fail", "its SocksPort mixes the circuits of all targets", f"write in its torrc: {advice}"))
    elif advice:
        findings.append(
            Finding("tor SOCKS", "warn", "its SocksPort does not say why an onion did not answer", f"write in its torrc: {advice}")
        )
    else:
        findings.append(Finding("tor SOCKS", "ok", "circuits apart for each target, reasons are told"))
    return findings


def check_running_tor(state: str, problem: str) -> Finding:
    """How our own tor is, as the daemon that runs last said."""
    if state == "ready":
        return Finding("tor network", "ok", "joined, says the daemon")
    return Finding(
        "tor network", "fail", problem or "tor does not answer", "it is started again; if it stays, read tor/tor.log in the data folder"
    )


def check_trial(leaks: Sequence[str], asked_for: str, wanted: str) -> Finding:
    """What a fetch of an invented onion did while every socket was watched; the SOCKS port must have been asked for the name itself."""
    if leaks:
        return Finding(
            "leaks", "fail", "; ".join(dict.fromkeys(leaks)), "stop torwatch, and report this: nothing may leave but through tor"
        )
    if asked_for != wanted:
        return Finding("leaks", "fail", f"the SOCKS port was asked for {asked_for or 'nothing'}", "stop torwatch, and report this")
    return Finding("leaks", "ok", "a fetch of an invented onion asked the SOCKS port for its name, and nothing else left")


def check_proxies(environ_names: frozenset[str]) -> Finding:
    """Whether proxy variables are set: every fetch ignores them, but they mislead."""
    set_here = sorted(environ_names & {"http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"})
    if set_here:
        return Finding("proxies", "warn", f"{', '.join(set_here)} set; torwatch ignores them", f"unset {' '.join(set_here)}")
    return Finding("proxies", "ok", "no proxy variable is set")


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False).stdout
