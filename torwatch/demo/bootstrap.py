"""The coming up of a private network: votes called on demand, clients after the consensus, nothing believed before it is seen."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.demo.torrc import CALLED_VOTING_INTERVAL_SECONDS
from torwatch.errors import TorError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torwatch.demo.guardian import Guardian
    from torwatch.demo.tor_binary import TorBinary
    from torwatch.demo.tor_node import TorNode

_POLL_SECONDS = 0.05
_PROMPT_SECONDS = 0.3
_VOTE_LEAD_SECONDS = 3  # the vote and its distribution take a second each, and tor counts in whole seconds
_READY_PERCENT = "PROGRESS=100"


@dataclass(frozen=True, slots=True)
class Startup:
    """What starting needs: the nodes in their order, those whose death ends it, who guards them, whom to tell, until when (monotonic seconds)."""

    authority: TorNode
    relays: Sequence[TorNode]
    clients: Sequence[TorNode]
    watched: Sequence[TorNode]
    binary: TorBinary
    guardian: Guardian
    progress: Callable[[str, float], None]
    deadline: float

    @property
    def routers(self) -> tuple[TorNode, ...]:
        """Authority and relays."""
        return (self.authority, *self.relays)


def start_cold(startup: Startup) -> None:
    """Start a network that has keys and nothing else; takes about 7 s, 3 of them the vote."""
    routers = len(startup.routers)
    startup.progress("starting the relays", 0.15)
    _start(startup, (*startup.routers, *startup.clients))
    _wait_for_each(startup, startup.routers, "has its control socket", _answers)
    startup.progress("waiting for the relays' descriptors", 0.3)
    _wait_for_each(
        startup,
        [startup.authority],
        "has the descriptors of all relays",
        lambda node: _count(node, "desc/all-recent", "router ") == routers,
    )
    startup.progress("voting", 0.45)
    _call_vote(startup.authority)
    _wait_for_each(startup, [startup.authority], "has a consensus of all relays", lambda node: _count(node, "ns/all", "r ") == routers)
    startup.progress("handing out the consensus", 0.75)
    _wait_for_each(startup, startup.relays, "has all microdescriptors", _Prompted(routers))
    _wait_for_each(startup, [startup.authority], "has all microdescriptors", lambda node: _has_microdescriptors(node, routers))
    _enable_clients(startup)


def start_warm(startup: Startup) -> None:
    """Start a network whose directory holds keys and a consensus that is still valid; takes about 1 s."""
    startup.progress("starting the relays (warm)", 0.3)
    _start(startup, (*startup.routers, *startup.clients))
    _wait_for_each(startup, startup.routers, "has all microdescriptors", lambda node: _has_microdescriptors(node, len(startup.routers)))
    _enable_clients(startup)


def _enable_clients(startup: Startup) -> None:
    startup.progress("starting client and onion service", 0.8)
    _wait_for_each(startup, startup.clients, "has its control socket", _answers)
    for node in startup.clients:
        _enable_network(node)
    # a guard or client without microdescriptors stalls for 10 s at 50 %, and "enough-dir-info" says yes to two of six
    _wait_for_each(startup, startup.clients, "has bootstrapped", lambda node: _is_bootstrapped(node, len(startup.routers)))


def start_again(startup: Startup, node: TorNode) -> None:
    """Start one node of a network that is up, and wait until it takes part again."""
    _start(startup, [node])
    if node in startup.clients:
        _wait_for_each(startup, [node], "has its control socket", _answers)
        _enable_network(node)
        _wait_for_each(startup, [node], "has bootstrapped", lambda one: _is_bootstrapped(one, len(startup.routers)))
    else:
        _wait_for_each(startup, [node], "has all microdescriptors", lambda one: _has_microdescriptors(one, len(startup.routers)))


def _start(startup: Startup, nodes: Sequence[TorNode]) -> None:
    for node in nodes:
        node.start(startup.binary, startup.guardian)


def _call_vote(authority: TorNode) -> None:
    """Have the authority vote now: tor plans its votes anew whenever their offset changes."""
    offset = (int(time.time()) + _VOTE_LEAD_SECONDS) % CALLED_VOTING_INTERVAL_SECONDS
    with authority.control() as control:
        control.ask(f"SETCONF TestingV3AuthInitialVotingInterval={CALLED_VOTING_INTERVAL_SECONDS} TestingV3AuthVotingStartOffset={offset}")


def _enable_network(node: TorNode) -> None:
    """Let a client that was started idle go to the network: its start then costs no time after the consensus."""
    with node.control() as control:
        control.ask("SETCONF DisableNetwork=0")


def _wait_for_each(startup: Startup, nodes: Sequence[TorNode], what: str, holds: Callable[[TorNode], bool]) -> None:
    """Wait until it holds of every node; a started node that ends meanwhile, or the deadline, is a TorError with the node's last log lines."""
    waiting = list(nodes)
    while True:
        for node in startup.watched:
            if node.was_started:
                node.check_alive()
        waiting = [node for node in waiting if not _holds(node, holds)]
        if not waiting:
            return
        if time.monotonic() > startup.deadline:
            slow = waiting[0]
            raise TorError(
                f"the private network did not come up: not yet true of node {slow.name}: {what}; its log: {slow.last_log_lines()}"
            )
        time.sleep(_POLL_SECONDS)


def _holds(node: TorNode, holds: Callable[[TorNode], bool]) -> bool:
    """Return whether it holds; a control socket that is not there yet or does not answer means not yet."""
    try:
        return holds(node)
    except TorError:
        return False


def _answers(node: TorNode) -> bool:
    with node.control():
        return True


def _count(node: TorNode, keyword: str, start: str) -> int:
    """Count the lines of a GETINFO answer that begin with `start`."""
    with node.control() as control:
        return sum(line.startswith(start) for line in control.value(keyword).split("\n"))


class _Prompted:
    """Whether a relay has all microdescriptors; one that has not is told to look again, every 0.3 s.

    Relays are in exponential back-off after the authority's 404s and otherwise look once a second: a HUP makes them ask at once, first for
    the consensus and then for the microdescriptors (0.4 s in all; 2.5 s with one HUP).
    """

    def __init__(self, routers: int) -> None:
        self._routers = routers
        self._prompted_at: dict[str, float] = {}

    def __call__(self, node: TorNode) -> bool:
        if _has_microdescriptors(node, self._routers):
            return True
        now = time.monotonic()
        if now - self._prompted_at.get(node.name, -_PROMPT_SECONDS) >= _PROMPT_SECONDS:
            self._prompted_at[node.name] = now
            with node.control() as control:
                control.ask("SIGNAL HUP")
        return False


def _has_microdescriptors(node: TorNode, routers: int) -> bool:
    return _count(node, "md/all", "onion-key") == routers


def _is_bootstrapped(node: TorNode, routers: int) -> bool:
    with node.control() as control:
        if _READY_PERCENT not in control.value("status/bootstrap-phase"):
            return False
    return _has_microdescriptors(node, routers)
