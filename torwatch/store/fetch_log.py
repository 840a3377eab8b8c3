"""The fetch log of a running snapshot, both passes: what becomes its index when it ends, and how far the archive reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torwatch.store.targets import Mirror

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from torwatch.store.database import Store

COLUMNS = (
    "log.path, log.at, log.outcome, log.status, log.digest, log.warc, log.warc_offset, log.warc_length, log.reason, log.elapsed_ms,"
    " log.attempts, mirror.host, mirror.port, mirror.scheme"
)
ADDRESS = (
    " JOIN snapshot ON snapshot.id = log.snapshot_id LEFT JOIN mirror ON mirror.id = coalesce(log.mirror_id, snapshot.mirror_id)"
    " WHERE log.snapshot_id = :snapshot"
)


def read_log(store: Store, snapshot_id: int) -> Iterator[tuple[str, sqlite3.Row]]:
    """(address of the mirror, row) of every page planned, visited or not; `second_pass` of a page of the second pass: where it stands."""
    rows = store.rows(
        f"SELECT {COLUMNS}, log.kind, log.key, log.size, NULL AS second_pass FROM visit AS log{ADDRESS}"
        f" UNION ALL SELECT {COLUMNS}, 'listing-index', NULL, log.received_bytes, log.page || '/' || list.pages || ' ' || list.scope FROM second_pass_page AS log"
        f" JOIN second_pass_list AS list ON list.snapshot_id = log.snapshot_id AND list.scope = log.scope{ADDRESS}",
        {"snapshot": snapshot_id},
    )
    for row in rows:
        yield Mirror(0, row["host"], row["port"], row["scheme"]).address if row["host"] else "", row


def archived_bytes(store: Store, snapshot_id: int) -> int:
    """Where the last record ends that the database refers to: what lies behind it in the WARC was never committed."""
    ends = [
        store.value(f"SELECT max(warc_offset + warc_length) FROM {table} WHERE snapshot_id = ?", (snapshot_id,))
        for table in ("visit", "second_pass_page")
    ]
    ends.append(
        store.value(
            "SELECT max(json_extract(detail, '$.warc_offset') + json_extract(detail, '$.warc_length')) FROM event"
            " WHERE kind = 'mirror_greeted' AND json_extract(detail, '$.snapshot') = ?",
            (snapshot_id,),
        )
    )
    return max(end or 0 for end in ends)
