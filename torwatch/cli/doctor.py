"""`torwatch doctor`: what is right with this installation, what is not, and what to do."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from torwatch.cli.context import the_config
from torwatch.cli.output import print_json, show
from torwatch.errors import TorwatchError

if TYPE_CHECKING:
    from torwatch.config import Config
    from torwatch.ops.doctor import Finding

UNITS = Path("/etc/systemd/system")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.pass_context
def doctor(ctx: click.Context, *, as_json: bool) -> None:
    """Examine configuration, permissions, tor, clock, disk, database, parsers, units and leaks. Exit code 0 all ok, 3 warnings, 4 failures.

    Of an attached tor: whether it lets torwatch in, has joined the network, and keeps the circuits of targets apart. The leak trial fetches an
    invented onion through a SOCKS port of its own and watches every socket of the process meanwhile.
    """
    findings = examine(the_config(), dt.datetime.now(dt.UTC))
    if as_json:
        print_json([dataclasses.asdict(one) for one in findings])
    else:
        for one in findings:
            click.echo(f"{one.level:<4}  {one.check:<14}  {show(one.what)}" + (f" → {show(one.remedy)}" if one.remedy else ""))
    levels = {one.level for one in findings}
    ctx.exit(4 if "fail" in levels else 3 if "warn" in levels else 0)


def examine(config: Config, now: dt.datetime) -> list[Finding]:
    """Every finding, in the order in which faults hang on one another."""
    from torwatch.ops import doctor as checks
    from torwatch.ops.status import FULL_DISK_BYTES, LITTLE_DISK_BYTES

    findings = [checks.Finding("configuration", "ok", "is right"), checks.check_data_directory(config.data_directory)]
    findings += examine_tor(config)
    database, newest = examine_database(config)
    findings += [
        examine_client_keys(config),
        checks.check_clock(now, newest),
        checks.check_disk(config.data_directory, little_bytes=LITTLE_DISK_BYTES, full_bytes=FULL_DISK_BYTES),
        database,
        examine_parsers(config),
        examine_units(config),
        checks.check_proxies(frozenset(os.environ)),
        try_to_leak(),
    ]
    return findings


def examine_tor(config: Config) -> list[Finding]:
    """Whether the tor to attach to lets us in and is right; of our own the program, and what the daemon says of it while it runs."""
    from torwatch.ops import doctor as checks
    from torwatch.ops.status import read_pulse
    from torwatch.overview import PULSE_NAME
    from torwatch.store.database import is_locked

    if config.tor.mode == "own":
        pulse = read_pulse(config.data_directory / PULSE_NAME) if is_locked(config.database_path) else None
        running = [checks.check_running_tor(pulse.tor, pulse.tor_problem)] if pulse else []
        return [checks.check_tor_program(config.tor.binary), *running]
    from torwatch.assembly import tor_settings
    from torwatch.tor.service import TorService

    try:
        service = TorService(tor_settings(config))
        try:
            service.start()
            status = service.status()
            return checks.check_attached_tor(
                status.version, status.problem, service.advice, joined=status.ready, isolates=service.isolates_socks_auth
            )
        finally:
            service.stop()
    except TorwatchError as error:
        what, _, remedy = str(error).partition("; ")
        place, colon, question = what.rpartition(": ")
        if not remedy and colon:
            what, remedy = place, question
        return [
            checks.Finding("tor control", "fail", what, remedy or "start the system's tor, with ControlPort or ControlSocket in its torrc")
        ]


def examine_client_keys(config: Config) -> Finding:
    """Whether the keys that are kept for closed onions are good, and of addresses that are watched."""
    from torwatch.ops.doctor import check_client_keys
    from torwatch.store.database import open_store
    from torwatch.store.targets import list_targets
    from torwatch.tor.client_keys import read_client_keys

    kept, faults = read_client_keys(config.client_keys_directory)
    watched = set(kept)  # until a database says otherwise
    if kept and config.database_path.exists():
        with contextlib.suppress(TorwatchError), open_store(config.database_path, create=False) as store:  # a damaged one is told elsewhere
            watched = {mirror.host for target in list_targets(store) for mirror in target.mirrors}
    return check_client_keys(faults, kept, watched)


def try_to_leak() -> Finding:
    """Fetch an invented onion through a SOCKS port of our own, as a walk does, and see whether anything leaves another way."""
    import socket
    import threading

    from torwatch.crawl.fetch import Fetcher, Limits, Route
    from torwatch.ops.doctor import check_trial
    from torwatch.ops.leaks import watch_sockets
    from torwatch.tor.reasons import explain

    onion = "leaktrial" * 6 + "id.onion"
    asked: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()

        def answer() -> None:
            connection, _ = server.accept()
            with connection, connection.makefile("rb") as stream:
                stream.read(stream.read(2)[1])
                connection.sendall(b"\x05\x02")
                stream.read(stream.read(2)[1])
                stream.read(stream.read(1)[0])
                connection.sendall(b"\x01\x00")
                if stream.read(4)[3] == 3:  # noqa: PLR2004 - SOCKS5: an address that is a name
                    asked.append(stream.read(stream.read(1)[0]).decode("ascii", "replace"))
                connection.sendall(b"\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00")

        threading.Thread(target=answer, daemon=True).start()
        route, limits = Route(f"http://{onion}", address[0], address[1], "doctor", "x"), Limits(10, 10, 10, 1000)
        with (
            watch_sockets(address) as watcher,
            Fetcher(
                route,
                limits,
                headers={},
                explain=lambda code: explain(code, extended_errors=True),
                connections=1,
                now=lambda: dt.datetime.now(dt.UTC),
            ) as fetcher,
        ):
            fetcher.fetch("/")
    return check_trial(watcher.leaks, asked[0] if asked else "", onion)


def examine_units(config: Config) -> Finding:
    """Whether the installed units are what this version would write for the program that the daemon's starts."""
    from torwatch.ops.doctor import check_units
    from torwatch.ops.service_units import Machine, render_units

    daemon = UNITS / "torwatch.service"
    lines = daemon.read_text(encoding="utf-8").splitlines() if daemon.exists() else []
    program = next((line.removeprefix("ExecStart=").split()[0] for line in lines if line.startswith("ExecStart=")), "torwatch")
    return check_units(UNITS, render_units(Machine(Path(program), config.tor.mode)))


