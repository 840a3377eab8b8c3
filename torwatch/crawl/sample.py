"""The sample of a second pass: pages drawn uniformly from the range that a list announces, never from what the first pass came upon."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

PLACE = "{page}"
MOST_PAGES = 50_000  # a list that announces more is believed up to here
# how a list's first page is often called: without the number, be it a parameter, a last step of the path, or "page/2"
WITHOUT_NUMBER = (
    re.compile(r"(?<=[?&])[^?&=]+=\{page\}(?:&|$)"),
    re.compile(r"/\{page\}(?=/?(?:\?|$))"),
    re.compile(r"/page/\{page\}(?=/?(?:\?|$))"),
)
NAMED = re.compile(r"(?:pag\w*|\bpg?)[=/]\{page\}")  # the number follows a word for page: other numbers of a list's links may move too


@dataclass(frozen=True, slots=True)
class DrawnPage:
    """One page to fetch: its number, its path, and at what share of the first pass (0 to 1) its turn comes."""

    page: int
    path: str
    moment: float


def page_template(path: str, number: int | None, links: Iterable[str], pages: int) -> str | None:
    """The path of the pages of a list with `{page}` for the number, found from the links of the page `path` (number `number`) to others.

    None where no link differs from the page's own path in the page number alone; a list of one page is its own template.
    """
    if pages <= 1:
        return path
    found: Counter[str] = Counter()
    for link in links:
        for digits in re.finditer(r"\d+", link):
            if 1 < int(digits[0]) <= pages:
                template = link[: digits.start()] + PLACE + link[digits.end() :]
                if path in (fill(template, number or 1), fill(template, 1)) or bare(path) in {
                    bare(one.sub("", template)) for one in WITHOUT_NUMBER
                }:
                    found[template] += 1
    return min(found, key=lambda template: (NAMED.search(template) is None, -found[template], template)) if found else None


def fill(template: str, page: int) -> str:
    """The path of one page of a list."""
    return template.replace(PLACE, str(page))


def bare(path: str) -> str:
    """A path without the signs that stand at its end when nothing follows them."""
    return path.rstrip("?&/")


def draw_pages(path: str, number: int | None, template: str, pages: int, share: float, order: str, rng: random.Random) -> list[DrawnPage]:
    """Draw about `share` of the pages 1 to `pages`, each with that same probability, and a moment for each.

    `path` is the page that announced the range, number `number`; `order`: query that asks for another sort order, "" where none is offered.
    """
    pages = min(pages, MOST_PAGES)
    whole, part = divmod(share * pages, 1)
    chosen = rng.sample(range(1, pages + 1), min(pages, int(whole) + (rng.random() < part)))
    return [DrawnPage(page, in_order(path if page == number else fill(template, page), order), rng.random()) for page in chosen]


def in_order(path: str, order: str) -> str:
    """A path under another sort order."""
    return path + ("&" if "?" in path else "?") + order if order else path
