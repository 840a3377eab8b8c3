"""The configuration of each role in the private network, as option and value pairs in the order in which they are written.

Every line stands for something that failed without it. The three that matter most: `TestingMinTimeToReportBandwidth` (TestingTorNetwork sets it
to 0, then the authority may weigh one relay 1 and all others 0, and circuits that need two different relays are never built), the
empty GeoIP files (80 MiB and half a second of CPU a node), and `Schedulers Vanilla` (KIST adds its tick to every cell on loopback).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

Options = tuple[tuple[str, str], ...]

QUICK_SCHEDULER = "Vanilla"
OPTIONAL = frozenset({"DoSStreamCreationEnabled"})  # absent from older tors; left out there, since an unknown option ends tor

INITIAL_VOTING_INTERVAL_SECONDS = 300  # long, so that no vote is held before every relay has uploaded; the vote is then called by hand
CALLED_VOTING_INTERVAL_SECONDS = 5  # the shortest that tor allows
VOTING_INTERVAL_SECONDS = 1800
CONSENSUS_INTERVALS_VALID = 3


@dataclass(frozen=True, slots=True)
class Authority:
    """What every node must know of the one directory authority."""

    or_port: int
    dir_port: int
    v3_identity: str
    fingerprint: str

    @property
    def line(self) -> str:
        """The value of the option DirAuthority."""
        return f"auth0 orport={self.or_port} no-v2 v3ident={self.v3_identity} 127.0.0.1:{self.dir_port} {self.fingerprint}"


def joining(authority: Authority, scheduler: str = QUICK_SCHEDULER) -> Options:
    """Return what any tor needs to be of this network and of no other; `scheduler` as tor names them: Vanilla, or its own default KIST."""
    return (
        ("TestingTorNetwork", "1"),
        ("DirAuthority", authority.line),
        ("AssumeReachable", "1"),
        ("PathsNeededToBuildCircuits", "0.95"),
        ("TestingMinTimeToReportBandwidth", "1 day"),
        ("TestingDirConnectionMaxStall", "10 seconds"),
        ("TestingClientMaxIntervalWithoutRequest", "1 seconds"),
        ("GeoIPFile", "/dev/null"),
        ("GeoIPv6File", "/dev/null"),
        ("Schedulers", scheduler),
    )


def own_files(data_directory: Path, control_socket: Path, cookie: Path) -> Options:
    """Return where a node keeps its things and how it is controlled."""
    return (
        ("DataDirectory", quoted(data_directory)),
        ("ControlSocket", str(control_socket)),
        ("CookieAuthentication", "1"),
        ("CookieAuthFile", quoted(cookie)),
        ("Log", "notice stdout"),
        ("SafeLogging", "0"),  # invented addresses only, and a fault on a test network must be seen
        ("ShutdownWaitLength", "0"),
        ("AvoidDiskWrites", "1"),
        ("NumCPUs", "1"),
    )


def relay(nickname: str, or_port: int, resolver_file: Path) -> Options:
    """Return what a relay needs beyond `joining` and `own_files`; `resolver_file` keeps it from asking the machine's resolver."""
    return (
        ("Nickname", nickname),
        ("SocksPort", "0"),
        ("Address", "127.0.0.1"),
        ("ORPort", f"127.0.0.1:{or_port} IPv4Only"),
        ("ExitRelay", "0"),
        ("ExitPolicy", "reject *:*"),
        ("DirCache", "1"),
        ("ContactInfo", "private network on loopback"),
        ("DoSCircuitCreationEnabled", "0"),
        ("DoSConnectionEnabled", "0"),
        ("DoSStreamCreationEnabled", "0"),
        ("DoSRefuseSingleHopClientRendezvous", "0"),
        ("MaxMemInQueues", "256 MBytes"),
        ("ServerDNSResolvConfFile", quoted(resolver_file)),
        ("ServerDNSDetectHijacking", "0"),
    )


def authority(dir_port: int, voting_start_offset_seconds: int) -> Options:
    """Return what makes a relay the authority."""
    return (
        ("DirPort", f"127.0.0.1:{dir_port} IPv4Only"),
        ("AuthoritativeDirectory", "1"),
        ("V3AuthoritativeDirectory", "1"),
        ("TestingAuthDirTimeToLearnReachability", "0"),
        ("TestingDirAuthVoteExit", "*"),
        ("TestingDirAuthVoteGuard", "*"),
        ("TestingDirAuthVoteHSDir", "*"),
        ("TestingMinExitFlagThreshold", "0"),
        ("TestingMinFastFlagThreshold", "0"),
        ("AuthDirMaxServersPerAddr", "0"),
        ("AuthDirTestReachability", "0"),
        ("TestingV3AuthInitialVotingInterval", str(INITIAL_VOTING_INTERVAL_SECONDS)),
        ("TestingV3AuthInitialVoteDelay", "2"),
        ("TestingV3AuthInitialDistDelay", "2"),
        ("TestingV3AuthVotingStartOffset", str(voting_start_offset_seconds)),
        ("V3AuthVotingInterval", str(VOTING_INTERVAL_SECONDS)),  # one consensus, and one onion time period, for a whole test session
        ("V3AuthVoteDelay", "2"),
        ("V3AuthDistDelay", "2"),
        ("V3AuthNIntervalsValid", str(CONSENSUS_INTERVALS_VALID)),
    )


def client(socks_port: int) -> Options:
    """Return what a client needs; port 0 for one that only offers onion services. It starts idle and is let loose when there is a consensus."""
    return (
        ("ClientOnly", "1"),
        ("DisableNetwork", "1"),
        ("SocksPort", f"127.0.0.1:{socks_port} ExtendedErrors" if socks_port else "0"),
    )


def rendered(options: Options, known: frozenset[str]) -> str:
    """Return the torrc, without those optional options that this tor does not know (`known` in lower case)."""
    return "".join(f"{name} {value}\n" for name, value in options if name not in OPTIONAL or name.lower() in known)


def quoted(path: Path) -> str:
    """Return a path as torrc wants it: in quotes, since a blank or a `#` may stand in it."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
