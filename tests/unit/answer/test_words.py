from __future__ import annotations

from torwatch.answer.words import DUTCH_REGIONS, place_name
from torwatch.charting import WORDS
from torwatch.model import GOOD_OUTCOMES, Outcome
from torwatch.normalise.country import region_codes
from torwatch.report.chart import read_chart


def test_every_region_has_its_dutch_name():
    assert set(DUTCH_REGIONS) == set(region_codes())
    assert place_name("Western Europe", "nl") == "West-Europa"
    assert place_name("Western Europe", "en") == "Western Europe"


def test_everything_that_a_visit_can_meet_is_said_in_dutch_in_the_chart():
    said = read_chart("market_availability", {}).dutch
    assert {outcome.value.replace("_", " ") for outcome in set(Outcome) - GOOD_OUTCOMES} - set(said) <= {"captcha"}


def test_a_word_of_the_answer_is_the_same_in_a_chart():
    for name in ("category_mix", "destinations", "price_per_gram", "supply_over_time"):
        chart = read_chart(name, {})
        assert {word for word in WORDS if chart.dutch.get(word, WORDS[word]) != WORDS[word]} == set(), name
