"""Layouts: what a TOML file may say, and what is refused in one line."""

from __future__ import annotations

import pytest

from torwatch.dataset.layout import load_layout, shipped_layouts
from torwatch.errors import UsageError


def test_the_shipped_layouts_load():
    names = shipped_layouts()
    assert names == ["categories", "dated", "headerless"]
    assert all(load_layout(name).fields["title"] for name in names)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = 3\nfoo = 1", "unknown key 'foo'"),
        ("title = 'x'", r"\[fields\] must say"),
        ("[fields]\ntitle = 'a'\ncolour = 'b'", "no field 'colour'"),
        ("header = false\n[fields]\ntitle = 'a'", r"needs \[columns\]"),
        ("[fields", "no TOML"),
        ("[fields]\ntitle = 3", r"fields must be a table of columns"),
        ("fields = 3", r"fields must be a table of columns"),
        ("separator = ''\n[fields]\ntitle = 'a'", "separator must be what stands between"),
        ("separator = '\"'\n[fields]\ntitle = 'a'", "separator must be what stands between"),
        ("columns = 'x'\nheader = false\n[fields]\ntitle = 'a'", "columns must be a table of lists"),
        ("header = false\n[fields]\ntitle = 'a'\n[columns]\nseven = ['a']", "columns must be a table of lists"),
        ("header = false\n[fields]\ntitle = 'a'\n[columns]\n'²' = ['a']", "columns must be a table of lists"),
        ("missing = 5\n[fields]\ntitle = 'a'", "missing must be a list of texts"),
        ("key = 5\n[fields]\ntitle = 'a'", "key must be a column or a list"),
        ("header = 'yes'\n[fields]\ntitle = 'a'", "header must be true or false"),
        ("currency = 7\n[fields]\ntitle = 'a'", "currency must be a text, not 7"),
        ("encoding = 'klingon'\n[fields]\ntitle = 'a'", "no encoding 'klingon'"),
    ],
)
def test_a_layout_that_cannot_be_used_is_refused(tmp_path, text, said):
    path = tmp_path / "map.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        load_layout(str(path))
