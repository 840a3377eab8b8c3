"""The sections of the configuration: every key with its type, default and description."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Literal, Never

from pydantic import AfterValidator, BaseModel, BeforeValidator, ByteSize, ConfigDict, Field

from torwatch.config_file import DEFAULT_JITTER
from torwatch.units import format_duration, parse_duration, parse_size

SHOWN_CHARACTERS = 60

# What Tor Browser 15 (Firefox ESR 140) sends: every platform says Windows. An onion is plain HTTP, hence gzip and deflate only.
TOR_BROWSER_USER_AGENT = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
TOR_BROWSER_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
    "Upgrade-Insecure-Requests": "1",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-User": "?1",
    "Sec-GPC": "1",
    "Priority": "u=0, i",
}
HEADERS_NOT_SET_HERE = frozenset({"authorization", "content-length", "cookie", "host", "proxy-authorization", "user-agent"})


def _duration(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return value if isinstance(value, dt.timedelta) else _refuse("a duration such as 90s, 12h or 7d", value)
    return parse_duration(str(value))


def _positive(value: dt.timedelta) -> dt.timedelta:
    return value or _refuse("more than no time at all", format_duration(value))


def _size(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return _refuse("a size such as 2MB", value)
    return parse_size(str(value))


def _refuse(wanted: str, value: object) -> Never:
    raise ValueError(f"{show_value(value)} is not {wanted}")


def _hours(value: str) -> str:
    """Accept nothing, or two different times of a day as in 22:00-06:00."""
    opens, _, shuts = value.partition("-")
    if value and (not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d", value) or opens == shuts):
        _refuse("two times of a day as in 22:00-06:00, or empty", value)
    return value


def _optional_path(value: object) -> object:
    return None if value == "" else value


def _socket_address(value: str) -> str:
    """Accept an absolute path of a unix socket or host:port."""
    _, colon, port = value.rpartition(":")
    if value.startswith("/") or (colon and port.isdecimal() and 0 < int(port) < 2**16):
        return value
    raise ValueError(f"{show_value(value)} is neither host:port nor the absolute path of a unix socket")


def _host_port(value: str) -> str:
    return value if not value.startswith("/") else _refuse("host:port", value)


def _header(value: str) -> str:
    if not value.isprintable() or not value.isascii():
        raise ValueError(f"{show_value(value)} holds what an HTTP header cannot: printable ASCII only")
    return value


def _header_name(value: str) -> str:
    if value.lower() in HEADERS_NOT_SET_HERE:
        raise ValueError(f"{show_value(value)} cannot be set here: torwatch decides it, and secrets never stand in the configuration")
    return _header(value)


def _onion(value: str) -> str:
    """Accept the host name of a version 3 onion; tor itself checks the rest."""
    if re.fullmatch(r"[a-z2-7]{56}\.onion", value):
        return value
    raise ValueError(f"{show_value(value)} is not the host name of an onion: 56 letters and digits, then .onion")


def _torrc_line(value: str) -> str:
    if "\n" in value or "\r" in value or "\0" in value:
        raise ValueError(f"{show_value(value)} is more than one line")
    return value


Duration = Annotated[dt.timedelta, BeforeValidator(_duration)]
PositiveDuration = Annotated[dt.timedelta, BeforeValidator(_duration), AfterValidator(_positive)]
Size = Annotated[ByteSize, BeforeValidator(_size), Field(gt=0)]
Count = Annotated[int, Field(strict=True, ge=1)]
Number = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
OptionalPath = Annotated[Path | None, BeforeValidator(_optional_path)]
SocketAddress = Annotated[str, AfterValidator(_socket_address)]
HostPort = Annotated[str, AfterValidator(_host_port), AfterValidator(_socket_address)]
Header = Annotated[str, AfterValidator(_header)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
Onion = Annotated[str, AfterValidator(_onion)]
HoursOfDay = Annotated[str, AfterValidator(_hours)]
TorrcLine = Annotated[str, AfterValidator(_torrc_line)]


class Section(BaseModel):
    """One table of the configuration: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)


class TorSection(Section):
    """The tor process that torwatch starts or attaches to."""

    mode: Literal["own", "attach"] = Field(default="own", description="own: start a tor of our own; attach: use one that already runs.")
    binary: str = Field(default="tor", min_length=1, description="The tor program, by name on PATH or by path (mode own).")
    control: SocketAddress = Field(
        default="/run/tor/control", description="Control port to attach to: unix socket path or host:port (mode attach)."
    )
    control_password_file: OptionalPath = Field(
        default=None, description="File with the control password; empty: cookie authentication (mode attach)."
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
    second_pass: Fraction = Field(
        default=0.0,
        description="Share of the list pages that a second, independent pass of each snapshot draws, to estimate what was overlooked; 0: none.",
    )
    user_agent: Header = Field(
        default=TOR_BROWSER_USER_AGENT, description="User-Agent header; Tor Browser's, so that torwatch does not stand out."
    )
    headers: dict[HeaderName, Header] = Field(
        default=TOR_BROWSER_HEADERS, description="Further request headers, sent in this order; Tor Browser's."
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


def show_value(value: object) -> str:
    """Give a value's repr, cut so that a fault stays on one line; control characters come out escaped."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
