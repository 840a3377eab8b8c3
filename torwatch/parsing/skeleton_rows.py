"""Repeated rows of listings on a page, and a rule for each of their fields: tried on all rows, taken where most rows give something plausible."""

# ruff: noqa: PLR2004 - points and thresholds of a guess: each stands once, where it is explained

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from torwatch.parserkit import find, text
from torwatch.parsing.skeleton_links import Template, links_of
from torwatch.parsing.skeleton_pairs import Pairs, find_pairs
from torwatch.parsing.skeleton_select import selectors_for, steps_of, tag_of
from torwatch.parsing.skeleton_words import ARROW, LISTING_LABELS, PRICE, PRICE_RULE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

SAMPLE = 12
SIGN = re.compile("→|⟶|➔|➜|->|=>")
COIN = re.compile(r"\b(?:BTC|XMR|LTC)\b|[฿₿]")
MOST_ROWS = 400
NAME_RULE = r"^@?(.+?)(?:['\u2019]s\s.*)?\s*(?:[(\[].*)?$"
FROM_RULE = r"(?i)\b(?:ships?|shipp(?:ing|ed)|sent) from\s*:?\s*(.+?)\s*(?:\[|\||\bdomestic\b|\bships? to\b|\bshipping to\b|\bto\s*:|$)"
TO_RULE = r"(?i)\b(?:ships?|shipping|delivers) to\s*:?\s*(.+?)\s*(?:\bships? from\b|$)"
COUNTED = {"views": r"(?i)\bviews?\s*:?\s*(\d[\d,]*)", "sales": r"(?i)\b(?:sales|sold|orders)\s*:?\s*(\d[\d,]*)"}


@dataclass(frozen=True, slots=True)
class Rule:
    """How one field is read: `selector`, `pattern` ('' for the whole text), and an example of what it gave."""

    selector: str
    pattern: str
    example: str


@dataclass(frozen=True, slots=True)
class RowSet:
    """The rows of one page: `selector` finds them, `nodes` are they, `priced` is the share of them that show a price."""

    selector: str
    nodes: tuple[Any, ...]
    priced: float


def find_rows(root: Any, templates: Sequence[Template], path: str = "") -> RowSet | None:
    """Find the largest set of like elements that hold one listing's link each and, for the most part, a price; None where nothing repeats."""
    listing = [one for one in templates if one.kind == "listing"]
    best: RowSet | None = None
    for template in listing:
        found = _rows_of(root, template, path)
        if found is not None and (
            best is None or (found.priced >= 0.5, len(found.nodes)) > (best.priced >= 0.5, len(best.nodes))
        ):  # most rows
            best = found
    return best


def _rows_of(root: Any, template: Template, path: str) -> RowSet | None:  # noqa: C901 - one climb, step by step
    """Climb from every link to the highest element that speaks of that listing only."""
    keys_below: dict[Any, set[str]] = defaultdict(set)
    links: dict[str, Any] = {}
    for node, address in links_of(root, path):
        key = template.key_in(address)
        if key is None or tag_of(node) != "a":
            continue
        links.setdefault(key, node)
        for holder in (node, *node.iterancestors()):
            keys_below[holder].add(key)
    if len(links) < 2:  # one does not repeat
        return None
    tops = []
    for node in list(links.values())[:MOST_ROWS]:
        while (up := node.getparent()) is not None and len(keys_below[up]) == 1:
            node = up  # noqa: PLW2901 - climbing
        tops.append(node)
    groups: dict[tuple[Any, str], list[Any]] = defaultdict(list)
    for node in tops:
        groups[node.getparent(), node.tag].append(node)
    if _share_priced(tops) < 0.5:  # variants of a listing stand inside its row: the row is farther up  # most rows
        higher = list(dict.fromkeys(_climb_to_price(node) for node in tops))
        if len(higher) > 1 and _share_priced(higher) >= 0.5:  # as above
            groups = defaultdict(list)
            for node in higher:
                groups[node.getparent(), node.tag].append(node)
    merged: dict[str, list[Any]] = defaultdict(list)
    for (parent, _), nodes in groups.items():
        merged[_selector_of(nodes, parent, root)] += nodes
    ranked = sorted(merged.items(), key=lambda entry: (-_share_priced(entry[1]) if len(entry[1]) > 1 else 0, -len(entry[1])))
    ranked.sort(key=lambda entry: -len(entry[1]) * (1 if _share_priced(entry[1]) >= 0.5 else 0.2))  # most rows
    selector, _ = ranked[0]
    matched = [node for node in find(root, selector) if keys_below.get(node)]
    if len(matched) < 2:  # as above
        return None
    return RowSet(selector, tuple(matched), _share_priced(matched))


