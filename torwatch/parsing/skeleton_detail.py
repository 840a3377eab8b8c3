"""Rules for what a page is about: the fields of a listing's, a vendor's and a feedback page, tried on all pages of the kind."""

# ruff: noqa: PLR2004 - points and thresholds of a guess: each stands once, where it is explained

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from torwatch.model import PageKind
from torwatch.parserkit import find, is_shown, text
from torwatch.parsing.skeleton_page import PageView, feedback_rows, find_own_key, find_title, main_rows
from torwatch.parsing.skeleton_pairs import Pairs, find_pairs
from torwatch.parsing.skeleton_rows import COUNTED, FROM_RULE, NAME_RULE, TO_RULE, Rule, find_arrow, find_said, smallest
from torwatch.parsing.skeleton_select import selectors_for, tag_of
from torwatch.parsing.skeleton_words import DATE, KEY_BLOCK, MASKED, PRICE, PRICE_RULE, words_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torwatch.parsing.skeleton_links import Template

PROFILE_RULE = r"(?i)^(?:(?:vendor|seller|user|profile|store|shop|of|viewing|page|name)\b'?s?\s*:?\s*)*(.+?)(?:'s?\s(?:profile|store|shop))?\s*(?:[(\[|].*)?$"
SOLD_RULE = r"(?i)\b(?:sold by|vendor|seller)\s*:\s*([^\s:|,;()\[\]]{2,40})"
_DESCRIBED = ".//*[contains(@id, 'desc') or contains(@class, 'desc') or contains(@class, 'Desc') or contains(@id, 'Desc')]"
_ABOUT = ".//*[contains(@class, 'profile') or contains(@class, 'about') or contains(@class, 'terms') or contains(@id, 'profile') or contains(@class, 'desc') or contains(@class, 'bio')]"
_TRAIL = ".//*[contains(@class, 'crumb') or contains(@class, 'trail') or contains(@id, 'crumb')]"
_FRAME = frozenset({"nav", "footer", "aside", "select", "option", "header"})


@dataclass(frozen=True, slots=True)
class Parts:
    """What one kind of page gives: label/value pairs and single rules; `lines`, `keys`, `each` are selectors for text with breaks, PGP blocks, category links."""

    pairs: tuple[Pairs, ...] = ()
    rules: tuple[tuple[str, Rule], ...] = ()
    lines: str = ""
    keys: str = ""
    each: str = ""
    rows: str = ""

    @property
    def fields(self) -> list[str]:
        """Name the fields that are read, those of pairs first."""
        return list(dict.fromkeys([*(name for one in self.pairs for name in one.values), *(name for name, _ in self.rules)]))


def read_listing_parts(pages: Sequence[PageView], templates: Sequence[Template], labels: Mapping[str, str]) -> Parts:
    """Find the rules of listing pages."""
    roots, apart = [page.root for page in pages], [main_rows(page) for page in pages]
    pairs = find_pairs(roots, words_for(PageKind.LISTING, labels), [[*apart[index], *_described(page)] for index, page in enumerate(pages)])
    have = {name for one in pairs for name in one.values}
    rules: dict[str, Rule] = {}
    titles = [(page.root, node) for page in pages if (node := find_title(page)) is not None]
    _put(rules, "title", _agreed(titles))
    _put(rules, "vendor", _vendor(pages, templates, pairs))
    if "price_raw" not in have:
        _put(rules, "price_raw", _price(pages))
    for name, pattern in (("ship_from_raw", FROM_RULE), ("ship_to_raw", TO_RULE), *COUNTED.items()):
        if name not in have:
            _put(rules, name, find_said(roots * 2, pattern))
    if "vendor" not in {*rules, *have}:
        _put(rules, "vendor", find_said(roots * 2, SOLD_RULE))
    if "ship_from_raw" not in {*rules, *have}:
        rules |= find_arrow(roots * 2)
    arrow = next((value for one in pairs if "→" in (value := one.values.get("ship_from_raw", ""))), "")
    pairs = [one for one in (_unvendored(one, rules) for one in pairs) if one.values]
    if arrow:  # one label holds both directions
        pairs = [_dropped(one, "ship_from_raw") for one in pairs]
        rules |= _arrow_rules(pairs, arrow)
    each = _named(roots, _TRAIL, lambda node: 1 < len(find(node, "a")) < 8)  # a path, not a menu
    if each and any("category" in one.values for one in pairs):
        each = ""
    return Parts(
        tuple(pairs), tuple(rules.items()), lines=_named(roots, _DESCRIBED, lambda node: len(text(node)) > 20), each=each
    )  # words, not a heading


