"""Label/value pairs found on pages by their vocabulary, and the `Fields` that read them: every one offered has been tried on the pages."""

# ruff: noqa: PLR2004 - points and thresholds of a guess: each stands once, where it is explained

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torwatch.parserkit import Fields, fold_label, is_shown, text
from torwatch.parsing.skeleton_select import classes_of, nearest_common, selector_of_holder, tag_of
from torwatch.parsing.skeleton_words import is_plausible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_HOLDERS = frozenset(
    {"td", "th", "dt", "label", "b", "strong", "span", "p", "small", "div", "h4", "h5", "h6", "i", "em", "li", "font", "u", "dd"}
)
_ASKS = frozenset({"select", "input", "textarea"})
SHAPES = ("cells", "dl", "auto", "next", "tail", "colon")
MAX_LABEL = 40
MAX_NODES = 30_000  # of one page that are looked at
MOST = 3  # sets of labels that one kind of page gets


@dataclass(frozen=True, slots=True)
class Pairs:
    """One `Fields` to be: where, which labels (as displayed) give which fields, how they are marked, and what they gave."""

    scope: str
    labels: Mapping[str, str | None]
    label: str
    shape: str
    values: Mapping[str, str]

    @property
    def fields(self) -> Fields:
        """Give the rule itself."""
        return Fields(self.scope, self.labels, label=self.label, shape=self.shape)


def labelled(root: Any, words: Mapping[str, str], apart: Sequence[Any] = ()) -> Iterator[tuple[Any, str, str]]:
    """Yield (element, label as displayed, field) for what looks like a known label; elements below `apart` do not count."""
    inside = {node for top in apart for node in top.iter()}
    for count, node in enumerate(root.iter()):
        if count > MAX_NODES:
            return
        if tag_of(node) not in _HOLDERS or len(node) > 4 or node in inside:  # a label holds little
            continue
        said = text(node)
        label = said if len(said) <= MAX_LABEL else said[: MAX_LABEL + 1]
        whole, _, _ = label.partition(":")
        name = words.get(fold_label(said)) if len(said) <= MAX_LABEL else None
        name = name or (words.get(fold_label(whole)) if ":" in label else None)
        if name and is_shown(node) and not _is_asked(node):
            yield node, whole.strip() if ":" in label else said, name


def _is_asked(node: Any) -> bool:
    """Say whether the label belongs to a field of a form: a filter asks "Ships from", it does not say it."""
    following, parent = node.getnext(), node.getparent()
    if following is not None and (following.tag in _ASKS or next(following.iter("select"), None) is not None):
        return True
    return parent is not None and len(parent) <= 4 and next(parent.iter("select"), None) is not None  # a label and its field


def find_pairs(roots: Sequence[Any], words: Mapping[str, str], apart: Sequence[Sequence[Any]] = (), *, scope: str = "") -> list[Pairs]:
    """Find up to three sets of label/value pairs that read most fields over all roots (pages of one kind, or rows), the best first.

    `words`: folded label → field. `apart`: for each root, elements whose labels do not count. `scope`: given where the roots are rows.
    """
    by_form: dict[str, list[tuple[int, Any, str, str]]] = defaultdict(list)
    for index, root in enumerate(roots):
        for node, label, name in labelled(root, words, apart[index] if index < len(apart) else ()):
            for form in _forms(node):
                by_form[form].append((index, node, label, name))
    candidates = [one for form, marks in by_form.items() for one in _candidates(form, marks, roots, scope)]
    scored = sorted(
        ((_score(one, roots), number, one) for number, one in enumerate(candidates)), key=lambda entry: (-entry[0][0], entry[1])
    )
    chosen: list[Pairs] = []
    have: set[str] = set()
    for (score, values), _, pairs in scored:
        new = {name: value for name, value in values.items() if name not in have}
        if score <= 0 or not new or len(chosen) == MOST:
            continue
        labels = {label: name if name in new else None for label, name in pairs.labels.items()}
        chosen.append(Pairs(pairs.scope, labels, pairs.label, pairs.shape, new))
        have |= set(new)
    return chosen


def _forms(node: Any) -> list[str]:
    names = classes_of(node)
    return [f"{node.tag}.{name}" for name in names[:1]] + [node.tag]


def _candidates(form: str, marks: Sequence[tuple[int, Any, str, str]], roots: Sequence[Any], scope: str) -> Iterator[Pairs]:
    labels: dict[str, str | None] = {}
    for _, _, label, name in marks:
        labels.setdefault(label, name)
    if not scope:
        fullest, _ = Counter(index for index, *_ in marks).most_common(1)[0]
        first: dict[str, Any] = {}
        for index, node, _, name in marks:
            if index == fullest:
                first.setdefault(name, node)
        holder = nearest_common(first.values())
        if len(first) == 1 and holder is not None and tag_of(holder) in {"tr", "td", "li", "p", "dt", "b", "small", "span"}:
            holder = holder.getparent()
        scope = selector_of_holder(holder, roots) if holder is not None else "body"
    tag = form.partition(".")[0]
    for shape in SHAPES:
        if (shape == "cells") != (tag in {"td", "th"}) and shape == "cells":
            continue
        if shape == "dl" and tag != "dt":
            continue
        yield Pairs(scope, labels, form, shape, {})


def _score(pairs: Pairs, roots: Sequence[Any]) -> tuple[float, dict[str, str]]:
    """Count plausible values over all roots; what is implausible costs, so that the wrong shape does not win."""
    good = bad = 0
    values: dict[str, str] = {}
    folded = {fold_label(label) for label in pairs.labels}
    for root in roots:
        for name, value in pairs.fields.read(root).texts().items():
            if is_plausible(name, value) and value is not None and fold_label(value) not in folded:
                good += 1
                values.setdefault(name, value)
            elif value is not None:
                bad += 1
    prefer = {"cells": 0.3, "dl": 0.3, "auto": 0.2, "next": 0.15, "tail": 0.1, "colon": 0.05}[pairs.shape]
    narrow = 0.04 if "." in pairs.label else 0.0
    where = 0.1 if pairs.scope != "body" else 0.0
    return (good - 1.5 * bad + (prefer + narrow + where if good else 0.0), values)
