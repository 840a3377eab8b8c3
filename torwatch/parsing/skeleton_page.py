"""One saved page as a skeleton sees it: its tree, its links, what repeats on it, what it is about, and what kind of page that makes it."""

# ruff: noqa: PLR2004 - points and thresholds of a guess: each stands once, where it is explained

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torwatch.model import Outcome, PageKind
from torwatch.parserkit import Market, Obstacle, find, is_shown, open_page, text
from torwatch.parserkit.decode import open_tree
from torwatch.parsing.skeleton_links import Template, links_of
from torwatch.parsing.skeleton_pairs import labelled
from torwatch.parsing.skeleton_rows import RowSet, find_rows, smallest
from torwatch.parsing.skeleton_select import tag_of
from torwatch.parsing.skeleton_words import CHROME_TITLES, DATE, KEY_BLOCK, LISTING_LABELS, MASKED, PRICE, VENDOR_LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

GATES = Market("unknown")
SURE = 1.8  # points below which a page is of no kind
GATE = 2.5  # points from which a page is content even where it has a field for a password or a captcha
BUY = re.compile(r"\b(?:buy|add to (?:cart|basket)|order now|purchase|checkout|place order|in den warenkorb|kopen)\b", re.IGNORECASE)
VENDOR_WORDS = re.compile(
    r"\b(?:member|vendor|seller) since\b|\bjoin(?:ed| date)\b|\blast (?:seen|active|online|activity|login)\b", re.IGNORECASE
)
FEEDBACK_WORDS = re.compile(r"\b(?:feedback|reviews?|ratings?|buyer|comment|stars?)\b", re.IGNORECASE)
_HEADS = ".//h1 | .//h2 | .//h3 | .//h4 | .//h5"
_TITLED = ".//*[contains(concat(' ', translate(@class, 'TILE', 'tile')), 'title') or contains(translate(@id, 'TILE', 'tile'), 'title')]"


@dataclass(slots=True)
class PageView:
    """One page under analysis. `kind` is set once all pages are known; `fault` says why it is no page; `outcome` what stands in the way."""

    name: str
    body: bytes
    path: str
    root: Any = None
    outcome: Outcome = Outcome.OK
    fault: str = ""
    kind: PageKind = PageKind.OTHER
    rows: RowSet | None = None
    paths: tuple[str, ...] = ()
    frame: frozenset[str] = frozenset()  # headings that most pages of the market have
    points: dict[PageKind, float] = field(default_factory=dict)

    @property
    def is_readable(self) -> bool:
        """Say whether there is a tree to look at."""
        return self.root is not None


def view_page(name: str, body: bytes, path: str = "") -> PageView:
    """Open one page; what cannot be opened keeps its outcome and has no tree."""
    page = PageView(name, body, path)
    try:
        page.root = open_tree(body).root
    except Obstacle as met:
        page.outcome, page.fault = met.outcome, met.reason
        return page
    page.paths = tuple(dict.fromkeys(local for _, local in links_of(page.root, path)))
    return page


def find_frame(pages: Sequence[PageView]) -> None:
    """Tell every page which headings most pages have: they name the market, not what a page is about."""
    counts: Counter[str] = Counter()
    readable = [page for page in pages if page.is_readable]
    for page in readable:
        counts.update({text(node) for node in [*find(page.root, _HEADS), *find(page.root, _TITLED)][:80]})
    frame = frozenset(said for said, count in counts.items() if count >= max(3, 0.5 * len(readable)))
    for page in readable:
        page.frame = frame


def judge_page(page: PageView, templates: Sequence[Template]) -> None:
    """Guess the kind of a page: points for what each kind shows, the highest wins; a gate is a gate when it has little of any."""
    if not page.is_readable:
        return
    page.rows = find_rows(page.root, templates, page.path)
    page.points = {
        PageKind.LISTING_INDEX: _points_of_index(page),
        PageKind.LISTING: _points_of_listing(page, templates),
        PageKind.VENDOR: _points_of_vendor(page, templates),
        PageKind.FEEDBACK: _points_of_feedback(page),
    }
    kind, points = max(page.points.items(), key=lambda entry: entry[1])
    gate = _gate(page)
    if gate is not None and points < GATE:
        page.outcome, page.fault = gate
        return
    page.kind = kind if points >= SURE else PageKind.OTHER


