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
    ],
)
def test_a_layout_that_cannot_be_used_is_refused(tmp_path, text, said):
    path = tmp_path / "map.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        load_layout(str(path))
