"""The second pass of a snapshot: which pages were drawn from which lists, what became of them, and which listings they showed.

Listings are kept by id as soon as the history knows them; the keys of those that only this pass saw ("strays") stay keys, since the
history is that of the first pass alone: else the two passes would not be independent of one another.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from torwatch.model import Outcome, PageKind
from torwatch.store import capture
from torwatch.store.entities import LISTING
from torwatch.store.frontier import MET, Visit

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from torwatch.store.database import Store
    from torwatch.store.frontier import VisitResult

REMEMBERED = 3  # snapshots after which a list that none of them announced is taken for gone


def drawn_lists(store: Store, snapshot_id: int) -> set[str]:
    """The lists that pages were drawn from already."""
    return {row[0] for row in store.rows("SELECT scope FROM second_pass_list WHERE snapshot_id = ?", (snapshot_id,))}


def lists_announced_before(store: Store, snapshot_id: int) -> list[tuple[str, int, int]]:
    """(scope, pages, snapshot that read them) of every list that one of the market's last REMEMBERED snapshots with a second pass announced, as last told."""
    rows = store.rows(
        "WITH before AS (SELECT snapshot.id FROM snapshot JOIN snapshot AS this ON this.id = ?1 AND this.market_id = snapshot.market_id"
        " WHERE snapshot.id < ?1 AND snapshot.second_pass > 0 ORDER BY snapshot.id DESC LIMIT ?2)"
        " SELECT scope, pages, max(snapshot_id) AS announced FROM second_pass_list"
        " WHERE snapshot_id IN (SELECT id FROM before) AND announced_snapshot_id = snapshot_id GROUP BY scope ORDER BY scope",
        (snapshot_id, REMEMBERED),
    )
    return [(row["scope"], row["pages"], row["announced"]) for row in rows]


def plan_list(
    connection: sqlite3.Connection,
    snapshot_id: int,
    scope: str,
    pages: int,
    drawn: Sequence[tuple[int, str, float]],
    announced_snapshot_id: int | None = None,
) -> int:
    """Keep what was drawn from a list of so many announced pages: (number, path, share of the first pass at which its turn comes).

    `announced_snapshot_id`: an earlier snapshot that read the announcement. A list is drawn from once. Gives the pages added.
    """
    new = connection.execute(
        "INSERT INTO second_pass_list (snapshot_id, scope, pages, drawn, announced_snapshot_id) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (snapshot_id, scope, pages, len(drawn), snapshot_id if announced_snapshot_id is None else announced_snapshot_id),
    ).rowcount
    if not new:
        return 0
    return connection.executemany(
        "INSERT INTO second_pass_page (snapshot_id, scope, page, path, moment) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(snapshot_id, scope, *page) for page in drawn],
    ).rowcount


def due_pages(store: Store, snapshot_id: int, share_done: float, limit: int) -> list[Visit]:
    """The pages whose turn has come when so much of the first pass is done, the most overdue first."""
    rows = store.rows(
        "SELECT path, attempts FROM second_pass_page WHERE snapshot_id = ? AND outcome IS NULL AND moment <= ? ORDER BY moment, path LIMIT ?",
        (snapshot_id, share_done, limit),
    )
    return [Visit(row["path"], PageKind.LISTING_INDEX, None, row["attempts"], second=True) for row in rows]


def count_pages(store: Store, snapshot_id: int) -> tuple[int, int]:
    """(pages done, pages left) of the second pass."""
    row = store.row("SELECT sum(outcome IS NOT NULL), sum(outcome IS NULL) FROM second_pass_page WHERE snapshot_id = ?", (snapshot_id,))
    return (row[0] or 0, row[1] or 0) if row else (0, 0)


def record_pages(connection: sqlite3.Connection, snapshot_id: int, results: Iterable[tuple[VisitResult, Collection[str]]]) -> None:
    """Write what became of pages, each with the keys of the listings in its rows."""
    connection.executemany(
        f"UPDATE second_pass_page SET {MET.format(size='received_bytes')}, size = ?, ids = NULL, strays = ? WHERE snapshot_id = ? AND path = ?",
        [(*result.met(), len(set(keys)), json.dumps(sorted(set(keys))), snapshot_id, result.visit.path) for result, keys in results],
    )


def record_reread(connection: sqlite3.Connection, snapshot_id: int, results: Iterable[tuple[VisitResult, Collection[str]]]) -> int:
    """Write what pages gave that were read again from the archive; how they were fetched stays as it was. Gives how many were never drawn."""
    unknown = 0
    for result, keys in results:
        unknown += not connection.execute(
            "UPDATE second_pass_page SET outcome = ?, reason = ?, size = ?, ids = NULL, strays = ? WHERE snapshot_id = ? AND path = ?",
            (result.outcome.value, result.reason, len(set(keys)), json.dumps(sorted(set(keys))), snapshot_id, result.visit.path),
        ).rowcount
    return unknown


