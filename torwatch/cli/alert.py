"""`torwatch alert`: what somebody should hear of, and whether it arrives."""

from __future__ import annotations

import click

from torwatch.cli.context import the_store
from torwatch.cli.output import minute_text, print_json, print_table


@click.group()
def alert() -> None:
    """Alerts over markets and over torwatch itself; the rules stand in the configuration, under [alerts].

    \b
    torwatch alert list
    torwatch alert list --waiting --json
    torwatch alert test
    """


@alert.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many, the newest first.")
@click.option("--waiting", is_flag=True, help="Only those that some destination has not got yet.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_command(*, limit: int, waiting: bool, as_json: bool) -> None:
    """List alerts, the newest first, and whether they were told."""
    import dataclasses

    from torwatch.store.alerts import list_alerts

    found = list_alerts(the_store(), limit=limit, waiting=waiting)
    if as_json:
        print_json([dataclasses.asdict(one) for one in found])
        return
    print_table(
        ("id", "at", "rule", "alert", "told"),
        [(one.id, minute_text(one.at), one.rule, one.title, told_text(one.sent, one.waiting, one.error)) for one in found],
        empty="No alert yet. Rules stand in the configuration, under [alerts].",
    )


def told_text(sent: int, waiting: int, error: str) -> str:
    """What became of an alert, in words."""
    if waiting:
        return f"waiting: {error}" if error else "waiting"
    return "yes" if sent else "kept only"


@alert.command("test")
@click.pass_context
def test_command(ctx: click.Context) -> None:
    """Send a harmless message to every destination, through Tor; exit code 1 when one of them did not take it."""
    from torwatch.cli.snapshot import run_or_queue

    answers: dict[str, str] = run_or_queue("alert", {})["destinations"]
    for name, error in answers.items():
        click.echo(f"destination {name}: {error or 'sent'}")
    ctx.exit(1 if any(answers.values()) else 0)
