"""`torwatch advise`: how often to look at a market."""

from __future__ import annotations

import dataclasses

import click

from torwatch.cli.context import the_config, the_store
from torwatch.cli.output import print_json, print_table
from torwatch.errors import UsageError


@click.command()
@click.argument("target")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def advise(target: str, *, as_json: bool) -> None:
    """Say what the rhythm of TARGET sees at best, which would see 80 and 90 %, and what each costs.

    \b
    torwatch advise NAME
    """
    from torwatch.advice import advise as advise_rhythm
    from torwatch.measure.estimate import Refusal
    from torwatch.store.targets import find_target

    store = the_store()
    found = find_target(store, target, with_removed=True)
    pace = found.seconds_per_request
    seconds = the_config().crawl.seconds_per_request if pace is None else pace
    advice = advise_rhythm(store, found.market_id, found.every_seconds, seconds)
    if isinstance(advice, Refusal):
        raise UsageError(f"no advice on {found.market}: {advice.reason}; watch it for a few more complete snapshots")
    median, rhythms = advice
    if as_json:
        print_json({"market": found.market, "median_life_days": median, "rhythms": [dataclasses.asdict(one) for one in rhythms]})
        return
    names = ("now", "for 80 %", "for 90 %")
    rows = [
        (name, round(one.every_days, 2), round(100 * one.at_best, 1), _whole(one.pages_a_year), _whole(one.hours_a_year))
        for name, one in zip(names, rhythms, strict=True)
    ]
    click.echo("median life of a listing: " + (f"{median:.1f} days" if median is not None else "longer than the watch so far"))
    print_table(("rhythm", "every, days", "% seen at best", "pages a year", "hours a year"), rows, empty="")


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
