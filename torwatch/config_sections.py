"""The sections of the configuration: every key with its type, default and description."""

from __future__ import annotations

import datetime as dt
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations when it runs
from typing import Annotated, Literal

from pydantic import ByteSize, Field

from torwatch.config_file import DEFAULT_JITTER
from torwatch.config_values import (
    Count,
    Country,
    Duration,
    Fraction,
    Header,
    HeaderName,
    HostPort,
    HoursOfDay,
    Number,
    Onion,
    OptionalPath,
    PositiveDuration,
    Section,
    Size,
    SizeOrNone,
    SocketAddress,
    TorrcLine,
)

# What Tor Browser 15 (Firefox ESR 140) sends: every platform says Windows. An onion is plain HTTP, hence gzip and deflate only.
TOR_BROWSER_USER_AGENT = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
TOR_BROWSER_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "gzip, deflate",
    "Sec-GPC": "1",
    "Connection": "keep-alive",
    "Upgrade-Insecure-Requests": "1",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-User": "?1",
    "Priority": "u=0, i",
}


class TorSection(Section):
    """The tor process that torwatch starts or attaches to."""

    mode: Literal["own", "attach"] = Field(default="own", description="own: start a tor of our own; attach: use one that already runs.")
    binary: str = Field(default="tor", min_length=1, description="The tor program, by name on PATH or by path (mode own).")
    control: SocketAddress = Field(
        default="/run/tor/control", description="Control port to attach to: unix socket path or host:port (mode attach)."
    )
    control_password_file: OptionalPath = Field(
        default=None,
        description="File with the control password; empty: systemd's credential `torwatch.control_password`, else cookie authentication (mode attach).",
    )
    socks: HostPort = Field(default="127.0.0.1:9050", description="SOCKS port to send every request through: host:port (mode attach).")
    socks_timeout: PositiveDuration = Field(
        default=dt.timedelta(seconds=75),
        description="How long tor itself tries to reach an onion; below crawl.connect_timeout, or the reason of a failure is lost.",
    )
    bootstrap_timeout: PositiveDuration = Field(default=dt.timedelta(minutes=3), description="How long tor may take to join the network.")
    canaries: tuple[Onion, ...] = Field(
        default=(),
        description="Onions known to be up, asked before a silent market is called down: if none answers, it is our own network.",
    )
    torrc: tuple[TorrcLine, ...] = Field(default=(), description="Further torrc lines for our own tor, such as bridges (mode own).")


class CrawlSection(Section):
    """How politely and how long a market is asked."""

    seconds_per_request: Number = Field(default=5.0, description="Mean pause between two requests to one target, in seconds.")
    concurrency: Count = Field(default=1, description="Connections to one target at a time.")
    targets_at_once: Count = Field(default=4, description="Targets whose snapshots run at a time.")
    connect_timeout: PositiveDuration = Field(
        default=dt.timedelta(seconds=90), description="Limit for descriptor, introduction and rendezvous together."
    )
    read_timeout: PositiveDuration = Field(
        default=dt.timedelta(seconds=60), description="Longest silence within a page before it counts as stalled."
    )
    page_deadline: PositiveDuration = Field(default=dt.timedelta(seconds=180), description="Limit for one page from request to last byte.")
    page_size_limit: Size = Field(default=ByteSize(2_000_000), description="Largest page, decoded; a larger one is recorded as too_large.")
    detail_max_age: Duration = Field(
        default=dt.timedelta(days=28), description="Listing and vendor pages older than this are fetched again; 0s: in every snapshot."
    )
    page_attempts: Count = Field(default=3, description="Attempts at a page whose connection failed; an answer is never asked for again.")
    pages_per_snapshot: Annotated[int, Field(strict=True, ge=0)] = Field(
        default=0, description="Pages after which a snapshot ends as partial; 0: no limit."
    )
    pages_per_list: Annotated[int, Field(strict=True, ge=0)] = Field(
        default=20_000, description="Pages of one list that are read; a list that goes round in circles is left long before. 0: no limit."
    )
    requests_per_day: Annotated[int, Field(strict=True, ge=0)] = Field(
        default=0, description="Requests to one target in a day (UTC); the snapshot goes on the next day. 0: no limit but the pace."
    )
    bytes_per_day: SizeOrNone = Field(
        default=ByteSize(5_000_000_000),
        description="Bytes from one target in a day (UTC); the snapshot goes on the next day. 0B: no limit.",
    )
    second_pass: Fraction = Field(
        default=0.0,
        description="Share of the list pages that a second, independent pass of each snapshot draws, to estimate what was overlooked; 0: none.",
    )
    user_agent: Header = Field(
        default=TOR_BROWSER_USER_AGENT, description="User-Agent header; Tor Browser's, so that torwatch does not stand out."
    )
    headers: dict[HeaderName, Header] = Field(
        default=TOR_BROWSER_HEADERS,
        description="Further request headers, sent in this order; Tor Browser's. The Cookie of a session stands behind Connection, as there.",
    )


