"""The doctor: findings about one installation, each with its remedy; the checks that need only the machine."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import socket
import stat
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from pathlib import Path

OLDEST_TOR: Final = (0, 4, 7)
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


def check_endpoint(name: str, endpoint: str, remedy: str) -> Finding:
    """Whether something listens at host:port or at a unix socket's path."""
    unix = endpoint.startswith("/")
    host, _, port = endpoint.rpartition(":")
    try:
        with socket.socket(socket.AF_UNIX if unix else socket.AF_INET) as probe:
            probe.settimeout(PROBE_SECONDS)
            probe.connect(endpoint if unix else (host, int(port)))
    except OSError as error:
        return Finding(name, "fail", f"{endpoint}: {error.strerror or error}", remedy)
    return Finding(name, "ok", f"{endpoint} answers")


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


def check_unit(path: Path, expected: str) -> Finding:
    """Whether the service's unit is there and of this version."""
    if not path.exists():
        return Finding("units", "ok", "not installed as a service")
    if path.read_text(encoding="utf-8") != expected:
        return Finding(
            "units", "warn", f"{path} differs from what this version writes", "torwatch systemd install (systemctl edit is for changes)"
        )
    return Finding("units", "ok", f"{path} is of this version")


def check_leaks(environ_names: frozenset[str]) -> Finding:
    """Whether names of this machine could be looked up or fetched past tor. Proxy variables are ignored by every fetch, but mislead."""
    set_here = sorted(environ_names & {"http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"})
    if set_here:
        return Finding("leaks", "warn", f"{', '.join(set_here)} set; torwatch ignores them", f"unset {' '.join(set_here)}")
    return Finding("leaks", "ok", "no proxy variables are set; torwatch ignores them and leaves names to tor in any case")


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False).stdout
