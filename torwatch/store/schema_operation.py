"""The tables' change for operation: alerts, to whom each is still to be told, and which snapshots have been looked through for them."""

from __future__ import annotations

# What was there before alerts were is old news: its snapshots count as looked through.
OPERATION_TABLES = """
CREATE TABLE alert (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  at TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('change', 'health')),
  rule TEXT NOT NULL,
  subject TEXT NOT NULL,
  title TEXT NOT NULL,
  body TEXT NOT NULL DEFAULT '',
  snapshot_id INTEGER REFERENCES snapshot (id) ON DELETE SET NULL
) STRICT;
CREATE INDEX alert_at ON alert (at);
CREATE INDEX alert_snapshot ON alert (snapshot_id);
CREATE TABLE alert_delivery (
  alert_id INTEGER NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
  destination TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  tried_at TEXT,
  sent_at TEXT,
  error TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (alert_id, destination)
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_delivery_waiting ON alert_delivery (destination) WHERE sent_at IS NULL;
CREATE TABLE alert_scan (
  snapshot_id INTEGER PRIMARY KEY,
  at TEXT NOT NULL
) STRICT;
INSERT INTO alert_scan (snapshot_id, at) SELECT id, coalesce(ended_at, started_at) FROM snapshot WHERE state <> 'running';
"""
