from __future__ import annotations

import re

from torwatch.report.answer_html import STYLE
from torwatch.report.chart import read_chart

RULE = re.compile(r"([^{}]+)\{([^{}]+)\}")
LEAST_CONTRAST = 4.5  # of a text to what is behind it: WCAG 2.2, 1.4.3 (AA)


def luminance(colour):
    """The relative luminance of #rgb or #rrggbb. Source: WCAG 2.2, definitions."""
    digits = colour.removeprefix("#")
    pairs = [digit * 2 for digit in digits] if len(digits) == 3 else [digits[at : at + 2] for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (int(pair, 16) / 255 for pair in pairs)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_every_text_of_the_page_stands_out_from_what_is_behind_it():
    assert round(contrast("#000", "#ffffff"), 1) == 21
    rules = [(who.strip(), dict(part.split(":", 1) for part in what.split(";") if ":" in part)) for who, what in RULE.findall(STYLE)]
    body = next(what for who, what in rules if who == "body")
    pairs = {who: (what.get("color", body["color"]), what.get("background", body["background"])) for who, what in rules}
    assert {"body", "p.reason", "pre"} <= {who for who, what in rules if "background" in what}
    assert {who: pair for who, pair in pairs.items() if contrast(*pair) < LEAST_CONTRAST} == {}


def test_the_numbers_on_the_tiles_of_a_chart_stand_out_from_the_lightest_and_the_darkest():
    tiles, numbers = read_chart("destinations", {}).spec["layer"]
    colours = tiles["encoding"]["color"]["scale"]["range"]
    assert len(colours) > 1
    assert [tile for tile in colours if contrast(numbers["mark"]["color"], tile) < LEAST_CONTRAST] == []
