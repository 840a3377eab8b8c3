"""`torwatch demo`: the whole main job on a private Tor network with two simulated markets whose truth is known."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from torwatch.cli.output import print_table

if TYPE_CHECKING:
    from torwatch.demo.market.server import MarketServer
    from torwatch.demo.market.truth import Truth
    from torwatch.demo.market.world import World
    from torwatch.equipment import Tools
    from torwatch.store.database import Store
    from torwatch.store.snapshots import Ending
    from torwatch.store.targets import Target

WEEKS = 3
WORLDS = {"bazaar": 11, "souk": 23}  # market → seed
LISTINGS = 60
SHOWN_CHANGES = 8
CONNECTIONS = 8


@click.command()
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo-data"),
    show_default=True,
    help="Where the result goes.",
)
@click.option("--listings", type=click.IntRange(10, 20_000), default=LISTINGS, show_default=True, help="Listings of each simulated market.")
def demo(directory: Path, listings: int) -> None:
    """Show the main job: two markets on a private Tor network, watched over three simulated weeks.

    No internet is needed and no real market is contacted. It ends by itself after about a minute and compares what torwatch stored
    with the simulated markets' truth. Exit code 1 when they differ.
    """
    from torwatch.demo.network import PrivateNetwork

    started = time.monotonic()
    result = fresh_directory(directory)
    say("Starting a private Tor network on this machine (5 relays, 2 clients) …")
    with PrivateNetwork(progress=show_step) as network:
        say(f"The network is up after {time.monotonic() - started:.0f} s.")
        right = watch_markets(network, result, listings)
    say(f"Done in {time.monotonic() - started:.0f} s. Database: {result / 'torwatch.db'}")
    say(f"Open it:  TORWATCH_CONFIG={result / 'config.toml'} {program()} serve")
    if not right:
        raise click.exceptions.Exit(1)


def program() -> str:
    """How this program was called, for the command that is shown."""
    called = Path(sys.argv[0])
    return "python -m torwatch" if called.name == "__main__.py" else str(called)


def fresh_directory(directory: Path) -> Path:
    """An empty folder for the result; what an earlier demo left there is replaced, anything else is not touched."""
    marker = directory / "config.toml"
    if directory.exists() and any(directory.iterdir()) and not marker.exists():
        raise click.UsageError(f"{directory} is not empty and no earlier demo's: name another with --directory")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True, mode=0o700)
    marker.write_text(f'data_directory = "{directory.resolve()}"\n', encoding="utf-8")
    return directory


def say(line: str) -> None:
    """One line of the story."""
    click.echo(line)


def show_step(message: str, fraction: float) -> None:
    """How far the network is, on a terminal only."""
    if sys.stderr.isatty():
        click.echo(f"\r  {fraction:4.0%}  {message[:60]:<60}", nl=fraction >= 1, err=True)


def watch_markets(network: Any, directory: Path, listings: int) -> bool:
    """Run both markets, watch them for WEEKS weeks, print what was found; True when it equals the truth."""
    from torwatch.assembly import open_tools, utc_now
    from torwatch.config import load_config
    from torwatch.demo.market import ENGINES, MarketServer, SimulatedClock
    from torwatch.ledger import open_journaled
    from torwatch.store.targets import add_target

    config = load_config(directory / "config.toml", {})
    options = tuple(f"{name} {value}" for name, value in network.torrc_options)
    config = config.model_copy(
        update={
            "tor": config.tor.model_copy(update={"torrc": options}),
            "crawl": config.crawl.model_copy(
                update={"seconds_per_request": 0.0, "concurrency": CONNECTIONS, "detail_max_age": dt.timedelta(0)}
            ),
        }
    )
    clock = SimulatedClock(utc_now() - dt.timedelta(weeks=WEEKS - 1))
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(open_journaled(config.database_path, config.archive_directory))
        watched = []
        for name, seed in WORLDS.items():
            engine = ENGINES[name]()
            world = engine.world(seed, listings=listings, epoch=clock() - dt.timedelta(days=120))
            server = stack.enter_context(MarketServer(world, engine, clock))
            onion = network.add_onion(target_port=server.port)
            target = add_target(
                store, name, [(onion.address, 80, "http")], parser=name, every_seconds=7 * 86400, now=clock(), legal_basis="simulation"
            )
            watched.append(Watched(world, server, target))
            say(f"{name} is at {onion.address}")
        tools = stack.enter_context(open_tools(config, store, now=clock, rng=random.Random(1)))  # noqa: S311 - an order of visits
        right = True
        for week in range(WEEKS):
            for one in watched:
                right &= one.look(tools, config, week)
            if week < WEEKS - 1:
                clock.advance(dt.timedelta(days=7))
        show_origins(store)
    return right


class Watched:
    """One simulated market under watch, with the truth at the last looks."""

    def __init__(self, world: World, server: MarketServer, target: Target) -> None:
        self.world = world
        self.server = server
        self.target = target
        self.before: Truth | None = None
        self.known: Truth | None = None

    def look(self, tools: Tools, config: Any, week: int) -> bool:
        """Take a snapshot, print what changed, and compare it with the truth."""
        from torwatch.cli.snapshot import walk_progress
        from torwatch.daemon import snapshot_target
        from torwatch.demo.market.truth import remember

        started = time.monotonic()
        with walk_progress(f"week {week + 1}, {self.target.market}") as show:
            snapshot, ending = snapshot_target(tools, config, self.target, stop=threading.Event(), progress=show)
        truth = self.world.truth(tools.now())
        report(tools.store, snapshot.id, self.target.market, week, ending, time.monotonic() - started)
        right = self.compare(tools.store, snapshot.id, truth)
        self.known = remember(self.known, truth)
        self.before = truth
        return right and ending is not None and ending.state == "complete"

    def compare(self, store: Store, snapshot_id: int, truth: Truth) -> bool:
        """Say whether state and changes equal the truth."""
        from torwatch.claims import digest
        from torwatch.demo.verdict import compare_changes, compare_state
        from torwatch.store.history import present_state

        state = compare_state(truth, present_state(store, self.target.market_id), digest)
        rows = store.rows(
            "SELECT entity, key, field, old, new, cause FROM change WHERE snapshot_id = ? AND entity <> 'feedback'", (snapshot_id,)
        )
        changes = compare_changes(self.before, truth, self.known, [tuple(row) for row in rows], digest)
        for verdict, name in ((state, "claims"), (changes, "changes")):
            if not verdict.right:
                say(f"Stored does NOT equal the market's truth: {len(verdict.missing)} {name} missing, {len(verdict.invented)} invented")
                say(f"    for instance {(verdict.missing or verdict.invented)[0]}")
        if state.right and changes.right:
            say(f"Stored equals the market's truth: {state.compared} claims, {changes.compared} changes, 0 missing, 0 invented")
        return state.right and changes.right


def report(store: Store, snapshot_id: int, market: str, week: int, ending: Ending | None, seconds: float) -> None:
    """Print what one snapshot found."""
    if ending is None:
        return
    tally = ending.listings
    say(
        f"\nWeek {week + 1}, {market}: {ending.state} in {seconds:.0f} s, {tally.seen} listings\n  {tally.new} new, {tally.changed} changed,"
        f" {tally.gone + tally.missed} gone, {tally.back} back; {ending.new_feedback} new feedback"
    )
    if week == 0:
        return
    rows = store.rows(
        "SELECT entity, key, field, old, new, cause FROM change_readable WHERE snapshot_id = ? AND entity <> 'feedback' AND cause <> 'new'"
        " AND field IS NOT 'description' AND field IS NOT 'profile' ORDER BY field IN ('price', 'ship_from') DESC, id LIMIT ?",
        (snapshot_id, SHOWN_CHANGES),
    )
    print_table(
        ("of", "key", "what", "before", "now"),
        [(row["entity"], row["key"], row["field"] or row["cause"].replace("_", " "), row["old"], row["new"]) for row in rows],
        empty="  Nothing changed.",
    )


def show_origins(store: Store) -> None:
    """Print the table that all this is for: where the listings claim to ship from."""
    rows = store.rows(
        "SELECT claimed_origin, sum(listings) FILTER (WHERE market = 'bazaar') AS bazaar, sum(listings) FILTER (WHERE market = 'souk') AS souk,"
        " sum(listings) AS listings FROM origin_share GROUP BY claimed_origin ORDER BY listings DESC"
    )
    total = sum(row["listings"] for row in rows)
    say("\nClaimed ship-from of standing listings (what vendors say, not what is proven):")
    print_table(
        ("ships from", "bazaar", "souk", "all", "share"),
        [(row["claimed_origin"], row["bazaar"], row["souk"], row["listings"], f"{100 * row['listings'] / total:.1f} %") for row in rows],
        empty="No listing stands.",
    )
