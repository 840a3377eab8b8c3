"""Which source a value is taken from: the strongest that can show it; a weaker one fills it only while no stronger one was ever read.

Everything here is SQL text over these aliases: `e` what is known, `d`, `i` and `v` what the detail page, the index and the vendor's table
of this snapshot said of the same key, `s` any one staged row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torwatch.model import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torwatch.store.entities import Entity

SOURCE_BIT = {Source.DETAIL: 4, Source.INDEX: 2, Source.VENDOR_TABLE: 1}
STRENGTH = (Source.DETAIL, Source.INDEX, Source.VENDOR_TABLE)  # strongest first
ALIAS = {Source.DETAIL: "d", Source.INDEX: "i", Source.VENDOR_TABLE: "v"}

Coverage = Mapping[Source, frozenset[str]]  # which claims a source of this market can show


def showing(claim: str, coverage: Coverage) -> Iterator[tuple[Source, int]]:
    """The sources that can show a claim, strongest first, each with the bits of those that are stronger."""
    stronger_bits = 0
    for source in STRENGTH:
        if claim in coverage.get(source, frozenset()):
            yield source, stronger_bits
            stronger_bits |= SOURCE_BIT[source]


def unread(bits: int) -> str:
    """No source of these was ever read of `e`."""
    return f"(coalesce(e.sources, 0) & {bits}) = 0"


def claim_sql(claim: str, coverage: Coverage) -> str:
    """The new value of a claim: from the strongest source read now that covers it, unless a stronger one was read before."""
    branches = [
        f"WHEN {ALIAS[source]}.key IS NOT NULL{f' AND {unread(stronger)}' if stronger else ''} THEN {ALIAS[source]}.{claim}"
        for source, stronger in showing(claim, coverage)
    ]
    return f"CASE {' '.join(branches)} ELSE e.{claim} END" if branches else f"e.{claim}"


def strongest_value(column: str) -> str:
    """A counter or attribute: the first source that shows a value, else what is known."""
    return f"coalesce(d.{column}, i.{column}, v.{column}, e.{column})"


def source_joins(entity: Entity, keys: str) -> str:
    """Join what each source of this snapshot said, and what is known, to the column `key` of the table `keys`."""
    sources = "\n".join(
        f"LEFT JOIN {entity.stage_table} AS {alias} ON {alias}.snapshot_id = :snapshot AND {alias}.key = k.key"
        f" AND {alias}.source = {SOURCE_BIT[source]}"
        for source, alias in ALIAS.items()
    )
    return f"FROM {keys} AS k\n{sources}\nLEFT JOIN {entity.name} AS e ON e.market_id = :market AND e.key = k.key"


def may_change_claims(entity: Entity, coverage: Coverage) -> str:
    """Whether the staged row `s` may change what is known: true of every row that does, and of few others.

    It looks at one row alone, so that the rows of a snapshot in which little changed are compared in one pass and no more.
    """
    by_source: dict[Source, list[str]] = {source: [] for source in STRENGTH}
    for column in entity.claims:
        for source, stronger in showing(column.name, coverage):
            differs = f"s.{column.name} IS NOT e.{column.name}"
            by_source[source].append(f"({unread(stronger)} AND {differs})" if stronger else differs)
    claims = " OR ".join(f"(s.source = {SOURCE_BIT[source]} AND ({' OR '.join(told)}))" for source, told in by_source.items() if told)
    known = "e.id IS NULL OR e.standing = 0 OR (e.sources | s.source) <> e.sources OR (s.path IS NOT NULL AND s.path IS NOT e.path)"
    return f"({known}{' OR ' if claims else ''}{claims})"


def may_move_counters(entity: Entity) -> str:
    """Whether the staged row `s` shows a counter that is not the known one."""
    moved = (f"(s.{column.name} IS NOT NULL AND s.{column.name} IS NOT e.{column.name})" for column in entity.counters)
    return f"({' OR '.join(moved)})"
