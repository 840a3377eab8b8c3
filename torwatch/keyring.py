"""The keyring: gives tor the client keys of closed onions as they are kept now, and takes back those that are not kept any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from torwatch.errors import TorError
from torwatch.tor.client_keys import read_client_keys

if TYPE_CHECKING:
    from pathlib import Path

    from torwatch.equipment import Tor

log = structlog.get_logger()


class Keyring:
    """Looks at the files at every call, so that a key given while the daemon runs opens its onion at once."""

    def __init__(self, tor: Tor, directory: Path, credential: Path | None) -> None:
        self.tor = tor
        self.directory = directory
        self.credential = credential
        self._told: frozenset[str] = frozenset()
        self._handed_over: tuple[dict[str, str], tuple[str, ...]] | None = None

    def differs(self) -> bool:
        """Whether what is kept is other than what was handed over last; asks tor nothing."""
        return read_client_keys(self.directory, self.credential) != self._handed_over

    def hand_over(self) -> None:
        """Bring tor's keys up to date; a key that is no good, or that tor refuses, is told once and keeps nobody from working."""
        keys, faults = self._handed_over = read_client_keys(self.directory, self.credential)
        try:
            self.tor.use_client_keys(keys)
        except TorError as error:
            faults = (*faults, str(error))
        for fault in faults:
            if fault not in self._told:
                log.warning("client_auth_refused", error=fault)
        self._told = frozenset(faults)