def _arrow_rules(pairs: Sequence[Pairs], example: str) -> dict[str, Rule]:
    """One label holds both directions ("Ships from: US → WW"): read both from the text of what holds the labels, up to the next label."""
    holder = next(one for one in pairs if any(label.casefold().startswith(("ship", "origin", "from")) for label in one.labels))
    first = next(label for label in holder.labels if label.casefold().startswith(("ship", "origin", "from")))
    others = "|".join(re.escape(label) for label in holder.labels if label != first)
    start, end = re.escape(first) + r"\s*:?\s*", rf"\s*(?:(?:{others})\s*:|$)" if others else r"\s*$"
    origin, _, destination = (part.strip() for part in example.partition("→"))
    return {
        "ship_from_raw": Rule(holder.scope, rf"{start}([^→]{{1,80}}?)\s*→", origin),
        "ship_to_raw": Rule(holder.scope, rf"{start}[^→]{{1,80}}→\s*(.+?){end}", destination),
    }


def read_vendor_parts(pages: Sequence[PageView], templates: Sequence[Template], labels: Mapping[str, str]) -> Parts:
    """Find the rules of vendor pages."""
    roots = [page.root for page in pages]
    pairs = find_pairs(roots, words_for(PageKind.VENDOR, labels), [main_rows(page) for page in pages])
    rules: dict[str, Rule] = {}
    if not any("name" in one.values for one in pairs):
        nodes = [(page.root, node) for page in pages if (node := _name_node(page, templates)) is not None]
        found = _agreed(nodes)
        if found is not None:
            match = re.search(PROFILE_RULE, found.example)
            rules["name"] = replace(found, pattern=PROFILE_RULE, example=match.group(1)) if match else found
    keys = next((tag_of(node) for root in roots for node in smallest(root, re.compile(KEY_BLOCK), 20_000) if tag_of(node)), "")
    return Parts(
        tuple(pairs), tuple(rules.items()), lines=_named(roots, _ABOUT, lambda node: len(text(node)) > 40), keys=keys
    )  # words, not a heading


def read_feedback_parts(pages: Sequence[PageView]) -> Parts:
    """Find the rules of feedback pages: rows, and what in them looks like a date, a masked buyer, a price, words."""
    rows = [row for page in pages for row in feedback_rows(page.root)]
    if not rows:
        return Parts()
    selector = _rows_selector(rows, pages)
    rules: dict[str, Rule] = {}
    for name, wanted in (("date_raw", DATE), ("buyer", MASKED), ("price_text", PRICE)):
        nodes = [(row, node) for row in rows[:20] for node in smallest(row, wanted, 60)]
        if len(nodes) >= 0.5 * min(len(rows), 20):
            _put(rules, name, _most(nodes, rows[:20], wanted))
    taken = {rule.selector for rule in rules.values()}
    longest = [
        (row, node)
        for row in rows[:20]
        if (node := max((one for one in row.iter() if tag_of(one) and not len(one)), key=lambda one: len(text(one)), default=None))
        is not None
    ]
    found = _most(longest, rows[:20], re.compile(r"\w"))
    if found is not None and found.selector not in taken:
        rules["text"] = found
    return Parts(rules=tuple(rules.items()), rows=selector)


def _put(rules: dict[str, Rule], name: str, found: Rule | None) -> None:
    if found is not None and found.example:
        rules[name] = found


