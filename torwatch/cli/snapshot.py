"""`torwatch snapshot`: take, list, show and compare snapshots."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import click

from torwatch.cli.context import the_config, the_store
from torwatch.cli.output import minute_text, print_json, print_table, progress_bar
from torwatch.cli.snapshot_diff import diff
from torwatch.cli.snapshot_show import print_summary, show, summary_of
from torwatch.errors import TorwatchError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torwatch.config import Config
    from torwatch.equipment import Tools

POLL_SECONDS = 0.3


@click.group()
def snapshot() -> None:
    """Take, list, show and compare snapshots.

    \b
    torwatch snapshot now dream
    torwatch snapshot list
    torwatch snapshot diff 12 19
    """


def run_or_queue(kind: str, arguments: dict[str, Any], work: Callable[[Tools, Config], dict[str, Any]] | None = None) -> dict[str, Any]:
    """Do an errand (or `work`) with tools of our own, or, where the daemon holds the database, ask it to and wait for the answer.

    Raises TorwatchError with the daemon's own line when it failed, or when the daemon ended before it answered.
    """
    from torwatch.assembly import open_tools, utc_now
    from torwatch.errands import ERRANDS, queue_request
    from torwatch.logs import warnings_on
    from torwatch.store.database import writer_lock

    config, store = the_config(), the_store()
    with writer_lock(config.database_path) as ours:
        if ours:
            with warnings_on(sys.stderr), open_tools(config, store, tor_progress=show_bootstrap) as tools:
                return work(tools, config) if work else ERRANDS[kind](tools, config, arguments)
    request = queue_request(store, kind, arguments, now=utc_now())
    click.echo("The daemon is running: it does this for us.", err=True)
    while True:
        row = store.row("SELECT state, result FROM request WHERE id = ?", (request,))
        if row is not None and row["state"] in {"done", "failed"}:
            result: dict[str, Any] = json.loads(row["result"])
            if "error" in result:
                raise TorwatchError(str(result["error"]))
            return result
        with writer_lock(config.database_path) as ours:
            if ours:
                raise TorwatchError("the daemon ended before it answered: its next start does it, or run the command again")
        time.sleep(POLL_SECONDS)


def show_bootstrap(percent: int, summary: str) -> None:
    """Say how far Tor is on its way into the network."""
    if sys.stderr.isatty():
        click.echo(f"\rTor {percent:3d} %  {summary[:50]:<50}", nl=percent == 100, err=True)  # noqa: PLR2004 - per cent


@snapshot.command()
@click.argument("target")
@click.option(
    "--second-pass", type=click.FloatRange(0, 1), metavar="SHARE", help="Share of the list pages that an independent second pass draws."
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def now(target: str, second_pass: float | None, *, as_json: bool) -> None:
    """Take a snapshot of TARGET now, or resume the one that was stopped. Ctrl-C stops it cleanly; the next start resumes.

    With --second-pass 0.1 every list page is drawn with probability 0.1 for a second pass over an identity of its own, spread over the
    first and in another sort order where the market offers one: what the first overlooks can then be estimated. A snapshot that is
    resumed keeps the share that it began with.

    Exit code 0: complete or partial; 1: failed, held or stopped.

    \b
    torwatch snapshot now dream
    torwatch snapshot now dream --second-pass 0.1
    """
    from torwatch.store.snapshots import find_snapshot
    from torwatch.store.targets import find_target

    store = the_store()
    found = find_target(store, target)
    if found.state != "active":
        raise UsageError(f"{found.market} is {found.state}: torwatch target resume {found.market}")

    def work(tools: Tools, config: Config) -> dict[str, Any]:
        from torwatch.daemon import snapshot_target

        stop = threading.Event()
        signal.signal(signal.SIGINT, lambda *_: stop.set())
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        with walk_progress(found.market) as show:
            taken, _ = snapshot_target(tools, config, found, stop=stop, progress=show, second_pass=second_pass)
        return {"snapshot": taken.id}

    result = run_or_queue("snapshot", {"target": found.market, "second_pass": second_pass}, work)
    ended = find_snapshot(store, int(result["snapshot"]))
    if as_json:
        print_json(summary_of(ended.id))
    else:
        print_summary(ended.id)
    if ended.state == "running":
        click.echo(f"Stopped. To go on where it was: torwatch snapshot now {found.market}", err=True)
    if ended.state not in {"complete", "partial"}:
        click.get_current_context().exit(1)


@contextlib.contextmanager
def walk_progress(market: str) -> Iterator[Callable[[Any], None]]:
    """The progress bar of a walk: pages done, and those known to be left."""
    with progress_bar(market) as show:
        yield lambda step: show(step.done, step.done + step.left)


snapshot.add_command(show)
snapshot.add_command(diff)


@snapshot.command("list")
@click.argument("target", required=False)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(min=1), help="How many, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_command(target: str | None, limit: int, *, as_json: bool) -> None:
    """List the newest snapshots, of TARGET or of all."""
    from torwatch.store.snapshots import list_snapshots
    from torwatch.store.targets import find_target

    store = the_store()
    market = find_target(store, target, with_removed=True).market if target else None
    found = list_snapshots(store, market, limit)
    if as_json:
        print_json([dataclasses.asdict(one) for one in found])
        return
    print_table(
        ("id", "market", "started", "state", "listings", "reason"),
        [(one.id, one.market, minute_text(one.started_at), one.state, one.listings, one.reason) for one in found],
        empty="No snapshot yet: torwatch snapshot now NAME",
    )
