from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torwatch.model import Feedback, Link, Listing, Outcome, PageInfo, PageKind, Parsed, Source, Vendor
from torwatch.parsing.codec import decode_listing, decode_parsed, encode_listing, encode_parsed

TEXT = st.text(max_size=8)
MAYBE = st.none() | TEXT
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple)
TEXTS = st.lists(TEXT, max_size=2).map(tuple)
LISTINGS = st.builds(
    Listing,
    key=TEXT,
    title=MAYBE,
    category=TEXTS,
    sales=st.none() | st.integers(),
    promoted=st.booleans(),
    source=st.sampled_from(Source),
    extra=PAIRS,
)
VENDORS = st.builds(
    Vendor,
    name=TEXT,
    fe_enabled=st.none() | st.booleans(),
    pgp_keys=TEXTS,
    external_ratings=TEXTS,
    source=st.sampled_from(Source),
    extra=PAIRS,
)
PARSED = st.builds(
    Parsed,
    outcome=st.sampled_from(Outcome),
    kind=st.sampled_from(PageKind),
    listings=st.lists(LISTINGS, max_size=2).map(tuple),
    vendors=st.lists(VENDORS, max_size=2).map(tuple),
    feedback=st.lists(st.builds(Feedback, text=MAYBE, stars=st.none() | st.integers()), max_size=2).map(tuple),
    links=st.lists(st.builds(Link, st.sampled_from(PageKind), TEXT, st.integers(0, 9), MAYBE), max_size=2).map(tuple),
    info=st.none() | st.builds(PageInfo, st.none() | st.integers(), rates=PAIRS),
    reason=TEXT,
    unmatched=TEXTS,
    truncated=st.booleans(),
)


@given(PARSED)
def test_what_a_worker_sends_arrives_as_it_was(parsed):
    assert decode_parsed(encode_parsed(parsed)) == parsed


@given(LISTINGS)
def test_a_listing_that_waits_on_one_line_comes_back_as_it_was(listing):
    assert b"\n" not in encode_listing(listing)
    assert decode_listing(encode_listing(listing)) == listing


def test_every_field_of_every_record_crosses():
    def filled(make, **given):
        return make(**{one.name: given.get(one.name, f"<{one.name}>") for one in dataclasses.fields(make)})

    listing = filled(Listing, category=("a",), extra=(("b", "c"),), source=Source.VENDOR_TABLE)
    vendor = filled(Vendor, pgp_keys=("k",), external_ratings=("r",), extra=(("b", "c"),), source=Source.DETAIL)
    parsed = Parsed(
        Outcome.OK,
        PageKind.VENDOR,
        (listing,),
        (vendor,),
        (filled(Feedback),),
        (Link(PageKind.HOME, "/", 2, "k"),),
        PageInfo(1, 2, 3, "s", (("a", "1"),)),
    )
    assert decode_parsed(encode_parsed(parsed)) == parsed


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[1]", b"\xff", json.dumps(["nonsense", "home", [], [], [], [], None, "", [], False]).encode()]
)
def test_anything_else_is_refused(data):
    with pytest.raises((ValueError, TypeError)):
        decode_parsed(data)
