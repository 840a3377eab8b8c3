"""`torwatch parser list`: every parser, how well its pages are known, when it last worked, and how full its fields were."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from torwatch.cli.context import the_config
from torwatch.cli.parser_options import AS_JSON, DIRECTORY, parser_directories, shorten
from torwatch.errors import ParserError
from torwatch.model import Evidence
from torwatch.parsing.registry import find_parsers, load_place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torwatch.store.database import Store

SPARSE = 0.5  # share of records below which a field is named
EVIDENCE = """evidence: how well each kind of page is known. page: written from saved pages;
described: from descriptions only; gate-only: no such page is read, only gates
such as a login or a captcha are known."""
LAST = """
SELECT snapshot.id, snapshot.parser, snapshot.state, snapshot.ended_at, snapshot.listings, snapshot.parser_digest FROM snapshot
JOIN (SELECT parser, max(id) AS id FROM snapshot WHERE state IN ('complete', 'partial') GROUP BY parser) AS newest USING (id)
"""


@click.command("list")
@DIRECTORY
@AS_JSON
def list_(directories: tuple[Path, ...], *, as_json: bool) -> None:
    """List the parsers: the door each came through, how well each kind of page is known, its last success and how full its fields were then."""
    rows = []
    worked = last_successes()
    for place in find_parsers(parser_directories(directories)).values():
        try:
            loaded, fault = load_place(place), ""
        except ParserError as error:
            loaded, fault = None, str(error)
        rows.append(
            {
                "name": place.name,
                "title": loaded.market.title if loaded else "",
                "door": place.door,
                "archived": place.archived,
                "engine": loaded.market.engine if loaded else "",
                "evidence": {kind.value: known.value for kind, known in loaded.evidence.items()} if loaded else {},
                "digest": loaded.digest if loaded else "",
                "last_success": worked.get(place.name),
                "fault": fault,
            }
        )
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))
        return
    show(rows)


def last_successes() -> dict[str, dict[str, Any]]:
    """For each parser its newest good snapshot with the fill rates of that; nothing where there is no database yet."""
    path = the_config().database_path
    if not path.exists():
        return {}
    from torwatch.store.database import open_store

    with open_store(path, create=False) as store:
        return {row["parser"]: describe_snapshot(store, row) for row in store.rows(LAST)}


def describe_snapshot(store: Store, row: Any) -> dict[str, Any]:
    """One snapshot as `parser list` shows it; rates are shares from 0 to 1 by page kind and field."""
    rates: dict[str, dict[str, float]] = {}
    for rate in store.rows("SELECT kind, field, filled, records FROM fill_rate WHERE snapshot_id = ? AND records > 0", (row["id"],)):
        rates.setdefault(rate["kind"], {})[rate["field"]] = round(rate["filled"] / rate["records"], 4)
    return {
        "snapshot": row["id"],
        "state": row["state"],
        "ended_at": row["ended_at"],
        "listings": row["listings"],
        "parser_digest": row["parser_digest"],
        "fill_rates": rates,
    }


def show(rows: list[dict[str, Any]]) -> None:
    """Print the table for a person."""
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    table = Table(Column("parser", no_wrap=True), "market (engine)", "door", "evidence", "last success")
    for row in rows:
        door = row["door"] + (", archived" if row["archived"] else "")
        title = row["title"] + (f" ({row['engine']})" if row["engine"] else "")
        cells = (row["name"], title, door, shorten(row["fault"]) or describe_evidence(row["evidence"]))
        table.add_row(*(Text(cell) for cell in cells), Text(describe_success(row["last_success"])))
    Console(highlight=False).print(table)
    click.echo(EVIDENCE)


def describe_success(success: Mapping[str, Any] | None) -> str:
    """The last success in words: when, how complete, and the fields that were filled in fewer than half of the records."""
    if success is None:
        return ""
    sparse = [
        f"{kind} {field} {rate:.0%}" for kind, fields in success["fill_rates"].items() for field, rate in fields.items() if rate < SPARSE
    ]
    rates = f"; sparse: {', '.join(sparse[:4])}{' …' if len(sparse) > 4 else ''}" if sparse else ""  # noqa: PLR2004 - a line's worth
    return f"{success['ended_at'] or ''} {success['state']}{rates}".strip()


def describe_evidence(known: Mapping[str, str]) -> str:
    """Group the kinds of page, by their short names, by how well they are known: "page: index, vendor; described: feedback"."""
    groups = {one.value: [kind.removeprefix("listing-") for kind, evidence in known.items() if evidence == one.value] for one in Evidence}
    return "; ".join(f"{name}: {', '.join(kinds)}" for name, kinds in groups.items() if kinds)
