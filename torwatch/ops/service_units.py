"""The systemd units: the templates of `systemd/`, filled in for one machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Literal

import torwatch

SERVICES: Final = ("torwatch.service", "torwatch-datasette.service", "torwatch-backup.service", "torwatch-answer.service")
TIMERS: Final = ("torwatch-backup.timer", "torwatch-answer.timer")
STATE_DIRECTORY: Final = "/var/lib/torwatch"
HIDDEN_FROM_SERVICES: Final = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 - folders that the units hide, none of ours

# A user's service manager has no privileges: what needs a mount namespace, another user or a capability is left out there.
PRIVILEGED: Final = (
    "CapabilityBoundingSet=", "AmbientCapabilities=", "Protect", "Private", "DevicePolicy=", "ProcSubset=", "IPAddress", "RemoveIPC=",
    "KeyringMode=", "LoadCredential=", "IOSchedulingClass=", "User=", "Group=", "SupplementaryGroups=",
)  # fmt: skip
LOOPBACK_ONLY: Final = "IPAddressDeny=any\nIPAddressAllow=localhost"
# Our own tor talks to relays anywhere on the internet, and nothing here has business with addresses that never are a relay's.
NOT_INTERNET: Final = (
    "IPAddressAllow=localhost\nIPAddressDeny=link-local multicast 10.0.0.0/8 100.64.0.0/10 172.16.0.0/12 192.168.0.0/16 fc00::/7"
)


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the units are to run. `program`: absolute path of the torwatch command."""

    program: Path
    tor: Literal["own", "attach"] = "own"
    user_manager: bool = False  # `systemctl --user` instead of the system's


def hidden_from_services(path: Path) -> bool:
    """Whether the hardened units of the system cannot see this path."""
    return any(path.is_relative_to(folder) for folder in HIDDEN_FROM_SERVICES)


def render_units(machine: Machine) -> dict[str, str]:
    """The text of every service and timer, by name."""
    return {name: _render(name, machine) for name in (*SERVICES, *TIMERS)}


def render_files(machine: Machine, *, home: Path) -> dict[Path, str]:
    """Every file to be written but the configuration, by absolute path. `home` is where a user's units go under."""
    if machine.user_manager:
        return {home / ".config/systemd/user" / name: text for name, text in render_units(machine).items()}
    return {
        **{Path("/etc/systemd/system") / name: text for name, text in render_units(machine).items()},
        Path("/etc/sysusers.d/torwatch.conf"): _template("sysusers.conf"),
        Path("/etc/tmpfiles.d/torwatch.conf"): _template("tmpfiles.conf"),
    }


def template_folder() -> Path:
    """Give the folder of the templates: `torwatch/unit_templates` where installed, `systemd/` in a checkout."""
    package = Path(torwatch.__file__).parent
    installed = package / "unit_templates"
    return installed if installed.is_dir() else package.parent / "systemd"


def _template(name: str) -> str:
    return (template_folder() / name).read_text(encoding="utf-8")


def _render(name: str, machine: Machine) -> str:
    reaches_internet = name == "torwatch.service" and machine.tor == "own"
    attached_daemon = name == "torwatch.service" and machine.tor == "attach"
    identity = ["User=torwatch", "Group=torwatch", "StateDirectory=torwatch", "StateDirectoryMode=0700"]
    if attached_daemon:
        identity += ["# The group that may read the control cookie of the system's tor; another distribution may name it otherwise.",
                     "SupplementaryGroups=debian-tor"]  # fmt: skip
    daemon, draws_charts = name == "torwatch.service", name == "torwatch-answer.service"
    values = {
        "PROGRAM": str(PurePosixPath(machine.program)),
        "AFTER_TOR": " tor.service tor@default.service" if attached_daemon else "",
        "IDENTITY": "\n".join(identity),
        "WANTED_BY": "default.target" if machine.user_manager else "multi-user.target",
        "PRIVATE_USERS": "no" if attached_daemon else "yes",
        "PRIVATE_USERS_WHY": (
            "Off: the cookie of the system's tor belongs to another group; set it to yes with a control password instead."
            if attached_daemon else "Set it to no only when the service must share files with another user or group."
        ),
        "WRITE_EXECUTE": "no" if draws_charts else "yes",
        "WRITE_EXECUTE_WHY": (
            "Off: the report's charts are drawn by V8, which compiles while it runs, and dies else. Set it to yes where vl-convert is absent."
            if draws_charts else "Loosen it only when a parser of your own brings a library that compiles while it runs."
        ),
        "ADDRESS_FAMILIES": "AF_UNIX AF_INET AF_INET6" if reaches_internet else "AF_UNIX AF_INET",
        "ADDRESS_RULES": NOT_INTERNET if reaches_internet else LOOPBACK_ONLY,
        "ADDRESS_WHY": (
            "Our own tor talks to relays on the internet; local networks are shut off. Allow a bridge's address when it lies in one."
            if reaches_internet else "This machine only. Loosen it only when tor's ports, or datasette's readers, are on another one."
        ),
        "REPORTS": "%h/.local/share/torwatch/reports" if machine.user_manager else f"{STATE_DIRECTORY}/reports",
        "MEMORY": "3G" if daemon else "1G",
        "TASKS": "512" if daemon else "64",
        "UNIT": name,
    }  # fmt: skip
    text = _template(name).replace("@HARDENING@", _template("hardening.conf").rstrip())
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return _without_privileges(text) if machine.user_manager else text


def _without_privileges(text: str) -> str:
    """A unit for a user's service manager: without the lines that need privileges, and the comments that spoke of them only."""
    kept: list[str] = []
    comment: list[str] = []
    dropped = False
    for line in text.splitlines():
        if line.startswith("#"):
            if dropped:
                comment, dropped = [], False
            comment.append(line)
        elif line.startswith(PRIVILEGED):
            dropped = True
        else:
            kept += [*([] if dropped else comment), line]
            comment, dropped = [], False
    return "\n".join([*kept, *comment]).replace("After=network-online.target", "After=basic.target").replace(
        "Wants=network-online.target\n", "") + "\n"  # fmt: skip
