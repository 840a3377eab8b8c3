"""The tables and views, as forward migrations: a released migration is never edited, a new one is added below it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from torwatch.store.entities import ENTITIES, LISTING, VENDOR, Entity
from torwatch.store.schema_access import ACCESS_TABLES
from torwatch.store.schema_budgets import BUDGET_TABLES
from torwatch.store.schema_care import CARE
from torwatch.store.schema_crawl import CRAWL_TABLES
from torwatch.store.schema_evidence import EVIDENCE
from torwatch.store.schema_feedback import FEEDBACK_TABLES
from torwatch.store.schema_history import HISTORY_TABLES, SEARCH_TABLE_NAMES, SEARCH_TRIGGERS
from torwatch.store.schema_imports import IMPORTS
from torwatch.store.schema_operation import OPERATION_TABLES
from torwatch.store.schema_recurrence import RECURRENCE_TABLES
from torwatch.store.schema_standing import STANDING
from torwatch.store.schema_ways import WAYS_TABLES
from torwatch.store.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def columns_sql(entity: Entity) -> str:
    """Column declarations of an entity's claims and counters."""
    return ",\n  ".join(f"{column.name} {column.affinity}" for column in (*entity.claims, *entity.counters))


KNOWN_TABLES = """
CREATE TABLE market (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  title TEXT,
  aliases TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(aliases)),
  engine TEXT,
  opened TEXT,
  closed TEXT,
  source TEXT,
  default_origin TEXT,
  added_at TEXT NOT NULL
) STRICT;
CREATE TABLE target (
  id INTEGER PRIMARY KEY,
  market_id INTEGER NOT NULL UNIQUE REFERENCES market (id),
  parser TEXT NOT NULL,
  every_seconds INTEGER NOT NULL CHECK (every_seconds > 0),
  state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'removed')),
  note TEXT NOT NULL DEFAULT '',
  legal_basis TEXT NOT NULL DEFAULT '',
  seconds_per_request REAL CHECK (seconds_per_request >= 0),
  added_at TEXT NOT NULL,
  changed_at TEXT NOT NULL
) STRICT;
CREATE TABLE mirror (
  id INTEGER PRIMARY KEY,
  target_id INTEGER NOT NULL REFERENCES target (id),
  host TEXT NOT NULL,
  port INTEGER NOT NULL DEFAULT 80,
  scheme TEXT NOT NULL DEFAULT 'http',
  added_at TEXT NOT NULL,
  removed_at TEXT
) STRICT;
CREATE UNIQUE INDEX mirror_address ON mirror (host, port) WHERE removed_at IS NULL;
CREATE INDEX mirror_target ON mirror (target_id);
CREATE TABLE snapshot (
  id INTEGER PRIMARY KEY,
  market_id INTEGER NOT NULL REFERENCES market (id),
  target_id INTEGER REFERENCES target (id),
  mirror_id INTEGER REFERENCES mirror (id),
  state TEXT NOT NULL CHECK (state IN ('running', 'complete', 'partial', 'failed', 'held', 'rejected')),
  reason TEXT NOT NULL DEFAULT '',
  cut_short TEXT NOT NULL DEFAULT '',
  started_at TEXT NOT NULL,
  ended_at TEXT,
  parser TEXT NOT NULL,
  parser_digest TEXT NOT NULL,
  torwatch_version TEXT NOT NULL,
  announced_listings INTEGER,
  listings INTEGER,
  vendors INTEGER,
  new_feedback INTEGER,
  pages INTEGER,
  received_bytes INTEGER,
  warc TEXT
) STRICT;
CREATE INDEX snapshot_market ON snapshot (market_id, started_at);
CREATE TABLE snapshot_page (
  snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  kind TEXT NOT NULL,
  outcome TEXT NOT NULL,
  pages INTEGER NOT NULL,
  PRIMARY KEY (snapshot_id, kind, outcome)
) STRICT, WITHOUT ROWID;
CREATE TABLE failure (
  id INTEGER PRIMARY KEY,
  snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  path TEXT NOT NULL,
  kind TEXT NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  status INTEGER,
  elapsed_ms INTEGER,
  attempts INTEGER NOT NULL DEFAULT 1,
  at TEXT
) STRICT;
CREATE INDEX failure_snapshot ON failure (snapshot_id);
CREATE TABLE text (
  digest TEXT PRIMARY KEY,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""

ENTITY_TABLES = f"""
CREATE TABLE vendor (
  id INTEGER PRIMARY KEY,
  market_id INTEGER NOT NULL REFERENCES market (id),
  key TEXT NOT NULL,
  {columns_sql(VENDOR)},
  path TEXT,
  claimed_origin TEXT,
  standing INTEGER NOT NULL DEFAULT 1 CHECK (standing IN (0, 1)),
  sources INTEGER NOT NULL DEFAULT 0,
  first_snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  UNIQUE (market_id, key)
) STRICT;
CREATE TABLE listing (
  id INTEGER PRIMARY KEY,
  market_id INTEGER NOT NULL REFERENCES market (id),
  vendor_id INTEGER REFERENCES vendor (id),
  key TEXT NOT NULL,
  {columns_sql(LISTING)},
  path TEXT,
  claimed_origin TEXT,
  substance_group TEXT,
  standing INTEGER NOT NULL DEFAULT 1 CHECK (standing IN (0, 1)),
  sources INTEGER NOT NULL DEFAULT 0,
  first_snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  UNIQUE (market_id, key)
) STRICT;
CREATE INDEX listing_vendor ON listing (vendor_id);
CREATE TABLE feedback (
  id INTEGER PRIMARY KEY,
  market_id INTEGER NOT NULL REFERENCES market (id),
  vendor_id INTEGER REFERENCES vendor (id),
  listing_id INTEGER REFERENCES listing (id),
  key TEXT NOT NULL,
  vendor TEXT,
  listing_key TEXT,
  product TEXT,
  buyer_hash TEXT,
  body TEXT,
  rating TEXT,
  stars INTEGER,
  price_text TEXT,
  date TEXT,
  age TEXT,
  delivery TEXT,
  first_snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  UNIQUE (market_id, key)
) STRICT;
CREATE INDEX feedback_vendor ON feedback (vendor_id);
CREATE INDEX feedback_listing ON feedback (listing_id);
CREATE TABLE change (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  market_id INTEGER NOT NULL REFERENCES market (id),
  entity TEXT NOT NULL CHECK (entity IN ('listing', 'vendor', 'feedback')),
  key TEXT NOT NULL,
  field TEXT,
  old TEXT,
  new TEXT,
  cause TEXT NOT NULL CHECK (cause IN ('new', 'changed', 'refined', 'back', 'gone_explicit', 'missed'))
) STRICT;
CREATE INDEX change_snapshot ON change (snapshot_id);
CREATE INDEX change_entity ON change (market_id, entity, key);
CREATE TABLE spell (
  id INTEGER PRIMARY KEY,
  entity TEXT NOT NULL CHECK (entity IN ('listing', 'vendor')),
  entity_id INTEGER NOT NULL,
  opened_snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  last_seen_snapshot_id INTEGER REFERENCES snapshot (id),
  first_missed_snapshot_id INTEGER REFERENCES snapshot (id),
  why TEXT CHECK (why IN ('gone_explicit', 'missed'))
) STRICT;
CREATE INDEX spell_entity ON spell (entity, entity_id);
CREATE TABLE miss (
  spell_id INTEGER NOT NULL REFERENCES spell (id),
  snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  PRIMARY KEY (spell_id, snapshot_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE capture (
  snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  entity TEXT NOT NULL,
  pass TEXT NOT NULL DEFAULT 'A',
  size INTEGER NOT NULL,
  ids BLOB NOT NULL,
  PRIMARY KEY (snapshot_id, entity, pass)
) STRICT, WITHOUT ROWID;
CREATE TABLE hold (
  snapshot_id INTEGER PRIMARY KEY REFERENCES snapshot (id),
  reason TEXT NOT NULL,
  figures TEXT NOT NULL DEFAULT '{{}}' CHECK (json_valid(figures)),
  held_at TEXT NOT NULL,
  decision TEXT CHECK (decision IN ('accepted', 'rejected')),
  decided_at TEXT,
  why TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE rate (
  base TEXT NOT NULL,
  quote TEXT NOT NULL,
  at TEXT NOT NULL,
  rate TEXT NOT NULL,
  source TEXT NOT NULL,
  market_id INTEGER REFERENCES market (id),
  PRIMARY KEY (base, quote, at, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX rate_at ON rate (at);
CREATE TABLE fill_rate (
  snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  kind TEXT NOT NULL,
  field TEXT NOT NULL,
  filled INTEGER NOT NULL,
  records INTEGER NOT NULL,
  PRIMARY KEY (snapshot_id, kind, field)
) STRICT, WITHOUT ROWID;
CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL DEFAULT '',
  detail TEXT NOT NULL DEFAULT '{{}}' CHECK (json_valid(detail))
) STRICT;
"""

# Normalised values: one set of rows a distinct raw input and market, so that a new version of a normaliser touches few rows.
DERIVED_TABLES = (
    "".join(
        f"""
CREATE TABLE {direction} (
  market_id INTEGER NOT NULL REFERENCES market (id),
  raw TEXT NOT NULL,
  code TEXT NOT NULL DEFAULT '',
  class TEXT NOT NULL,
  excluded INTEGER NOT NULL DEFAULT 0 CHECK (excluded IN (0, 1)),
  method TEXT NOT NULL,
  confidence REAL NOT NULL,
  version TEXT NOT NULL,
  PRIMARY KEY (market_id, raw, code, excluded)
) STRICT, WITHOUT ROWID;
"""
        for direction in ("origin", "destination")
    )
    + """
CREATE TABLE quantity (
  market_id INTEGER NOT NULL REFERENCES market (id),
  title TEXT NOT NULL,
  category TEXT NOT NULL,
  amount TEXT,
  unit TEXT CHECK (unit IN ('g', 'ml', 'unit')),
  dose TEXT,
  dose_unit TEXT,
  pack_count TEXT,
  method TEXT NOT NULL,
  confidence REAL NOT NULL,
  version TEXT NOT NULL,
  PRIMARY KEY (market_id, title, category)
) STRICT, WITHOUT ROWID;
CREATE TABLE substance (
  market_id INTEGER NOT NULL REFERENCES market (id),
  title TEXT NOT NULL,
  category TEXT NOT NULL,
  substance_group TEXT NOT NULL,
  answer_group TEXT NOT NULL,
  is_drug INTEGER CHECK (is_drug IN (0, 1)),
  method TEXT NOT NULL,
  confidence REAL NOT NULL,
  version TEXT NOT NULL,
  PRIMARY KEY (market_id, title, category)
) STRICT, WITHOUT ROWID;
CREATE TABLE normalised (
  market_id INTEGER NOT NULL REFERENCES market (id),
  kind TEXT NOT NULL,
  version TEXT NOT NULL,
  change_id INTEGER NOT NULL,
  PRIMARY KEY (market_id, kind)
) STRICT, WITHOUT ROWID;
"""
)

COUNTER_TABLES = "".join(
    f"""
CREATE TABLE {entity.counter_table} (
  {entity.name}_id INTEGER NOT NULL REFERENCES {entity.name} (id),
  snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  {", ".join(f"{column.name} {column.affinity}" for column in entity.counters)},
  PRIMARY KEY ({entity.name}_id, snapshot_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE {entity.stage_table} (
  snapshot_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  source INTEGER NOT NULL,
  {columns_sql(entity)},
  path TEXT,
  row_digest TEXT,
  promoted INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (snapshot_id, key, source)
) STRICT, WITHOUT ROWID;
CREATE TABLE {entity.name}_visit (
  {entity.name}_id INTEGER PRIMARY KEY,
  first_snapshot_id INTEGER NOT NULL,
  snapshot_id INTEGER NOT NULL,
  at TEXT NOT NULL,
  row_digest TEXT
) STRICT;
"""
    for entity in ENTITIES
)

WORKING_TABLES = """
CREATE TABLE stage_feedback (
  snapshot_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  vendor TEXT,
  listing_key TEXT,
  product TEXT,
  buyer_hash TEXT,
  body TEXT,
  rating TEXT,
  stars INTEGER,
  price_text TEXT,
  date TEXT,
  age TEXT,
  delivery TEXT,
  PRIMARY KEY (snapshot_id, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE stage_total (
  snapshot_id INTEGER NOT NULL,
  scope TEXT NOT NULL,
  total INTEGER,
  pages INTEGER,
  PRIMARY KEY (snapshot_id, scope)
) STRICT, WITHOUT ROWID;
CREATE TABLE stage_scope (
  snapshot_id INTEGER NOT NULL,
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  PRIMARY KEY (snapshot_id, scope, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE stage_fill (
  snapshot_id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  field TEXT NOT NULL,
  filled INTEGER NOT NULL,
  records INTEGER NOT NULL,
  PRIMARY KEY (snapshot_id, kind, field)
) STRICT, WITHOUT ROWID;
CREATE TABLE stage_rate (
  snapshot_id INTEGER NOT NULL,
  base TEXT NOT NULL,
  quote TEXT NOT NULL,
  rate TEXT NOT NULL
) STRICT;
CREATE TABLE visit (
  snapshot_id INTEGER NOT NULL,
  path TEXT NOT NULL,
  kind TEXT NOT NULL,
  key TEXT,
  stage INTEGER NOT NULL,
  draw INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  outcome TEXT,
  reason TEXT NOT NULL DEFAULT '',
  status INTEGER,
  elapsed_ms INTEGER,
  at TEXT,
  digest TEXT,
  size INTEGER,
  warc TEXT,
  warc_offset INTEGER,
  warc_length INTEGER,
  PRIMARY KEY (snapshot_id, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX visit_pending ON visit (snapshot_id, stage, draw) WHERE outcome IS NULL;
CREATE TABLE request (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  kind TEXT NOT NULL,
  arguments TEXT NOT NULL CHECK (json_valid(arguments)),
  state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
  result TEXT
) STRICT;
"""


def split_statements(script: str) -> list[str]:
    """Cut a script into statements (none of ours holds a semicolon inside), so that they run inside one transaction."""
    return [statement for statement in (part.strip() for part in script.split(";")) if statement]


# In the order in which they are applied, which is the order in which they were released. Plain statements: to open a database
# that is up to date, nothing but their names is read.
MIGRATIONS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "m0001_first_tables": split_statements(KNOWN_TABLES + ENTITY_TABLES + DERIVED_TABLES + COUNTER_TABLES + WORKING_TABLES + VIEWS),
        "m0003_access": split_statements(ACCESS_TABLES),
        "m0005_evidence": EVIDENCE,
        "m0006_imports": (IMPORTS,),
        "m0004_history": (*split_statements(HISTORY_TABLES), *SEARCH_TRIGGERS),
        "m0011_standing": STANDING,
        "m0009_care": CARE,
        "m0002_crawl": split_statements(CRAWL_TABLES),
        "m0007_operation": split_statements(OPERATION_TABLES),
        "m0012_budgets": split_statements(BUDGET_TABLES),
        "m0014_ways": split_statements(WAYS_TABLES),
        "m0018_imports": split_statements(RECURRENCE_TABLES),
        "m0021_feedback": split_statements(FEEDBACK_TABLES),
    }
)

WORKING_TABLE_NAMES = (
    "visit",
    "request",
    "stage_listing",
    "stage_vendor",
    "stage_feedback",
    "stage_total",
    "stage_scope",
    "stage_fill",
    "stage_rate",
    "listing_visit",
    "vendor_visit",
    "page_seen",
    "spending",
    "pace",
    "rest",
    "capture",
    "miss",
    "normalised",
    "journal_queue",
    "alert_scan",
    "fresh_row",
    "import_memory",
    "imported_row",
    "sqlite_sequence",
    *SEARCH_TABLE_NAMES,
)
