"""What is asked: a country, a period and a language."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torwatch.errors import UsageError
from torwatch.normalise.country import country_codes, region_codes, region_contains

if TYPE_CHECKING:
    import datetime as dt


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
    """The ISO code, in capitals. Raises UsageError for anything else."""
    code = text.strip().upper()
    if code not in country_codes():
        raise UsageError(f"{text!r} is no ISO 3166-1 alpha-2 country code: use two letters, for instance NL")
    return code
