"""The maker of data/countries.tsv: the CLDR's country names, written once so that nothing loads babel at run time.

Run `python -m torwatch.normalise.country_build` after an update of babel, look at the difference, and raise
`torwatch.normalise.country.NORMALISER_VERSION` when a name was added or moved.
"""

from __future__ import annotations

from pathlib import Path

from babel import Locale
from babel import __version__ as babel_version
from babel.core import get_global

LANGUAGES = ("en", "nl", "de", "fr", "es", "it", "pt", "sv", "da", "nb", "fi", "pl", "cs")
# CLDR keeps codes beside the 249 of ISO 3166-1 that are no countries (EU, EZ, UN, QO, ZZ), pseudo-locales that markets really
# print in their filters (XA, XB), and parts reserved exceptionally (AC, CP, CQ, DG, EA, IC, TA: see aliases.tsv). XK stays: Kosovo.
NOT_COUNTRIES = frozenset({"EU", "EZ", "UN", "QO", "ZZ", "XA", "XB", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"})
FORMER_ALPHA3 = frozenset({"BUR", "ZAR", "DDR", "FXX", "TMP", "YMD"})
HEADER = f"""\
# Countries: ISO 3166-1 alpha-2, alpha-3, and the name in each language. Made by torwatch/normalise/country_build.py.
# Source: Unicode CLDR (territories, territory aliases) as packaged in babel {babel_version}. Licence: Unicode License v3.
"""


def countries_text() -> str:
    """Give the text of data/countries.tsv: comment lines, a header line, one line a country, sorted by code."""
    names = {language: Locale.parse(language).territories for language in LANGUAGES}
    alpha3 = {
        targets[0]: code
        for code, targets in sorted(get_global("territory_aliases").items())
        if len(code) == 3 and code.isalpha() and len(targets) == 1 and code not in FORMER_ALPHA3  # noqa: PLR2004 - alpha-3
    }
    codes = sorted(code for code in map(str, names["en"]) if len(code) == 2 and code.isalpha() and code not in NOT_COUNTRIES)  # noqa: PLR2004 - alpha-2
    lines = ["\t".join(("code", "alpha3", *LANGUAGES))]
    lines += ["\t".join((code, alpha3.get(code, ""), *(names[language].get(code, "") for language in LANGUAGES))) for code in codes]
    return HEADER + "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("data").joinpath("countries.tsv").write_text(countries_text(), encoding="utf-8")
