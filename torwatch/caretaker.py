"""The caretaker: sees to it that tor answers, in a thread of its own, since a tor that hangs is waited for until a control call's deadline."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import structlog

from torwatch.errors import TorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torwatch.equipment import Tor
    from torwatch.keyring import Keyring

LOOK_SECONDS = 10.0

log = structlog.get_logger()


class Caretaker:
    """One look at a time. `tell` gets "" after a look that found tor well or mended it, else what is wrong in one line."""

    def __init__(self, tor: Tor, keyring: Keyring, tell: Callable[[str], None]) -> None:
        self._tor = tor
        self._keyring = keyring
        self._tell = tell
        self._next_look = time.monotonic() + LOOK_SECONDS
        self._thread: threading.Thread | None = None

    def turn(self) -> None:
        """Give tor client keys that are kept anew, and look after it when that is due; does nothing while a look is under way.

        Nothing is asked of tor here while no key has changed: a walk may wait for a tor that hangs, and so would the daemon's loop.
        """
        if self._thread is not None and self._thread.is_alive():
            return
        if self._keyring.differs():
            self._keyring.hand_over()
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_SECONDS
            self._thread = threading.Thread(target=self.look, name="tor-look", daemon=True)
            self._thread.start()

    def look(self) -> None:
        """Mend tor when it does not answer, and give it what keys it may have refused."""
        try:
            if self._tor.ensure():
                log.warning("tor_mended")
        except TorError as error:
            log.error("tor_not_mended", error=str(error))  # noqa: TRY400 - one clear line: a known fault
            self._tell(str(error))
        else:
            self._tell("")
            self._keyring.hand_over()
