"""`torwatch doctor`: what is right with this installation, what is not, and what to do."""

from __future__ import annotations

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

UNIT = Path("/etc/systemd/system/torwatch.service")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.pass_context
def doctor(ctx: click.Context, *, as_json: bool) -> None:
    """Examine configuration, permissions, tor, clock, disk, database, parsers, units and leaks. Exit code 0 all ok, 3 warnings, 4 failures."""
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
    if config.tor.mode == "own":
        findings.append(checks.check_tor_program(config.tor.binary))
    else:
        findings += [
            checks.check_endpoint(
                "tor control", config.tor.control, "start the system's tor, with ControlPort or ControlSocket in its torrc"
            ),
            checks.check_endpoint("tor SOCKS", config.tor.socks, "start the system's tor, or set tor.socks"),
        ]
    database, newest = examine_database(config)
    findings += [
        checks.check_clock(now, newest),
        checks.check_disk(config.data_directory, little_bytes=LITTLE_DISK_BYTES, full_bytes=FULL_DISK_BYTES),
        database,
        examine_parsers(config),
        examine_unit(config),
        checks.check_leaks(frozenset(os.environ)),
    ]
    return findings


def examine_unit(config: Config) -> Finding:
    """Whether the installed unit is what this version would write for the program that it starts."""
    from torwatch.ops.doctor import check_unit
    from torwatch.ops.service_units import Machine, render_units

    program = next(
        (line.removeprefix("ExecStart=").split()[0] for line in UNIT.read_text(encoding="utf-8").splitlines() if line.startswith("ExecStart=")),
        "torwatch",
    ) if UNIT.exists() else "torwatch"  # fmt: skip
    return check_unit(UNIT, render_units(Machine(Path(program), config.tor.mode))[UNIT.name])


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
