from __future__ import annotations

import re

import pytest

from torwatch.parsing.proposal import propose_parser
from torwatch.parsing.registry import find_parsers, load_all, load_parser

FRONT = "<html><head><title>{}</title></head><body>{}</body></html>"
WORDS = "<p>" + "Green tea from the hills, picked by hand and dried in the sun. " * 60


@pytest.fixture(scope="module")
def parsers():
    return load_all()


def page(parser, name):
    return (load_parser(parser).path.parent / "pages" / f"{name}.html").read_bytes()


def without_names(body, *names):
    """The page as another market on the same script would show it."""
    plain = re.sub(rb"<title>.*?</title>", b"<title>Tea House</title>", body, flags=re.DOTALL)
    for name in names:
        plain = re.sub(re.escape(name).encode(), b"Tea House", plain, flags=re.IGNORECASE)
    return plain


@pytest.mark.parametrize(
    ("name", "fixture"),
    [
        ("empire", "login"),
        ("dream", "login"),
        ("kerberos", "ddos"),
        ("torzon", "phishing"),
        ("wethenorth", "phishing"),
        ("alphabay", "index"),
    ],
)
def test_the_market_of_a_front_page_or_gate_is_proposed_and_sure(name, fixture, parsers):
    proposal = propose_parser(page(name, fixture), parsers=parsers)
    assert (proposal.name, proposal.sure) == (name, True)
    assert proposal.confidence >= 0.8
    assert str(proposal).startswith(f"{name}, sure (")


def test_members_of_an_engine_family_look_alike_and_it_says_so(parsers):
    proposal = propose_parser(without_names(page("empire", "index"), "empire market"), parsers=parsers)
    assert not proposal.sure
    assert proposal.confidence < 0.8
    assert {proposal.name, *(one.name for one in proposal.others)} >= {"alphabay", "empire", "wethenorth"}
    assert "share the empire script and look alike" in proposal.why


def test_an_unknown_market_on_a_shared_script_is_proposed_as_its_family(parsers):
    proposal = propose_parser(without_names(page("blackry", "index"), "blackry"), parsers=parsers)
    assert not proposal.sure
    assert {proposal.name, *(one.name for one in proposal.others)} >= {"blackry", "cypher"}
    assert "share the eckmar script and look alike" in proposal.why


def test_two_markets_that_fit_alike_are_named(parsers):
    proposal = propose_parser(FRONT.format("Kerberos Marketplace and TorZon Market", "").encode(), parsers=parsers)
    assert not proposal.sure
    assert "would fit as well" in proposal.why
    assert {proposal.name, proposal.others[0].name} == {"kerberos", "torzon"}


def test_a_long_page_that_only_bears_a_name_is_not_sure(parsers):
    directory = FRONT.format("Empire Market: mirrors", f"<h1>Empire Market</h1>{WORDS}").encode()
    proposal = propose_parser(directory, parsers=parsers)
    assert (proposal.name, proposal.sure) == ("empire", False)
    assert "that is little to go by" in proposal.why


@pytest.mark.parametrize(
    "body", [b"", b"\x89PNG\r\n", FRONT.format("Tea House", WORDS).encode(), b'<meta http-equiv="refresh" content="0; URL=/login">']
)
def test_nothing_is_proposed_where_nothing_is_recognised(body, parsers):
    proposal = propose_parser(body, parsers=parsers)
    assert (proposal.name, proposal.confidence, proposal.sure, proposal.others) == (None, 0.0, False, ())
    assert str(proposal).startswith("no parser: ")


def test_without_a_choice_of_parsers_all_are_asked():
    assert propose_parser(page("empire", "login")).name == "empire"


def test_no_fixture_of_any_market_is_surely_taken_for_another(parsers):
    asked, first, wrong = 0, 0, []
    for name in find_parsers():
        parser = load_parser(name)
        for file in sorted((parser.path.parent / "pages").glob("*.html")):
            proposal = propose_parser(file.read_bytes(), parsers=parsers)
            asked += 1
            first += proposal.name == name
            wrong += [f"{name}/{file.name}: {proposal}"] * (proposal.sure and proposal.name != name)
    assert asked > 60
    assert wrong == []
    assert first >= 0.9 * asked  # the rest are gates that bear no sign of any market
