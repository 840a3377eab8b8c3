"""A skeleton parser from saved pages: kinds guessed, rules found and tried, fixtures written, expected values made by running it.

`make_skeleton` analyses and never raises on what a page holds; `write_skeleton` writes the folder, whole or not at all.
"""

# ruff: noqa: PLR2004 - points and thresholds of a guess: each stands once, where it is explained

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from torwatch.model import Outcome, PageKind
from torwatch.parserkit import find, text
from torwatch.parsing.scrub import SAVED_AT, scrub
from torwatch.parsing.skeleton_detail import Parts, read_feedback_parts, read_listing_parts, read_vendor_parts
from torwatch.parsing.skeleton_leftover import find_leftovers
from torwatch.parsing.skeleton_links import Template, find_templates, index_template
from torwatch.parsing.skeleton_page import PageView, find_frame, find_own_key, judge_page, main_rows, view_page
from torwatch.parsing.skeleton_rows import Rule, find_rows, read_row_rules
from torwatch.parsing.skeleton_shapes import choose_shapes
from torwatch.parsing.skeleton_source import Design, write_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_MOST = 0.5
_COMMA, _POINT = re.compile(r"\d,\d{1,2}(?!\d)"), re.compile(r"\d\.\d{1,2}(?!\d)")
_CONTENT = (PageKind.LISTING, PageKind.VENDOR, PageKind.FEEDBACK, PageKind.LISTING_INDEX)
_INVENTED = {
    PageKind.LISTING: Template(PageKind.LISTING, r"^/listing/(?P<key>[^/?#]+)", "/listing/", 0, "/listing/1"),
    PageKind.VENDOR: Template(PageKind.VENDOR, r"^/vendor/(?P<key>[^/?#]+)", "/vendor/", 0, "/vendor/1"),
}


@dataclass(frozen=True, slots=True)
class SavedPage:
    """One page given: a name for its fixture, its bytes, and its path and query where known."""

    name: str
    body: bytes
    path: str = ""
    kind: PageKind | None = None  # where the user says what it is


@dataclass(frozen=True, slots=True)
class Skeleton:
    """What the analysis gave: the source of parser.py, the pages with their guessed kinds and paths, and what a person should know."""

    name: str
    source: str
    pages: tuple[PageView, ...]
    paths: Mapping[str, str]
    invented: frozenset[str]
    design: Design
    labels: Mapping[str, str]

    @property
    def leftovers(self) -> dict[PageKind, dict[str, str]]:
        """Give label → a value of pairs that listings and vendors show and no rule took."""
        found = {}
        for kind in (PageKind.LISTING, PageKind.VENDOR):
            members = [page for page in self.pages if page.kind is kind]
            parts = self.design.parts.get(kind)
            taken = {label: name for pairs in parts.pairs for label, name in pairs.labels.items()} if parts else {}
            found[kind] = find_leftovers(members, taken)
        return {kind: left for kind, left in found.items() if left}


def make_skeleton(name: str, saved: Iterable[SavedPage], *, words: Sequence[str] = (), labels: Mapping[str, str] | None = None) -> Skeleton:
    """Analyse pages of one market. `words`: what must not be kept (the operator's account name); `labels`: the market's own labels → fields.

    Pages are scrubbed first. Where a page's kind is given, it is believed, and so is what that says of its address.
    """
    pages, told = [], {}
    for one in saved:
        seen = SAVED_AT.search(one.body[:4096])
        path = one.path or (_path_of(seen.group(1).decode("ascii", "ignore")) if seen else "")
        pages.append(view_page(one.name, scrub(one.body, words), path))
        if one.kind is not None:
            told[one.name] = one.kind
    paths = [path for page in pages for path in (*page.paths, *([page.path] if page.path else []))]
    templates = _written(find_templates(paths, {page.path: told[page.name] for page in pages if page.path and page.name in told}), pages)
    if not any(one.kind is PageKind.LISTING for one in templates):
        templates += guess_templates(pages, _written(find_templates(paths, unknown=True), pages))
    find_frame(pages)
    for page in pages:
        judge_page(page, templates)
        if page.name in told and page.is_readable:
            page.kind, page.outcome, page.fault = told[page.name], Outcome.OK, ""
    indexes = [page.path for page in pages if page.path and page.kind is PageKind.LISTING_INDEX]
    templates += [index_template(path) for path in indexes if not any(re.search(one.pattern, path) for one in templates)]
    return design_skeleton(name, pages, templates, labels or {})