def _gate(page: PageView) -> tuple[Outcome, str] | None:
    try:
        open_page(GATES, page.body, path=page.path, fetched_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    except Obstacle as met:
        return met.outcome, met.reason
    return None


def main_rows(page: PageView) -> tuple[Any, ...]:
    """Give the rows that repeat on the page, none where they do not."""
    return page.rows.nodes if page.rows is not None else ()


def _points_of_index(page: PageView) -> float:
    if page.rows is None:
        return 0.0
    count, priced = len(page.rows.nodes), page.rows.priced
    if priced < 0.4:  # related links, menus
        return 0.0
    points = min(count, 12) * 0.25 * priced + 1.7 + (1.0 if count >= 8 else 0.0)  # more than a box of related offers
    rated = feedback_rows(page.root)
    if len(rated) >= 0.5 * count and _speaks_of_feedback(page, rated):
        points *= 0.3
    return points


def _points_of_listing(page: PageView, templates: Sequence[Template]) -> float:
    names = {name for _, _, name in labelled(page.root, LISTING_LABELS, main_rows(page))}
    names -= {"vendor_level", "trust_level", "sales"}
    points = 0.55 * len(
        names & {"ship_from_raw", "ship_to_raw", "price_raw", "stock_raw", "escrow_raw", "listing_type", "vendor", "category", "views"}
    )
    apart = {node for top in main_rows(page) for node in top.iter()}
    buttons = find(page.root, "form button, form input[type=submit]@value, form input[type=submit], a.btn, a.button, button")
    points += (
        1.3
        if any(BUY.search(text(one) or (one if isinstance(one, str) else one.get("value") or "")) for one in buttons if one not in apart)
        else 0
    )
    own = [template for template in templates if template.kind is PageKind.LISTING]
    if any(one.key_in(page.path) for one in own if page.path):
        points += 2.0
    points += 0.8 if find_own_key(page, PageKind.LISTING, templates) else 0.0
    if find_title(page) is not None and any(PRICE.search(text(node)) for node in smallest(page.root, PRICE)):
        points += 0.6
    return points


def _points_of_vendor(page: PageView, templates: Sequence[Template]) -> float:
    apart = main_rows(page)
    names = {name for _, _, name in labelled(page.root, VENDOR_LABELS, apart)}
    said = text(page.root)
    own = find_own_key(page, PageKind.VENDOR, templates) and not find_own_key(page, PageKind.LISTING, templates)
    points = (1.0 if own else 0.0) + (1.6 if "member_since_raw" in names else 0.9 if VENDOR_WORDS.search(said) else 0.0)
    points += 0.5 * len(
        names & {"last_seen_raw", "fe_enabled", "user_type", "positive_percent", "rating_raw", "disputes_raw", "orders_raw"}
    )
    points += 1.2 if KEY_BLOCK in said else 0.0
    heads = " ".join(text(node) for node in [*find(page.root, "//title"), *find(page.root, "//h1"), *find(page.root, "//h2")][:6])
    points += 0.7 if re.search(r"\b(?:profile|vendor|seller|user|store|member)\b", heads, re.IGNORECASE) else 0.0
    return points


def _points_of_feedback(page: PageView) -> float:
    rows = feedback_rows(page.root)
    if len(rows) < 2:  # one does not repeat
        return 0.0
    return 1.2 + min(len(rows), 10) * 0.1 + (0.6 if _speaks_of_feedback(page, rows) else 0.0)


def _speaks_of_feedback(page: PageView, rows: Sequence[Any]) -> bool:
    heads = " ".join(text(node) for node in [*find(page.root, "//title"), *find(page.root, _HEADS)][:12])
    return FEEDBACK_WORDS.search(heads) is not None or sum(MASKED.search(text(row)) is not None for row in rows) * 2 > len(rows)


def feedback_rows(root: Any) -> list[Any]:
    """Give the rows of a table or list that hold a date and a masked buyer or a verdict each; none where nothing of the kind repeats."""
    by_parent: Counter[Any] = Counter()
    rows: dict[Any, list[Any]] = {}
    for node in find(root, ".//tr | .//li | .//div")[:4000]:
        if not 1 < len(node) <= 12 or len(said := text(node)) > 800 or not DATE.search(said):  # a row is small
            continue
        verdict = MASKED.search(said) or find(
            node, "img[src*=star], .label, [class*=positive], [class*=rating], [class*=feedback], [class*=star], [class*=review]"
        )
        parent = node.getparent()
        if verdict and parent is not None:
            by_parent[parent] += 1
            rows.setdefault(parent, []).append(node)
    if not by_parent:
        return []
    parent, count = by_parent.most_common(1)[0]
    return rows[parent] if count > 1 else []


def find_title(page: PageView) -> Any | None:
    """Find the one big title of a page: a heading, or what is called title; what <title> repeats counts most, words of the frame do not."""
    named = find(page.root, "//title")
    document = text(named[0]).casefold() if named else ""
    apart = {node for top in main_rows(page) for node in top.iter()}
    best, points = None, 0.0
    for order, node in enumerate([*find(page.root, _HEADS), *find(page.root, _TITLED)][:80]):
        said = text(node)
        if (
            not 2 < len(said) <= 250
            or node in apart
            or tag_of(node) in {"", "title", "a"}
            or CHROME_TITLES.match(said)
            or not is_shown(node)
            or said in page.frame
            or (":" in said and PRICE.search(said))
        ):
            continue
        holders = {tag_of(one) for one in node.iterancestors()}
        if holders & {"nav", "footer", "aside", "option", "select", "th"}:
            continue
        level = {"h1": 2.0, "h2": 1.7, "h3": 1.2, "h4": 0.7, "h5": 0.4}.get(node.tag, 0.9)
        level += 0.6 if "title" in (node.get("class") or node.get("id") or "").casefold() else 0.0
        level += 1.5 if said.casefold() in document and len(said) > 6 else 0.0  # shorter ones are names of markets
        level += min(len(said), 60) / 80 - 0.04 * order - (0.8 if "header" in holders else 0.0) - (0.5 if said.endswith(":") else 0.0)
        if level > points:
            best, points = node, level
    return best


def find_own_key(page: PageView, kind: PageKind, templates: Iterable[Template]) -> str | None:
    """Find the key of the listing or vendor that the page is about: in its address, a form's address, or the link that comes back most often."""
    own = [one for one in templates if one.kind is kind]
    if page.path:
        key = next((key for one in own if (key := one.key_in(page.path))), None)
        if key:
            return key
    apart = {node for top in main_rows(page) for node in top.iter()}
    counts: Counter[str] = Counter()
    for node, local in links_of(page.root, page.path):
        if node in apart:
            continue
        for one in own:
            key = one.key_in(local)
            if key:
                counts[key] += 5 if tag_of(node) == "form" else 1
    for one in own if kind is PageKind.LISTING else ():
        name = one.hint.rstrip("=").rpartition("=")[0] or one.hint.strip("/=")
        for value in find(page.root, f"form input[name='{name}']@value") if re.fullmatch(r"\w+", name) else ():
            counts[value] += 5
    ranked = counts.most_common(2)
    if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0] if ranked[0][1] > 1 or len(ranked) == 1 else None
