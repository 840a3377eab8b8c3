"""A page as a parser sees it: path, kind, tree, text; and short ways to ask for what is on it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from torwatch.model import Link, PageKind
from torwatch.parserkit.decode import MAX_BYTES, open_tree
from torwatch.parserkit.market import CONTENT, Market
from torwatch.parserkit.obstacles import LayoutChanged, find_obstacle
from torwatch.parserkit.selectors import find, find_first
from torwatch.parserkit.text import has_more_text, lines, number, text

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence

    from lxml import etree

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Page:
    """One page. `path` is path and query as asked for ("" where only a file is known), `kind` what the page is, `root` its lxml tree."""

    market: Market
    root: etree._Element
    raw: str
    path: str
    kind: PageKind
    fetched_at: dt.datetime
    content_type: str = ""
    charset: str = "utf-8"
    size_bytes: int = 0
    truncated: bool = False
    host: str = ""
    elements: Sequence[
        Any
    ] = ()  # all of them, held so that lxml need not make their Python side anew for every selector: a third of the time
    unmatched: list[str] = field(default_factory=list)  # labels that no field took: for the author, not for the record

    @property
    def key(self) -> str | None:
        """The key in the page's own address (the named group `key` of the market's `kinds`); None for a bare file."""
        return self.market.kind_of(self.path)[1] if self.path else None

    @cached_property
    def title(self) -> str:
        """The text of `<title>`, collapsed."""
        found = find(self.root, "//title")
        return text(found[0]) if found else ""

    @cached_property
    def visible(self) -> str:
        """All visible text of the page, collapsed."""
        body = find(self.root, "//body")
        return text(body[0] if body else self.root)

    def is_small(self, characters: int) -> bool:
        """Say whether the page has at most so many characters of visible text; does not read a large page to its end."""
        if characters not in self._small:
            body = find_first(self.root, "//body")
            self._small[characters] = not has_more_text(self.root if body is None else body, characters)
        return self._small[characters]

    @cached_property
    def _small(self) -> dict[int, bool]:
        return {}

    @cached_property
    def visible_folded(self) -> str:
        """The visible text and the title, for comparison without case."""
        return f"{self.title}\n{self.visible}".casefold()

    @cached_property
    def open_end(self) -> frozenset[Any]:
        """The elements that were still open when a truncated transfer ended; empty for a whole page."""
        if not self.truncated:
            return frozenset()
        node, chain = self.root, [self.root]
        while len(node) and not node[-1].tail:  # text behind an element, even a line break, shows that it was closed
            node = node[-1]
            chain.append(node)
        return frozenset(chain)

    def all(self, selector: str) -> list[Any]:
        """Give every match, in document order: elements, or strings for `…@attr`."""
        return find(self.root, selector)

    def one(self, selector: str) -> Any | None:
        """Give the first match or None."""
        return find_first(self.root, selector)

    def text(self, selector: str, pattern: str = "") -> str | None:
        """Give the visible text of the first match (with `pattern`: its first group), None where there is none."""
        found = find_first(self.root, selector)
        return _cut(text(found), pattern) if found is not None else None

    def lines(self, selector: str) -> str | None:
        """Give the text of the first match with its line breaks kept; None where there is none."""
        found = find_first(self.root, selector)
        return (lines(found) or None) if found is not None else None

    def number(self, selector: str, pattern: str = "") -> int | None:
        """Give the first whole number in the text of the first match; None where there is none."""
        return number(self.text(selector, pattern))

    def local(self, href: str | None) -> str | None:
        """Turn an href into path and query on this onion; None where it leads elsewhere, is no link, or is `#` only."""
        return local_path(href, self.path, self.host) if href else None

    def links(self, *kinds: PageKind, within: str = "", priority: Mapping[PageKind, int] | None = None) -> Iterator[Link]:
        """Yield a Link for every `a[href]` whose path the market declares, once each; `kinds`: only these; `within`: only below these."""
        path, host, link_to, seen = self.path, self.host, self.market.link_to, set()
        for href in dict.fromkeys(find(self.root, f"{within} a@href" if within else "a@href")):
            leads_to = local_path(href, path, host)
            if leads_to is None or leads_to in seen:
                continue
            seen.add(leads_to)
            link = link_to(leads_to)
            if link is not None and (not kinds or link.kind in kinds):
                yield link if not priority else replace(link, priority=priority.get(link.kind, 0))

    def scope(self, *without: str) -> str:
        """Name the list that the page belongs to: its path and query without the parameters given (the pager's, the order's); "" for a bare file."""
        path, _, query = self.path.partition("?")
        kept = "&".join(part for part in query.split("&") if part and part.partition("=")[0] not in without)
        return f"{path}?{kept}" if kept else path

    def require(self, condition: object, why: str) -> None:
        """Raise LayoutChanged(why) unless the condition holds."""
        if not condition:
            raise LayoutChanged(why)


def open_page(
    market: Market, body: bytes, *, path: str = "", content_type: str = "", fetched_at: dt.datetime, max_bytes: int = MAX_BYTES
) -> Page:
    """Open a body as a page of the market; raises Obstacle where it is none, or not what its URL promised.

    What the page shows wins over what its URL says; the URL decides where no declared shape matches. `path` may be a full URL: then
    links to other hosts are dropped.
    """
    tree = open_tree(body, content_type, max_bytes=max_bytes)
    host, local = split_host(path)
    shape = shape_of(market, tree.root)
    promised = market.kind_of(local)[0] if local else None
    page = Page(
        market,
        tree.root,
        tree.text,
        local,
        shape or promised or PageKind.OTHER,
        fetched_at,
        content_type,
        tree.charset,
        len(body),
        tree.truncated and market.closes_html,
        host,
        list(tree.root.iter()),
    )
    find_obstacle(page, market.obstacles, content=shape in CONTENT)
    if promised in CONTENT and shape is not None and shape not in CONTENT:
        raise LayoutChanged(f"the address is that of a {promised} page, the page is a {shape} page")
    return page


def shape_of(market: Market, root: etree._Element) -> PageKind | None:
    """Recognise the kind of page from the page itself; None where no declared shape matches."""
    for kind, selectors in market.shapes.items():
        for selector in (selectors,) if isinstance(selectors, str) else selectors:
            if find_first(root, selector) is not None:
                return PageKind(kind)
    return None


def split_host(path: str) -> tuple[str, str]:
    """Split a full URL into host and path with query; a path alone has the host ''."""
    if not path.isascii():
        path = path.encode("utf-8", "replace").decode()  # no lone surrogate goes further: neither SQLite nor JSON takes one
    match = re.match(r"https?://([^/?#]*)([^#]*)", path, re.IGNORECASE)
    return (match.group(1).lower(), match.group(2) or "/") if match else ("", path)


@lru_cache(maxsize=16384)
def local_path(href: str, base: str = "", host: str = "") -> str | None:
    """Turn an href on the page at `base` into path and query; None for another host, another scheme, or a bare fragment."""
    href = href.strip().partition("#")[0]
    if not href:
        return None
    if href.startswith("//") or _SCHEME.match(href):
        found, path = split_host(href if not href.startswith("//") else f"http:{href}")
        if not found or (host and found != host) or not (found.endswith(".onion") or found == host):
            return None
        return path
    if href.startswith("/"):
        return href
    try:
        joined = urljoin(base or "/", href)
    except ValueError:
        return None
    return joined if joined.startswith("/") else f"/{joined}"


def _cut(value: str, pattern: str) -> str | None:
    """Give the first group of the pattern in the value (the value itself without a pattern); None where it is empty or missing."""
    if not pattern:
        return value or None
    match = re.search(pattern, value)
    return (match.group(1 if match.re.groups else 0) or "").strip() or None if match else None