def examine_database(config: Config) -> tuple[Finding, dt.datetime | None]:
    """Whether the database opens and is whole, and the newest time it holds."""
    from torwatch.ops.doctor import Finding
    from torwatch.store.database import open_store

    if not config.database_path.exists():
        return Finding("database", "warn", "there is none yet", "torwatch add ADDRESS --market NAME"), None
    try:
        with open_store(config.database_path, create=False) as store:
            verdict = store.value("PRAGMA quick_check(1)")
            newest = store.value("SELECT max(started_at) FROM snapshot")
    except TorwatchError as error:
        return Finding("database", "fail", str(error), "restore a backup, or rebuild it from the archive"), None
    known = dt.datetime.fromisoformat(newest) if newest else None
    if verdict != "ok":
        return Finding("database", "fail", f"SQLite finds it damaged: {verdict}", "restore a backup, or rebuild it from the archive"), known
    return Finding("database", "ok", f"{config.database_path} is whole and of this version"), known


def examine_parsers(config: Config) -> Finding:
    """Whether every parser loads."""
    from torwatch.ops.doctor import Finding
    from torwatch.parsing.registry import load_all

    try:
        found = load_all(config.parsing.directories)
    except TorwatchError as error:
        return Finding("parsers", "fail", str(error), "mend or remove it: docs/parsers.md")
    return Finding("parsers", "ok", f"{len(found)} load")
