"""Lists without an end: pages that repeat what other pages of the same list showed, or far more pages than any list has."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

REPEATS = 5  # pages of one list that show exactly what another one of it showed: it goes round in circles


class EndlessLists:
    """Watches the pages of every list; `reasons` says of each list that is cut off why it is."""

    def __init__(self, most_pages: int, repeats: int = REPEATS) -> None:
        """`most_pages` of one list, 0: no limit."""
        self.reasons: dict[str, str] = {}
        self._most_pages = most_pages
        self._repeats = repeats
        self._shown: dict[str, set[int]] = defaultdict(set)
        self._pages: dict[str, int] = defaultdict(int)

    def watch(self, path: str, number: int | None, keys: Collection[str]) -> None:
        """Note what page `number` of the list that `path` belongs to shows; first pages are how lists begin and tell nothing."""
        name = next((one for one, digits in names_of(path) if int(digits) == number), None)
        if number is None or number < 2 or name is None or name in self.reasons:  # noqa: PLR2004 - the page after the first
            return
        self._pages[name] += 1
        self._shown[name].add(hash(frozenset(keys)))
        repeated = self._pages[name] - len(self._shown[name])
        if repeated >= self._repeats:
            self.reasons[name] = f"the list {name} goes on without an end: {repeated} of its pages repeat others"
        elif self._most_pages and self._pages[name] >= self._most_pages:
            self.reasons[name] = f"the list {name} was left after {self._pages[name]} pages"

    def admits(self, path: str) -> bool:
        """Whether a page may be asked for: not when its list is cut off."""
        return not self.reasons or all(name not in self.reasons for name, _ in names_of(path))


def names_of(path: str) -> Iterator[tuple[str, str]]:
    """(path with one number left out, that number), the last number first: page numbers stand at the end."""
    for digits in reversed(list(re.finditer(r"\d{1,9}", path))):
        yield path[: digits.start()] + "{page}" + path[digits.end() :], digits[0]
