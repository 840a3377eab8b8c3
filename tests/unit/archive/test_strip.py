"""Images, media and what tells who the operator is are taken out before anything is stored."""

from __future__ import annotations

import datetime as dt
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torwatch.archive.strip import REPLACEMENT, redact_answer, redact_url, strip_data_uris
from torwatch.model import Fetched, Outcome


@given(st.binary(max_size=300) | st.just(b'<img src="data:image/gif;base64,R0lGOD">') | st.just(b"data:text/css;charset=utf-8,p{}"))
def test_stripping_twice_is_stripping_once(body):
    once, _ = strip_data_uris(body)
    assert strip_data_uris(once)[0] == once


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        (b"no uri here, only data: and metadata:x/y", b"no uri here, only data: and metadata:x/y", 0),
        (b"<img src='data:image/png;base64,AAAA=='>", b"<img src='" + REPLACEMENT + b"'>", 1),
        (
            b"url(DATA:image/svg+xml;utf8,%3Csvg%3E) url(data:font/woff2;base64,ZZ)",
            b"url(" + REPLACEMENT + b") url(" + REPLACEMENT + b")",
            2,
        ),
        (b'<a href="data:text/html;charset=utf-8;base64,QQ">', b'<a href="' + REPLACEMENT + b'">', 1),
    ],
)
def test_payloads_are_taken_out_and_counted(before, after, count):
    assert strip_data_uris(before) == (after, count)


SECRETS = (re.compile(rb"tok-\w+"), re.compile("Opérateur 77".encode()))
MARKET = "http://" + "a" * 56 + ".onion"


@pytest.mark.parametrize(
    ("url", "left"),
    [
        (f"{MARKET}/home?token=tok-1&page=2#tok-2", f"{MARKET}/home?token=[redacted]&page=2#[redacted]"),
        (f"{MARKET}/of/Op%C3%A9rateur%2077/items", f"{MARKET}/of/[redacted]/items"),
        (f"{MARKET}/?q=%74%6Fk-99", f"{MARKET}/?q=[redacted]"),
        (f"{MARKET}/a%20b?c=d%2Fe", f"{MARKET}/a%20b?c=d%2Fe"),
        (f"{MARKET}", f"{MARKET}"),
        ("/relative?t=tok-1", "/relative?t=[redacted]"),
    ],
)
def test_an_address_is_redacted_also_where_it_is_percent_encoded_and_else_left_as_it_is(url, left):
    assert redact_url(url, SECRETS) == left


def test_a_redacted_answer_tells_nothing_in_any_part_and_its_digest_is_that_of_what_is_left():
    fetched = Fetched(
        f"{MARKET}/?t=tok-1",
        Outcome.OK,
        dt.datetime(2026, 1, 5, tzinfo=dt.UTC),
        5,
        200,
        (("Location", "/x?t=tok-1"), ("X-User", "Opérateur 77"), ("Server", "nginx")),
        "hello Opérateur 77".encode(),
        "for tok-1",
        hashlib.sha256("hello Opérateur 77".encode()).hexdigest(),
        request_headers=(("Referer", f"{MARKET}/?t=tok-1"),),
    )
    left = redact_answer(fetched, SECRETS)
    assert "tok-1" not in repr(left) + repr(left.request_headers)
    assert "rateur" not in repr(left)
    assert left.headers[2] == ("Server", "nginx")
    assert left.digest == hashlib.sha256(b"hello [redacted]").hexdigest()
    assert redact_answer(fetched, ()) is fetched
