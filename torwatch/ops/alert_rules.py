"""The rules of alerts: which listing, and which state of torwatch or a market, somebody should hear of."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Listing(Protocol):
    """What a rule looks at."""

    @property
    def title(self) -> str:
        """Title as displayed."""

    @property
    def category(self) -> str:
        """Category path as displayed."""

    @property
    def description(self) -> str:
        """Description in words."""

    @property
    def group(self) -> str:
        """Substance group."""

    @property
    def countries(self) -> Sequence[str]:
        """Claimed origins as ISO codes."""

    @property
    def price(self) -> str | None:
        """Exact decimal in the listing's own currency."""

    @property
    def currency(self) -> str | None:
        """Code of the currency."""


@dataclass(frozen=True, slots=True)
class ListingRule:
    """Listings that somebody waits for. Every condition that is given must hold; an empty one always does."""

    name: str
    markets: tuple[str, ...] = ()
    ship_from: tuple[str, ...] = ()  # ISO 3166-1 alpha-2
    category: str = ""  # part of the category path, in any case
    group: str = ""  # substance group
    terms: tuple[str, ...] = ()  # one of them in title or description, in any case
    price_above: float | None = None
    price_below: float | None = None
    currency: str = "EUR"  # of the two prices

    def matches(self, market: str, listing: Listing, converted: Mapping[str, float]) -> bool:
        """Whether a listing of a market meets the rule. `converted`: its price in other currencies, where rates are known."""
        text = f"{listing.title}\n{listing.description}".casefold()
        return (
            (not self.markets or market in self.markets)
            and (not self.ship_from or not set(self.ship_from).isdisjoint(listing.countries))
            and self.category.casefold() in listing.category.casefold()
            and (not self.group or self.group == listing.group)
            and (not self.terms or any(term.casefold() in text for term in self.terms))
            and self._price_fits(listing, converted)
        )

    @property
    def asks_price(self) -> bool:
        """Whether the rule looks at the price at all."""
        return self.price_above is not None or self.price_below is not None

    def _price_fits(self, listing: Listing, converted: Mapping[str, float]) -> bool:
        if not self.asks_price:
            return True
        price = float(listing.price) if listing.price and listing.currency == self.currency else converted.get(self.currency)
        if price is None:
            return False
        return (self.price_above is None or price > self.price_above) and (self.price_below is None or price < self.price_below)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on a state of torwatch or a market is worth an alert; a zero switches its rule off."""

    down_for: dt.timedelta = dt.timedelta(hours=24)
    coverage_below: float = 0.8
    disk_below_bytes: int = 5_000_000_000
    session_ends_within: dt.timedelta = dt.timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Sign:
    """A state that a rule found: its key tells this occurrence from the next one."""

    key: str
    rule: str
    subject: str
    title: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Health:
    """What the rules of health look at.

    `silent`: (market, since, seized); `held`: (snapshot, market, reason, whether a field faded); `seen`: (snapshot, market, coverage) of the
    last walk of each target; `sessions`: (market, state, time of the loss or else of the expected end); `strangers`: (market, onion, since)
    of addresses that serve another market's front page.
    """

    silent: Sequence[tuple[str, str, bool]] = ()
    held: Sequence[tuple[int, str, str, bool]] = ()
    seen: Sequence[tuple[int, str, float]] = ()
    sessions: Sequence[tuple[str, str, str | None]] = ()
    strangers: Sequence[tuple[str, str, str]] = ()
    disk_free_bytes: int = 0
    limits: Thresholds = field(default_factory=Thresholds)


def find_signs(health: Health, now: dt.datetime) -> list[Sign]:
    """Everything that is not as it should be, each with what to do."""
    return [*_silences(health, now), *_holds(health), *_coverage(health), *_sessions(health, now), *_strangers(health), *_disk(health, now)]


def _silences(health: Health, now: dt.datetime) -> list[Sign]:
    found = []
    for market, since, seized in health.silent:
        if seized:
            title = f"{market} shows a page of the authorities: seized"
            found.append(Sign(f"seized {market} {since}", "seized", market, title, f"torwatch target pause {market}; keep the archive"))
        silent = now - dt.datetime.fromisoformat(since)
        if health.limits.down_for and silent >= health.limits.down_for:
            hours = int(health.limits.down_for.total_seconds() // 3600)
            title = f"{market} has not answered since {since}" + (f" (more than {hours} hours)" if hours else "")
            found.append(Sign(f"down {market} {since}", "down", market, title, f"torwatch target probe {market}"))
    return found


def _holds(health: Health) -> list[Sign]:
    found = []
    for snapshot, market, reason, faded in health.held:
        rule = "drift" if faded else "hold"
        title = f"snapshot {snapshot} of {market} is held: {reason}"
        found.append(Sign(f"hold {snapshot}", rule, market, title, f"torwatch hold show {snapshot}"))
    return found


def _coverage(health: Health) -> list[Sign]:
    return [
        Sign(
            f"coverage {snapshot}",
            "coverage",
            market,
            f"snapshot {snapshot} of {market} saw {coverage:.0%} of what the market counts, below {health.limits.coverage_below:.0%}",
            f"torwatch snapshot show {snapshot}",
        )
        for snapshot, market, coverage in health.seen
        if coverage < health.limits.coverage_below
    ]


def _sessions(health: Health, now: dt.datetime) -> list[Sign]:
    found = []
    for market, state, until in health.sessions:
        renew = f"torwatch session renew {market} cookies.txt"
        if state == "lost":
            title = f"{market} asks for a login again: its session is needed"
            found.append(Sign(f"session_needed {market} {until}", "session_needed", market, title, renew))
        elif until and dt.datetime.fromisoformat(until) - now < health.limits.session_ends_within:
            title = f"the session of {market} is expected to end at {until}"
            found.append(Sign(f"session {market} {until}", "session", market, title, renew))
    return found


def _strangers(health: Health) -> list[Sign]:
    return [
        Sign(
            f"wrong_market {host} {since}",
            "wrong_market",
            market,
            f"{host}, an address of {market}, serves another market's front page",
            f"torwatch target probe {market}; if it stays so: torwatch target edit {market} --remove-mirror {host}",
        )
        for market, host, since in health.strangers
    ]


def _disk(health: Health, now: dt.datetime) -> list[Sign]:
    if health.disk_free_bytes >= health.limits.disk_below_bytes:
        return []
    title = f"only {health.disk_free_bytes / 1e9:.1f} GB of disk are free, below {health.limits.disk_below_bytes / 1e9:.1f} GB"
    return [Sign(f"disk {now:%Y-%m-%d}", "disk", "disk", title, "free some space, or move data_directory")]
