from __future__ import annotations

from torwatch.parsing.recognise import is_sure, recognise
from torwatch.parsing.registry import load_parser

FRONT = "<html><head><title>{}</title></head><body>{}</body></html>"


def test_a_market_is_recognised_by_its_signs_and_its_name(tea):
    (guess,) = recognise(FRONT.format("Tea Bazaar | Login", "<div class=teapot>").encode(), [tea])
    assert guess.name == "tea_bazaar"
    assert guess.score > 0.8
    assert "div.teapot" in guess.why
    assert is_sure([guess])


def test_one_weak_sign_is_a_guess_that_is_asked_about(tea):
    guesses = recognise(FRONT.format("Shop", "<div class=teapot>").encode(), [tea])
    assert guesses
    assert not is_sure(guesses)


def test_a_page_without_any_sign_and_a_body_that_is_no_page_give_nothing(tea):
    assert recognise(FRONT.format("Coffee", "x").encode(), [tea]) == []
    assert recognise(b"", [tea]) == []
    assert recognise(b"\x89PNG\r\n", [tea]) == []
    assert not is_sure([])


def test_two_markets_that_fit_alike_are_not_sure(tea, tmp_path, make):
    twin = make.parser(tmp_path / "other", name="tea_twin")
    guesses = recognise(FRONT.format("Tea Bazaar", "<div class=teapot>").encode(), [tea, twin])
    assert [one.name for one in guesses] == ["tea_bazaar", "tea_twin"]
    assert not is_sure(guesses)


def test_the_fixtures_of_a_market_are_recognised_as_its_own_first():
    parsers = [load_parser(name) for name in ("empire", "dream")]
    for parser, page in ((parsers[0], "login"), (parsers[0], "index"), (parsers[1], "index"), (parsers[1], "login")):
        body = (parser.path.parent / "pages" / f"{page}.html").read_bytes()
        assert recognise(body, parsers)[0].name == parser.name
