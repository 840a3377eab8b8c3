from __future__ import annotations

import pytest
from lxml import etree

from torwatch.parserkit import armour, collapse, is_shown, lines, number, read_flag, text


def node(html):
    return etree.HTML(f"<body><main>{html}</main></body>").find(".//main")


@pytest.mark.parametrize(
    ("html", "seen"),
    [
        (" a\n\t&nbsp;b ", "a b"),
        ("Nether<b>lands</b>", "Netherlands"),
        ("a<br>b<div>c</div>d<p>e", "a b c d e"),
        ("<table><tr><td>a<td>b</table>", "a b"),
        ("a<script>x</script><style>y</style>b<!-- c -->d", "abd"),
        ("a<span style='color:red; DISPLAY:None'>x</span><i hidden>y</i><u style='visibility: hidden'>z</u>b", "ab"),
        ("", ""),
    ],
)
def test_text_is_what_a_person_sees(html, seen):
    assert text(node(html)) == seen


def test_lines_keep_their_breaks():
    assert lines(node("a  b<br>c\r\n\r\nf<script>x</script>")) == "a b\nc\n\nf"
    assert lines(node("<p>a <b>b</b></p>c<div>d<i style='display:none'>x</i></div>e")) == "a b\nc\nd\ne"
    assert lines(" an attribute ") == "an attribute"


@pytest.mark.parametrize(
    ("shown", "value"),
    [
        ("1,202 sold", 1202),
        ("\u22129", -9),
        ("+628", 628),
        ("1 000 000", 1000000),
        ("12.5", 12),
        ("none", None),
        ("", None),
        (None, None),
        ("1,20", 1),
    ],
)
def test_numbers_are_read_with_any_sign_and_separator(shown, value):
    assert number(shown) == value


@pytest.mark.parametrize(
    ("shown", "flag"),
    [("Yes", True), ("allowed", True), ("Not allowed", False), ("No", False), ("Disabled", False), ("nothing", None), ("", None)],
)
def test_flags_are_read_or_unknown(shown, flag):
    assert read_flag(shown) is flag


def test_only_public_key_blocks_are_cut_out():
    block = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n-----END PGP PUBLIC KEY BLOCK-----"
    assert armour(f"hi {block} and -----BEGIN PGP MESSAGE-----x-----END PGP MESSAGE----- {block}") == (block, block)


def test_an_element_inside_something_hidden_is_not_shown():
    tree = node("<div style='display:none'><b>x</b></div><i>y</i>")
    assert not is_shown(tree.find(".//b"))
    assert is_shown(tree.find(".//i"))


def test_collapse_treats_every_white_space_alike():
    assert collapse("a\u00a0\u2003b\r\n") == "a b"
