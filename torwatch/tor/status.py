"""How tor is at one moment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import datetime as dt

    from torwatch.tor.settings import TorMode

JOINED_PERCENT: Final = 100


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How far tor has joined the network."""

    percent: int
    summary: str
    warning: str = ""  # why it does not get on, in tor's words


@dataclass(frozen=True, slots=True)
class TorStatus:
    """What is known of tor at one moment."""

    mode: TorMode
    since: dt.datetime  # aware UTC: when this tor was started, attached to, or connected to again
    alive: bool = False  # it answers on its control port
    version: str = ""
    bootstrap_percent: int = 0
    bootstrap_summary: str = ""
    circuit_established: bool = False
    problem: str = ""  # one line, "" when all is well

    @property
    def ready(self) -> bool:
        """Whether a fetch has a chance."""
        return self.alive and self.bootstrap_percent == JOINED_PERCENT and self.circuit_established


def read_bootstrap(phase: str) -> Bootstrap:
    """Read the value of `GETINFO status/bootstrap-phase`."""
    percent = re.search(r"PROGRESS=(\d+)", phase)
    summary = re.search(r'SUMMARY="((?:[^"\\]|\\.)*)"', phase)
    warning = re.search(r'WARNING="((?:[^"\\]|\\.)*)"', phase)
    return Bootstrap(int(percent[1]) if percent else 0, summary[1] if summary else "", warning[1] if warning else "")
