"""Metrics: one status as Prometheus reads it, in a text file or on a port of this machine; states are enums, never codes."""

from __future__ import annotations

import datetime as dt
import os
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, StateSetMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from torwatch.ops.status import Status

LOOPBACK: Final = "127.0.0.1"
STATES: Final = ("ok", "warning", "critical")
TOR_STATES: Final = ("ready", "down")
TARGET_STATES: Final = ("active", "paused")
SNAPSHOT_STATES: Final = ("none", "running", "complete", "partial", "failed", "held", "rejected")
SESSION_STATES: Final = ("good", "lost")


class Metrics:
    """The newest status as a collector of Prometheus; gives nothing before the first `update`."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.status: Status | None = None
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)

    def update(self, status: Status) -> None:
        """Take a newer status; whoever reads meanwhile gets one of both whole."""
        self.status = status

    def collect(self) -> Iterator[Any]:
        """Every family, as prometheus-client asks for them."""
        status = self.status
        if status is None:
            return
        yield InfoMetricFamily("torwatch", "Version of the daemon.", value={"version": self.version})
        yield gauge("torwatch_updated_timestamp_seconds", "When these figures were taken.", {"": seconds(status.at)})
        yield states("torwatch_state", "How torwatch is, as `torwatch status` says.", STATES, {"": status.state})
        if status.pulse is not None:
            yield states("torwatch_tor_state", "Whether tor answers.", TOR_STATES, {"": status.pulse.tor})
            yield gauge("torwatch_snapshots_running", "Snapshots under way.", {"": len(status.pulse.walking)})
        yield gauge("torwatch_holds", "Held snapshots that wait for a person.", {"": status.holds})
        yield gauge("torwatch_disk_free_bytes", "Bytes free where the data lies.", {"": status.disk_free_bytes})
        yield gauge("torwatch_database_bytes", "Size of the database.", {"": status.database_bytes})
        yield from self.collect_targets(status)

    def collect_targets(self, status: Status) -> Iterator[Any]:
        """The families with a line a market."""
        targets = [target for target in status.targets if target.state in TARGET_STATES]
        yield states("torwatch_target_state", "State of a target.", TARGET_STATES, {one.market: one.state for one in targets})
        last = {one.market: one.last_state or "none" for one in targets}
        yield states("torwatch_last_snapshot_state", "How a target's last snapshot ended.", SNAPSHOT_STATES, last)
        started = {one.market: seconds(one.last_started_at) for one in targets if one.last_started_at}
        yield gauge("torwatch_last_snapshot_timestamp_seconds", "When a target's last snapshot began.", started)
        due = {one.market: seconds(one.next_due_at) for one in targets if one.next_due_at}
        yield gauge("torwatch_next_snapshot_timestamp_seconds", "When a target's next snapshot is due.", due)
        listings = {one.market: one.listings for one in targets if one.listings is not None}
        yield gauge("torwatch_listings", "Distinct listings that a target's last snapshot saw.", listings)
        coverage = {one.market: one.coverage for one in targets if one.coverage is not None}
        yield gauge("torwatch_coverage_ratio", "Share of the market's own count that its last snapshot saw.", coverage)
        sessions = {one.market: one.state for one in status.sessions}
        yield states("torwatch_session_state", "State of a lent session.", SESSION_STATES, sessions)
        until = {one.market: seconds(one.expected_until) for one in status.sessions if one.expected_until}
        yield gauge("torwatch_session_expected_end_timestamp_seconds", "When a lent session is expected to end.", until)

    def text(self) -> str:
        """The text that Prometheus reads."""
        return generate_latest(self.registry).decode()

    def write(self, path: Path) -> None:
        """Write the text-file collector's file whole or not at all, readable by everybody. Raises OSError."""
        fresh = path.with_name(f"{path.name}.{os.getpid()}")  # the collector reads *.prom only
        fresh.write_text(self.text(), encoding="utf-8")
        fresh.chmod(0o644)  # the node exporter is another user; the folder says who may look
        os.replace(fresh, path)  # noqa: PTH105 - Path.replace is the same call, and this one says that it is atomic

    def listen(self, port: int) -> Any:
        """Answer on a port of this machine until the result's `shutdown` is called. Raises OSError."""
        server, _ = start_http_server(port, addr=LOOPBACK, registry=self.registry)
        return server


def gauge(name: str, what: str, values: Mapping[str, float]) -> Any:
    """A family of numbers, one a market; "" for a figure of no market."""
    family = GaugeMetricFamily(name, what, labels=() if "" in values else ("market",))
    for market, value in values.items():
        family.add_metric((market,) if market else (), value)
    return family


def states(name: str, what: str, possible: tuple[str, ...], values: Mapping[str, str]) -> Any:
    """A family of states: 1 for the one that holds, 0 for each other one."""
    family = StateSetMetricFamily(name, what, labels=() if "" in values else ("market",))
    for market, held in values.items():
        family.add_metric((market,) if market else (), {state: state == held for state in possible})
    return family


def seconds(stamp: str) -> float:
    """Seconds since 1970 of a stored time."""
    return dt.datetime.fromisoformat(stamp).timestamp()


def alert_rules() -> str:
    """The rules for Prometheus that come with torwatch, as YAML."""
    return (files("torwatch.ops") / "torwatch.rules.yml").read_text(encoding="utf-8")
