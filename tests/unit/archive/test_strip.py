"""Images and media inside a page are taken out before anything is stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torwatch.archive.strip import REPLACEMENT, strip_data_uris


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
