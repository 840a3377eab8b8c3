from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torwatch.model import Outcome
from torwatch.parserkit import Obstacle, text
from torwatch.parserkit.decode import decode, is_truncated, open_tree

PAGE = "<html><head>{}</head><body><p>Grüner Tee \u2014 5 €</p></body></html>"
LATIN = '<meta http-equiv="Content-Type" content="text/html;charset=ISO-8859-1">'


def outcome_of(body, content_type="", **given):
    with pytest.raises(Obstacle) as met:
        open_tree(body, content_type, **given)
    return met.value.outcome


def paragraph(body, content_type=""):
    return text(open_tree(body, content_type).root.find(".//p"))


@pytest.mark.parametrize(
    ("head", "encoding", "content_type"),
    [
        (LATIN, "utf-8", ""),
        ("", "utf-8", "text/html; charset=iso-8859-1"),
        ("<meta charset=ascii>", "utf-8", ""),
        ("", "utf-8", ""),
        ("<meta charset=windows-1251>", "utf-8-sig", ""),
        (LATIN, "windows-1252", ""),
        ("<meta charset='utf-8'>", "windows-1252", "text/html; charset=windows-1252"),
        ("<meta charset=utf-8>", "windows-1252", "text/html; charset=utf-8"),
        ("", "utf-16", ""),
        ("<meta charset=no-such-charset>", "utf-8", "text/html; charset=rot13"),
    ],
)
def test_a_declared_charset_that_the_bytes_contradict_loses(head, encoding, content_type):
    assert paragraph(PAGE.format(head).encode(encoding), content_type) == "Grüner Tee \u2014 5 €"


def test_cyrillic_is_read_as_its_header_says():
    assert (
        paragraph("<html><body><p>Зелёный чай</p></body></html>".encode("windows-1251"), "text/html; charset=windows-1251") == "Зелёный чай"
    )


def test_mojibake_of_the_source_stays_as_it_is():
    assert paragraph("<html><body><p>QualitÃ¤t</p></body></html>".encode()) == "QualitÃ¤t"


def test_utf8_with_a_damaged_byte_is_still_utf8():
    body = PAGE.format(LATIN).encode().replace("\u2014".encode(), b"\xe2\x80") + b""
    assert paragraph(body).startswith("Grüner Tee \ufffd")
    assert decode("<p>schön: €".encode()[:-1])[1] == "utf-8, damaged"


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b"", Outcome.EMPTY),
        (b" \r\n\t\x00", Outcome.EMPTY),
        (b"\xef\xbb\xbf\n", Outcome.EMPTY),
        (b"\x89PNG\r\n\x1a\n\x00\x00", Outcome.NOT_TEXT),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", Outcome.NOT_TEXT),
        (b"GIF89a\x01\x00", Outcome.NOT_TEXT),
        (b"\xef\xbf\xbdPNG\r\n\x1a\n\x00\x00\x00\rIHDR", Outcome.NOT_TEXT),
        ("\ufffd\ufffd\ufffd\ufffd\x00\x10JFIF\x00".encode(), Outcome.NOT_TEXT),
        (("<p>" + "ab\ufffd" * 400).encode(), Outcome.NOT_TEXT),
        (b"<p>" + b"abcd\x01\x02" * 100, Outcome.NOT_TEXT),
        (b"<html>" + b"x" * 100 + b"\x00" * 50, Outcome.NOT_TEXT),
    ],
)
def test_what_is_no_page_is_told_before_it_is_parsed(body, outcome):
    assert outcome_of(body) is outcome


def test_a_few_replacement_characters_are_a_page():
    assert paragraph(("<html><body><p>Tea \ufffd" + " and more tea" * 20 + "</p></body></html>").encode()).startswith("Tea \ufffd and")


def test_a_content_type_of_a_picture_is_believed():
    assert outcome_of(b"<html><p>x</p></html>", "image/png") is Outcome.NOT_TEXT
    assert paragraph(b"<html><p>x</p></html>", "text/plain") == "x"


def test_a_body_over_the_limit_is_too_large():
    assert outcome_of(b"<html>" + b"x" * 100, max_bytes=50) is Outcome.TOO_LARGE


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body " + b" ".join(b"a%d=1" % i for i in range(100_000)) + b"></body></html>",
        b"<html><body " + b" ".join(b'a%d=">"' % i for i in range(100_000)) + b"></body></html>",
        b"<html><body " + b"/".join(b"a%d" % i for i in range(100_000)) + b"></body></html>",
        b"<html><body>" + b"<div>" * 5000 + b"x",
    ],
)
def test_pages_that_would_cost_or_lose_too_much_are_a_parse_limit_at_once(body):
    started = time.process_time()
    assert outcome_of(body) is Outcome.PARSE_LIMIT
    assert time.process_time() - started < 1


def test_long_texts_and_long_attributes_are_no_parse_limit():
    words = b"tea and cheese " * 5000
    body = b"<html><body><p>" + words + b'</p><img src="data:,' + b"A" * 50_000 + b'"><i>5 < 6 > 4</i></body></html>'
    assert text(open_tree(body).root.find(".//i")) == "5 < 6 > 4"


@pytest.mark.parametrize(
    ("body", "cut"),
    [
        (b"<html><body><p>x</p></body></html>", False),
        (b"<html><body><p>x</p></BODY>\n", False),
        (b"<html><body><p>x</p><opt", True),
        (b"<!doctype html><p>x", True),
        (b"<p>a fragment</p>", False),
        (b"<html><body></body></html>" + b" " * 9000, False),
    ],
)
def test_a_document_that_never_closes_is_truncated(body, cut):
    assert is_truncated(body) is cut


@given(st.binary(max_size=300))
def test_any_bytes_give_a_tree_or_an_obstacle(body):
    try:
        outcome = Outcome.OK if open_tree(body).root is not None else None
    except Obstacle as met:
        outcome = met.outcome
    assert outcome in {Outcome.OK, Outcome.EMPTY, Outcome.NOT_TEXT, Outcome.PARSE_LIMIT}
