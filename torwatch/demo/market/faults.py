"""Faults that can be switched on and off while a simulated market runs: which, for which paths, how often and when."""

from __future__ import annotations

import random
import re
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable


class FaultKind(StrEnum):
    """What goes wrong with an answer."""

    # the way it travels
    SLOW = "slow"  # it comes after `seconds`
    STALLED = "stalled"  # half of it comes, then nothing for `seconds`
    DRIP = "drip"  # it comes in small pieces, spread over `seconds`
    TRUNCATED = "truncated"  # the connection closes before the announced length
    RESET = "reset"  # the connection is reset before any answer
    ENDLESS_BODY = "endless_body"  # no length is announced and the body goes on until the other side leaves
    # the answer's head
    NOT_FOUND = "not_found"
    SERVER_ERROR = "server_error"
    TOO_MANY = "too_many"  # 429 with Retry-After: `seconds`
    UNAVAILABLE = "unavailable"  # 503 with Retry-After: `seconds`
    REDIRECT_OFF = "redirect_off"  # 302 to another host
    REDIRECT_LOOP = "redirect_loop"  # 302 to itself
    HEADER_FLOOD = "header_flood"  # `size_bytes` header lines
    WRONG_CHARSET = "wrong_charset"  # declares ISO-8859-1, sends UTF-8
    # another page in its place
    QUEUE = "queue"
    CAPTCHA = "captcha"
    LOGIN = "login"
    MAINTENANCE = "maintenance"
    SEIZED = "seized"
    BANNED = "banned"
    PHISHING_CHECK = "phishing_check"
    REFRESH_OFF = "refresh_off"  # <meta refresh> to another host
    EMPTY = "empty"  # 200 without a body
    IMAGE = "image"  # image bytes called text/html
    # the page itself
    REDESIGN = "redesign"  # other markup for the same content
    RELABEL = "relabel"  # only the ship-from claim moves: a field's fill rate collapses, no page fails
    LINKS_OFF = "links_off"  # a base address, links, frames, scripts and images of other hosts, as absolute URLs
    HUGE = "huge"  # at least `size_bytes`
    BOMB = "bomb"  # gzip that unpacks to `size_bytes`
    DEEP = "deep"  # `size_bytes` nested elements
    ATTRIBUTES = "attributes"  # one element with `size_bytes` attributes
    ENDLESS = "endless"  # indexes announce one page more than they ever reach
    HIDDEN = "hidden"  # the share `probability` of listings is missing from the indexes, always the same ones


OFF_ONION = "http://elsewhere.invalid/"  # a name that never resolves (RFC 6761)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, and when it strikes.

    `path` is a regular expression searched in path and query (for HIDDEN: in a listing's path); `since` and `until` bound it in simulated
    time; `times` is how often it strikes at most.
    """

    kind: FaultKind
    path: str = ""
    probability: float = 1.0
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    times: int | None = None
    seconds: float = 5.0
    size_bytes: int = 5_000_000

    def holds_at(self, at: dt.datetime) -> bool:
        """Whether the simulated moment lies in its window."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


@dataclass(slots=True)
class _Switched:
    """A fault that is on, and how often it struck."""

    fault: Fault
    struck: int = 0


class Faults:
    """The faults in force; safe to change while the market serves. Chance comes from the seed, in the order of requests."""

    def __init__(self, faults: Iterable[Fault] = (), *, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._seed = seed
        self._rng = random.Random(seed)
        self._on: list[_Switched] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> Fault:
        """Switch a fault on."""
        re.compile(fault.path)
        with self._lock:
            self._on.append(_Switched(fault))
        return fault

    def remove(self, fault: Fault) -> None:
        """Switch a fault off; one that is not on is no error."""
        with self._lock:
            self._on = [entry for entry in self._on if entry.fault is not fault]

    def clear(self) -> None:
        """Switch all faults off."""
        with self._lock:
            self._on = []

    def strike(self, target: str, at: dt.datetime) -> tuple[Fault, ...]:
        """The faults that meet this request, in the order in which they were switched on."""
        with self._lock:
            met = []
            for entry in self._on:
                fault = entry.fault
                if fault.kind is FaultKind.HIDDEN or not fault.holds_at(at) or not re.search(fault.path, target):
                    continue
                if fault.times is not None and entry.struck >= fault.times:
                    continue
                if fault.probability < 1 and self._rng.random() >= fault.probability:
                    continue
                entry.struck += 1
                met.append(fault)
            return tuple(met)

    def hiding(self, at: dt.datetime) -> tuple[Fault, ...]:
        """The HIDDEN faults in force."""
        with self._lock:
            return tuple(entry.fault for entry in self._on if entry.fault.kind is FaultKind.HIDDEN and entry.fault.holds_at(at))

    def hides(self, fault: Fault, key: str, path: str) -> bool:
        """Whether a HIDDEN fault hides this listing: the same answer every time."""
        return re.search(fault.path, path) is not None and random.Random(f"{self._seed}/{key}").random() < fault.probability
