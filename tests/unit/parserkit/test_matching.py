"""Plain selectors find what their XPath finds."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import example, given
from lxml import etree

from torwatch.parserkit.selectors import compile_selector, to_xpath

TAGS = ("div", "p", "a", "b")
ATTRIBUTES = st.dictionaries(
    st.sampled_from(("class", "id", "href")),
    st.sampled_from(("tea", "tea big", " big\ttea ", "teapot", "", "big\u00a0tea", "/tea/1")),
    max_size=2,
)
TREES = st.recursive(
    st.tuples(st.sampled_from(TAGS), ATTRIBUTES, st.just(())),
    lambda inner: st.tuples(st.sampled_from(TAGS), ATTRIBUTES, st.lists(inner, max_size=4)),
    max_leaves=25,
)
CONDITIONS = st.sampled_from(
    (
        "",
        ".tea",
        ".big.tea",
        ":not(.tea)",
        "#tea",
        "[href]",
        "[class='']",
        "[href*=tea]",
        "[id^=tea]",
        "[class$=tea]",
        "[class~=tea]",
        ":has-text('x')",
        ":text-is('x')",
        ":nth(2)",
        ":last",
    )
)
COMPOUNDS = st.tuples(st.sampled_from((*TAGS, "*", "")), CONDITIONS).map("".join).filter(bool)
PATHS = st.tuples(COMPOUNDS, st.lists(st.tuples(st.sampled_from((" ", " > ", " + ", " ~ ")), COMPOUNDS).map("".join), max_size=3)).map(
    lambda parts: parts[0] + "".join(parts[1])
)
SELECTORS = st.one_of(
    st.tuples(PATHS, st.sampled_from(("", "@href", "@class", ":first"))).map("".join),
    st.lists(PATHS, min_size=2, max_size=3).map(", ".join),
)


def build(tree):
    tag, attributes, inner = tree
    node = etree.Element(tag, attributes)
    node.text = "x"
    node.extend([build(one) for one in inner])
    return node


@example(("div", {}, ()), "p, *")
@given(TREES, SELECTORS)
def test_a_plain_selector_finds_what_its_xpath_finds_in_the_same_order(tree, selector):
    root = build(("body", {}, [tree]))
    expression = to_xpath(selector)
    for node in root.iter():
        assert compile_selector(selector)(node) == etree.XPath(expression)(node)
        assert compile_selector(selector, first=True)(node) == etree.XPath(f"({expression})[1]")(node)


@given(ATTRIBUTES)
def test_the_own_attribute_is_found_or_not(attributes):
    node = etree.Element("a", attributes)
    assert compile_selector("@href")(node) == node.xpath("@href")
