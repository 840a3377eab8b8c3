"""How a target is crawled, as a forward migration: the second pass, the mirror of each visit, and when pages were last seen."""

from __future__ import annotations

CRAWL_TABLES = """
ALTER TABLE target ADD COLUMN second_pass REAL CHECK (second_pass BETWEEN 0 AND 1);
ALTER TABLE snapshot ADD COLUMN second_pass REAL NOT NULL DEFAULT 0 CHECK (second_pass BETWEEN 0 AND 1);
ALTER TABLE visit ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE visit ADD COLUMN mirror_id INTEGER;
DROP INDEX visit_pending;
CREATE INDEX visit_pending ON visit (snapshot_id, stage, seen, draw) WHERE outcome IS NULL;
CREATE TABLE second_pass_list (
  snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  scope TEXT NOT NULL,
  pages INTEGER NOT NULL,
  drawn INTEGER NOT NULL,
  announced_snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  PRIMARY KEY (snapshot_id, scope)
) STRICT, WITHOUT ROWID;
CREATE TABLE second_pass_page (
  snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  scope TEXT NOT NULL,
  page INTEGER NOT NULL,
  path TEXT NOT NULL,
  moment REAL NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  outcome TEXT,
  reason TEXT NOT NULL DEFAULT '',
  status INTEGER,
  elapsed_ms INTEGER,
  at TEXT,
  digest TEXT,
  received_bytes INTEGER NOT NULL DEFAULT 0,
  warc TEXT,
  warc_offset INTEGER,
  warc_length INTEGER,
  mirror_id INTEGER,
  size INTEGER NOT NULL DEFAULT 0,
  ids BLOB,
  strays TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(strays)),
  PRIMARY KEY (snapshot_id, path)
) STRICT, WITHOUT ROWID;
CREATE TABLE page_seen (
  market_id INTEGER NOT NULL REFERENCES market (id),
  path TEXT NOT NULL,
  snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  PRIMARY KEY (market_id, path)
) STRICT, WITHOUT ROWID;
"""
