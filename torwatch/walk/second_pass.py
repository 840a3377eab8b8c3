"""The second pass of a walk: a sample of list pages that the first pass did not choose, spread over its time, over an identity of its own."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from torwatch.crawl.sample import draw_pages, fill, page_template
from torwatch.model import Outcome, PageKind
from torwatch.store import second_pass

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from torwatch.reading import Read
    from torwatch.store.database import Store
    from torwatch.store.frontier import Visit, VisitResult
    from torwatch.store.snapshots import Snapshot


class SecondPass:
    """What is drawn, under way and done of one snapshot's second pass; nothing of it leads onward or enters the history.

    `share` of the pages that each list announces is drawn; `order`: query of the market's other sort order, "" where it has none.
    """

    def __init__(self, store: Store, snapshot: Snapshot, *, order: str) -> None:
        self.share = snapshot.second_pass
        self.done, self.left = second_pass.count_pages(store, snapshot.id) if self.share else (0, 0)
        self.in_flight: set[str] = set()
        self._store = store
        self._snapshot = snapshot
        self._order = order
        self._lists = second_pass.drawn_lists(store, snapshot.id) if self.share else set()

    def plan(self, connection: sqlite3.Connection, reads: Iterable[Read]) -> None:
        """Draw from every list that pages of the first pass announce the range of for the first time; inside the caller's transaction.

        The draw is fixed by snapshot and list, so that a snapshot that is stopped and resumed draws the same.
        """
        if not self.share:
            return
        for read in reads:
            parsed = read.parsed
            if parsed is None or parsed.kind is not PageKind.LISTING_INDEX or parsed.info is None:
                continue
            number, pages = parsed.info.page_number, parsed.info.pages
            if pages is None and parsed.info.total is not None and parsed.info.total <= len(parsed.listings):
                pages = 1  # all that is in the list stands on this page
            links = (link.path for link in parsed.links if link.kind is PageKind.LISTING_INDEX)
            template = None if pages is None else page_template(read.visit.path, number, links, pages)
            if pages is None or template is None or template in self._lists:
                continue
            self._draw(connection, read.visit.path, number or 1, template, pages)

    def plan_unannounced(self, connection: sqlite3.Connection) -> int:
        """Draw from the lists that only earlier snapshots saw the range of; inside the caller's transaction. Gives the pages added.

        When the first pass has read all it could: a list whose announcement it missed would else be missed by both passes, as if they agreed.
        """
        before = self.left
        for template, pages, announced in second_pass.lists_announced_before(self._store, self._snapshot.id) if self.share else ():
            if template not in self._lists:
                self._draw(connection, fill(template, 1), None, template, pages, announced)
        return self.left - before

    def _draw(
        self, connection: sqlite3.Connection, path: str, number: int | None, template: str, pages: int, announced: int | None = None
    ) -> None:
        rng = random.Random(f"{self._snapshot.id} {self._snapshot.market} {template}")  # noqa: S311 - a sample, no secret
        drawn = draw_pages(path, number, template, pages, self.share, self._order, rng)
        rows = [(one.page, one.path, one.moment) for one in drawn]
        self.left += second_pass.plan_list(connection, self._snapshot.id, template, pages, rows, announced)
        self._lists.add(template)

    def due(self, share_done: float, limit: int) -> list[Visit]:
        """The pages whose turn has come, when so much (0 to 1) of the first pass is done."""
        if not self.left:
            return []
        waiting = second_pass.due_pages(self._store, self._snapshot.id, share_done, limit + len(self.in_flight))
        chosen = [visit for visit in waiting if visit.path not in self.in_flight][:limit]
        self.in_flight.update(visit.path for visit in chosen)
        return chosen

    def record(self, connection: sqlite3.Connection, reads: Sequence[tuple[Read, VisitResult]]) -> None:
        """Write what became of pages; inside the caller's transaction."""
        second_pass.record_pages(connection, self._snapshot.id, [(result, keys_of(read)) for read, result in reads])

    def settle(self, results: Sequence[VisitResult]) -> None:
        """Count what was committed."""
        self.in_flight -= {result.visit.path for result in results}
        finished = sum(not result.retry for result in results)
        self.done, self.left = self.done + finished, self.left - finished


def keys_of(read: Read) -> set[str]:
    """The listings whose own row stands on a page; promoted rows stand on every page and are no part of a sample."""
    return {row.key for row in read.staged.listings if not row.promoted} if read.outcome is Outcome.OK else set()
