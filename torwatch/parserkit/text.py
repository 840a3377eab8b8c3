"""Text as a person sees it: white space collapsed, hidden parts left out, numbers with any sign and separator read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_BREAKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "br",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "label",
        "legend",
        "li",
        "main",
        "nav",
        "ol",
        "option",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
_UNSEEN = frozenset({"script", "style", "template", "noscript", "head"})
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_FLAGS = re.compile(r"^\(\?[a-zA-Z]+\)")
MAX_DIGITS = 18  # fits 64 bits; nothing that a market counts has more
_INTEGER = re.compile(r"[-+\u2212]?\d+(?:[,.' \u00a0\u202f]\d{3}(?!\d))*")


def collapse(value: str) -> str:
    """Collapse every run of white space (NBSP counts) to one space and strip the ends."""
    return " ".join(value.split())


def text(node: Any) -> str:
    """Give the visible text of an element, collapsed; block elements and `<br>` part words, hidden elements say nothing.

    A string (an attribute, a `text()` node) is only collapsed. The element itself may be hidden: who asks for it gets it.
    """
    if isinstance(node, str):
        return " ".join(node.split())
    if not len(node):
        return " ".join((node.text or "").split())
    parts: list[str] = []
    if node.text:
        parts.append(node.text)
    gather_text(node, parts)
    return " ".join("".join(parts).split())


def gather_text(nodes: Any, parts: list[str]) -> None:
    """Append the visible text of each element and of what follows it to `parts`: of the children of an element, or of a list of siblings."""
    for node in nodes:
        tag = node.tag
        if tag in _BREAKS:
            parts.append(" ")
        if tag not in _UNSEEN and isinstance(tag, str) and not is_hidden(node):
            if node.text:
                parts.append(node.text)
            if len(node):
                gather_text(node, parts)
        if tag in _BREAKS:
            parts.append(" ")
        if node.tail:
            parts.append(node.tail)


def searcher(pattern: str) -> Callable[[str], re.Match[str] | None]:
    """Compile a pattern to its search; one that can only match at the start is not tried at every other place, as `re.search` does."""
    compiled = re.compile(pattern)
    rest = re.sub(r"\\.|\[\^?\]?[^\]]*\]", "", _FLAGS.sub("", pattern))
    while (inner := re.sub(r"\([^()]*\)", "", rest)) != rest:
        rest = inner
    anchored = rest.startswith("^") and "|" not in rest and not compiled.flags & re.MULTILINE
    return compiled.match if anchored else compiled.search


def before(node: Any) -> str:
    """Give the nearest text before an element in its holder, collapsed; "" where there is none."""
    earlier = node.getprevious()
    while earlier is not None:
        if earlier.tail is not None and not earlier.tail.isspace():
            return " ".join(earlier.tail.split())
        earlier = earlier.getprevious()
    holder = node.getparent()
    return " ".join((holder.text or "").split()) if holder is not None else ""


def behind(node: Any) -> str:
    """Give the nearest text behind an element in its holder, collapsed; "" where there is none."""
    while node is not None:
        if node.tail is not None and not node.tail.isspace():
            return " ".join(node.tail.split())
        node = node.getnext()
    return ""


def has_more_text(node: Any, limit: int) -> bool:
    """Say whether the visible text of an element has more than `limit` characters; stops as soon as it is known."""
    seen, stack = 0, [node]
    while stack:
        one = stack.pop()
        if isinstance(one.tag, str) and one.tag not in _UNSEEN and not is_hidden(one):
            seen += len((one.text or "").strip()) + sum(len((child.tail or "").strip()) for child in one)
            if seen > limit:
                return True
            stack.extend(one)
    return False


def lines(node: Any) -> str:
    """Give the visible text of an element with its line breaks kept: descriptions, PGP blocks, terms."""
    if isinstance(node, str):
        return node.strip()
    parts = [node.text or ""]
    _gather_lines(node, parts)
    rows = (" ".join(row.split()) for row in "".join(parts).replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    return "\n".join(rows).strip()


def _gather_lines(nodes: Any, parts: list[str]) -> None:
    for node in nodes:
        tag = node.tag
        if tag in _BREAKS:
            parts.append("\n")
        if tag not in _UNSEEN and isinstance(tag, str) and not is_hidden(node):
            parts.append(node.text or "")
            _gather_lines(node, parts)
        if tag in _BREAKS and tag != "br":
            parts.append("\n")
        parts.append(node.tail or "")


def is_hidden(node: Any) -> bool:
    """Say whether the element hides itself: inline `display:none` or `visibility:hidden`, or the `hidden` attribute."""
    style = node.get("style")
    return (style is not None and _HIDDEN.search(style) is not None) or node.get("hidden") is not None


def is_shown(node: Any) -> bool:
    """Say whether neither the element nor any element around it hides itself."""
    return not (is_hidden(node) or any(is_hidden(parent) for parent in node.iterancestors()))


def number(value: str | None) -> int | None:
    """Read the first whole number: `1,202`, `+62`, `\u22129` (U+2212), `1 000`; None where there is none, or one that no database holds."""
    if not value:
        return None
    match = _INTEGER.search(value)
    digits = re.sub(r"[^\d-]", "", match.group().replace("\u2212", "-")) if match else ""
    return int(digits) if 0 < len(digits) <= MAX_DIGITS else None


def armour(value: str) -> tuple[str, ...]:
    """Cut the armoured OpenPGP public key blocks out of a text, as they stand."""
    return tuple(
        match.strip()
        for match in re.findall(r"-----BEGIN PGP PUBLIC KEY BLOCK-----.*?-----END PGP PUBLIC KEY BLOCK-----", value, re.DOTALL)
    )
