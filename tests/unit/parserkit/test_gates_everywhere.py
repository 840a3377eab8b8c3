"""The gates that DOM facts of real markets name, each in the face of every bundled parser: none may call a gate an empty index."""

from __future__ import annotations

import datetime as dt

import pytest

from torwatch.model import Outcome
from torwatch.parserkit import Market, Obstacle, open_page
from torwatch.parsing.parse_page import parse_bytes
from torwatch.parsing.registry import find_parsers, load_parser

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
CAPTCHA, LOGIN, QUEUE, BANNED = Outcome.CAPTCHA, Outcome.LOGIN, Outcome.QUEUE, Outcome.BANNED
CHECK = Outcome.PHISHING_CHECK
PAGE = "<!doctype html><html><head><title>{}</title></head><body>{}</body></html>"
SIX = "".join(f"<input type=text name=c{number} maxlength=1 class=ch>" for number in range(1, 7))
STRIPS = "".join(f"<div class=strip>{' '.join(str(digit) for digit in range(9, -1, -1))}</div>" for _ in range(6))
DECOYS = "".join(
    f'<form action=index.php method=post><input type=text name="k{n}+Zx=" maxlength=22><input type=hidden name=z value=1></form>'
    for n in range(37)
)
FACTORS = "".join(f"<select name=cap{n}><option>A<option>B</select>" for n in range(1, 5))
STRIKE = "<b>3rd and last Strike. Maximum Strikes reached!</b>"

GATES = {
    "meta refresh of 130 bytes": ('<html><head><meta content="0; URL=/index/login?dtf=1" http-equiv="Refresh"></head></html>', {QUEUE}),
    "DDoS protection that sends on": ('<html><head><title>Tea DDoS Protection</title><meta http-equiv="refresh" content="2; /login"></head><body>DDoS Protection</body></html>', {QUEUE}),
    "checking your browser": (PAGE.format("Tea House", "<h1>Checking your browser</h1><p>Please wait a moment."), {QUEUE}),
    "six one-character fields": (PAGE.format("Tea House", f"<form method=post><img src=/ddos.png>{SIX}<button>Enter</button></form>"), {CAPTCHA}),
    "six fields while the browser is checked": (PAGE.format("Checking your browser", f"<meta http-equiv=refresh content=60><h1>Checking your browser</h1><form>{SIX}</form>"), {CAPTCHA}),
    "six fields outside of any form": (PAGE.format("Tea House", f"<table><tr><td><form method=post></td></tr></table><p>{SIX}"), {CAPTCHA}),
    "six fields and digit strips": (PAGE.format("Tea House", f"<form method=post>{STRIPS * 40}{SIX}</form>"), {CAPTCHA}),
    "two factors, four fields": (PAGE.format("Tea - DDoS 2-Factor-Protection", f"DDoS 2-Factor-Protection<form method=post>{FACTORS}</form>"), {CAPTCHA}),
    "two factors with an error line of strikes": (PAGE.format("Tea", f"{STRIKE}<form>{FACTORS.replace('select', 'input type=hidden')}</form>"), {CAPTCHA}),
    "missing characters": (PAGE.format("Anti-Phishing - Tea", "<form>Enter the <b>6</b> missing <b>*</b> characters<input name=chars></form>"), {CHECK}),
    "missing characters among 37 decoys": (PAGE.format("Anti Phishing Protection | Tea", f"<i>Enter the 4 missing _ characters</i>{DECOYS}"), {CHECK}),
    "the link in the image, in two languages": (PAGE.format("Tea", f"<form method=post><img src=/cap.php>{SIX[:140]}<p>Look whether the link in the image matches your address. Voyez si le lien dans l'image correspond.</form>"), {CHECK, CAPTCHA}),
    "second strike": (PAGE.format("Guardian", "<p>The dog did not like that.<br>This is your: <b>2nd Strike</b></p>"), {BANNED}),
    "last strike": (PAGE.format("Guardian", f"<p>This is your: {STRIKE}</p><a href=/login/>Login</a>"), {BANNED}),
    "login with hashed names": (PAGE.format("Tea House", "<form method=post><input name=a81f type=text><input name=f00d type=password><input name=cafe></form>"), {LOGIN}),
    "login with an error": (PAGE.format("Tea House", "<p class=error>Internal connection error.</p><form><input name=user><input type=password name=pass></form>"), {LOGIN}),
    "a directory's captcha": (PAGE.format("Prove you are not a robot.", "<h3>Prove you are not a robot.</h3><p>Type the text you see below.</p><form method=post><img src=x><input type=text name=captcha style='display:none'><input type=text name=kettle><input type=submit></form>"), {CAPTCHA}),
    "a picture and a field": (PAGE.format("Tea", "<form method=post><img src=x><input type=text name=kettle><input type=submit></form>"), {CAPTCHA}),
    "another market's 404": (PAGE.format("404 Not Found | Coffee Market", "<h1>404</h1><p>Nothing here.</p><a href=/>Coffee Market</a>"), {Outcome.GONE}),
    "a market's 404 in full dress": (PAGE.format("Tea Market | Not Found", "<a href=/>Home</a> <a href=/cat/1>Tea</a> " * 150), {Outcome.GONE}),
    "the server's own error": (PAGE.format("502 Bad Gateway", "<center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center>"), {Outcome.HTTP_ERROR}),
    "a login in many words with two secrets": (PAGE.format("Tea Market - Login", f"<form><input name=u><input type=password name=p><input type=password name=pin></form>{'<p>Never give your password to anyone who asks.' * 60}"), {LOGIN}),
    "nothing at all": ("", {Outcome.EMPTY}),
    "a picture": ("\ufffdPNG\r\n\x1a\n\x00\x00\x00\rIHDR" + "\ufffd\x00" * 200, {Outcome.NOT_TEXT}),
    "a picture after a lossy decoding": ("\ufffd\ufffd\ufffd\ufffd\x00\x10JFIF" + "\ufffd\x00a" * 200, {Outcome.NOT_TEXT}),
}  # fmt: skip


