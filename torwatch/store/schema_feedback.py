"""The table of how much feedback a page showed, as a forward migration."""

from __future__ import annotations

FEEDBACK_TABLES = """
CREATE TABLE feedback_shown (
  listing_id INTEGER NOT NULL REFERENCES listing (id),
  snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  shown INTEGER NOT NULL,
  PRIMARY KEY (listing_id, snapshot_id)
) STRICT, WITHOUT ROWID;
"""
