"""`torwatch snapshot show`: what a snapshot planned, fetched, spared, changed and failed at, and how long the rest will take."""

from __future__ import annotations

import dataclasses
from typing import Any

import click

from torwatch.cli.context import the_config, the_store
from torwatch.cli.output import print_fields, print_json, print_table
from torwatch.cli.target_state import rest_text, spent_text

SHOWN_FAILURES = 20


@click.command()
@click.argument("number", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(number: int, *, as_json: bool) -> None:
    """Show what a snapshot planned, fetched, changed and failed at, and of one that runs what is left and about how long it will take.

    \b
    planned = fetched + skipped + left    fetched = parsed + gone + failed
    fresh: pages that were not asked for again, because nothing says that they changed (crawl.detail_max_age)
    """
    if as_json:
        print_json(summary_of(number))
    else:
        print_summary(number)


def summary_of(snapshot_id: int) -> dict[str, Any]:
    """All there is to say of a snapshot, for scripts."""
    from torwatch.assembly import utc_now
    from torwatch.store.progress import page_progress, page_totals, seconds_left
    from torwatch.store.snapshots import find_snapshot
    from torwatch.store.spending import Agreed, Spent, agreed_with, rests, spent_on
    from torwatch.store.targets import list_targets

    store, crawl = the_store(), the_config().crawl
    found = find_snapshot(store, snapshot_id)
    target = next((one for one in list_targets(store, with_removed=True) if one.market_id == found.market_id), None)
    agreed = agreed_with(target, crawl) if target else Agreed(crawl.seconds_per_request, 0, 0)
    spent = spent_on(store, target.id, utc_now().date()) if target else Spent()
    rest = rest_text(rests(store).get(target.id)) if target else None
    changes = store.rows("SELECT entity, cause, count(*) AS rows FROM change WHERE snapshot_id = ? GROUP BY entity, cause", (snapshot_id,))
    failures = store.rows(
        "SELECT path, kind, outcome, reason, status FROM failure WHERE snapshot_id = ? LIMIT ?", (snapshot_id, SHOWN_FAILURES)
    )
    totals = page_totals(store, snapshot_id)
    by_kind = page_progress(totals)
    room = max(0, agreed.requests_per_day - spent.requests) if agreed.requests_per_day else None
    left = seconds_left(store, snapshot_id, sum(one.left for one in by_kind), agreed.seconds_per_request, room, agreed.requests_per_day)
    return {
        **dataclasses.asdict(found),
        "pages_by_kind": [dataclasses.asdict(one) for one in by_kind],
        "pages_by_outcome": [{"kind": kind, "outcome": outcome, "pages": pages} for kind, outcome, pages in totals],
        "seconds_left": None if left is None else round(left),
        "agreed": dataclasses.asdict(agreed),
        "spent_today": dataclasses.asdict(spent),
        "waits": rest if found.state == "running" else None,
        "changes": [dict(row) for row in changes],
        "failures": [dict(row) for row in failures],
    }


def print_summary(snapshot_id: int) -> None:
    """All there is to say of a snapshot, for people."""
    from torwatch.store.spending import Agreed, Spent

    found = summary_of(snapshot_id)
    kinds = found["pages_by_kind"]
    share = found["second_pass"]
    drawn = any(line["kind"] == "second pass" for line in kinds)
    print_fields(
        {
            "snapshot": found["id"],
            "market": found["market"],
            "state": found["state"],
            "reason": found["reason"],
            "started": found["started_at"],
            "ended": found["ended_at"],
            "parser": found["parser"],
            "listings seen": found["listings"],
            "announced": found["announced_listings"],
            "vendors seen": found["vendors"],
            "new feedback": found["new_feedback"],
            "second pass": f"{share:.0%} of the list pages" + ("" if drawn else "; none drawn: no list announced how many it has")
            if share
            else None,
            "archive": found["warc"],
            "spent today": spent_text(Spent(**found["spent_today"]), Agreed(**found["agreed"])) if found["state"] == "running" else None,
            "waits": found["waits"],
            "left": None if found["seconds_left"] is None else f"{time_text(found['seconds_left'])}, and what the pages left lead to",
        }
    )
    columns = ("planned", "fetched", "parsed", "gone", "failed", "fresh", "skipped", "left")
    print_table(
        ("pages of", *columns),
        [(line["kind"], *(line[column] for column in columns)) for line in kinds],
        empty="No page was fetched.",
    )
    print_table(
        ("of kind", "outcome", "pages"),
        [(line["kind"], line["outcome"], line["pages"]) for line in found["pages_by_outcome"] if line["outcome"] not in {"ok", "left"}],
        empty="Every page that was asked for was read.",
    )
    print_table(
        ("changes to", "cause", "number"),
        [(line["entity"], line["cause"], line["rows"]) for line in found["changes"]],
        empty="Nothing changed.",
    )
    if found["failures"]:
        print_table(
            ("failed page", "outcome", "reason"),
            [(line["path"], line["outcome"], line["reason"]) for line in found["failures"]],
            empty="",
        )


def time_text(seconds: float) -> str:
    """About how long, as people say it: 40 s, 12 min, 3 h 20 min, 2 d 5 h."""
    minutes = round(seconds / 60)
    if seconds < 90:  # noqa: PLR2004 - below that, seconds say more than minutes
        return f"about {seconds:.0f} s"
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"about {minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"about {hours} h {rest} min" if hours < 48 else f"about {hours // 24} d {hours % 24} h"  # noqa: PLR2004 - two days
