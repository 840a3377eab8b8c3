"""A market as its parser declares it: facts and rules, no code."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from torwatch.model import Evidence, Link, MarketFacts, PageKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torwatch.parserkit.obstacles import ObstacleRule

KNOWN_PATHS = 20_000  # kinds of paths that a market remembers
CONTENT = frozenset({PageKind.LISTING_INDEX, PageKind.LISTING, PageKind.VENDOR, PageKind.FEEDBACK})


@dataclass(frozen=True, slots=True)
class KindSpec:
    """What pages of one kind must and may show: names of fields of the record that they hold.

    `mandatory`: lost in more than half of the records of a page, the page is layout_changed; `optional`: watched for drift;
    `evidence`: how well it is known (page: written against saved pages; described: from described facts; gate-only: never seen).
    """

    mandatory: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    evidence: Evidence = Evidence.PAGE


@dataclass(frozen=True, eq=False)
class Market:
    """The declared facts of one market.

    `kinds`: regular expression on path and query → kind of page, first match wins; a named group `key` is the key that it leads to.
    `shapes`: kind → selector (or several) that only pages of that kind match; asked in order, first match wins; works without a URL.
    `empty`: a selector that matches where a list is verified to be empty ("There is currently nothing to show.").
    `signs`: how the market is recognised from its front or login page: "title:REGEX", "text:WORDS" or a selector. `currency`: what a bare "$" or number means there.
    `default_origin`: the first option of the form in which vendors choose where they ship from, as pages then show it; "": not known.
    """

    name: str
    title: str = ""
    aliases: tuple[str, ...] = ()
    engine: str = ""
    start: tuple[str, ...] = ("/",)
    kinds: Mapping[str, PageKind | str] = field(default_factory=dict)
    shapes: Mapping[PageKind | str, str | tuple[str, ...]] = field(default_factory=dict)
    specs: Mapping[PageKind | str, KindSpec] = field(default_factory=dict)
    obstacles: tuple[ObstacleRule, ...] = ()
    signs: tuple[str, ...] = ()
    default_origin: str = ""
    opened: str | None = None
    closed: str | None = None
    empty: str = ""
    decimal: str = "."
    dates: str = "DMY"
    currency: str | None = None
    iso2: bool = False
    languages: tuple[str, ...] = ("en",)
    other_order: str = ""  # query that asks a list for another sort order, as in "sort=price_asc"; "": it offers none
    closes_html: bool = True  # its pages end with </html>: one that does not was cut off on the way

    @property
    def facts(self) -> MarketFacts:
        """Give what the normalisers need."""
        return MarketFacts(self.name, self.decimal, self.currency, self.iso2, self.dates, self.languages)

    def kind_of(self, path: str) -> tuple[PageKind | None, str | None]:
        """Tell the kind of page that a path and query lead to, and the key in it; (None, None) where no pattern matches."""
        link = self.link_to(path, every=True)
        return (None, None) if link is None else (link.kind, link.key)

    def link_to(self, path: str, *, every: bool = False) -> Link | None:
        """Give the Link to a path and query; None where no pattern matches or (unless `every`) what it leads to is of no interest."""
        known = self._known
        try:
            link = known[path]
        except KeyError:
            if len(known) > KNOWN_PATHS:
                known.clear()
            link = known[path] = self._look_up(path)
        return link if link is not None and (every or link.kind is not PageKind.OTHER) else None

    @cached_property
    def _patterns(self) -> tuple[tuple[re.Pattern[str], PageKind], ...]:
        return tuple((re.compile(pattern), PageKind(kind)) for pattern, kind in self.kinds.items())

    @cached_property
    def _known(self) -> dict[str, Link | None]:
        """What was asked before: the menus of a market are the same on every page."""
        return {}

    def _look_up(self, path: str) -> Link | None:
        for pattern, kind in self._patterns:
            match = pattern.search(path)
            if match is not None:
                return Link(kind, path, 0, match.groupdict().get("key"))
        return None
