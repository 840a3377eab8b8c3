"""The ways to markets, as a forward migration: what canary onions said of our own network."""

from __future__ import annotations

WAYS_TABLES = """
CREATE TABLE canary_visit (
  id INTEGER PRIMARY KEY,
  host TEXT NOT NULL,
  at TEXT NOT NULL,
  answered INTEGER NOT NULL CHECK (answered IN (0, 1)),
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  elapsed_ms INTEGER
) STRICT;
CREATE INDEX canary_visit_at ON canary_visit (at);
"""