def settle_second_pass(connection: sqlite3.Connection, snapshot_id: int, market_id: int) -> None:
    """Give the listings of the pages that were read the ids that the history knows them by, and write the occasion; inside the caller's transaction."""
    rows = connection.execute(
        "SELECT path, outcome, ids, strays FROM second_pass_page WHERE snapshot_id = ? ORDER BY path", (snapshot_id,)
    ).fetchall()
    if not any(row["outcome"] == Outcome.OK.value for row in rows):
        return
    caught: set[int] = set()
    for row in (row for row in rows if row["outcome"] == Outcome.OK.value):
        known = listing_ids(connection, market_id, json.loads(row["strays"]))
        ids = {*known.values(), *(capture.decode_ids(row["ids"]) if row["ids"] else ())}
        strays = [key for key in json.loads(row["strays"]) if key not in known]
        connection.execute(
            "UPDATE second_pass_page SET ids = ?, strays = ? WHERE snapshot_id = ? AND path = ?",
            (capture.encode_ids(ids), json.dumps(strays), snapshot_id, row["path"]),
        )
        caught |= ids
    capture.keep(connection, snapshot_id, LISTING, capture.SECOND, caught)


def listing_ids(connection: sqlite3.Connection, market_id: int, keys: Sequence[str]) -> dict[str, int]:
    """The ids of those keys that the history knows."""
    rows = connection.execute(
        "SELECT listing.key, listing.id FROM json_each(?) AS wanted CROSS JOIN listing ON listing.market_id = ? AND listing.key = wanted.value",
        (json.dumps(list(keys)), market_id),
    )
    return {row["key"]: row["id"] for row in rows}


def unsettle_second_passes(connection: sqlite3.Connection, bound: Mapping[str, int]) -> None:
    """Turn ids back into keys, before listings are forgotten, of `snapshot` and every later one of a `market`; inside the caller's transaction."""
    rows = connection.execute(
        "SELECT page.snapshot_id, page.path, page.ids, page.strays FROM second_pass_page AS page JOIN snapshot ON snapshot.id = page.snapshot_id"
        " WHERE snapshot.market_id = :market AND snapshot.id >= :snapshot AND page.ids IS NOT NULL",
        bound,
    ).fetchall()
    for row in rows:
        keys = connection.execute(
            "SELECT listing.key FROM json_each(?) AS wanted CROSS JOIN listing ON listing.id = wanted.value",
            (json.dumps(capture.decode_ids(row["ids"])),),
        )
        connection.execute(
            "UPDATE second_pass_page SET ids = NULL, strays = ? WHERE snapshot_id = ? AND path = ?",
            (json.dumps(sorted({*json.loads(row["strays"]), *(key for (key,) in keys)})), row["snapshot_id"], row["path"]),
        )


def pages_caught(store: Store, snapshot_ids: Collection[int], strays: Mapping[str, int]) -> Iterator[tuple[int, frozenset[int]]]:
    """(snapshot, ids) of every page that was read; `strays` says the id of a key that the history does not know."""
    wanted = json.dumps(sorted(snapshot_ids))
    for row in store.rows(
        "SELECT snapshot_id, ids, strays FROM second_pass_page JOIN json_each(?) AS wanted ON wanted.value = snapshot_id"
        " WHERE outcome = 'ok' AND ids IS NOT NULL ORDER BY snapshot_id, scope, page",
        (wanted,),
    ):
        yield row["snapshot_id"], frozenset({*capture.decode_ids(row["ids"]), *(strays[key] for key in json.loads(row["strays"]))})


def stray_ids(store: Store, market_id: int) -> dict[str, int]:
    """An id for every key that only second passes saw: that of the listing, where a later snapshot came to know it, else a negative number."""
    rows = store.rows(
        "SELECT DISTINCT stray.value AS key, listing.id FROM snapshot JOIN second_pass_page AS page ON page.snapshot_id = snapshot.id"
        " AND page.outcome = 'ok' AND page.ids IS NOT NULL, json_each(page.strays) AS stray"
        " LEFT JOIN listing ON listing.market_id = snapshot.market_id AND listing.key = stray.value WHERE snapshot.market_id = ? ORDER BY 1",
        (market_id,),
    )
    return {row["key"]: -place if row["id"] is None else row["id"] for place, row in enumerate(rows, 1)}
