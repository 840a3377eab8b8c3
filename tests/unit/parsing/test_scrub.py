from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torwatch.parsing.scrub import find_remains, scrub

PAGE = b"""<!-- saved from url=(0030)http://abcdefghijklmnop.onion/item/7 -->
<html><head><script src="/x.js">steal()</script><meta name="csrf-token" content="deadbeef"></head>
<body onload="go()"><td>broken<td><img src="data:image/png;base64,iVBORw0KGgo"><form><input type=hidden name=_token value=s3cr3t>
<input type="hidden" name="offer" value="7"><p>hello annabuyer</p><a href="http://abcdefghijklmnop.onion/u/x">x</a></form></body></html>"""


@pytest.mark.parametrize(
    "word", [b"steal", b"x.js", b"deadbeef", b"onload", b"iVBOR", b"s3cr3t", b"saved from", b"abcdefghijklmnop", b"annabuyer"]
)
def test_what_must_not_be_kept_is_gone(word):
    assert word in PAGE
    assert word not in scrub(PAGE, ["AnnaBuyer"])


def test_markup_and_plain_values_stay_as_they_were():
    clean = scrub(PAGE)
    assert b'name="offer" value="7"' in clean
    assert b"<td>broken<td>" in clean
    assert find_remains(clean) == []
    assert find_remains(PAGE) == ["a script", "the address it was saved from"]


@given(st.binary(max_size=400))
def test_scrubbing_twice_changes_nothing_more(body):
    assert scrub(scrub(body)) == scrub(body)
