"""The end of a snapshot: look for drift, diff what was staged, keep examples of what was held, normalise what is new, seal the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torwatch.archive.index import Entry, index_path, read_index, write_index
from torwatch.archive.reader import read_page
from torwatch.archive.revisit import REVISIT, find_references
from torwatch.archive.writer import open_archive, warc_path
from torwatch.evidence import seal_snapshots
from torwatch.model import Outcome, PageKind
from torwatch.normalisers import key_reader
from torwatch.parsing.drift import FillRates, Rate, compare
from torwatch.store import derived, shipping
from torwatch.store.fetch_log import archived_bytes, read_log
from torwatch.store.judgement import HoldRule, Signs
from torwatch.store.manifests import unsealed_snapshots
from torwatch.store.snapshots import Ending, Snapshot, end_snapshot, present_fill, usual_fill
from torwatch.store.vendor_keys import write_vendor_keys

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from torwatch.archive.revisit import Place
    from torwatch.claims import ClaimRules
    from torwatch.equipment import Tools
    from torwatch.parserkit import Market
    from torwatch.store.database import Store

EXAMPLES = 3  # pages of each kind kept from a held snapshot


def close_snapshot(
    tools: Tools, snapshot: Snapshot, market: Market, rules: ClaimRules, hold: HoldRule, *, warc: Path, cut_short: str
) -> Ending:
    """End a walk whose index is written; what was held leaves example pages beside the archive."""
    ending = end_snapshot(
        tools.store,
        snapshot,
        coverage=rules.coverage(),
        rule=hold,
        now=tools.now(),
        warc=f"{snapshot.market}/{warc.name}",
        signs=Signs(cut_short, find_drift(tools.store, snapshot, market)),
    )
    follow_up(tools, snapshot.market_id, market, held={snapshot.id: warc} if ending.state == "held" else {})
    return ending


def end_unfinished(tools: Tools, snapshot: Snapshot, market: Market, rules: ClaimRules, hold: HoldRule, *, why: str) -> Ending:
    """End a snapshot whose walk was stopped, with the pages that it has; it is partial then, for this reason."""
    warc = warc_path(tools.archive_directory, snapshot.market, snapshot.id)
    with open_archive(warc, referenced_bytes=archived_bytes(tools.store, snapshot.id)):
        pass  # what no row refers to is cut off
    write_fetch_log(tools.store, snapshot.id, warc)
    return close_snapshot(tools, snapshot, market, rules, hold, warc=warc, cut_short=why)


def follow_up(tools: Tools, market_id: int, market: Market, *, held: Mapping[int, Path]) -> None:
    """What follows once the end of a snapshot is written: examples of what was held, the derived values, and last of all the seal."""
    for snapshot_id, warc in held.items():
        keep_examples(warc, tools.archive_directory.parent / "held" / warc.parent.name / str(snapshot_id))
    derive(tools, market_id, market)
    seal_snapshots(tools.store, tools.archive_directory, tools.now(), market_id)


def finish_closings(tools: Tools, find_market: Callable[[str], Market]) -> None:
    """Do what a kill kept from following the end of a snapshot; one that was never sealed tells of it.

    `find_market` gives the market that a parser's name stands for; of several parsers of one market, the newest counts.
    """
    cut_off: dict[int, list[sqlite3.Row]] = {}
    for row in unsealed_snapshots(tools.store):
        cut_off.setdefault(row["market_id"], []).append(row)
    for market_id, rows in cut_off.items():
        held = {row["id"]: tools.archive_directory / row["warc"] for row in rows if row["state"] == "held"}
        follow_up(tools, market_id, find_market(rows[-1]["parser"]), held=held)


def derive(tools: Tools, market_id: int, market: Market) -> None:
    """Normalise the claims of a market that have no normalised rows of this version yet."""
    shipping.note_default_origin(tools.store, market_id, market.default_origin)
    derived.write_derived(tools.store, market_id, tools.normalisers(market.facts))
    write_vendor_keys(tools.store, market_id, key_reader())


def find_drift(store: Store, snapshot: Snapshot, market: Market) -> str:
    """Which field faded against the last good snapshots of the market, as a sentence that names the last good one; "" when none did."""
    found = compare(to_rates(present_fill(store, snapshot.id)), to_rates(usual_fill(store, snapshot.market_id, snapshot.id)), market)
    if not found:
        return ""
    good = store.value(
        "SELECT max(id) FROM snapshot WHERE market_id = ? AND id < ? AND state IN ('complete', 'partial')",
        (snapshot.market_id, snapshot.id),
    )
    return (
        f"{found[0]}"
        + (f" (and {len(found) - 1} more fields)" if len(found) > 1 else "")
        + (f"; last good snapshot {good}" if good else "")
    )


def to_rates(rows: Iterable[tuple[str, str, int, int]]) -> FillRates:
    """Stored fill rates in the form that drift detection compares."""
    rates: dict[PageKind, dict[str, Rate]] = {}
    for kind, name, filled, records in rows:
        rates.setdefault(PageKind(kind), {})[name] = Rate(filled, records)
    return rates


def keep_examples(warc: Path, folder: Path) -> None:
    """Keep some pages of a held snapshot as files, ready to become fixtures of the mended parser: EXAMPLES of each kind, bad ones first."""
    entries = [entry for entry in read_index(index_path(warc)) if entry.offset is not None]
    entries.sort(key=lambda entry: entry.outcome != Outcome.LAYOUT_CHANGED.value)
    kept: dict[str, int] = {}
    for entry in entries:
        if entry.offset is not None and kept.get(entry.kind, 0) < EXAMPLES:
            kept[entry.kind] = kept.get(entry.kind, 0) + 1
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (folder / f"{entry.kind}-{kept[entry.kind]}.html").write_bytes(read_page(warc, entry.offset).body)


def write_fetch_log(store: Store, snapshot_id: int, warc: Path) -> None:
    """Turn the fetch log of both passes into the CDXJ index beside the WARC."""
    rows = list(read_log(store, snapshot_id))
    referred = find_references(warc, ((row["warc_offset"], row["warc_length"]) for _, row in rows if row["warc_offset"] is not None))
    write_index(index_path(warc), (entry_of(address, row, referred.get(row["warc_offset"])) for address, row in rows))


def entry_of(address: str, row: sqlite3.Row, earlier: Place | None) -> Entry:
    """A row of the fetch log as its line of the index; `earlier`: where the body lies that its record refers to."""
    return Entry(
        url=address + row["path"],
        timestamp=(row["at"] or "").translate({ord(sign): None for sign in "-:T"})[:14] or "0" * 14,
        outcome=row["outcome"] or "",
        kind=row["kind"],
        status=row["status"],
        digest=row["digest"] or "",
        filename=row["warc"] or "",
        offset=row["warc_offset"],
        length=row["warc_length"],
        key=row["key"],
        reason=row["reason"],
        elapsed_ms=row["elapsed_ms"],
        attempts=row["attempts"],
        size=row["size"],
        second_pass=row["second_pass"],
        mime=REVISIT if earlier else None,
        orig_filename=earlier.filename if earlier else None,
        orig_offset=earlier.offset if earlier else None,
    )
