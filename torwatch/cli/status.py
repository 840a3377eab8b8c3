"""`torwatch status`: one screen, or JSON and an exit code for monitoring."""

from __future__ import annotations

import datetime as dt

import click

from torwatch.cli.context import the_glance
from torwatch.cli.output import minute_text, print_fields, print_json, print_table, show
from torwatch.config_file import DATABASE_NAME


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; its field `schema` is raised when it changes.")
@click.pass_context
def status(ctx: click.Context, *, as_json: bool) -> None:
    """Show how torwatch is: daemon, tor, targets, sessions, holds, disk. Exit code 0 all well, 3 warning, 4 critical."""
    from torwatch.crawl.schedule import Hours
    from torwatch.ops.status import EXIT_CODES, status_document
    from torwatch.overview import gather_status
    from torwatch.store.reader import open_to_look

    look = the_glance()
    with open_to_look(look.data_directory / DATABASE_NAME) as store:
        hours = Hours(*look.hours) if look.hours else None
        found = gather_status(store, look.data_directory, jitter=look.jitter, now=dt.datetime.now(dt.UTC), hours=hours)
    if as_json:
        print_json(status_document(found))
        ctx.exit(EXIT_CODES[found.state])
    print_fields(
        {
            "state": found.state,
            "daemon": found.daemon,
            "tor": found.pulse.tor if found.pulse else "unknown while the daemon does not run",
            "under way": ", ".join(found.pulse.walking) if found.pulse else "",
            "holds": found.holds,
            "disk free": f"{found.disk_free_bytes / 1e9:.1f} GB",
            "database": f"{found.database_bytes / 1e6:.1f} MB",
        }
    )
    click.echo()
    print_table(
        ("market", "state", "last", "ended", "next", "listings", "seen", "asked"),
        [
            (
                one.market,
                one.state,
                minute_text(one.last_started_at or "")[5:] or "never",
                one.last_state,
                minute_text(one.next_due_at or "")[5:],
                one.listings,
                None if one.coverage is None else f"{one.coverage:.0%}",
                one.requests_today,
            )
            for one in found.targets
        ],
        empty="No target yet: torwatch add ADDRESS --market NAME",
    )
    for one in found.targets:
        if one.waits_for:
            click.echo(f"{one.market} waits: {show(one.waits_for)}")
    for problem in found.problems:
        click.echo(f"{problem.level}: {show(problem.what)} → {show(problem.remedy)}")
    ctx.exit(EXIT_CODES[found.state])
