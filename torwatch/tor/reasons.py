"""What tor's SOCKS reply says about an onion: the code is the truth, control events are only the diagnosis.

The codes 0xF0 to 0xF7 are tor's own (tor proposal 304, `ExtendedErrors` on the SocksPort line), the rest are those of RFC 1928
as tor uses them. What each means for an onion was measured on a private network, but for 0xF1, 0xF3 and 0xF7 which come from the proposal.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from torwatch.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

SOCKS_REASONS: Final[Mapping[int, tuple[Outcome, str]]] = MappingProxyType(
    {
        0xF0: (Outcome.ONION_NOT_FOUND, "descriptor not found: the onion is offline for hours or gone, or the address never existed"),
        0xF1: (Outcome.ONION_UNREACHABLE, "descriptor invalid: the onion published one that tor cannot use"),
        0xF2: (Outcome.ONION_UNREACHABLE, "introduction failed: the onion was up a short while ago and is not now"),
        0xF3: (Outcome.ONION_UNREACHABLE, "rendezvous failed: the onion or the way to it broke while connecting"),
        0xF4: (
            Outcome.ONION_NEEDS_KEY,
            "the onion admits only clients with a key, and none is set for it: give it with --client-auth-key-file",
        ),
        0xF5: (
            Outcome.ONION_BAD_KEY,
            "the onion does not accept the client key that is set for it: give another with --client-auth-key-file",
        ),
        0xF6: (Outcome.ONION_BAD_ADDRESS, "tor calls the address invalid: wrong checksum, length, version or key"),
        0xF7: (Outcome.ONION_UNREACHABLE, "introduction timed out: the onion is overloaded or gone"),
        0x01: (Outcome.ONION_REFUSED, "the onion was reached, the web server behind it does not answer, or the onion broke off just then"),
        0x05: (Outcome.ONION_REFUSED, "the onion answers, but does not offer this port"),
        # Ambiguous by nature: a hung onion and a dead network of our own look the same. The daemon asks canary onions before it blames the market.
        0x06: (Outcome.TIMEOUT_CONNECT, "no connection in time: the onion hangs, or our own Tor network does not work"),
        0x02: (Outcome.ONION_UNKNOWN, "tor's own rules forbid the connection: see the SocksPort line of its torrc"),
        0x03: (Outcome.TOR_DOWN, "tor has no network"),
        0x04: (Outcome.ONION_UNREACHABLE, "host unreachable: tor found no way to the onion"),
        0x07: (Outcome.ONION_UNKNOWN, "tor does not know the SOCKS command"),
        0x08: (Outcome.ONION_UNKNOWN, "tor does not know the kind of address"),
    }
)


def explain(code: int, *, extended_errors: bool) -> tuple[Outcome, str]:
    """Return the outcome and a one-line diagnosis for a SOCKS reply code.

    Without `ExtendedErrors` tor folds most reasons into few codes, so the outcome is always `onion_unknown`: nothing is guessed.
    """
    if not extended_errors:
        return Outcome.ONION_UNKNOWN, f"SOCKS 0x{code:02x}: no connection; tor does not say why because ExtendedErrors is off"
    outcome, diagnosis = SOCKS_REASONS.get(code, (Outcome.ONION_UNKNOWN, "a code that torwatch does not know"))
    return outcome, f"SOCKS 0x{code:02x}: {diagnosis}"
