"""`torwatch parser replay`: read the archive again with a mended parser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from torwatch.cli.context import the_config, the_store
from torwatch.cli.output import print_json, print_table, progress_bar
from torwatch.errors import UsageError

if TYPE_CHECKING:
    from torwatch.replay.history import Replay

SHOWN = 30


@click.command()
@click.argument("name")
@click.option("--market", help="Only this market, where several targets use the parser.")
@click.option("--since", type=click.IntRange(min=1), default=None, help="First snapshot to read again; else all.")
@click.option("--dry-run", is_flag=True, help="Show what would change, write nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before writing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; implies --yes unless --dry-run.")
def replay(name: str, market: str | None, since: int | None, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Read archived pages again with parser NAME as it is now, and make the history of their snapshots anew.

    What would change is shown, field by field, before anything is written. The daemon must not be running.

    \b
    torwatch parser replay dream --dry-run
    torwatch parser replay dream --since 12
    """
    from torwatch.store.targets import list_targets

    targets = [one for one in list_targets(the_store(), with_removed=True) if one.parser == name and market in (None, one.market)]
    if not targets:
        raise UsageError(f"no target uses parser {name!r}: see `torwatch target list --all`")
    reports = {}
    for target in targets:
        if not dry_run and not yes and not as_json:
            show(target.market, run_replay(target.market, since, dry_run=True), dry_run=True)
            click.confirm(f"Make the history of {target.market} anew?", abort=True)
        reports[target.market] = run_replay(target.market, since, dry_run=dry_run)
    if as_json:
        print_json({found: as_dict(report) for found, report in reports.items()})
        return
    for found, report in reports.items():
        show(found, report, dry_run=dry_run)


def run_replay(market: str, since: int | None, *, dry_run: bool) -> Replay:
    """Replay one market with tools that need no Tor."""
    from torwatch.assembly import offline_tools, walk_settings
    from torwatch.claims import rules_of
    from torwatch.normalise.price import normalise_price
    from torwatch.parsing.registry import load_parser
    from torwatch.replay.history import replay_market
    from torwatch.store.database import writer_lock
    from torwatch.store.targets import find_target

    config, store = the_config(), the_store()
    target = find_target(store, market, with_removed=True)
    parser = load_parser(target.parser, config.parsing.directories)
    with writer_lock(config.database_path) as ours:
        if not ours:
            raise UsageError("the daemon is running: stop it first, a replay rewrites the history that it adds to")
        with offline_tools(config, store) as tools, progress_bar(f"reading {market} again") as progress:
            return replay_market(
                tools,
                target.market_id,
                parser,
                rules_of(parser.market, normalise_price),
                walk_settings(config).hold,
                since=since or 0,
                dry_run=dry_run,
                threads=config.parsing.workers,
                progress=progress,
            )


def as_dict(report: Replay) -> dict[str, Any]:
    """A replay for scripts."""
    from dataclasses import asdict

    return asdict(report)


def show(market: str, report: Replay, *, dry_run: bool) -> None:
    """Print what a replay did, or would do."""
    verb = "would differ" if dry_run else "differ"
    click.echo(f"{market}: {report.pages} pages of {report.snapshots} snapshots read again; {len(report.differences)} values {verb} now.")
    for number, before, after in report.states:
        click.echo(f"  snapshot {number}: {before} → {after}")
    causes = sorted(report.changes_before.keys() | report.changes_after.keys())
    print_table(
        ("change rows", "before", "after"),
        [(cause, report.changes_before[cause], report.changes_after[cause]) for cause in causes],
        empty="  No change row is concerned.",
    )
    rows = [(one.entity, one.key, one.field or "the whole", one.old, one.new) for one in report.differences[:SHOWN]]
    print_table(("of", "key", "field", "before", "after"), rows, empty="  The present state is the same.")
    if len(report.differences) > SHOWN:
        click.echo(f"  … and {len(report.differences) - SHOWN} more (--json shows all)")
