"""Selectors for elements: what a person would write to find this element again, tried on the pages that are there."""

# ruff: noqa: PLR2004 - points and thresholds of a guess: each stands once, where it is explained

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from torwatch.parserkit import find

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,60}")
_TAG = re.compile(r"[a-z][a-z0-9]{0,15}")
_UNSTABLE = re.compile(r"\d{3,}|^(?:active|first|last|odd|even|selected|new|open|show)$")
_STYLE = re.compile(  # utility classes say how an element looks, not what it is
    r"^(?:-?[mp][trblxy]?-\d|[mp][trblxy]?\d|text-|bg-|font-|flex|grid|items-|justify-|w-|h-|max-|min-|rounded|border|shadow|space-|gap-|inline|block|col-\d|"
    r"d-|float|pull-|align|hidden|relative|absolute|overflow|leading-|tracking-|is-|has-text|img-|clearfix|row$|center$|left$|right$|bold$)"
)
DEPTH = 40


def tag_of(node: Any) -> str:
    """Give the tag where it can stand in a selector, else ''."""
    return node.tag if isinstance(node.tag, str) and _TAG.fullmatch(node.tag) else ""


def classes_of(node: Any) -> list[str]:
    """Give the classes that can stand in a selector, those that tell what the element is before those that tell how it looks."""
    names = [one for one in (node.get("class") or "").split()[:12] if _NAME.fullmatch(one) and not _UNSTABLE.search(one)]
    return sorted(dict.fromkeys(names), key=lambda one: _STYLE.match(one) is not None)


def steps_of(node: Any) -> Iterator[str]:
    """Yield single steps that select this element among others: by id, by class, by an attribute of its own, by tag."""
    tag = tag_of(node)
    if not tag:
        return
    ident = node.get("id") or ""
    if _NAME.fullmatch(ident) and not _UNSTABLE.search(ident):
        yield f"{tag}#{ident}"
    names = classes_of(node)
    yield from (f"{tag}.{name}" for name in names[:4])
    if len(names) > 1:
        yield f"{tag}.{names[0]}.{names[1]}"
    yield tag


def selectors_for(node: Any, top: Any) -> list[str]:
    """List selectors for an element below `top`, the plainest and most telling first; cells of a row also by their place."""
    found = list(steps_of(node))
    plain = [] if not found else found[-1:]
    found = found[:-1]
    own = found[0] if found else (plain[0] if plain else "")
    parent, depth = node.getparent(), 0
    while own and parent is not None and parent is not top and depth < 4:  # farther holders are the page's frame
        joint = " > " if depth == 0 else " "
        for step in steps_of(parent):
            if "." in step or "#" in step or step in {"h1", "h2", "h3", "h4", "h5", "h6", "dt", "dd"}:
                found.append(f"{step}{joint}{own}")
        if tag_of(parent) == "td" and parent.getparent() is not None:
            place = sum(1 for _ in parent.itersiblings("td", preceding=True)) + 1
            found.append(f"td:nth({place}) {own}")
        parent, depth = parent.getparent(), depth + 1
    if tag_of(node) == "td":
        found.append(f"td:nth({sum(1 for _ in node.itersiblings('td', preceding=True)) + 1})")
    return list(dict.fromkeys([*found, *plain]))


def nearest_common(nodes: Iterable[Any]) -> Any | None:
    """Give the nearest element that holds all of these (one alone: its parent)."""
    chains = [[*reversed(list(node.iterancestors()))] for node in nodes]
    if not chains:
        return None
    common = None
    for level in zip(*chains, strict=False):
        if any(one is not level[0] for one in level):
            break
        common = level[0]
    return common


def selector_of_holder(node: Any, roots: Iterable[Any]) -> str:
    """Give a selector for an element or the nearest holder that can be named, the one with fewest matches; 'body' where nothing can."""
    trees, best, fewest = list(roots), "body", 10**6
    holder, depth = node, 0
    while holder is not None and depth < 6 and tag_of(holder) not in {"body", "html", ""}:  # farther up it is the page
        names = [one for one in steps_of(holder) if one != holder.tag]
        for name in names:
            matches = sum(len(find(root, name)) for root in trees)
            if matches < fewest and matches:
                best, fewest = name, matches
        if fewest <= len(trees):
            return best
        holder, depth = holder.getparent(), depth + 1
    return best