def _agreed(nodes: Sequence[tuple[Any, Any]]) -> Rule | None:
    """Find the selector whose first match on every page is the very element found there (or says the same)."""
    best, most = None, 0.0
    tried = dict.fromkeys(selector for root, node in nodes for selector in selectors_for(node, root))
    for number, selector in enumerate(tried):
        right = sum(bool(hits := find(root, selector)) and text(hits[0]) == text(node) for root, node in nodes)
        alone = sum(len(find(root, selector)) == 1 for root, _ in nodes) / max(1, len(nodes))
        this = right + 0.4 * alone - 0.01 * number
        if right and this > most:
            best, most = selector, this
    return Rule(best, "", text(nodes[0][1])) if best else None


def _most(nodes: Sequence[tuple[Any, Any]], rows: Sequence[Any], wanted: re.Pattern[str]) -> Rule | None:
    best, most, example = "", 0.0, ""
    for number, selector in enumerate(dict.fromkeys(one for row, node in nodes for one in selectors_for(node, row))):
        got = [value for row in rows if (hits := find(row, selector)) and wanted.search(value := text(hits[0]))]
        this = len(got) - 0.01 * number - sum(map(len, got)) / 5000
        if got and this > most:
            best, most, example = selector, this, got[0]
    return Rule(best, "", example) if best else None


def _described(page: PageView) -> list[Any]:
    """Descriptions imitate labels: what is called description does not count."""
    return [node for node in find(page.root, _DESCRIBED) if not find(node, "table, dl, h1, h2, form")]


def _vendor(pages: Sequence[PageView], templates: Sequence[Template], pairs: Sequence[Pairs]) -> Rule | None:
    """Find the link to the vendor: where a label says so, that one; else the link outside the frame that most pages have."""
    vendors = [one for one in templates if one.kind is PageKind.VENDOR and one.hint]
    labelled = next((one.values["vendor"] for one in pairs if "vendor" in one.values), None)
    best, most = None, 0.0
    for template in vendors:
        link = f"a[href*='{template.hint}']"
        tried: dict[str, int] = {}
        for page in pages:
            for node in find(page.root, link)[:40]:
                if {tag_of(one) for one in node.iterancestors()} & _FRAME or not text(node) or len(text(node)) > 60:  # a name is short
                    continue
                for selector in selectors_for(node, page.root):
                    start, _, own = selector.rpartition(" ")
                    if own.startswith("a"):
                        tried.setdefault(f"{start} {link}".strip(), len(tried))
        tried.setdefault(link, len(tried))
        for selector, number in list(tried.items())[:60]:
            first = [hits[0] for page in pages if (hits := find(page.root, selector))]
            texts = [text(hit) for hit in first]
            equal = sum(
                (template.key_in_href(hit.get("href") or "") or " ").casefold() == text(hit).lstrip("@").casefold() for hit in first
            )
            named = sum(
                bool(value) and labelled is not None and (labelled.startswith(value.split()[0]) if value.split() else False)
                for value in texts
            )
            this = sum(0 < len(value) <= 40 for value in texts) + named + 0.8 * equal + 0.3 * (selector != link) - 0.01 * number  # as above
            if texts and texts[0] and this > most:
                best, most = Rule(selector, NAME_RULE if re.search(r"[(\[].*$", texts[0]) else "", texts[0]), this
    return best


def _unvendored(pairs: Pairs, rules: dict[str, Rule]) -> Pairs:
    """Where a rule reads the vendor, the label is known and of no interest."""
    return _dropped(pairs, "vendor") if "vendor" in rules else pairs


def _dropped(pairs: Pairs, name: str) -> Pairs:
    labels = {label: None if field == name else field for label, field in pairs.labels.items()}
    return replace(pairs, labels=labels, values={field: value for field, value in pairs.values.items() if field != name})