def _climb_to_price(node: Any) -> Any:
    for holder in (node, *list(node.iterancestors())[:3]):
        if PRICE.search(text(holder)):
            return holder
    return node


def _share_priced(nodes: Sequence[Any]) -> float:
    sample = nodes[: 4 * SAMPLE]
    return sum(PRICE.search(text(node)) is not None for node in sample) / len(sample)


def _selector_of(nodes: Sequence[Any], parent: Any, root: Any) -> str:
    """Name the rows: by what most of them have in common; else as children of their parent."""
    common = Counter(step for node in nodes for step in steps_of(node) if "#" not in step)
    likely = [step for step, count in common.items() if count >= 0.7 * len(nodes)]
    tag = nodes[0].tag
    above = [step for step in steps_of(parent) if step not in {"div", "td"}] if parent is not None else []
    outer = list(steps_of(parent.getparent())) if parent is not None and parent.getparent() is not None else []
    tried = [step for step in likely if "." in step]
    tried += [f"{up} > {step}" for up in above for step in (likely or [tag])]
    tried += [f"{far} > {parent.tag} > {tag}" for far in outer if parent is not None and tag_of(parent)]
    tried += likely or [tag]
    wanted = set(nodes)
    best, cost = tried[0], 10.0**9
    for number, one in enumerate(dict.fromkeys(tried)):
        got = find(root, one)
        missing = len(wanted - set(got))
        this = missing * 5 + (len(got) - len(wanted)) * 0.5 + number * 0.3
        if this < cost:
            best, cost = one, this
    return best


def read_row_rules(rows: Sequence[Any], listing: Template, vendor: Template | None) -> tuple[dict[str, Rule], list[Pairs]]:  # noqa: C901 - one field after the other
    """Find a rule for each field of a row, and label/value pairs inside rows; `rows` are of one or more pages."""
    sample = spread(rows)
    rules: dict[str, Rule] = {}
    title = _best(
        sample, _title_nodes(sample, listing), lambda value: 2 < len(value) <= 250 and not PRICE.search(value), longest=True
    )  # a title has words
    title = (
        title or _attribute(sample, listing) or _best(sample, _title_nodes(sample, listing), lambda value: len(value) > 2, longest=True)
    )  # as above
    if title:
        rules["title"] = title
    if vendor is not None and vendor.hint:
        found = find_vendor(sample, vendor, listing)
        if found:
            rules["vendor"] = found
    pairs = find_pairs(sample, {label: name for label, name in LISTING_LABELS.items() if name != "price_raw"}, scope=".")
    pairs = [
        one for one in pairs if any(name in one.values for name in ("ship_from_raw", "ship_to_raw", "vendor", "category", "stock_raw"))
    ]
    arrows = sum(any(ARROW.search(text(node)) and not _is_named(node) for node in smallest(row, SIGN, 120)) for row in sample)
    said = sum(any(one.fields.read(row).text("ship_from_raw") for one in pairs) for row in sample)
    if arrows and arrows >= said and (route := find_arrow(sample)):  # a route counts more than a label: subtitles imitate labels
        pairs = [_without(_without(one, "ship_from_raw"), "ship_to_raw") for one in pairs]
        rules |= route
    have = {name for one in pairs for name in one.values} | set(rules)
    price = find_price(sample)
    if price:
        rules["price_raw"] = price
    if "vendor" in rules and "vendor" in have:
        pairs = [_without(one, "vendor") for one in pairs]
    for name, pattern in (("ship_from_raw", FROM_RULE), ("ship_to_raw", TO_RULE), *COUNTED.items()):
        if name not in have:
            found = find_said(sample, pattern)
            if found:
                rules[name] = found
    if "ship_from_raw" not in {*rules, *have}:
        rules |= find_arrow(sample)
    return rules, [one for one in pairs if any(one.labels.values())]


