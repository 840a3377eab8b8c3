"""Records from elements: `Rows` for what repeats on a page, `Single` for what a page is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from torwatch.model import Feedback, Listing, Vendor
from torwatch.parserkit.obstacles import LayoutChanged
from torwatch.parserkit.page import Page
from torwatch.parserkit.selectors import find
from torwatch.parserkit.text import is_hidden, text
from torwatch.parserkit.values import Texts, compile_rule, convert, field_kinds, share_selectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torwatch.parserkit.fields import Fields, Values
    from torwatch.parserkit.rules import Rule

R = TypeVar("R", Listing, Vendor, Feedback)
_KEYS: Mapping[type, str] = {Listing: "key", Vendor: "name"}


class Single(Generic[R]):
    """One record from a page or element: `Single(Listing, DETAIL, key=(…), title="h1", …)`.

    Label/value pairs (`labels`, any number of `Fields`) and rules by selector fill the same record; a rule wins over a label where it gives something.
    A rule is relative to what `read` is given. See `torwatch.parserkit.rules` for the rules.
    """

    def __init__(self, make: type[R], *labels: Fields, after: Callable[[dict[str, Any], Any], None] | None = None, **rules: Rule) -> None:
        self.make: type[R] = make
        self.labels, self.rules, self.after = labels, rules, after
        self._kinds = field_kinds(make)
        unknown = set(rules) - set(self._kinds) | {name for one in labels for name in one.map.values() if name} - set(self._kinds)
        if unknown:
            raise ValueError(f"{make.__name__} has no field {', '.join(sorted(unknown))}; it has {', '.join(self._kinds)}")
        self._texts: dict[str, Texts] = {}
        share_selectors(rules.values(), self._texts)
        self._readers = [(name, self._kinds[name], compile_rule(rule, self._texts)) for name, rule in rules.items() if rule is not None]

    def but(self, *labels: Fields, **changes: Any) -> Single[R]:
        """Give a changed copy: other labels (where given), other or more rules (None takes one away), another `after`."""
        after = changes.pop("after", self.after)
        return Single(self.make, *(labels or self.labels), after=after, **{**self.rules, **changes})

    def values(self, node: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Read all fields of one element: (field → value, labels that no field took)."""
        out: dict[str, Any] = {}
        unmatched: tuple[str, ...] = ()
        for one in self.labels:
            got: Values = one.read(node)
            unmatched += got.unmatched
            for name, value in got.found.items():
                out.setdefault(name, convert(self._kinds[name], text(value)))
        for name, kind, reader in self._readers:
            value = convert(kind, reader(node))
            if value or name not in out or (value is not None and value != ()):
                out[name] = value
        if self.after is not None:
            self.after(out, node)
        return out, unmatched

    def read(self, page: Page | Any, **common: Any) -> R | None:
        """Read the record; `common` fields are the same for all and win where they are not None. None where it has no key (a vendor: no name)."""
        node = page.root if isinstance(page, Page) else page
        out, unmatched = self.values(node)
        self.forget()
        if isinstance(page, Page) and unmatched:
            page.unmatched.extend(label for label in unmatched if label not in page.unmatched)
        out.update((name, value) for name, value in common.items() if value is not None)
        return self.build(out, page if isinstance(page, Page) else None)

    def forget(self) -> None:
        """Let the page go that was read last."""
        for texts in self._texts.values():
            texts.forget()

    def build(self, out: dict[str, Any], page: Page | None = None) -> R | None:
        """Make the record of its values: paths become local, a record without key is none."""
        key = _KEYS.get(self.make)
        if key is not None and not out.get(key):
            return None
        if self.make is Feedback and not any(
            out.get(name) for name in ("buyer", "text", "product", "rating", "stars", "date_raw", "age_raw", "price_text")
        ):
            return None
        if page is not None and out.get("path"):
            out["path"] = page.local(out["path"])
        return self.make(**{name: value for name, value in out.items() if value is not None})


class Rows(Generic[R]):
    r"""Repeated records: `Rows("div.item", Listing, key=("a@href", r"/product/(\d+)"), title=".head a", …)`.

    `row` selects the elements; rules are relative to each. Rows that hide themselves are left out; so is `skip` (a selector on the row: nested tables,
    headers). A row that was cut off by the end of a truncated transfer is dropped. Rows without key are dropped; if no row has one, the layout changed.
    """

    def __init__(
        self,
        row: str,
        make: type[R],
        *labels: Fields,
        skip: str = "",
        after: Callable[[dict[str, Any], Any], None] | None = None,
        **rules: Rule,
    ) -> None:
        self.row, self.skip = row, skip
        self.single: Single[R] = Single(make, *labels, after=after, **rules)

    def but(self, row: str | None = None, *labels: Fields, **changes: Any) -> Rows[R]:
        """Give a changed copy: another row selector, other labels, other or more rules (None takes one away)."""
        skip = changes.pop("skip", self.skip)
        single = self.single.but(*labels, **changes)
        return Rows(row or self.row, single.make, *single.labels, skip=skip, after=single.after, **single.rules)

    def nodes(self, page: Page | Any) -> list[Any]:
        """Give the elements that are rows, in page order."""
        root = page.root if isinstance(page, Page) else page
        rows = [node for node in find(root, self.row) if not is_hidden(node)]
        if self.skip:
            rows = [node for node in rows if not find(node, self.skip)]
        if isinstance(page, Page) and page.truncated:
            rows = [node for node in rows if node not in page.open_end]
        return rows

    def read(self, page: Page, **common: Any) -> Iterator[R]:
        """Yield the records in page order; raises LayoutChanged where there are rows and none has a key."""
        yield from self._read(page, self.nodes(page), common)

    def _read(self, page: Page, nodes: list[Any], common: dict[str, Any]) -> Iterator[R]:
        given = 0
        for node in nodes:
            out, _ = self.single.values(node)
            out.update((name, value) for name, value in common.items() if value is not None)
            record = self.single.build(out, page)
            if record is not None:
                given += 1
                yield record
        self.single.forget()
        if nodes and not given and not page.truncated:
            raise LayoutChanged(f"{len(nodes)} rows at {self.row!r}, none of them with a key")

    def read_or_empty(self, page: Page, **common: Any) -> Iterator[R]:
        """Like `read`, but no row at all is LayoutChanged unless the market's `empty` selector says that the list is empty, or the page is cut off."""
        nodes = self.nodes(page)
        if not nodes and not page.truncated and not (page.market.empty and page.all(page.market.empty)):
            raise LayoutChanged(f"no row at {self.row!r} and no word that the list is empty")
        yield from self._read(page, nodes, common)
