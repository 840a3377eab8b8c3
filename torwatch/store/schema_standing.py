"""The indexes that keep a diff as fast after years: over what stands and over running misses, not over all that was ever known."""

from __future__ import annotations

from torwatch.store.entities import ENTITIES

STANDING = (
    *(f"CREATE INDEX {entity.name}_standing ON {entity.name} (market_id, key) WHERE standing = 1" for entity in ENTITIES),
    "CREATE INDEX spell_missed ON spell (entity, entity_id) WHERE why IS NULL AND first_missed_snapshot_id IS NOT NULL",
)