def _price(pages: Sequence[PageView]) -> Rule | None:
    """Find the price of the offer: near the title, in something called price, in large letters; not in menus, rates or lists of options."""
    chosen = []
    for page in pages:
        order = {node: number for number, node in enumerate(page.root.iter())}
        title = find_title(page)
        after = order.get(title, 0)
        apart = {node for top in main_rows(page) for node in top.iter()}
        ranked = []
        for node in _prices(page.root):
            holders = [node, *list(node.iterancestors())[:2]]
            called = any("price" in f"{one.get('class')} {one.get('id')}".casefold() for one in holders)
            if node in apart or {tag_of(one) for one in node.iterancestors()} & _FRAME or node.tag == "option" or not is_shown(node):
                continue
            points = 2.0 * called + 1.0 * (order[node] > after) + 0.5 * (node.tag in {"h1", "h2", "h3", "h4", "strong", "b"})
            points += 0.8 * (
                re.search(r"(?i)price|buy", text(node.getparent()) if node.getparent() is not None and len(node.getparent()) < 5 else "")
                is not None
            )
            ranked.append((points - 0.001 * abs(order[node] - after), node))
        if ranked:
            chosen.append((page.root, max(ranked, key=lambda entry: entry[0])[1]))
    found = _agreed(chosen)
    if found is None:
        return None
    plain = len(found.example) <= 30 and not re.search(r"[A-Za-z]{4,}\W*\s.*\d", found.example)  # the price and nothing else
    return found if plain else replace(found, pattern=PRICE_RULE)


def _prices(root: Any) -> list[Any]:
    """List small elements that show a price, and whose children do not."""
    nodes = (node for node in list(root.iter())[:20_000] if tag_of(node) not in {"", "script", "style", "title"} and len(node) <= 6)
    priced = (node for node in nodes if len(said := text(node)) <= 120 and PRICE.search(said))
    return [node for node in priced if not any(tag_of(child) and PRICE.search(text(child)) for child in node)][:200]


def _name_node(page: PageView, templates: Sequence[Template]) -> Any | None:
    """Find where a vendor page says whose it is: the heading (or what is called name) that repeats the page's own key, else the title."""
    key = (find_own_key(page, PageKind.VENDOR, templates) or "").casefold()
    heads = [
        node for node in find(page.root, ".//h1 | .//h2 | .//h3 | .//h4 | .//h5 | .//strong | .//b") if 0 < len(text(node)) <= 80
    ]  # a name
    if key:
        named = next((node for node in heads if key in text(node).casefold()), None)
        if named is not None:
            return named
    hints = [one for one in templates if one.kind is PageKind.VENDOR and one.hint]
    links = [text(node).casefold() for one in hints for node in find(page.root, f"a[href*='{one.hint}']") if text(node)]
    named = next((node for node in heads if links and text(node).split("(")[0].strip().casefold() in links), None)
    return named if named is not None else find_title(page)


def _named(roots: Sequence[Any], selector: str, fits: Callable[[Any], bool]) -> str:
    """Give a selector for what is called by these words on most pages; '' where there is none."""
    nodes = [(root, node) for root in roots for node in find(root, selector)[:20] if fits(node)]
    tried = dict.fromkeys(one for root, node in nodes for one in selectors_for(node, root) if ("." in one or "#" in one))
    best, most = "", 0.0
    for number, one in enumerate(list(tried)[:60]):
        hits = [found[0] for root in roots if (found := find(root, one))]
        this = sum(fits(node) for node in hits) - 0.05 * number
        if this > most:
            best, most = one, this
    return best


def _rows_selector(rows: Sequence[Any], pages: Sequence[PageView]) -> str:
    parent = rows[0].getparent()
    tried = [one for one in selectors_for(rows[0], parent) if "nth" not in one]
    for holder in (parent, parent.getparent() if parent is not None else None):
        if holder is not None:
            tried += [f"{step} {rows[0].tag}" for step in selectors_for(holder, None) if "." in step or "#" in step]
    best, cost = str(rows[0].tag), 10.0**9
    for number, one in enumerate(tried):
        got = [node for page in pages for node in find(page.root, one)]
        this = 5 * len(set(rows) - set(got)) + (len(got) - len(rows)) + 0.1 * number
        if this < cost:
            best, cost = one, this
    return best
