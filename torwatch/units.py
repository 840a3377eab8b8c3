"""Durations, hours and sizes as people write them (7d, 22:00-06:00, 2MB), for the configuration and the command line; and doubled waits."""

from __future__ import annotations

import datetime as dt
import re

SECONDS_PER_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
BYTES_PER_UNIT = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
LONGEST_DURATION = dt.timedelta(days=36_500)

# Compiled when they are first used: a start of the command line needs one of them at most.
_DURATION_PART = r"(\d+(?:\.\d+)?)\s*([smhdw])\s*"
_HOURS = r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d"
_SIZE = r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)"
_UNIT_BY_LOWER_CASE = {unit.lower(): unit for unit in BYTES_PER_UNIT} | {"k": "kB", "kb": "kB", "m": "MB", "g": "GB"}


def parse_duration(text: str) -> dt.timedelta:
    """Read a duration of units s, m, h, d, w, joined if need be: "90s", "7d", "1h 30m"; a bare number is seconds.

    Raises ValueError with one line that says what would be right.
    """
    stripped = text.strip()
    if re.fullmatch(r"\d{1,12}(?:\.\d+)?", stripped, re.ASCII):
        stripped += "s"
    seconds, position = 0.0, 0
    while position < len(stripped):
        part = re.match(_DURATION_PART, stripped[position:], re.ASCII)
        if part is None:
            break
        seconds += float(part[1]) * SECONDS_PER_UNIT[part[2]]
        position += part.end()
    if position == 0 or position < len(stripped):
        raise ValueError(f"{text[:40]!r} is no duration: write a number and s, m, h, d or w, such as 90s, 12h or 7d")
    if seconds > LONGEST_DURATION.total_seconds():
        raise ValueError(f"{text[:40]!r} is longer than a hundred years")
    return dt.timedelta(seconds=seconds)


def format_duration(duration: dt.timedelta) -> str:
    """Write a duration so that `parse_duration` reads it back, in the largest unit that divides it: 7d, 90m, 2.5s, 0s."""
    seconds = duration.total_seconds()
    for unit in "dhm":
        if seconds and seconds % SECONDS_PER_UNIT[unit] == 0:
            return f"{seconds / SECONDS_PER_UNIT[unit]:.0f}{unit}"
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"


def parse_hours(text: str) -> tuple[dt.time, dt.time] | None:
    """Read two different times of a day, "22:00-06:00"; None for "".

    Raises ValueError with one line that says what would be right.
    """
    if not text:
        return None
    opens, _, shuts = text.partition("-")
    if not re.fullmatch(_HOURS, text) or opens == shuts:
        raise ValueError(f"{text[:40]!r} is not two times of a day as in 22:00-06:00, or empty")
    return dt.time.fromisoformat(opens), dt.time.fromisoformat(shuts)


def back_off(failures: int, first: dt.timedelta, longest: dt.timedelta) -> dt.timedelta:
    """How long to wait after so many failures in a row (1 or more): `first`, doubled by each further one, `longest` at most."""
    return min(longest, first * 2.0 ** min(failures - 1, 20))


def parse_size(text: str) -> int:
    """Read a size in bytes: "2MB" (decimal), "512MiB" (binary), "100kB"; a bare number is bytes.

    Raises ValueError with one line that says what would be right.
    """
    stripped = text.strip()
    if re.fullmatch(r"\d{1,18}", stripped, re.ASCII):
        return int(stripped)
    matched = re.fullmatch(_SIZE, stripped, re.ASCII)
    unit = _UNIT_BY_LOWER_CASE.get(matched[2].lower()) if matched else None
    if matched is None or unit is None or len(matched[1]) > 18:  # noqa: PLR2004 - eighteen digits are more than any disk holds
        raise ValueError(f"{text[:40]!r} is no size: write a number and B, kB, MB, GB, KiB, MiB or GiB, such as 2MB")
    return round(float(matched[1]) * BYTES_PER_UNIT[unit])


def format_size(size_bytes: int) -> str:
    """Write a size so that `parse_size` reads it back exactly, in the largest unit that divides it: 2MB, 512MiB, 1001B."""
    for unit, factor in sorted(BYTES_PER_UNIT.items(), key=lambda pair: -pair[1]):
        if size_bytes and size_bytes % factor == 0:
            return f"{size_bytes // factor}{unit}"
    return "0B"
