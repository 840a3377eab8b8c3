"""Shapes of page kinds: selectors that pages of one kind match and the other pages given do not."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from torwatch.model import PageKind
from torwatch.parserkit import find

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torwatch.parsing.skeleton_detail import Parts
    from torwatch.parsing.skeleton_page import PageView

_ORDER = (PageKind.FEEDBACK, PageKind.LISTING, PageKind.VENDOR, PageKind.LISTING_INDEX)


def choose_shapes(parts: Mapping[PageKind, Parts], pages: Sequence[PageView]) -> dict[PageKind, str]:
    """Choose a selector for each kind and the order in which they are asked; one that would take pages of another kind comes later, or not at all."""
    readable = [page for page in pages if page.is_readable]
    chosen: dict[PageKind, tuple[int, str]] = {}
    for kind in _ORDER:
        if kind not in parts:
            continue
        own = [page for page in readable if page.kind is kind]
        others = [page for page in readable if page.kind is not kind]
        best: tuple[int, int, str] | None = None
        for number, selector in enumerate(_candidates(kind, parts[kind])):
            missed = sum(not find(page.root, selector) for page in own)
            wrong = sum(bool(find(page.root, selector)) for page in others)
            rank = (missed * 3 + wrong, number, selector)
            if missed < len(own) and (best is None or rank < best):
                best = rank
        if best is not None:
            chosen[kind] = (sum(bool(find(page.root, best[2])) for page in others), best[2])
    return {kind: selector for kind, (_, selector) in sorted(chosen.items(), key=lambda entry: entry[1][0])}


def _candidates(kind: PageKind, parts: Parts) -> Iterator[str]:  # noqa: C901 - a list of ways, the best first
    rules = dict(parts.rules)
    if kind is PageKind.LISTING_INDEX:
        link = rules["key"].selector.removesuffix("@href") if "key" in rules else ""
        for row in parts.rows.split(", "):
            if link:
                yield f"{row} {link}"
            yield row
        return
    if kind is PageKind.FEEDBACK and parts.rows:
        yield parts.rows
        yield from (f"{parts.rows} {rule.selector}" for rule in rules.values())
        return
    for pairs in parts.pairs:
        if pairs.scope != "body":
            yield pairs.scope
        for label, name in pairs.labels.items():
            if name and "'" not in label and '"' not in label:
                yield f"{pairs.scope} {pairs.label}:has-text('{label}')"
    for pairs in parts.pairs:
        plain = [label for label, name in pairs.labels.items() if name and "'" not in label and '"' not in label]
        yield from (f"{pairs.scope}:has-text('{one}'):has-text('{other}')" for one, other in itertools.pairwise(plain))
    for name in ("price_raw", "title", "name", "vendor"):
        if name in rules:
            yield rules[name].selector
    yield from (one for one in (parts.lines, parts.keys, parts.each) if one)
    for pairs in parts.pairs:
        yield from (
            f"{pairs.scope}:has-text('{label}')" for label, name in pairs.labels.items() if name and "'" not in label and '"' not in label
        )
