"""Hostile pages for every parser: mutated fixtures, fixed horrors, and what must hold of anything that a parser gives."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re
import time

from torwatch.claims import rules_of, stage_of
from torwatch.model import Outcome
from torwatch.normalise.price import normalise_price
from torwatch.normalise.quantity import normalise_quantity
from torwatch.normalise.shipping import normalise_ship_from, normalise_ship_to
from torwatch.normalise.substance import normalise_substance
from torwatch.parsing.codec import decode_parsed, encode_parsed
from torwatch.parsing.fixture import find_fixtures
from torwatch.parsing.parse_page import parse_bytes
from torwatch.parsing.registry import find_parsers, load_place
from torwatch.parsing.worker import CPU_SECONDS

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
NORMALISED_LISTINGS = 3  # of each page: the normalisers have fuzz tests of their own
EXPECTED_PARSERS = 20
SQLITE_INTEGERS = range(-(2**63), 2**63)
TOKENS = (
    b"\x00", b"\xed\xa0\x80", b"\xff\xfe", b"\xc3", b"&#xD800;", b"&#0;", b"&#x110000;", b"&nbsp;", b"\xe2\x80\xae", b"9" * 400, b"9" * 5000, b"-1", b"\xd9\xa3\xd9\xa4",
    "\u00b2\u2460".encode(), b"</div>", b"</table>", b"<table><tr><td>", b"<!--", b"<![CDATA[", b"<?x ?>", b"<svg><p>", b"<base href='//x'>", b"<label>", b"<br>", b"</body>",
    b"<a href='//['>x</a>", b"<a href='http://[::1'>x</a>", b"<a href='javascript:x'>x</a>", b"<a href='?'>x</a>", b"<a href='\xe2\x82\xac%zz'>x</a>", b"<a href>x</a>",
    b"<template>", b"<noscript>", b"<select><option>", b"<form><input type=password>", b"<style>", b"<textarea>", b"-----BEGIN PGP PUBLIC KEY BLOCK-----", b"Infinity", b"1e999",
)  # fmt: skip
_TAG = re.compile(rb"<[a-zA-Z][^<>]*>")
_ELEMENT = re.compile(rb"<(div|tr|td|li|p|a|span|table|label|h[1-6])\b[^<>]*>.{0,2000}?</\1>", re.DOTALL)
_TEXT = re.compile(rb">([^<>]{2,})<")
_VALUE = re.compile(rb"=([\"'])([^\"'<>]*)\1")


@dataclasses.dataclass(frozen=True)
class Subject:
    """A parser with its fixtures: (body, path) each."""

    parser: object
    rules: object = dataclasses.field(repr=False)
    pages: tuple[tuple[bytes, str], ...] = dataclasses.field(repr=False)


def find_subjects():
    """Every bundled parser, archived ones too."""
    subjects = {}
    for name, place in find_parsers().items():
        if place.door == "bundled":
            parser = load_place(place)
            pages = tuple((one.page.read_bytes(), one.expected.get("path", "")) for one in find_fixtures(parser.path.parent))
            subjects[name] = Subject(parser, rules_of(parser.market, normalise_price), pages)
    return subjects


def horrors(body):
    """The pages that have hung or killed parsers: floods, depths, and a fixture repeated until it is as large as a page may be."""
    many = 1_900_000 // max(len(body), 1)
    element = max((match.group() for match in _ELEMENT.finditer(body)), key=len, default=b"<p>x</p>")
    return {
        "nothing": b"",
        "zeros": b"\0" * 1000,
        "attributes": b"<html><body><div " + b" ".join(b"a%d=1" % number for number in range(100_000)) + b">" + body,
        "some attributes": body.replace(b"<td", b"<td " + b" ".join(b"a%d=1" % number for number in range(900)), 20),
        "depth": b"<html><body>" + b"<div>" * 50_000 + body,
        "depth below the limit": b"<html><body>" + b"<span>" * 240 + body,
        "unclosed tables": b"<table><tr><td>" * 20_000 + body,
        "one long text": body.replace(b"</body>", b"x " * 800_000 + b"</body>"),
        "long digits": re.sub(rb"\d+", b"9" * 5000, body[:20_000])[:1_900_000],
        "repeated page": body * many,
        "repeated element": body.replace(element, element * (1_500_000 // len(element)), 1)[:1_999_000],
        "entities": body.replace(b"</body>", b"&lt;&#x202e;&nbsp;" * 80_000 + b"</body>"),
        "classes": re.sub(rb"class=\"", b'class="' + b"x " * 3000, body)[:1_999_000],
    }


def mutate(random, subject):
    """One hostile page: a fixture of the parser (sometimes of two) with one to eight faults; (body, path)."""
    body, path = random.choice(subject.pages)
    for _ in range(random.randint(1, 8)):
        body = random.choice(MUTATIONS)(random, body, subject) or b" "
    return body[:400_000], random.choice((path, path, "", "/", path + "9" * 400, "/%ff?\ud800", "//[", "http://[::1/x"))


def _flip(random, body, _subject):
    changed = bytearray(body)
    for _ in range(random.randint(1, 40)):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def _truncate(random, body, _subject):
    return body[: random.randrange(len(body)) + 1]


def _cut(random, body, _subject):
    start = random.randrange(len(body))
    return body[:start] + body[start + random.randint(1, 400) :]


def _insert(random, body, _subject):
    start = random.randrange(len(body))
    return body[:start] + random.choice(TOKENS) * random.choice((1, 1, 2, 30)) + body[start:]


def _repeat_element(random, body, _subject):
    found = list(_ELEMENT.finditer(body, random.randrange(len(body))))[:20]
    if not found:
        return body
    match = random.choice(found)
    return body[: match.end()] + match.group() * random.choice((1, 2, 40)) + body[match.end() :]


def _drop_element(random, body, _subject):
    found = list(_ELEMENT.finditer(body, random.randrange(len(body))))[:20]
    match = random.choice(found) if found else None
    return body if match is None else body[: match.start()] + body[match.end() :]


def _flood(random, body, _subject):
    found = list(_TAG.finditer(body))
    if not found:
        return body
    at = random.choice(found).end() - 1
    return body[:at] + b"".join(b" a%d=1" % number for number in range(random.choice((50, 900, 3000)))) + body[at:]


def _nest(random, body, _subject):
    start = random.randrange(len(body))
    return (
        body[:start] + random.choice((b"<div>", b"<table><tr><td>", b"<b><p>", b"<ul><li>")) * random.choice((20, 120, 300)) + body[start:]
    )


def _replace_text(random, body, _subject):
    found = list(_TEXT.finditer(body))
    match = random.choice(found) if found else None
    return body if match is None else body[: match.start(1)] + random.choice(TOKENS) + body[match.end(1) :]


def _empty_text(random, body, _subject):
    share = random.random()
    return _TEXT.sub(lambda match: b"><" if random.random() < share else match.group(), body)


def _replace_value(random, body, _subject):
    found = list(_VALUE.finditer(body))
    match = random.choice(found) if found else None
    return body if match is None else body[: match.start(2)] + random.choice((*TOKENS, b"")).replace(b"'", b"") + body[match.end(2) :]


def _splice(random, body, subject):
    other = random.choice(subject.pages)[0]
    return body[: random.randrange(len(body)) + 1] + other[random.randrange(len(other)) :]


MUTATIONS = (
    _flip,
    _truncate,
    _cut,
    _insert,
    _repeat_element,
    _drop_element,
    _flood,
    _nest,
    _replace_text,
    _empty_text,
    _replace_value,
    _splice,
)


def check_page(subject, body, path):
    """Parse a page in this process and hold what came to the contract; ParserError passes through. Gives the outcome."""
    started = time.thread_time()
    parsed = parse_bytes(subject.parser, body, path=path, fetched_at=NOON)
    assert time.thread_time() - started < CPU_SECONDS
    check_parsed(subject, parsed)
    return parsed.outcome


def check_parsed(subject, parsed):
    """No record without key, nothing that SQLite or JSON cannot hold, and the core can work with it."""
    assert all(one.key.strip() for one in parsed.listings)
    assert all(one.name.strip() for one in parsed.vendors)
    assert parsed.outcome is Outcome.OK or not (parsed.listings or parsed.vendors or parsed.feedback or parsed.links)
    check_value(dataclasses.astuple(parsed))
    encoded = encode_parsed(parsed)
    assert decode_parsed(encoded) == parsed
    json.loads(encoded.decode("utf-8"))
    staged = stage_of(parsed, subject.rules)
    check_value(dataclasses.astuple(staged))
    facts = subject.rules.facts
    for one in parsed.listings[:NORMALISED_LISTINGS]:
        for value in (
            normalise_ship_from(one.ship_from_raw, facts),
            normalise_ship_to(one.ship_to_raw, facts),
            normalise_quantity(one.title, " > ".join(one.category), facts),
            normalise_substance(one.title, one.category, facts.name),
        ):
            check_value(dataclasses.astuple(value))


def check_value(value):
    """A text has no lone surrogate, a number fits SQLite's 64 bits; all the way down."""
    if isinstance(value, str):
        value.encode("utf-8")
    elif isinstance(value, int):
        assert value in SQLITE_INTEGERS
    elif isinstance(value, dict):
        check_value(tuple(value.items()))
    elif isinstance(value, tuple | list):
        for one in value:
            check_value(one)
