"""`torwatch history`, `torwatch state` and `torwatch search`: what was seen of a thing, a market as it stood, and where a word stands."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any

import click

from torwatch.cli.context import the_store
from torwatch.cli.excerpt import excerpts, readable, shorten
from torwatch.cli.output import minute_text, print_json, print_table
from torwatch.errors import UsageError

if TYPE_CHECKING:
    from torwatch.store.timeline import Moment


@click.command()
@click.argument("entity", type=click.Choice(["listing", "vendor"]))
@click.argument("key")
@click.option("--market", help="Only on this market.")
@click.option("--looks", is_flag=True, help="Also how each snapshot saw it: seen, not seen, failed, gone.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list, values whole.")
def history(entity: str, key: str, market: str | None, *, looks: bool, as_json: bool) -> None:
    """Show all that happened to a listing or vendor, oldest first; by its key, or its present title or name.

    \b
    torwatch history listing 100017
    torwatch history vendor leafhouse --market bazaar --looks
    """
    from torwatch.store.timeline import absences_of, changes_of, find_subjects

    store = the_store()
    documents = []
    for subject in find_subjects(store, entity, key, market):
        moments = changes_of(store, subject)
        if looks:
            moments = sorted([*moments, *absences_of(store, subject)], key=lambda moment: moment.snapshot_id)
        documents.append({**dataclasses.asdict(subject), "moments": [dataclasses.asdict(moment) for moment in moments]})
        if not as_json:
            click.echo(f"{entity} {subject.key} on {subject.market}: {subject.name or ''}")
            print_table(
                ("at", "snapshot", "what", "before", "after", "cause"),
                [(minute_text(one.at), one.snapshot_id, one.what, *told(one), one.cause) for one in moments],
                empty="Nothing is known of it.",
            )
    if as_json:
        print_json(documents)


@click.command()
@click.option(
    "--at", "at_text", required=True, help="A day or time: 2026-01-31, 2026-01-31T12:00, 2026-01-31T12:00+02:00; UTC without an offset."
)
@click.option("--market", help="Only this market.")
@click.option("--entity", type=click.Choice(["listing", "vendor"]), default="listing", show_default=True, help="What to print.")
@click.option("--limit", type=click.IntRange(0), default=50, show_default=True, help="At most so many; 0: all. --json prints all.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list with every claim.")
def state(at_text: str, market: str | None, entity: str, limit: int, *, as_json: bool) -> None:
    """Show the markets as they stood at a time, as far as torwatch had seen by then.

    A day means its end. What stood is told by the newest snapshot that had ended.

    \b
    torwatch state --at 2026-01-31 --market bazaar
    """
    from torwatch.store.state import market_named, markets_with_snapshots, newest_snapshot_at, state_after

    store = the_store()
    at = read_time(at_text)
    markets = [(market_named(store, market), market)] if market else markets_with_snapshots(store)
    found: list[dict[str, Any]] = []
    for market_id, name in markets:
        snapshot_id = newest_snapshot_at(store, market_id, at)
        if snapshot_id is None:
            continue
        for (kind, key), claims in sorted(state_after(store, market_id, snapshot_id).items()):
            if kind == entity:
                found.append({"market": name, "snapshot": snapshot_id, "key": key, "claims": claims})
    if at > dt.datetime.now(dt.UTC) + dt.timedelta(days=1):  # "today" means its end, wherever one is
        click.echo(f"Note: {at_text} is still to come; this is what the newest snapshots show.", err=True)
    if as_json:
        print_json(found)
        return
    shown = ("title", "vendor", "price", "currency", "ship_from") if entity == "listing" else ("name", "ship_from", "ship_to")
    print_table(
        ("market", "key", *shown),
        [(one["market"], one["key"], *(shorten(one["claims"].get(name)) for name in shown)) for one in (found[:limit] if limit else found)],
        empty=f"No snapshot had ended by {at_text}: see `torwatch snapshot list`.",
    )
    if 0 < limit < len(found):
        click.echo(f"{limit} of {len(found):,}; --limit 0 shows all.")


@click.command()
@click.argument("text")
@click.option(
    "--ship-from",
    metavar="COUNTRY",
    help="Only with this claimed origin: an ISO code, a region, or world, digital, undeclared, unparseable.",
)
@click.option("--market", help="Only on this market.")
@click.option("--all", "with_past", is_flag=True, help="Also listings that do not stand any more.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def search(text: str, ship_from: str | None, market: str | None, limit: int, *, with_past: bool, as_json: bool) -> None:
    """Find listings whose title or description holds every word, or any part of a word; "a phrase" in double quotes is one.

    \b
    torwatch search "gbl" --ship-from NL
    torwatch search '"green tea" sencha' --all
    """
    from torwatch.store.search import search_listings

    check_origin(ship_from)
    hits = search_listings(the_store(), text, ship_from=ship_from, market=market, with_past=with_past, limit=limit)
    if as_json:
        print_json([dataclasses.asdict(hit) for hit in hits])
        return
    print_table(
        ("market", "key", "title", "vendor", "origin", "stands", "where"),
        [
            (hit.market, hit.key, hit.title, hit.vendor, hit.claimed_origin, "yes" if hit.standing else "no", " ".join(hit.snippet.split()))
            for hit in hits
        ],
        empty="No listing holds that" + ("." if with_past else "; --all looks at past listings too."),
    )
    if len(hits) == limit:
        click.echo(f"The first {limit}; --limit shows more.")


def check_origin(text: str | None) -> None:
    """Refuse what is no country, region or class of a claimed origin. Raises UsageError."""
    from torwatch.model import ShipClass
    from torwatch.normalise.country import country_codes, region_codes

    classes = [one.value for one in ShipClass if one not in {ShipClass.COUNTRY, ShipClass.REGION}]
    if text is not None and text.lower() not in {known.lower() for known in (*country_codes(), *region_codes(), *classes)}:
        regions = ", ".join((*region_codes(), *classes))
        raise UsageError(
            f"{text!r} is no claimed origin: give an ISO 3166-1 code such as NL (`torwatch country NAME` tells it), or one of {regions}"
        )


def told(moment: Moment) -> tuple[str | None, str | None]:
    """Before and after, as they fit a table."""
    return excerpts(readable(moment.what, moment.old), readable(moment.what, moment.new))


def read_time(text: str) -> dt.datetime:
    """A day (its end) or time, UTC where no offset is given. Raises UsageError."""
    with contextlib.suppress(ValueError):
        return dt.datetime.combine(dt.date.fromisoformat(text), dt.time(23, 59, 59), dt.UTC)
    try:
        at = dt.datetime.fromisoformat(text)
        return at.replace(tzinfo=dt.UTC) if at.tzinfo is None else at.astimezone(dt.UTC)
    except (ValueError, OverflowError):  # the latter: an offset leads out of the calendar
        raise UsageError(f"{text!r} is no day or time: write 2026-01-31 or 2026-01-31T12:00") from None
