"""The kinds of value that a configuration key can have, each with the one line that refuses a wrong one."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Never

from pydantic import AfterValidator, BaseModel, BeforeValidator, ByteSize, ConfigDict, Field

from torwatch.units import format_duration, parse_duration, parse_hours, parse_size

SHOWN_CHARACTERS = 60
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
    parse_hours(value)
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
SizeOrNone = Annotated[ByteSize, BeforeValidator(_size), Field(ge=0)]
Count = Annotated[int, Field(strict=True, ge=1)]
Number = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
OptionalPath = Annotated[Path | None, BeforeValidator(_optional_path)]
SocketAddress = Annotated[str, AfterValidator(_socket_address)]
HostPort = Annotated[str, AfterValidator(_host_port), AfterValidator(_socket_address)]
Header = Annotated[str, AfterValidator(_header)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Onion = Annotated[str, AfterValidator(_onion)]
HoursOfDay = Annotated[str, AfterValidator(_hours)]
TorrcLine = Annotated[str, AfterValidator(_torrc_line)]


class Section(BaseModel):
    """One table of the configuration: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)


def show_value(value: object) -> str:
    """Give a value's repr, cut so that a fault stays on one line; control characters come out escaped."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
