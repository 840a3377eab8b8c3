from __future__ import annotations

import pytest
from lxml import etree

from torwatch.errors import ParserError
from torwatch.parserkit.selectors import compile_selector, find, quote, to_xpath

TREE = etree.HTML(
    """<body><div id=list class="shop  big"><p class="row a"><a href="/item/1?x=2">One</a><b>[sticky]</b></p>
    <p class="row"><a href="/item/2">Two</a> it's</p><span>tail</span></div><p class=row data-x="a b">out</p></body>"""
)


@pytest.mark.parametrize(
    ("selector", "texts"),
    [
        ("p.row", ["One[sticky]", "Two it's", "out"]),
        ("#list > p", ["One[sticky]", "Two it's"]),
        ("div.shop p.row.a a", ["One"]),
        ("a[href*='item/2']", ["Two"]),
        ("a[href^=/item], span", ["One", "Two", "tail"]),
        ("a[href$='x=2']", ["One"]),
        ("[data-x~=b]", ["out"]),
        ("p + p", ["Two it's"]),
        ("p ~ span", ["tail"]),
        ("p:has-text('sticky') > a", ["One"]),
        ('p:has-text("it\'s") > a', ["Two"]),
        ("b:text-is('[sticky]')", ["[sticky]"]),
        ("p:nth(2)", ["Two it's"]),
        ("a:first", ["One"]),
        (".//p[@class='row'][1]", ["Two it's", "out"]),
        ("(//p)[last()]", ["out"]),
        ("descendant::span", ["tail"]),
    ],
)
def test_a_selector_finds_what_it_says(selector, texts):
    assert ["".join(node.itertext()) for node in find(TREE, selector)] == texts


@pytest.mark.parametrize(
    ("selector", "values"),
    [("a@href", ["/item/1?x=2", "/item/2"]), ("p.a a @href", ["/item/1?x=2"]), ("a@href, div@id", ["list", "/item/1?x=2", "/item/2"])],
)
def test_a_final_at_gives_the_attribute(selector, values):
    assert find(TREE, selector) == values


def test_the_own_attribute_and_the_node_itself_can_be_asked_for():
    link = find(TREE, "a")[0]
    assert find(link, "@href") == ["/item/1?x=2"]
    assert find(link, ".") == [link] == find(link, "")


@pytest.mark.parametrize("selector", ["p..x", "a[", "//p[", "p:nth()", "p{}", "p:hover"])
def test_what_is_no_selector_is_a_parser_error_that_names_it(selector):
    with pytest.raises(ParserError, match="not a selector"):
        compile_selector(selector)


def test_a_text_with_both_quotes_can_be_looked_for():
    wanted = """it's "it" """
    assert etree.XPath(quote(wanted))(TREE) == wanted


def test_commas_in_texts_do_not_part_a_selector():
    assert to_xpath("p:has-text('a, b')") == "descendant::p[contains(normalize-space(.), 'a, b')]"
