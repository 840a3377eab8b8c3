"""The strain of a market: how much slower than agreed it should be asked, from its errors and from how long its answers take."""

from __future__ import annotations

import math

from torwatch.model import Outcome

TROUBLE = frozenset(
    {
        Outcome.HTTP_ERROR,
        Outcome.TIMEOUT_CONNECT,
        Outcome.TIMEOUT_TOTAL,
        Outcome.STALLED,
        Outcome.RESET,
        Outcome.EMPTY,
        Outcome.QUEUE,
        Outcome.ONION_UNREACHABLE,
    }
)
# Those in which the address gave no sign of life: what they brought is that of the address alone.
UNREACHED = frozenset({Outcome.TIMEOUT_CONNECT, Outcome.ONION_UNREACHABLE})
# The market's web server was not asked: that says nothing of its strain, and must not hold up the way to another mirror.
NOT_ASKED = frozenset(
    {
        Outcome.TOR_DOWN,
        Outcome.ONION_NOT_FOUND,
        Outcome.ONION_REFUSED,
        Outcome.ONION_NEEDS_KEY,
        Outcome.ONION_BAD_KEY,
        Outcome.ONION_BAD_ADDRESS,
    }
)
STEP = 1.5  # slower by this factor at each error
EASE = 0.9  # what is left of the slow-down after each good page
MOST = 12.0  # one request a minute at the default rate
RECENT, USUAL = 0.2, 0.01  # weight of a new answer's time in the recent and in the usual time
SETTLED_PAGES = 10  # the usual time is the mean of the first answers, until there are so many
SLOW = 2.0  # answers that take so many times as long as usual are a market at its limits
HALF_LIFE_SECONDS = 600.0  # of a slow-down while nothing is asked


class Strain:
    """The slow-down of one target, from 1 (none) to MOST. `why` says what brought it; "" while there is none."""

    def __init__(self, slow_down: float = 1.0, why: str = "") -> None:
        self.slow_down = min(MOST, max(1.0, slow_down))
        self.why = why if self.slow_down > 1 else ""
        self._answered = (self.slow_down, self.why)  # as they were when the address gave a sign of life last
        self._recent = self._usual = 0.0
        self._pages = 0

    def feel(self, outcome: Outcome, elapsed_ms: int) -> None:
        """Take one answer into account: an error slows down at once, every good page lets go a little."""
        if outcome in NOT_ASKED:
            return
        if outcome in TROUBLE:
            self.slow_down = min(MOST, self.slow_down * STEP)
            self.why = outcome.value
        else:
            self._ease(elapsed_ms)
        if outcome not in UNREACHED:
            self._answered = (self.slow_down, self.why)

    def change_address(self) -> None:
        """Let go of what an address that gives no sign of life brought: another one is asked. What the market's answers brought stays."""
        self.slow_down, self.why = self._answered

    def _ease(self, elapsed_ms: int) -> None:
        self._pages += 1
        self._usual += (elapsed_ms - self._usual) * max(USUAL, 1 / self._pages if self._pages <= SETTLED_PAGES else 0.0)
        self._recent += (elapsed_ms - self._recent) * (RECENT if self._pages > 1 else 1.0)
        lateness = self._recent / self._usual if self._usual and self._pages > SETTLED_PAGES else 1.0
        eased = 1 + (self.slow_down - 1) * EASE
        if lateness > SLOW and lateness > eased:
            self.slow_down = min(MOST, lateness)
            self.why = f"answers take {lateness:.1f} times as long as usual"
        else:
            self.slow_down = eased if eased > 1.01 else 1.0  # noqa: PLR2004 - a hundredth is none
            self.why = self.why if self.slow_down > 1 else ""


def recovered(slow_down: float, seconds: float) -> float:
    """What is left of a slow-down when nothing was asked for so long."""
    return 1 + (slow_down - 1) * math.exp2(-max(0.0, seconds) / HALF_LIFE_SECONDS)
