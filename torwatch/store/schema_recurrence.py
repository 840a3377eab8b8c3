"""The tables of recurrence, as a forward migration: which row of a file each listing was last imported from."""

from __future__ import annotations

RECURRENCE_TABLES = """
CREATE TABLE import_memory (
  market_id INTEGER PRIMARY KEY,
  snapshot_id INTEGER NOT NULL
) STRICT;
CREATE TABLE imported_row (
  listing_id INTEGER PRIMARY KEY,
  market_id INTEGER NOT NULL,
  digest TEXT
) STRICT;
CREATE TABLE fresh_row (
  key TEXT NOT NULL,
  digest TEXT
) STRICT;
CREATE UNIQUE INDEX imported_row_digest ON imported_row (market_id, digest);
"""
