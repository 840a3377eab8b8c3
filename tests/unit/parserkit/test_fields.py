from __future__ import annotations

import pytest

from torwatch.parserkit import Fields

MAP = {"Ships from": "ship_from_raw", "Ships to:": "ship_to_raw", "In stock": "stock_raw", "Views": None}
WANT = {"ship_from_raw": "Netherlands", "ship_to_raw": "World Wide, EU", "stock_raw": "5"}

SHAPES = {
    "label and the next element": "<div><label>Ships from</label><span> Netherlands </span></div><div><label>ships to</label><span>World Wide, EU</span></div>"
    "<div><label>In stock:</label><b>5</b></div>",
    "label and tail": "<label>Ships from:</label> Netherlands<br><label>Ships to :</label> World Wide, <i>EU</i><br><label>In&nbsp;stock</label>: 5",
    "label alone in its cell": "<table><tr><td><label>Ships from</label></td><td>Netherlands</td></tr><tr><td><label>Ships to</label></td>"
    "<td>World Wide,<br>EU</td></tr><tr><td><label>In stock</label></td><td><span><b>5</b></span></td></tr></table>",
    "values in following elements": "<small><label><b>Ships from : </b></label> Netherlands </small><small><label>Ships to : </label></small><small>World Wide</small>"
    "<p><label>In stock</label> 5</p>",
}


@pytest.mark.parametrize("shape", list(SHAPES)[:3])
def test_auto_reads_the_usual_shapes(page_of, shape):
    assert Fields("div#facts", MAP).read(page_of(f"<div id=facts>{SHAPES[shape]}</div>")).texts() == WANT


def test_cells_in_pairs_are_read_by_label_whatever_their_order(page_of):
    html = """<table class=t><tr><th>x</th><th>y</th></tr>
      <tr><td><b>In stock</b></td><td><b>5</b></td><td>Ships to</td><td>World Wide, EU</td></tr><tr><td>Ships from</td><td>Netherlands</td><td>New</td><td>1</td></tr></table>"""
    got = Fields("table.t", MAP, shape="cells").read(page_of(html))
    assert got.texts() == WANT
    assert got.unmatched == ("x", "New")


def test_definition_lists_are_read(page_of):
    html = "<dl><div><dt>Ships from</dt><dd>Netherlands</dd></div><div><dd>World Wide, EU</dd><dt>Ships to</dt></div><dt>In stock</dt><dd>5</dd></dl>"
    assert Fields("dl", MAP, shape="dl").read(page_of(html)).texts() == WANT


def test_label_and_value_in_one_element_are_parted_at_the_first_colon(page_of):
    html = "<ul><li>Ships from: Netherlands</li><li>Ships to: World Wide, EU</li><li><b>In stock:</b> 5</li><li>Note: 10:30</li></ul>"
    got = Fields("ul", MAP, label="li", shape="colon").read(page_of(html))
    assert got.texts() == WANT
    assert got.unmatched == ("Note",)


def test_a_tail_ends_at_the_next_label(page_of):
    html = "<p><b>Ships from</b> Nether<i>lands</i> <b>Ships to</b> World Wide, EU <b>In stock</b> 5</p>"
    assert Fields("p", MAP, label="b", shape="tail").read(page_of(html)).texts() == WANT


def test_hidden_labels_never_win(page_of):
    html = """<div class=f><div style="display: none"><label>Ships from</label><span>Atlantis</span></div><label hidden>Ships from</label><span>Oz</span>
      <p><label>Ships from</label><span>Netherlands</span></p></div>"""
    assert Fields("div.f", MAP).read(page_of(html)).text("ship_from_raw") == "Netherlands"


def test_a_description_that_imitates_labels_does_not_win(page_of):
    html = """<div class=f><div class=words><label>Ships from</label><span>Atlantis</span> Ships to: Mars</div><label>Ships from</label><span>Netherlands</span></div>"""
    got = Fields("div.f", MAP, skip=".words").read(page_of(html))
    assert got.texts() == {"ship_from_raw": "Netherlands"}
    assert Fields("div.f > .nothing", MAP).read(page_of(html)).texts() == {}


def test_an_empty_value_is_none_and_not_the_next_label(page_of):
    html = "<div class=f><div><label>Ships from</label></div><div><label>Ships to</label><span>World Wide, EU</span></div></div>"
    got = Fields("div.f", MAP).read(page_of(html))
    assert got.text("ship_from_raw") is None
    assert got.text("ship_to_raw") == "World Wide, EU"


def test_an_unknown_shape_is_refused():
    with pytest.raises(ValueError, match="shape is one of"):
        Fields("p", MAP, shape="magic")


def test_a_copy_adds_labels_and_changes_the_scope(page_of):
    page = page_of("<div class=f><label>Ships from</label><i>Netherlands</i><label>Tea</label><b title=x>green</b></div>")
    got = Fields("div.nothing", MAP).but(scope="div.f", map={"Tea": "listing_type"}).read(page)
    assert got.texts() == {"ship_from_raw": "Netherlands", "listing_type": "green"}
    assert got.node("listing_type").get("title") == "x"
    assert got.node("stock_raw") is None


def test_the_value_of_a_label_alone_in_its_holder_stands_behind_the_holder(page_of):
    html = "<div class=f><p><label>Ships from</label></p><p>Netherlands</p></div>"
    assert Fields("div.f", MAP).read(page_of(html)).texts() == {"ship_from_raw": "Netherlands"}


def test_a_label_without_value_before_the_next_label_gives_nothing(page_of):
    got = Fields("dl", MAP, shape="dl").read(page_of("<dl><dt>Ships from</dt><dt>Ships to</dt><dd>World Wide, EU</dd></dl>"))
    assert got.texts() == {"ship_to_raw": "World Wide, EU"}
