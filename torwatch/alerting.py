"""Alerting: what snapshots and the state of torwatch have to tell is kept once, and told to whoever is configured, through Tor."""

from __future__ import annotations

import datetime as dt
import os
from collections import defaultdict
from typing import TYPE_CHECKING

import structlog

from torwatch.crawl.schedule import Hours
from torwatch.credentials import ALERTS, find_credential
from torwatch.normalise.text import visible
from torwatch.ops.alert_rules import Health, ListingRule, Thresholds, find_signs
from torwatch.ops.notifier import Destination, Socks, compose, is_due, read_destinations, send
from torwatch.parsing.drift import names_drift
from torwatch.store import alerts as kept
from torwatch.store import signals
from torwatch.store.holds import list_holds
from torwatch.store.targets import stamp
from torwatch.units import parse_hours

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from torwatch.config import Config
    from torwatch.equipment import Tools
    from torwatch.ops.status import Status
    from torwatch.store.database import Store

IDENTITY = "alerts"  # circuits of their own

log = structlog.get_logger()


def destinations_of(config: Config, environ: Mapping[str, str]) -> tuple[Destination, ...]:
    """Whom to tell: the configuration's file, else the credential of systemd, else nobody. Raises ConfigError."""
    if config.alerts.destinations is not None:
        return read_destinations(config.alerts.destinations)
    path = find_credential(ALERTS, environ)
    return read_destinations(path, credential=True) if path is not None else ()


def notice(
    store: Store,
    config: Config,
    status: Status,
    *,
    now: dt.datetime,
    busy_targets: Collection[int] = (),
    environ: Mapping[str, str] = os.environ,
) -> int:
    """Look at what is new since the last time, and at the status as it is now, and keep every alert of it; gives how many there are."""
    names = [one.name for one in destinations_of(config, environ)]
    new = kept.add_alerts(store, health_alerts(store, config, status, now), names, now=now)
    for snapshot in signals.unscanned(store, busy_targets):
        if not snapshot.quiet:
            new += kept.add_alerts(store, content_alerts(store, config, snapshot), names, now=now)
        signals.mark_scanned(store, snapshot.id, now=now)
    if new:
        log.info("alerts_kept", alerts=new)
    return new


def content_alerts(store: Store, config: Config, snapshot: signals.Scannable) -> Iterator[kept.Alert]:
    """What a snapshot has to tell of listings and vendors."""
    rules = [ListingRule(**dict(rule)) for rule in config.alerts.rules]
    for match in signals.changed_listings(store, snapshot) if rules else ():
        prices = signals.converted_prices(store, match.listing_id) if any(rule.asks_price for rule in rules) else {}
        for rule in rules:
            if not rule.matches(snapshot.market, match.listing, prices):
                continue
            if match.before is not None and rule.matches(snapshot.market, match.before, prices_before(match, prices)):
                continue  # it was so before: no news
            one = match.listing
            price = f"{one.price} {one.currency or ''}".strip() if one.price else "no price"
            origin = ", ".join(one.countries) or "undeclared"
            yield kept.Alert(
                key=f"listing {rule.name} {snapshot.market} {one.key}",
                kind="change",
                rule=rule.name,
                subject=snapshot.market,
                title=f"{snapshot.market}: {'new listing' if match.before is None else 'changed listing'} for {rule.name}: {one.title}",
                body=f"claimed origin {origin}; {price}; vendor {one.vendor}; torwatch history listing {one.key} --market {snapshot.market}",
                snapshot_id=snapshot.id,
            )
    for link in signals.new_links(store, snapshot) if config.alerts.vendor_elsewhere else ():
        yield kept.Alert(
            key=f"vendor {link.evidence} {min(link.vendor_id, link.other_id)} {max(link.vendor_id, link.other_id)}",
            kind="change",
            rule="vendor_elsewhere",
            subject=link.market,
            title=f"{link.market}: vendor {link.vendor} is {link.strength} with {link.other} of {link.other_market}",
            body=f"by {'the same PGP key' if link.evidence == 'pgp' else 'the same handle only'}; torwatch vendor show {link.vendor}",
            snapshot_id=snapshot.id,
        )