def find_vendor(rows: Sequence[Any], vendor: Template, listing: Template) -> Rule | None:
    """Find the link to the vendor in rows: the one that shows the name (as its address has it), not one of several beside it."""
    link = f"a[href*='{vendor.hint}']"
    tried = {link: 0}
    for row in rows:
        for node in find(row, link)[:6]:
            for selector in selectors_for(node, row):
                start, _, own = selector.rpartition(" ")
                if own.partition(".")[0].partition("#")[0] == "a":
                    tried.setdefault(own.replace("a", link, 1) if not start else f"{start} {own.replace('a', link, 1)}", len(tried))
    best, most = None, 0.0
    for selector, number in list(tried.items())[:60]:
        hits = [found[0] for row in rows if (found := find(row, selector)) and not listing.key_in_href(found[0].get("href") or "")]
        texts = [said for hit in hits if 0 < len(said := text(hit)) <= 60]  # names are short
        named = sum((vendor.key_in_href(hit.get("href") or "") or " ").casefold() == text(hit).lstrip("@").casefold() for hit in hits)
        this = len(texts) + 0.5 * named - 0.02 * number - sum(map(len, texts)) / 400
        if len(texts) >= 0.5 * len(rows) and this > most:
            decorated = any(re.search(r"^@|['\u2019]s\s|[(\[][^)\]]*[)\]]\s*$", one) for one in texts)
            best, most = Rule(selector, NAME_RULE if decorated else "", texts[0]), this
    return best


def _without(pairs: Pairs, name: str) -> Pairs:
    labels = {label: None if field == name else field for label, field in pairs.labels.items()}
    return Pairs(pairs.scope, labels, pairs.label, pairs.shape, {field: value for field, value in pairs.values.items() if field != name})


