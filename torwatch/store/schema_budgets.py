"""How hard a target is asked, as a forward migration: its own daily budgets, what each day took, its pace, and until when it rests."""

from __future__ import annotations

# spending: requests sent and bytes that came (decoded), of failed pages, repeats and redirects too, by day (UTC).
# pace.at: when it was asked last; in the future: nothing is asked before, because the market wished so (Retry-After).
# rest: left alone until then; faults in a row that stopped its walk, 0: the budget of its day is spent.
BUDGET_TABLES = """
ALTER TABLE target ADD COLUMN requests_per_day INTEGER CHECK (requests_per_day >= 0);
ALTER TABLE target ADD COLUMN bytes_per_day INTEGER CHECK (bytes_per_day >= 0);
CREATE TABLE spending (
  target_id INTEGER NOT NULL REFERENCES target (id),
  day TEXT NOT NULL,
  requests INTEGER NOT NULL,
  received_bytes INTEGER NOT NULL,
  PRIMARY KEY (target_id, day)
) STRICT, WITHOUT ROWID;
CREATE TABLE pace (
  target_id INTEGER PRIMARY KEY REFERENCES target (id),
  slow_down REAL NOT NULL,
  why TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT;
CREATE TABLE rest (
  target_id INTEGER PRIMARY KEY REFERENCES target (id),
  until TEXT NOT NULL,
  why TEXT NOT NULL,
  faults INTEGER NOT NULL
) STRICT;
"""