def outcome_of(parser, html):
    return parse_bytes(parser, html.encode(), fetched_at=NOON).outcome


@pytest.mark.parametrize("gate", GATES)
def test_a_gate_is_known_without_any_parser(gate):
    html, outcomes = GATES[gate]
    with pytest.raises(Obstacle) as met:
        open_page(Market("any"), html.encode(), fetched_at=NOON)
    assert met.value.outcome in outcomes


@pytest.mark.parametrize("name", sorted(find_parsers()))
def test_every_parser_calls_every_gate_what_it_is(name):
    parser = load_parser(name)
    kinds = {LOGIN: "login", QUEUE: "queue", BANNED: "banned", CAPTCHA: "captcha", CHECK: "captcha"}
    wrong = {}
    for gate, (html, outcomes) in GATES.items():
        got = outcome_of(parser, html)
        if kinds.get(got, got) not in {kinds.get(one, one) for one in outcomes}:
            wrong[gate] = got
    assert wrong == {}


@pytest.mark.parametrize("name", sorted(find_parsers()))
def test_a_cut_off_or_foreign_page_is_never_a_gate_nor_an_empty_index(name):
    words = "<p>" + "Green tea from the hills, picked by hand. " * 80
    page = PAGE.format("Tea House", f"<form action=/search><img src=/glass.png><input name=q></form>{words}")
    for piece in (page, page[: len(page) // 2]):
        parsed = parse_bytes(load_parser(name), piece.encode(), fetched_at=NOON)
        assert parsed.outcome in {Outcome.OK, Outcome.LAYOUT_CHANGED}
        assert (parsed.outcome, parsed.kind.value) != (Outcome.OK, "listing-index")
