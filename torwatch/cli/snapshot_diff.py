"""`torwatch snapshot diff`: what differs between the states of a market after two snapshots."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from torwatch.cli.context import the_store
from torwatch.cli.excerpt import excerpts, readable, shorten
from torwatch.cli.output import minute_text, print_json, print_table, progress_bar
from torwatch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torwatch.store.comparison import Comparison, Difference
    from torwatch.store.snapshots import Snapshot

SECTIONS = ("listings", "vendors", "keys", "feedback", "categories")
WORDS = {"gone_explicit": "gone", "missed": "missed", "new": "new", "back": "back"}


@click.command()
@click.argument("first", type=int)
@click.argument("second", type=int)
@click.option("--of", "sections", type=click.Choice(SECTIONS), multiple=True, help="Print only these; may be given again.")
@click.option("--limit", type=click.IntRange(0), default=50, show_default=True, help="At most so many of each; 0: all. --json prints all.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object with a list for each of these, values whole.")
def diff(first: int, second: int, sections: tuple[str, ...], limit: int, *, as_json: bool) -> None:
    """Show what differs between the states of a market after two of its snapshots.

    Listings and vendors that came and went and every claim that differs, the keys that accounts show, feedback first seen between the
    two, and categories with another number of listings. A claim is marked "refined" where only a better page was read: the market said
    the same before.

    \b
    torwatch snapshot diff 12 19
    torwatch snapshot diff 12 19 --of vendors --of keys --limit 0
    torwatch snapshot diff 12 19 --json | jq '.listings[] | select(.field == "price")'
    """
    from torwatch.normalise.openpgp import read_keys
    from torwatch.store.comparison import STEPS, compare_snapshots
    from torwatch.store.snapshots import find_snapshot

    store = the_store()
    before, after = find_snapshot(store, first), find_snapshot(store, second)
    if before.market_id != after.market_id:
        raise UsageError(f"snapshot {first} is of {before.market}, {second} of {after.market}: compare two of one market")
    with progress_bar("Comparing") as show:
        found = compare_snapshots(
            store,
            before.market_id,
            first,
            second,
            fingerprints=lambda text: [(key.fingerprint, key.user_id) for key in read_keys(text)],
            progress=lambda step: show(step, STEPS),
        )
    wanted = tuple(one for one in SECTIONS if not sections or one in sections)
    notes = [note for one in dict.fromkeys((before, after)) if (note := note_of(one))]
    if as_json:
        print_json(
            {
                "market": before.market,
                "first": describe(before),
                "second": describe(after),
                "notes": notes,
                **{name: [dataclasses.asdict(one) for one in getattr(found, name)] for name in wanted},
            }
        )
        return
    for note in notes:
        click.echo(note, err=True)
    click.echo(f"{before.market}: snapshot {first} ({moment_of(before)})")
    click.echo(f"{' ' * len(before.market)} against {second} ({moment_of(after)})")
    print_comparison(found, wanted, limit, forward=first <= second)


def describe(snapshot: Snapshot) -> dict[str, Any]:
    """What is said of a snapshot for scripts."""
    return {"snapshot": snapshot.id, "started_at": snapshot.started_at, "state": snapshot.state}


def moment_of(snapshot: Snapshot) -> str:
    """What is said of a snapshot for people."""
    return f"{minute_text(snapshot.started_at)}, {snapshot.state}"


def note_of(snapshot: Snapshot) -> str:
    """Why a snapshot's own pages are not in what is compared; empty where they are."""
    if snapshot.state in {"complete", "partial"}:
        return ""
    ways = {"held": f": torwatch hold show {snapshot.id}", "running": ": it has not ended"}
    return f"Snapshot {snapshot.id} is {snapshot.state}{ways.get(snapshot.state, '')}. What it read is not in the history; the state is that before it."


def print_comparison(found: Comparison, sections: Sequence[str], limit: int, *, forward: bool) -> None:
    """The totals, and a table for each section that is not empty."""
    if not any(getattr(found, name) for name in sections):
        click.echo("Nothing differs.")
        return
    print_table(
        ("of", "came", "went", "changed", "claims"),
        [(name, *totals(getattr(found, name), name, forward=forward)) for name in sections],
        empty="",
    )
    for name in sections:
        rows = getattr(found, name)
        shown = rows[:limit] if limit else rows
        if not shown:
            continue
        click.echo()
        columns, lines = table_of(name, shown, forward=forward)
        print_table(columns, lines, empty="")
        if len(shown) < len(rows):
            click.echo(f"{limit} of {len(rows):,} lines; --limit 0 shows all.")


def totals(rows: Sequence[Any], name: str, *, forward: bool) -> tuple[int, int, int | None, int | None]:
    """How many came, went and changed, and how many claims differ."""
    if name == "keys":
        return sum(one.shown for one in rows), sum(not one.shown for one in rows), None, None
    if name == "feedback":
        return (len(rows), 0, None, None) if forward else (0, len(rows), None, None)
    if name == "categories":
        came, went = sum(not one.before for one in rows), sum(not one.after for one in rows)
        return came, went, len(rows) - came - went, None
    changed = [one.key for one in rows if one.field is not None]
    came = sum(one.field is None and one.old is None for one in rows)
    return came, len(rows) - len(changed) - came, len(set(changed)), len(changed)


def table_of(name: str, rows: Sequence[Any], *, forward: bool) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """(columns, lines) of a section."""
    if name == "keys":
        return ("account", "", "fingerprint", "user id"), [
            (one.account, "came" if one.shown else "went", one.fingerprint, one.user_id) for one in rows
        ]
    if name == "feedback":
        word = "came" if forward else "went"
        return ("feedback of", "", "rating", "date", "words"), [
            (one.vendor or one.listing, word, one.rating, one.date, shorten(one.body)) for one in rows
        ]
    if name == "categories":
        return ("category", "listings before", "after"), [(one.category or "(none named)", one.before, one.after) for one in rows]
    return (rows[0].entity, "what", "before", "after"), list(entity_lines(rows))


def entity_lines(rows: Sequence[Difference]) -> Iterator[tuple[str, str, str | None, str | None]]:
    """A line for each listing or vendor that came or went, and for each claim that differs; its key and name once."""
    named = None
    for one in rows:
        label = "" if one.key == named else f"{one.key} {shorten(one.name) if one.field else ''}".rstrip()
        named = one.key
        if one.field is None:
            word = WORDS[one.cause] if one.cause else "came" if one.old is None else "went"
            yield label, word, summary(one.old), summary(one.new)
        else:
            old, new = (readable(one.field, value) for value in (one.old, one.new))
            yield label, f"{one.field} (refined)" if one.cause == "refined" else one.field, *excerpts(old, new)


def summary(claims: dict[str, str] | None) -> str | None:
    """The title or name among claims, with vendor and price where they are there."""
    if claims is None:
        return None
    price = " ".join(filter(None, (claims.get("price"), claims.get("currency"))))
    return ", ".join(filter(None, (shorten(claims.get("title") or claims.get("name")), claims.get("vendor"), price)))
