"""The heartbeat: the service manager's watchdog is fed only while everything that can hang makes progress."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from torwatch.ops.sd_notify import Notifier

if TYPE_CHECKING:
    from collections.abc import Callable

BEAT_SECONDS: Final = 10.0  # well below WatchdogSec of the unit
CONTROL_SILENCE_SECONDS: Final = 900.0  # tor may be down so long, mended by the daemon itself, before the service is started anew


class Heartbeat:
    """Called by the daemon's loop after each turn that went well, so that a loop that hangs or fails feeds nothing."""

    def __init__(self, notifier: Notifier | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.notifier = notifier or Notifier()
        self._clock = clock
        self._control_answered = clock()
        self._next_beat = clock()

    def control_answered(self) -> None:
        """Tor's control connection has answered."""
        self._control_answered = self._clock()

    def beat(self, prove_writer: Callable[[], None], status: str) -> bool:
        """Feed the watchdog when that is due and tor's control connection answered of late; whether it was fed.

        `prove_writer` does what only a living writer can; its errors pass through, and nothing is fed.
        """
        if self._clock() < self._next_beat or self._clock() - self._control_answered > CONTROL_SILENCE_SECONDS:
            return False
        prove_writer()
        self._next_beat = self._clock() + BEAT_SECONDS
        return self.notifier.send("WATCHDOG=1", f"STATUS={status}")