def guess_templates(pages: Sequence[PageView], unknown: Sequence[Template]) -> list[Template]:
    """Where no word in an address tells: what repeats in rows that show prices is a listing's address, a second one beside it the vendor's."""
    best: Template | None = None
    rows: tuple[Any, ...] = ()
    longest = 0.0
    for template in unknown:
        for page in pages:
            found = find_rows(page.root, [template], page.path) if page.is_readable else None
            if found is None or found.priced < _MOST or len(found.nodes) <= 2:
                continue
            titles = [
                max((len(text(a)) for a in row.iter("a") if template.key_in_href(a.get("href") or "")), default=0) for row in found.nodes
            ]
            length = sum(titles) / len(titles)  # titles are longer than names
            if length > longest:
                best, rows, longest = template, found.nodes, length
    if best is None:
        return []
    others = [replace(one, kind=PageKind.VENDOR) for one in unknown if one.pattern != best.pattern]
    beside = [one for one in others if sum(any(one.key_in_href(href) for href in find(row, "a@href")) for row in rows) >= _MOST * len(rows)]
    return [best, *beside[:1]]


def design_skeleton(name: str, pages: Sequence[PageView], templates: Sequence[Template], labels: Mapping[str, str]) -> Skeleton:
    """Find the rules of each kind of page and write the source; `pages` know their kinds."""
    groups = {kind: [page for page in pages if page.kind is kind and page.is_readable] for kind in _CONTENT}
    parts: dict[PageKind, Parts] = {}
    for kind, members in groups.items():
        found = _parts_of(kind, members, templates, labels) if members else None
        if found is not None and found.fields:
            parts[kind] = found
    declared = list(templates)
    declared += [invented for kind, invented in _INVENTED.items() if kind in parts and not any(one.kind is kind for one in templates)]
    paths, made_up = _paths(pages, declared)
    origins = [text(hit) for page in groups[PageKind.LISTING_INDEX] for hit in _origins(page, parts)]
    iso2 = len(origins) > 1 and all(re.fullmatch(r"[A-Z]{2,3}", origin) for origin in origins)
    comma = _writes_comma(parts)
    design = Design(
        name, _market_title(pages, name), tuple(_tidy(declared)), choose_shapes(parts, pages), parts, _always(parts), iso2, comma
    )
    return Skeleton(name, write_source(design), tuple(pages), paths, made_up, design, labels)


def _writes_comma(parts: Mapping[PageKind, Parts]) -> bool:
    """Say whether the prices found are written "1.250,50"."""
    rules = [dict(one.rules).get("price_raw") for one in parts.values()]
    shown = [rule.example for rule in rules if rule is not None]
    shown += [one.values["price_raw"] for part in parts.values() for one in part.pairs if "price_raw" in one.values]
    return any(_COMMA.search(price) for price in shown) and not any(_POINT.search(price) for price in shown)


def _parts_of(kind: PageKind, members: Sequence[PageView], templates: Sequence[Template], labels: Mapping[str, str]) -> Parts | None:
    if kind is PageKind.LISTING:
        return read_listing_parts(members, templates, labels)
    if kind is PageKind.VENDOR:
        return read_vendor_parts(members, templates, labels)
    if kind is PageKind.FEEDBACK:
        return read_feedback_parts(members)
    rows = [row for page in members for row in main_rows(page)]
    listing = _listing_template(rows, templates)
    selectors = Counter(page.rows.selector for page in members if page.rows is not None)
    if listing is None or not selectors:
        return None
    vendor = _vendor_template(rows, templates)
    rules, pairs = read_row_rules(rows, listing, vendor)
    link = f"a[href*='{listing.hint}']@href" if listing.hint and any(find(row, "a[href]") for row in rows[:5]) else "@href"
    example = next((href for row in rows[:5] for href in find(row, link)), "")
    keyed = {"key": Rule(link, listing.written, listing.key_in_href(example) or ""), "path": Rule(link, "", example)}
    ordered = ", ".join(_covering([selector for selector, _ in selectors.most_common()], members, listing))
    return Parts(tuple(pairs), tuple((keyed | rules).items()), rows=ordered)


def _covering(selectors: Sequence[str], members: Sequence[PageView], listing: Template) -> list[str]:
    """Take the commonest row selector, and others only where a page would have no row: two that match one row give it twice."""
    taken: list[str] = []
    for selector in selectors:
        bare = [page for page in members if not any(_has_rows(page, one, listing) for one in taken)]
        if any(_has_rows(page, selector, listing) for page in bare):
            taken.append(selector)
    return taken[:3]


