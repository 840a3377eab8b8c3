"""What is asked: a country, a period and a language."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.errors import UsageError
from torwatch.normalise.country import country_codes, country_name, region_codes, region_contains

if TYPE_CHECKING:
    import datetime as dt

TONGUES = ("en", "nl")
# What people write for a code, and is none; three letters and old codes among it.
COMMON = {
    "UK": "GB",
    "ENGLAND": "GB",
    "HOLLAND": "NL",
    "USA": "US",
    "NLD": "NL",
    "GBR": "GB",
    "DEU": "DE",
    "BEL": "BE",
    "AUS": "AU",
    "NZL": "NZ",
    "EL": "GR",
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a country (ISO 3166-1 alpha-2), a period in aware UTC, and the language of the answer."""

    country: str
    since: dt.datetime
    until: dt.datetime
    language: str = "en"
    seed: int = 1

    def say(self, english: str, dutch: str) -> str:
        """The text in the language of the answer."""
        return dutch if self.language == "nl" else english

    @property
    def parameters(self) -> dict[str, str]:
        """What the SQL binds."""
        regions = [f"region:{region}" for region in region_codes() if region_contains(region, self.country, self.until.date())]
        stamps = {"since": self.since.isoformat(timespec="seconds"), "until": self.until.isoformat(timespec="seconds")}
        return {"country": self.country, "regions": json.dumps(regions), **stamps}


def check_country(text: str) -> str:
    """The ISO code, in capitals. Raises UsageError for anything else, with the code that a name or a common short form stands for."""
    code = text.strip().upper()
    if code in country_codes():
        return code
    meant = [
        found for found in country_codes() if text.strip().casefold() in {country_name(found, tongue).casefold() for tongue in TONGUES}
    ]
    meant = meant or [found for found in (COMMON.get(code),) if found]
    remedy = f"use {meant[0]}" if meant else "use two letters, for instance NL"
    raise UsageError(f"{text!r} is no ISO 3166-1 alpha-2 country code: {remedy}")
