from __future__ import annotations

import pytest

from torwatch.model import Outcome, PageKind
from torwatch.parserkit import LayoutChanged, Market, Obstacle, obstacle

FORM = "<form method=post action=/go>{}<input type=submit></form>"
LONG = "<p>" + "Green tea from the hills, picked by hand and dried in the sun. " * 60 + "</p>"

GATES = {
    "a page that only sends on": ("<html><head><meta content='0; URL=/index/login?dtf=1' http-equiv='Refresh'></head><body></body></html>", Outcome.QUEUE),
    "a protection that sends on": ("<html><head><title>Tea DDoS Protection</title><meta http-equiv=refresh content='2; /login'></head><body>Please wait</body></html>", Outcome.QUEUE),
    "checking your browser": ("<h1>Checking your browser</h1><p>This may take a moment.</p>", Outcome.QUEUE),
    "one-character inputs": (FORM.format("".join(f"<input name=c{i} maxlength=1>" for i in range(1, 7))), Outcome.CAPTCHA),
    "hidden cap inputs": ("<h2>DDoS 2-Factor-Protection</h2>" + FORM.format("".join(f"<input type=hidden name=cap{i}>" for i in range(1, 5))), Outcome.CAPTCHA),
    "missing characters": (FORM.format("<label>Enter the <b>6</b> missing <b>*</b> characters</label><input name=chars>"), Outcome.PHISHING_CHECK),
    "a link in a picture": (FORM.format("Confirm that the link in the image matches your address"), Outcome.PHISHING_CHECK),
    "anti-phishing title": ("<html><head><title>Anti Phishing Protection | Tea</title></head><body>" + FORM.format("<input type=text name=x>") + "</body></html>", Outcome.PHISHING_CHECK),
    "login with hashed names": (FORM.format("<input type=text name=a9f3><input type=password name=c7d1><input name=captcha>"), Outcome.LOGIN),
    "last strike": ("<h1>Guardian</h1><p>3rd and last Strike. Maximum Strikes reached!</p>", Outcome.BANNED),
    "second strike": ("<p>This is your: <b>2nd Strike</b></p>", Outcome.BANNED),
    "seizure": ("<h1>THIS HIDDEN SITE HAS BEEN SEIZED</h1>", Outcome.SEIZED),
    "maintenance": ("<h1>Under maintenance</h1><p>We will be back soon.</p>", Outcome.MAINTENANCE),
    "not found": ("<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>", Outcome.GONE),
    "captcha": (FORM.format("<img src=/captcha.png><input name=captcha_code>"), Outcome.CAPTCHA),
}  # fmt: skip


@pytest.mark.parametrize("gate", GATES)
def test_the_gates_of_any_market_are_known(page_of, gate):
    html, outcome = GATES[gate]
    with pytest.raises(Obstacle) as met:
        page_of(html)
    assert met.value.outcome is outcome


@pytest.mark.parametrize(
    "html",
    [
        LONG
        + "<p>If you see “Checking your browser”, wait. Enter the 6 missing characters. Maximum Strikes reached! Under maintenance.</p>",
        LONG + FORM.format("<input name=user><input type=password name=pass>"),
        "<div style='display:none'>Checking your browser. Maximum strikes reached!</div><p>Tea house</p>",
        "<p>Tea</p><a href='/index/Logout'>Logout</a>" + FORM.format("<input name=qty><input type=password name=pin maxlength=6>"),
        "<html><head><meta http-equiv=refresh content=300></head><body>" + LONG + "</body></html>",
        FORM.format("<input name=q placeholder='Search 404 kinds of tea'>"),
    ],
)
def test_ordinary_pages_are_no_gate(page_of, html):
    assert page_of(html).kind is PageKind.OTHER


def market_of(*rules, **given):
    return Market("tea_bazaar", shapes={PageKind.LISTING: "div.item > h1"}, obstacles=rules, **given)


ITEM = "<div class=item><h1>Tea</h1><p>Enter the code below</p></div>"


def test_a_content_page_that_quotes_an_obstacle_is_content(page_of):
    rule = obstacle("captcha", text="Enter the  CODE below")
    assert page_of(ITEM, market_of(rule)).kind is PageKind.LISTING
    with pytest.raises(Obstacle):
        page_of("<p>Please enter <b>the code</b> below</p>", market_of(rule))


def test_an_obstacle_over_content_is_asked_everywhere(page_of):
    with pytest.raises(Obstacle, match="banned here"):
        page_of(ITEM, market_of(obstacle("banned", selector="div.item", over_content=True, reason="banned here")))


def test_every_condition_of_an_obstacle_must_hold(page_of):
    rule = obstacle("gone", text=("removed", "deleted"), title="^tea", pattern=r"item \d+", selector="b", max_bytes=400, max_text=60)
    market = market_of(rule)
    with pytest.raises(Obstacle) as met:
        page_of("<p>Item 7 was <b>DELETED</b></p>", market)
    assert met.value.outcome is Outcome.GONE
    for other in (
        "<p>Item 7 was <b>sold</b></p>",
        "<p>Item was <b>deleted</b></p>",
        "<p>Item 7 was deleted</p>",
        "<p>Item 7 was <b>deleted</b>" + " tea" * 30,
    ):
        assert page_of(other, market).kind is PageKind.OTHER
    assert page_of("<p>Item 7 was <b>deleted</b></p><!--" + "x" * 400 + "-->", market).kind is PageKind.OTHER


def test_an_unknown_kind_of_obstacle_is_refused():
    with pytest.raises(ValueError, match="nonsense"):
        obstacle("nonsense", text="x")


def test_a_changed_layout_is_an_obstacle_with_its_reason():
    assert (LayoutChanged("no rows").outcome, LayoutChanged("no rows").reason) == (Outcome.LAYOUT_CHANGED, "no rows")