def _has_rows(page: PageView, selector: str, listing: Template) -> bool:
    hrefs = (href for row in find(page.root, selector) for href in [row.get("href"), *find(row, "a@href")])
    return any(href and listing.key_in_href(href) for href in hrefs)


def _listing_template(rows: Sequence[Any], templates: Sequence[Template]) -> Template | None:
    return _most_seen(rows, [one for one in templates if one.kind is PageKind.LISTING])


def _vendor_template(rows: Sequence[Any], templates: Sequence[Template]) -> Template | None:
    return _most_seen(rows, [one for one in templates if one.kind is PageKind.VENDOR and one.hint])


def _most_seen(rows: Sequence[Any], templates: Sequence[Template]) -> Template | None:
    counts = {one.pattern: 0 for one in templates}
    for row in rows[:60]:
        hrefs = [*([row.get("href")] if row.get("href") else []), *find(row, "a@href")]
        for one in templates:
            counts[one.pattern] += any(one.key_in_href(href) for href in hrefs)
    best = max(templates, key=lambda one: counts[one.pattern], default=None)
    return best if best is not None and counts[best.pattern] else None


def _origins(page: PageView, parts: Mapping[PageKind, Parts]) -> list[Any]:
    rule = dict(parts[PageKind.LISTING_INDEX].rules).get("ship_from_raw") if PageKind.LISTING_INDEX in parts else None
    if rule is None or not rule.pattern:
        return []
    return [
        match.group(1)
        for row in main_rows(page)[:20]
        for hit in find(row, rule.selector)[:1]
        if (match := re.search(rule.pattern, text(hit)))
    ]


def _written(templates: Sequence[Template], pages: Sequence[PageView]) -> list[Template]:
    """Make hints fit the hrefs as they are written: relative ones have no leading slash."""
    hrefs = [href for page in pages if page.is_readable for href in find(page.root, "a@href")]
    out = []
    for one in templates:
        mine = [href for href in hrefs if one.key_in_href(href)]
        hint = one.hint
        if mine and hint.startswith("/") and sum(hint in href for href in mine) < len(mine):
            hint = hint.lstrip("/")
        out.append(replace(one, hint=hint))
    return out


def _tidy(templates: Sequence[Template]) -> list[Template]:
    """Leave out patterns that say the same twice, and more than a page of them."""
    seen: dict[str, Template] = {}
    for one in templates:
        seen.setdefault(one.pattern, one)
    return [
        one
        for kind in (PageKind.FEEDBACK, PageKind.LISTING, PageKind.VENDOR, PageKind.LISTING_INDEX)
        for one in [t for t in seen.values() if t.kind is kind][:6]
    ]


def _path_of(url: str) -> str:
    match = re.match(r"https?://[^/?#]+([^#]*)", url)
    return (match.group(1) or "/") if match else ""


def _paths(pages: Sequence[PageView], templates: Sequence[Template]) -> tuple[dict[str, str], frozenset[str]]:
    """Give the path of each fixture: the known one; for listings and vendors else one made of the page's own key, or made up."""
    paths, made_up = {}, set()
    for page in pages:
        if page.path:
            paths[page.name] = page.path
        elif page.kind in _INVENTED:
            template = (
                next(one for one in templates if one.kind is page.kind)
                if any(one.kind is page.kind for one in templates)
                else _INVENTED[page.kind]
            )
            key = find_own_key(page, page.kind, templates) if page.is_readable else None
            old = template.key_in(template.example)
            own = next((path for path in page.paths if key and template.key_in(path) == key), None)
            if own:
                paths[page.name] = own
            else:
                paths[page.name] = template.example.replace(old, key, 1) if key and old else template.example
                made_up.add(page.name)
    return paths, frozenset(made_up)


def _market_title(pages: Sequence[PageView], name: str) -> str:
    """Find what the titles of all pages have in common."""
    counts: Counter[str] = Counter()
    for page in pages:
        for node in find(page.root, "//title")[:1] if page.is_readable else ():
            counts.update(
                {
                    part.strip()
                    for part in re.split(r"\s[-|:\u2013\u2014\u00bb/]+\s|\s*[|\u00bb]\s*", text(node))
                    if 2 < len(part.strip()) <= 40
                }
            )
    best = counts.most_common(1)
    fallback = name.replace("_", " ").title()
    return best[0][0] if best and (best[0][1] > 1 or len(pages) == 1) else fallback


def _always(parts: Mapping[PageKind, Parts]) -> dict[PageKind, frozenset[str]]:
    """At first none: `write_skeleton` takes what every record has."""
    return {kind: frozenset() for kind in parts}
