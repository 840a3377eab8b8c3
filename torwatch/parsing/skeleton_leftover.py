"""Label/value pairs of a market that no rule of a skeleton took: what its author may want to name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torwatch.parserkit import find, fold_label, is_shown, text
from torwatch.parsing.skeleton_pairs import MAX_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torwatch.parsing.skeleton_page import PageView

MOST = 12  # that are told
_MAX_VALUE = 60
_HALF = 0.5  # of the pages of a kind must show a label: a description's tables differ from page to page
_FRAME = "nav, footer, aside, header, form"


def find_leftovers(pages: Sequence[PageView], taken: Mapping[str, str | None]) -> dict[str, str]:
    """Give label → a value for pairs that most of these pages (of one kind) show and `taken` (labels as displayed) does not have."""
    known = {fold_label(label) for label in taken}
    counts: dict[str, int] = {}
    values: dict[str, str] = {}
    readable = [page for page in pages if page.is_readable]
    for page in readable:
        for label, value in dict(_pairs(page.root)).items():
            if fold_label(label) and fold_label(label) not in known:
                counts[label] = counts.get(label, 0) + 1
                values.setdefault(label, value)
    common = [label for label, count in counts.items() if count > _HALF * (len(readable) - 1)]
    return {label: values[label] for label in common[:MOST]}


def _pairs(root: Any) -> Iterator[tuple[str, str]]:
    """Yield what stands as a pair: two cells of a row, dt and dd, and a short element that ends in a colon with the text behind it."""
    frame = {node for top in find(root, _FRAME) for node in top.iter()}
    for node in root.iter("tr", "dt", "b", "strong", "label", "span", "small", "p"):
        if node in frame or not is_shown(node):
            continue
        label, value = _read(node)
        label = label.rstrip(": ")
        if label and value and len(label) <= MAX_LABEL and len(value) <= _MAX_VALUE and not any(char.isdigit() for char in label):
            yield label, value


def _read(node: Any) -> tuple[str, str]:
    if node.tag == "tr":
        cells = find(node, "td, th")
        return (text(cells[0]), text(cells[1])) if len(cells) == 2 and not find(node, "tr") else ("", "")  # noqa: PLR2004 - a pair
    following = node.getnext()
    if node.tag == "dt":
        return (text(node), text(following)) if following is not None and following.tag == "dd" else ("", "")
    said = text(node)
    if said.endswith(":"):
        return said, " ".join((node.tail or "").split()) or (text(following) if following is not None else "")
    return "", ""