def prices_before(match: signals.Match, prices: Mapping[str, float]) -> dict[str, float]:
    """What a listing cost before, in the currencies that its present price was converted to."""
    now, then = match.listing, match.before
    if then is None or not then.price or not now.price or then.currency != now.currency or not float(now.price):
        return {}
    return {code: value * float(then.price) / float(now.price) for code, value in prices.items()}


def health_alerts(store: Store, config: Config, status: Status, now: dt.datetime) -> list[kept.Alert]:
    """What the state of markets and of this machine has to tell."""
    settings = config.alerts
    health = Health(
        silent=[(one.market, one.since, one.seized) for one in signals.silences(store)],
        held=[(hold.snapshot_id, hold.market, hold.reason, names_drift(hold.reason)) for hold in list_holds(store)],
        seen=[
            (target.last_snapshot, target.market, target.coverage)
            for target in status.targets
            if target.last_snapshot is not None and target.coverage is not None and target.last_state in {"complete", "partial"}
        ],
        sessions=[(one.market, one.state, one.lost_at or one.expected_until) for one in status.sessions],
        strangers=signals.strangers(store),
        disk_free_bytes=status.disk_free_bytes,
        limits=Thresholds(settings.down_for, settings.coverage_below, settings.disk_below, settings.session_ends_within),
    )
    return [kept.Alert(sign.key, "health", sign.rule, sign.subject, sign.title, sign.remedy) for sign in find_signs(health, now)]


def tell(tools: Tools, config: Config, environ: Mapping[str, str] = os.environ) -> int:
    """Send what is due to every destination; gives how many alerts were told. A service that fails is noted and tried again later."""
    destinations = destinations_of(config, environ)
    kept.forget_destinations(tools.store, [one.name for one in destinations])
    now, told = tools.now(), 0
    hours = quiet_hours(config)
    if hours is not None and hours.hold(now):
        return 0
    for destination in destinations:
        by_kind: dict[str, list[kept.Waiting]] = defaultdict(list)
        for waiting in kept.waiting_for(tools.store, destination.name):
            by_kind[waiting.kind].append(waiting)
        for kind, letters in by_kind.items():
            digest = config.alerts.digest if kind == "change" else dt.timedelta()
            begun = kept.last_sent_at(tools.store, destination.name, kind) or letters[0].at
            if digest and now < dt.datetime.fromisoformat(begun) + digest:
                continue
            if not is_due(now, attempts=letters[0].attempts, tried_at=letters[0].tried_at):
                continue
            title, body = compose(letters, reveal=config.alerts.reveal, show=visible)
            error = send([destination], title, body, socks_of(tools), environ)[destination.name]
            kept.note_delivery(tools.store, destination.name, [one.alert_id for one in letters], error, now=tools.now())
            if error:
                log.warning("alert_not_sent", destination=destination.name, error=error)
            else:
                told += len(letters)
                log.info("alerts_sent", destination=destination.name, alerts=len(letters))
    return told


def send_test(tools: Tools, config: Config, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Send a harmless message to every destination; gives "" or what went wrong, by name."""
    body = f"Sent by torwatch through Tor at {stamp(tools.now())}. Alerts will come this way."
    return send(destinations_of(config, environ), "torwatch: test", body, socks_of(tools), environ)


def socks_of(tools: Tools) -> Socks:
    """Tor's SOCKS port with the identity of alerts."""
    return Socks(*tools.tor.socks_address, *tools.tor.credentials(IDENTITY))


def quiet_hours(config: Config) -> Hours | None:
    """The hours in which nothing is sent; None: none."""
    hours = parse_hours(config.alerts.quiet_hours)
    return None if hours is None else Hours(*hours)
