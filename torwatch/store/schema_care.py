"""The tables' change for care: rows that wait for the journal of the archive, and the rule under which a snapshot was judged."""

from __future__ import annotations

CARE = (
    """
CREATE TABLE journal_queue (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now')),
  entity TEXT NOT NULL,
  gone INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1)),
  fields TEXT NOT NULL CHECK (json_valid(fields))
) STRICT
""",
    "ALTER TABLE snapshot ADD COLUMN max_fall REAL",
    "ALTER TABLE snapshot ADD COLUMN confirm_misses INTEGER",
)
