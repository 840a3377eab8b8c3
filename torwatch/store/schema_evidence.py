"""The tables' change for evidence: which manifest vouches for a snapshot, and an event log that can only grow."""

from __future__ import annotations

# No foreign key: what vouches for a snapshot must outlive a row that was deleted, so that the deletion shows.
EVIDENCE = (
    """
CREATE TABLE manifest (
  sequence INTEGER PRIMARY KEY,
  snapshot_id INTEGER NOT NULL UNIQUE,
  path TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  sealed_at TEXT NOT NULL
) STRICT
""",
    """
CREATE TRIGGER event_keeps_its_rows BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'the event log only grows'); END
""",
    """
CREATE TRIGGER event_keeps_its_words BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'the event log only grows'); END
""",
)