def spread(rows: Sequence[Any]) -> list[Any]:
    """Take a sample from all over the rows: the first ones are often promoted."""
    step = max(1, len(rows) // SAMPLE)
    return list(rows[::step])[: SAMPLE + 2]


def _title_nodes(rows: Sequence[Any], listing: Template) -> list[tuple[Any, Any]]:
    found = []
    for row in rows:
        links = [a for a in ([row, *row.iter("a")] if row.tag == "a" else row.iter("a")) if listing.key_in_href(a.get("href") or "")]
        for link in links:
            found += [(row, node) for node in link.iter() if tag_of(node) and text(node)]
        heads = [node for node in row.iter("h1", "h2", "h3", "h4", "h5", "h6") if text(node)]
        found += [(row, node) for node in heads[:2]]
    return found


def _attribute(rows: Sequence[Any], listing: Template) -> Rule | None:
    if not listing.hint:
        return None
    selector = f"a[href*='{listing.hint}'][title]@title"
    return _rule(rows, selector, "", lambda value: len(value) > 2)  # a title has words


def _best(rows: Sequence[Any], nodes: Iterable[tuple[Any, Any]], fits: Callable[[str], bool], *, longest: bool = False) -> Rule | None:
    """Try every selector for these elements on all rows; the one that gives most (then: the longest texts, then the plainest) wins."""
    nodes = list(nodes)
    tried = dict.fromkeys(selector for row, node in nodes[: 4 * SAMPLE] for selector in selectors_for(node, row))
    best, points, filled = None, 0.0, rows
    for number, selector in enumerate(list(tried)[:120]):
        had = [(row, value) for row in rows if (hits := find(row, selector)) and fits(value := text(hits[0]))]
        texts = [value for _, value in had]
        if len(texts) < 0.3 * len(rows) or (longest and len(set(texts)) < 0.5 * len(texts)):
            continue
        length = sum(map(len, texts)) / len(texts)
        this = (
            len(texts) / len(rows)
            - 0.3 * all(COIN.search(one) for one in texts)
            + (min(length, 80) / 200 if longest else -length / 200)
            + (0.2 if longest and re.search(r"(?i)title|name|\bh[1-6]\b", selector) else 0.0)
            - 0.001 * number
            - 0.05 * (selector.isalpha())
        )
        if best is None or this > points:
            best, points, filled = Rule(selector, "", texts[0]), this, [row for row, _ in had]
    rest = [row for row in rows if row not in filled]
    if best is not None and longest and len(rest) > 0.2 * len(rows):  # rows of another layout
        other = _best(rest, [(row, node) for row, node in nodes if row in rest], fits)
        best = (
            replace(best, selector=f"{best.selector}, {other.selector}") if other is not None and other.selector != best.selector else best
        )
    return best


def _rule(rows: Sequence[Any], selector: str, pattern: str, fits: Callable[[str], bool]) -> Rule | None:
    texts = [value for row in rows if (value := _read(row, selector, pattern)) and fits(value)]
    return Rule(selector, pattern, texts[0]) if len(texts) >= 0.5 * len(rows) else None


def _read(row: Any, selector: str, pattern: str) -> str:
    for hit in find(row, selector):
        if not pattern:
            return text(hit)
        match = re.search(pattern, text(hit))
        if match:
            return match.group(1).strip()
    return ""


def smallest(node: Any, pattern: re.Pattern[str], limit: int = 300) -> list[Any]:
    """List the elements whose text matches and none of whose children's does: where it is said."""
    found: list[Any] = []
    stack = [node]
    while stack and len(found) < 8:  # one row says a thing a few times at most
        one = stack.pop()
        if not tag_of(one) or not pattern.search(text(one)):
            continue
        inner = [child for child in one if tag_of(child) and pattern.search(text(child))]
        if inner:
            stack.extend(reversed(inner))
        elif len(text(one)) <= limit:
            found.append(one)
    return found


def find_price(rows: Sequence[Any]) -> Rule | None:
    """Find the price of rows: the whole text of a small element, else what looks like a price in a longer one."""
    nodes = [(row, node) for row in rows for node in smallest(row, PRICE)]
    whole = _best(
        rows, nodes, lambda value: PRICE.search(value) is not None and len(value) <= 40 and not re.search(r"[A-Za-z]{4,}.*\d", value)
    )
    if whole:
        every = all((hits := find(row, whole.selector)) and PRICE.search(text(hits[0])) for row in rows)
        return whole if every else replace(whole, pattern=PRICE_RULE)
    holder = _best(rows, nodes, lambda value: PRICE.search(value) is not None)
    return Rule(holder.selector, PRICE_RULE, holder.example) if holder else None


def _is_named(node: Any) -> bool:
    """Say whether an element is (part of) a link or heading: titles imitate labels."""
    return any(tag_of(one) in {"a", "h1", "h2", "h3", "h4", "h5", "h6"} for one in (node, *list(node.iterancestors())[:3]))


def find_said(rows: Sequence[Any], pattern: str) -> Rule | None:
    """Find where rows say something in words, by a pattern with one group; absent in many rows is fine."""
    wanted = re.compile(pattern)
    nodes = [(row, node) for row in rows for node in smallest(row, wanted) if not _is_named(node)]
    if len(nodes) < max(2, 0.2 * len(rows)):
        return None
    counts = Counter(selector for row, node in nodes for selector in selectors_for(node, row))
    best, most = "", 0.0
    for number, selector in enumerate(list(counts)[:60]):
        got = [value for row in rows if (value := _read(row, selector, pattern))]
        this = len(got) - 0.01 * number
        if got and this > most:
            best, most = selector, this
    example = next((value for row in rows if (value := _read(row, best, pattern))), "") if best else ""
    return Rule(best, pattern, example) if best else None


def find_arrow(rows: Sequence[Any]) -> dict[str, Rule]:
    """Find "US → WW, EU": the origin before the arrow, the destinations behind it."""
    nodes = [(row, node) for row in rows for node in smallest(row, SIGN, 120) if ARROW.search(text(node)) and not _is_named(node)]
    if len(nodes) < max(2, 0.3 * len(rows)):
        return {}
    found = _best([row for row, _ in nodes], nodes, lambda value: ARROW.search(value) is not None)
    match = ARROW.search(found.example) if found else None
    if found is None or match is None:
        return {}
    sign = r"\s*(?:→|⟶|➔|➜|->|=>)\s*"
    return {
        "ship_from_raw": Rule(found.selector, rf"^(.*?){sign}", match.group(1)),
        "ship_to_raw": Rule(found.selector, rf"{sign}(.*)$", match.group(2)),
    }
