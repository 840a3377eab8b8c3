"""The tables and views of history: versions of claims, spells to read, counter series, keys and handles of vendors, the search index."""

from __future__ import annotations

from torwatch.store.entities import LISTING, VENDOR, Entity

VERSION_VIEWS = """
CREATE VIEW claim_version AS
  WITH said AS (
    SELECT change.id, change.market_id, change.entity, change.key, first.key AS field, CAST(first.value AS TEXT) AS value, change.snapshot_id
    FROM change JOIN json_each(change.new) AS first WHERE change.cause = 'new' AND change.entity <> 'feedback'
    UNION ALL
    SELECT id, market_id, entity, key, field, new, snapshot_id FROM change WHERE cause IN ('changed', 'refined'))
  SELECT market_id, entity, key, field, value, snapshot_id AS from_snapshot_id,
         lead(snapshot_id) OVER (PARTITION BY market_id, entity, key, field ORDER BY id) AS until_snapshot_id
  FROM said;
CREATE VIEW standing_version AS
  SELECT market_id, entity, key, snapshot_id AS from_snapshot_id, until_snapshot_id
  FROM (SELECT market_id, entity, key, snapshot_id, cause,
               lead(snapshot_id) OVER (PARTITION BY market_id, entity, key ORDER BY id) AS until_snapshot_id
        FROM change WHERE entity <> 'feedback' AND cause IN ('new', 'back', 'gone_explicit', 'missed'))
  WHERE cause IN ('new', 'back');
CREATE VIEW spell_readable AS
  SELECT market.name AS market, spell.entity, coalesce(listing.key, vendor.key) AS key, coalesce(listing.title, vendor.name) AS name,
         opened.started_at AS opened_at, last.started_at AS last_seen_at, missed.started_at AS first_missed_at, spell.why, spell.id AS spell_id
  FROM spell
  LEFT JOIN listing ON spell.entity = 'listing' AND listing.id = spell.entity_id
  LEFT JOIN vendor ON spell.entity = 'vendor' AND vendor.id = spell.entity_id
  JOIN snapshot AS opened ON opened.id = spell.opened_snapshot_id
  JOIN market ON market.id = opened.market_id
  LEFT JOIN snapshot AS last ON last.id = spell.last_seen_snapshot_id
  LEFT JOIN snapshot AS missed ON missed.id = spell.first_missed_snapshot_id;
"""


def counter_view(entity: Entity, label: str) -> str:
    """The counter series of an entity with market and time; sales also as the difference to the point before."""
    series = ", ".join(f"series.{column.name}" for column in entity.counters)
    return f"""
CREATE VIEW {entity.name}_counter_series AS
  SELECT market.name AS market, e.id AS {entity.name}_id, e.key, e.{label}, snapshot.started_at AS at, {series},
         series.sales - lag(series.sales) OVER (PARTITION BY e.id ORDER BY series.snapshot_id) AS sales_since, series.snapshot_id
  FROM {entity.counter_table} AS series JOIN {entity.name} AS e ON e.id = series.{entity.name}_id
  JOIN market ON market.id = e.market_id JOIN snapshot ON snapshot.id = series.snapshot_id;
"""


# Keys and handles are ever held: a new key or name is one more row. An account is linked by a key, and only a candidate by a handle.
VENDOR_TABLES = """
CREATE TABLE vendor_key (
  vendor_id INTEGER NOT NULL REFERENCES vendor (id) ON DELETE CASCADE,
  fingerprint TEXT NOT NULL,
  key_id TEXT NOT NULL,
  created TEXT,
  expires TEXT,
  revoked INTEGER NOT NULL DEFAULT 0 CHECK (revoked IN (0, 1)),
  user_id TEXT NOT NULL DEFAULT '',
  first_snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  PRIMARY KEY (vendor_id, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE INDEX vendor_key_fingerprint ON vendor_key (fingerprint);
CREATE TABLE vendor_handle (
  vendor_id INTEGER NOT NULL REFERENCES vendor (id) ON DELETE CASCADE,
  handle TEXT NOT NULL,
  name TEXT NOT NULL,
  first_snapshot_id INTEGER NOT NULL REFERENCES snapshot (id),
  PRIMARY KEY (vendor_id, handle)
) STRICT, WITHOUT ROWID;
CREATE INDEX vendor_handle_handle ON vendor_handle (handle);
CREATE VIEW vendor_link AS
  SELECT mine.vendor_id, other.vendor_id AS other_vendor_id, 'pgp' AS evidence, 'linked' AS strength, mine.fingerprint AS shared
  FROM vendor_key AS mine JOIN vendor_key AS other ON other.fingerprint = mine.fingerprint AND other.vendor_id <> mine.vendor_id
  UNION ALL
  SELECT mine.vendor_id, other.vendor_id, 'handle', 'candidate', mine.handle
  FROM vendor_handle AS mine JOIN vendor_handle AS other ON other.handle = mine.handle AND other.vendor_id <> mine.vendor_id
  JOIN vendor AS a ON a.id = mine.vendor_id JOIN vendor AS b ON b.id = other.vendor_id AND b.market_id <> a.market_id;
"""

SEARCH_TABLES = """
CREATE VIEW listing_text AS
  SELECT listing.id, listing.title, text.body AS description FROM listing LEFT JOIN text ON text.digest = listing.description;
CREATE VIRTUAL TABLE listing_search USING fts5 (title, description, content = 'listing_text', content_rowid = 'id', tokenize = 'trigram');
INSERT INTO listing_search (listing_search) VALUES ('rebuild');
"""

TAKE_OUT = (
    "INSERT INTO listing_search (listing_search, rowid, title, description)"
    " VALUES ('delete', old.id, old.title, (SELECT body FROM text WHERE digest = old.description));"
)
PUT_IN = "INSERT INTO listing_search (rowid, title, description) VALUES (new.id, new.title, (SELECT body FROM text WHERE digest = new.description));"
# A text must stay until the listings that show it are gone: the index takes out a row by its old words.
SEARCH_TRIGGERS = (
    f"CREATE TRIGGER listing_search_new AFTER INSERT ON listing BEGIN {PUT_IN} END",
    f"CREATE TRIGGER listing_search_gone AFTER DELETE ON listing BEGIN {TAKE_OUT} END",
    (
        "CREATE TRIGGER listing_search_changed AFTER UPDATE OF title, description ON listing"
        f" WHEN old.title IS NOT new.title OR old.description IS NOT new.description BEGIN {TAKE_OUT} {PUT_IN} END"
    ),
)

HISTORY_TABLES = VERSION_VIEWS + counter_view(LISTING, "title") + counter_view(VENDOR, "name") + VENDOR_TABLES + SEARCH_TABLES
SEARCH_TABLE_NAMES = ("listing_search", *(f"listing_search_{part}" for part in ("config", "data", "docsize", "idx")), "listing_text")