class ParsingSection(Section):
    """The worker processes that parse pages, and what a page may cost them."""

    workers: Count = Field(default=1, description="Parsing processes.")
    cpu_seconds: Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)] = Field(
        default=10.0, description="Processor time for one page, in seconds."
    )
    memory_limit: Size = Field(default=ByteSize(512_000_000), description="Memory of one worker.")
    wall_seconds: Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)] = Field(
        default=20.0, description="Elapsed time for one page, in seconds."
    )
    directories: tuple[Path, ...] = Field(
        default=(), description="Folders with parsers of your own; one that others can write to is refused."
    )


class ScheduleSection(Section):
    """When a target comes due."""

    every: PositiveDuration = Field(
        default=dt.timedelta(days=7), description="Time between two snapshots of a target that has no interval of its own."
    )
    jitter: Fraction = Field(
        default=DEFAULT_JITTER, description="Share of the interval by which a due time is moved at random, so that visits show no pattern."
    )
    hours: HoursOfDay = Field(
        default="",
        description="Hours (UTC) in which markets are visited, as in 22:00-06:00; what runs at their end is stopped and resumed. Empty: any.",
    )


class HoldSection(Section):
    """When a snapshot is held for a person instead of being believed."""

    max_fall: Fraction = Field(default=0.4, description="Share of listings that may be missing from a complete snapshot before it is held.")
    confirm_misses: Count = Field(
        default=2, description="Complete snapshots in a row that must miss a listing before it counts as removed."
    )


class ListingRule(Section):
    """One rule of alerts over listings; every condition that is given must hold."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    markets: tuple[str, ...] = ()
    ship_from: tuple[Country, ...] = ()
    category: str = ""
    group: str = ""
    terms: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    price_above: Number | None = None
    price_below: Number | None = None
    currency: str = "EUR"


class AlertsSection(Section):
    """What somebody should hear of, and how; needs the extra [alerts]."""

    destinations: OptionalPath = Field(
        default=None,
        description="File with the addresses to tell, one a line as apprise writes them, readable by its owner only; empty: systemd's credential"
        " `torwatch.alerts`, else nobody (alerts are kept all the same).",
    )
    rules: tuple[ListingRule, ...] = Field(
        default=(),
        description="Rules over new and changed listings, as in { name = 'tea', ship_from = ['NL'], category = 'tea', terms = ['green'],"
        " price_below = 50 }; also markets, group, price_above, currency. Every condition given must hold.",
    )
    vendor_elsewhere: bool = Field(default=True, description="Tell when a vendor account is linked to one of another market.")
    down_for: Duration = Field(default=dt.timedelta(hours=24), description="Tell when a market has not answered for so long; 0s: never.")
    coverage_below: Fraction = Field(
        default=0.8, description="Tell when a snapshot saw less than this share of what the market counts; 0: never."
    )
    disk_below: Size = Field(default=ByteSize(5_000_000_000), description="Tell when less of the disk is free.")
    session_ends_within: Duration = Field(
        default=dt.timedelta(days=2), description="Tell when a session is expected to end within this time."
    )
    digest: Duration = Field(
        default=dt.timedelta(0),
        description="Tell of listings and vendors at most so often, all in one message; 0s: at once. The rest is told at once.",
    )
    quiet_hours: HoursOfDay = Field(
        default="", description="Hours (UTC) in which nothing is sent, as in 22:00-06:00; it is told when they end. Empty: none."
    )
    reveal: bool = Field(
        default=True, description="false: messages say only how many alerts there are, for services that should not learn more."
    )


class MetricsSection(Section):
    """Figures for Prometheus; needs the extra [metrics]."""

    textfile: OptionalPath = Field(
        default=None,
        description="File that the daemon writes twice a minute for the text-file collector of the node exporter; empty: none.",
    )
    port: Annotated[int, Field(strict=True, ge=0, le=65_535)] = Field(
        default=0, description="Port on 127.0.0.1 where the daemon answers with its metrics; 0: none."
    )


class RetentionSection(Section):
    """How long the archive keeps pages; digests, and what was read from the pages, stay."""

    months: Annotated[int, Field(strict=True, ge=0)] = Field(default=0, description="Months after which pages expire; 0: never.")
    targets: dict[str, Annotated[int, Field(strict=True, ge=0)]] = Field(
        default={}, description="Targets that have another number of months, by the name of their market."
    )


class LogSection(Section):
    """The log, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least important events that are written.")
    format: Literal["auto", "json", "console"] = Field(
        default="auto", description="json: one object a line; console: for people; auto: console on a terminal, else json."
    )


class ServeSection(Section):
    """Where datasette listens."""

    host: str = Field(
        default="127.0.0.1", min_length=1, description="Address to listen on; there is no password, so keep it on this machine."
    )
    port: Annotated[int, Field(strict=True, ge=0, le=65_535)] = Field(default=8001, description="Port to listen on; 0: any free one.")
