"""How a market was reached, as a forward migration: visits to its mirrors, and the sessions of a person's browser."""

from __future__ import annotations

ACCESS_TABLES = """
CREATE TABLE mirror_visit (
  id INTEGER PRIMARY KEY,
  mirror_id INTEGER NOT NULL REFERENCES mirror (id),
  at TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('snapshot', 'probe', 'canary')),
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  elapsed_ms INTEGER,
  verdict TEXT NOT NULL CHECK (verdict IN ('up', 'down', 'unknown'))
) STRICT;
CREATE INDEX mirror_visit_mirror ON mirror_visit (mirror_id, at);
CREATE INDEX mirror_visit_at ON mirror_visit (at);
CREATE TABLE session (
  id INTEGER PRIMARY KEY,
  target_id INTEGER NOT NULL REFERENCES target (id),
  state TEXT NOT NULL DEFAULT 'good' CHECK (state IN ('good', 'lost', 'dropped')),
  cookies INTEGER NOT NULL,
  imported_at TEXT NOT NULL,
  lost_at TEXT,
  lost_why TEXT NOT NULL DEFAULT '',
  expected_until TEXT
) STRICT;
CREATE UNIQUE INDEX session_live ON session (target_id) WHERE state <> 'dropped';
CREATE VIEW market_availability AS
  SELECT market.name AS market, mirror.host AS mirror, mirror_visit.at, mirror_visit.verdict,
         mirror_visit.outcome || CASE WHEN mirror_visit.reason = '' THEN '' ELSE ': ' || mirror_visit.reason END AS why
  FROM mirror_visit JOIN mirror ON mirror.id = mirror_visit.mirror_id JOIN target ON target.id = mirror.target_id
  JOIN market ON market.id = target.market_id;
"""
