"""Label/value pairs: read by the text of the label, never by position, in the shapes that markets use."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from torwatch.parserkit.page import Page
from torwatch.parserkit.selectors import compile_selector, find
from torwatch.parserkit.text import gather_text, is_shown, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CELLS = frozenset({"td", "th"})
SHAPES = ("auto", "cells", "dl", "next", "tail", "colon")


def fold_label(label: str) -> str:
    """Bring a label to the form in which labels are compared: no case, no colon, collapsed."""
    return " ".join(label.split()).strip(" :\u00a0\uff1a-").casefold()


@dataclass(frozen=True, slots=True)
class Values:
    """What the label/value pairs of one element gave. `found`: field → element or string; `unmatched`: labels that no field took."""

    found: Mapping[str, Any]
    unmatched: tuple[str, ...] = ()

    def text(self, name: str) -> str | None:
        """Give the visible text of the value of a field; None where its label was not there or its value is empty."""
        value = self.found.get(name)
        return None if value is None else text(value) or None

    def texts(self) -> dict[str, str | None]:
        """Give the texts of all fields found."""
        return {name: text(value) or None for name, value in self.found.items()}

    def node(self, name: str) -> Any | None:
        """Give the element that holds the value of a field; None where there is none or the value is bare text."""
        value = self.found.get(name)
        return None if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Fields:
    """Rules to read label/value pairs below `scope`: `Fields("div.details", {"Ships from": "ship_from_raw", …})`.

    `map`: label (case, colon and white space ignored) → name of a record's field; None: known and of no interest. `label`: selector of
    the label elements. `skip`: selector of elements whose labels do not count (descriptions imitate labels). `shape` is how the value stands to its label:

    - cells: `<tr>` with cells in pairs: label, value, label, value …   - dl: `<dt>`, then `<dd>`   - next: the next element
    - tail: the text behind the label element up to the next label or `<br>`; inline elements in it included
    - colon: the element itself holds "Label: value"
    - auto: dl for dt; the next cell for a label alone in its cell; the tail where there is text; else the next element; else colon

    The first value of a field wins. Labels that hide themselves (or stand in something hidden) are ignored unless `hidden`.
    """

    scope: str
    map: Mapping[str, str | None]
    label: str = "label"
    shape: str = "auto"
    skip: str = ""
    hidden: bool = False
    folded: Mapping[str, str | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise ValueError(f"shape is one of {', '.join(SHAPES)}, not {self.shape!r}")
        object.__setattr__(self, "folded", {fold_label(label): name for label, name in self.map.items()})

    def but(self, **changes: Any) -> Fields:
        """Give a changed copy; `map` is added to the labels that are there already."""
        if "map" in changes:
            changes["map"] = {**self.map, **changes["map"]}
        return replace(self, **changes)

    def read(self, page: Page | Any) -> Values:
        """Read the pairs of a page or element."""
        root = page.root if isinstance(page, Page) else page
        skipped = set(find(root, self.skip)) if self.skip else set()
        found: dict[str, Any] = {}
        unmatched: list[str] = []
        for scope in find(root, self.scope):
            for label, node, value in self._pairs(scope):
                key = fold_label(label)
                if key not in self.folded:
                    if key and len(key) <= 60 and label not in unmatched:  # noqa: PLR2004 - longer is a sentence, not a label
                        unmatched.append(label)
                    continue
                name = self.folded[key]
                if name is None or name in found or (skipped and _is_within(node, skipped)) or not (self.hidden or is_shown(node)):
                    continue
                got = value() if callable(value) else value
                if got is not None:
                    found[name] = got
        return Values(found, tuple(unmatched))

    def _pairs(self, scope: Any) -> Iterator[tuple[str, Any, Any]]:
        """Yield (label, its element, value or a function that finds it)."""
        if self.shape == "cells":
            for row in scope.iter("tr"):
                cells = [cell for cell in row if cell.tag in _CELLS]
                for label, value in zip(cells[::2], cells[1::2], strict=False):
                    yield text(label), label, value
            return
        labels = compile_selector("dt" if self.shape == "dl" else self.label)(scope)
        marks = set(labels) if isinstance(labels, list) else set()
        for node in labels if isinstance(labels, list) else ():
            label = text(node)
            if self.shape == "colon" or (
                self.shape == "auto" and ":" in label and not label.endswith(":") and fold_label(label) not in self.folded
            ):
                label, _, value = label.partition(":")
                yield label, node, value.strip()
            else:
                yield label, node, self._finder(node, marks)

    def _finder(self, node: Any, marks: set[Any]) -> Any:
        match self.shape:
            case "dl":
                return lambda: _following(node, frozenset({"dd"}))
            case "next":
                return lambda: _following(node)
            case "tail":
                return lambda: _tail(node, marks) or None
            case _:
                return lambda: _auto(node, marks)


def _auto(node: Any, marks: set[Any]) -> Any:
    if node.tag == "dt" or node.tag in _CELLS:
        return _following(node, frozenset({"dd"}) if node.tag == "dt" else _CELLS)
    tail, nearest = _tail(node, marks), _following(node)
    if (node.tail or "").strip(" \t\r\n:\u00a0"):
        return tail
    if nearest is not None and nearest not in marks and nearest.tag != "br":
        return nearest
    return tail or _beside(node, marks)


def _beside(node: Any, marks: set[Any]) -> Any | None:
    """Find the value of a label that stands alone in its holder: the element or cell behind the holder, unless that holds a label itself."""
    holder = node.getparent()
    while holder is not None and holder.tag not in _CELLS and text(holder) == text(node):
        following = _following(holder)
        if following is not None:
            return None if any(mark in marks for mark in following.iter()) else following
        holder = holder.getparent()
    return _following(holder, _CELLS) if holder is not None and holder.tag in _CELLS and text(holder) == text(node) else None


def _following(node: Any, tags: frozenset[str] = frozenset()) -> Any | None:
    for sibling in node.itersiblings():
        if not tags or sibling.tag in tags:
            return sibling
        if tags and sibling.tag == node.tag and "dd" in tags:
            return None  # the next dt comes first: this one has no value
    if "dd" in tags:
        return next((sibling for sibling in node.itersiblings(preceding=True) if sibling.tag in tags), None)
    return None


def _tail(node: Any, marks: set[Any]) -> str:
    """The text behind an element up to the next label or `<br>`, without the colon that belongs to the label."""
    parts = [node.tail or ""]
    for sibling in node.itersiblings():
        if sibling in marks or sibling.tag == "br" or any(mark in marks for mark in sibling.iterdescendants()):
            break
        gather_text((sibling,), parts)
    return " ".join("".join(parts).split()).removeprefix(":").strip()


def _is_within(node: Any, skipped: set[Any]) -> bool:
    return node in skipped or any(parent in skipped for parent in node.iterancestors())
