"""What tor's control events said lately about each onion: a bounded log for people; decisions rest on the SOCKS code alone."""

from __future__ import annotations

import datetime as dt
import re
from collections import OrderedDict, deque
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

EVENT_NAMES: Final = ("HS_DESC", "CIRC", "STREAM", "STATUS_CLIENT")
ENTRIES_PER_ONION: Final = 32
ONIONS: Final = 512
TEXT_CHARACTERS: Final = 300
_LEFT_OUT: Final = re.compile(r' SOCKS_(?:USERNAME|PASSWORD)="(?:[^"\\]|\\.)*"|\$[0-9A-F]{40}~?')  # secrets, and what only fills the line
_TELLING_STREAM_STATES: Final = frozenset({"FAILED", "DETACHED", "CLOSED"})
_TELLING_CIRCUIT_STATES: Final = frozenset({"BUILT", "FAILED", "CLOSED"})


@dataclass(frozen=True, slots=True)
class DiagnosticEvent:
    """One control event as tor wrote it, printable and at most 300 characters."""

    at: dt.datetime  # aware UTC
    kind: str  # one of EVENT_NAMES
    text: str


class DiagnosisLog:
    """The newest events by onion host, and those about tor itself under ""; the onions heard of longest ago are forgotten first."""

    def __init__(self, now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)) -> None:
        self._now = now
        self._entries: OrderedDict[str, deque[DiagnosticEvent]] = OrderedDict()
        self._lock = Lock()

    def record(self, event: Any) -> None:
        """Take in one stem event; it runs in stem's only listener thread, so it must stay quick."""
        kind = str(event.type)
        status = str(getattr(event, "status", ""))
        if (kind == "STREAM" and status not in _TELLING_STREAM_STATES) or (kind == "CIRC" and status not in _TELLING_CIRCUIT_STATES):
            return
        onion = onion_of(event)
        if not onion and kind != "STATUS_CLIENT":
            return
        text = _LEFT_OUT.sub("", str(event).removeprefix("650 ").strip())
        entry = DiagnosticEvent(self._now(), kind, "".join(c if c.isprintable() else "?" for c in text[:TEXT_CHARACTERS]))
        with self._lock:
            self._entries.setdefault(onion, deque(maxlen=ENTRIES_PER_ONION)).append(entry)
            self._entries.move_to_end(onion)
            while len(self._entries) > ONIONS:
                self._entries.popitem(last=False)

    def about(self, onion: str = "") -> tuple[DiagnosticEvent, ...]:
        """Return what is known of "<56 characters>.onion", oldest first; of tor itself for ""."""
        with self._lock:
            return tuple(self._entries.get(onion.lower(), ()))


def onion_of(event: Any) -> str:
    """Return the onion host that a stem event is about, "" where it is about none."""
    kind = str(event.type)
    if kind == "HS_DESC":
        address = str(event.address or "")
    elif kind == "CIRC":
        address = str(event.rend_query or "")
    elif kind == "STREAM":
        address = str(event.target_address or "")
    else:
        address = str((getattr(event, "arguments", None) or {}).get("HOSTNAME", ""))
    label = address.lower().removesuffix(".onion").rpartition(".")[2]
    return f"{label}.onion" if label and (kind != "STREAM" or address.lower().endswith(".onion")) and label != "unknown" else ""
