"""How torwatch comes by tor: a process of its own, or one that already runs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from torwatch.errors import ConfigError

TorMode = Literal["own", "attach"]
Option = tuple[str, str]

# Lines that torwatch must write itself: a second one would take its control connection or its SOCKS port from it.
RESERVED_OPTIONS: Final = frozenset(
    {
        "__owningcontrollerprocess",
        "controlport",
        "controlsocket",
        "cookieauthentication",
        "cookieauthfile",
        "datadirectory",
        "disablenetwork",
        "hashedcontrolpassword",
        "log",
        "runasdaemon",
        "sockspolicy",
        "socksport",
    }
)


@dataclass(frozen=True, slots=True)
class TorSettings:
    """What `open_tor` needs to know; constructing it does no I/O and checks nothing."""

    mode: TorMode = "own"
    data_directory: Path = Path("tor")  # own: state, torrc, log; created with mode 0700
    binary: str = "tor"  # own: by name on PATH or by path
    control: str = "/run/tor/control"  # attach: path of a unix socket, or host:port
    control_password: str | None = field(default=None, repr=False)  # attach: None for cookie authentication
    socks: tuple[str, int] | None = None  # attach: None to ask the control port
    socks_timeout_seconds: int = 60  # own: must lie below the connect timeout of a fetch, or the reason of a failure is lost
    bootstrap_timeout_seconds: float = 300.0
    control_deadline_seconds: float = 10.0  # one control call
    extra_options: tuple[Option, ...] = ()  # own: further torrc lines, e.g. ("UseBridges", "1"), ("Bridge", "…")


@dataclass(frozen=True, slots=True)
class Torrc:
    """The options of our own tor in the three ways they are set."""

    start: tuple[Option, ...]  # in the file: tor does not start when one is wrong
    runtime: tuple[Option, ...]  # by SETCONF once torwatch listens to tor: what must not happen unseen
    optional: tuple[Option, ...]  # by SETCONF: an older tor may refuse them, and works without


def compose_torrc(settings: TorSettings, control_socket: Path, owner_pid: int) -> Torrc:
    """Return the options of our own tor; ConfigError names every extra option that cannot be passed on."""
    _check_extra_options(settings.extra_options)
    given = {name.lstrip("+/").lower() for name, _ in settings.extra_options}
    start = (
        ("DataDirectory", _quoted(settings.data_directory)),
        ("ControlSocket", str(control_socket)),  # tor reads no quotes here: OwnTor gives a path without blanks
        ("CookieAuthentication", "1"),
        ("CookieAuthFile", _quoted(cookie_file(settings.data_directory))),
        # OnionTrafficOnly: tor itself refuses whatever is not an onion, should everything else fail.
        ("SocksPort", "127.0.0.1:auto ExtendedErrors IsolateSOCKSAuth OnionTrafficOnly"),
        ("SocksTimeout", str(settings.socks_timeout_seconds)),
        ("ClientOnly", "1"),
        ("AvoidDiskWrites", "1"),
        ("SafeLogging", "1"),
        ("DormantCanceledByStartup", "1"),  # a tor that fell asleep before its restart would else never join the network
        ("Log", "notice stdout"),
        ("DisableNetwork", "1"),  # until torwatch listens
        # The leading zero hides the line from stem, which would take ownership by connection: tor would then exit with the first
        # control connection that closes. Tor reads the number all the same and exits when the process is gone.
        ("__OwningControllerProcess", f"0{owner_pid}"),
    )
    optional = (("DormantTimeoutEnabled", "0"),)  # tor 0.4.6 and newer: a weekly snapshot is no reason to sleep
    return Torrc(
        tuple(line for line in start if line[0].lower() not in given) + settings.extra_options,
        (("DisableNetwork", "0"),),
        tuple(line for line in optional if line[0].lower() not in given),
    )


def cookie_file(data_directory: Path) -> Path:
    """Where our own tor keeps its control cookie."""
    return data_directory / "control_auth_cookie"


def render_torrc(options: tuple[Option, ...]) -> str:
    """Return the text of a torrc."""
    return "".join(f"{name} {value}\n" for name, value in options)


def parse_endpoint(text: str) -> Path | tuple[str, int]:
    """Read a control port as the configuration writes it: `/path`, `unix:/path`, `host:port` or a bare port."""
    if text.startswith(("unix:", "/", "./", "~")):
        return Path(text.removeprefix("unix:").strip('"')).expanduser()
    host, _, port = text.rpartition(":")
    if not re.fullmatch(r"\d{1,5}", port):
        raise ConfigError(f"control port {text!r} is neither a socket path nor host:port", ("tor.control: neither a path nor host:port",))
    return host.strip("[]") or "127.0.0.1", int(port)


def _check_extra_options(options: tuple[Option, ...]) -> None:
    faults = []
    for name, value in options:
        if not re.fullmatch(r"[+/]?_{0,2}[A-Za-z][A-Za-z0-9_-]*", name):
            faults.append(f"tor.torrc: {name!r} is not the name of a torrc option")
        elif re.search(r"[\r\n\0]", value):
            faults.append(f"tor.torrc: the value of {name} is more than one line")
        elif name.lstrip("+/").lower() in RESERVED_OPTIONS:
            faults.append(f"tor.torrc: {name} is set by torwatch itself; take the line out, or attach to a tor of your own")
    if faults:
        raise ConfigError(
            faults[0] if len(faults) == 1 else f"{len(faults)} torrc lines cannot be passed on: " + "; ".join(faults), tuple(faults)
        )


def _quoted(path: Path) -> str:
    escaped = str(path.absolute()).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
