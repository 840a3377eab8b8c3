"""The command line: one file per noun, loaded only when its command is used, so that start-up stays quick."""

from __future__ import annotations

import importlib
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from torwatch import __version__
from torwatch.errors import ConfigError, TorwatchError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "add": "torwatch.cli.target:add",
    "advise": "torwatch.cli.advise:advise",
    "alert": "torwatch.cli.alert:alert",
    "answer": "torwatch.cli.answer:answer",
    "config": "torwatch.cli.config:config",
    "country": "torwatch.cli.country:country",
    "db": "torwatch.cli.db:db",
    "demo": "torwatch.cli.demo:demo",
    "doctor": "torwatch.cli.doctor:doctor",
    "export": "torwatch.cli.export:export",
    "forget": "torwatch.cli.forget:forget",
    "history": "torwatch.cli.history:history",
    "evidence": "torwatch.cli.evidence:evidence",
    "hold": "torwatch.cli.hold:hold",
    "import": "torwatch.cli.load:import_",
    "market": "torwatch.cli.market:market",
    "metrics": "torwatch.cli.metrics:metrics",
    "normalise": "torwatch.cli.normalise:normalise",
    "parser": "torwatch.cli.parser:parser",
    "rates": "torwatch.cli.rates:rates",
    "rebuild": "torwatch.cli.rebuild:rebuild",
    "retention": "torwatch.cli.retention:retention",
    "run": "torwatch.cli.run:run",
    "search": "torwatch.cli.history:search",
    "serve": "torwatch.cli.serve:serve",
    "session": "torwatch.cli.session:session",
    "snapshot": "torwatch.cli.snapshot:snapshot",
    "status": "torwatch.cli.status:status",
    "systemd": "torwatch.cli.systemd:systemd",
    "state": "torwatch.cli.history:state",
    "target": "torwatch.cli.target:target",
    "vendor": "torwatch.cli.vendor:vendor",
    "verify": "torwatch.cli.verify:verify",
}
SHORT_HELP = {
    "add": "Watch a market: short for `target add`.",
    "advise": "How often to look at a market, and what it costs.",
    "alert": "What somebody should hear of, and whether it arrives.",
    "answer": "Extent and share of one country, with what each figure rests on.",
    "config": "Write, check and show the configuration.",
    "country": "Claimed countries that were not understood.",
    "doctor": "Examine this installation: what is wrong and what to do.",
    "db": "Back the database up, check and compact it.",
    "demo": "The whole main job on a private Tor network, in about a minute.",
    "export": "Write the tables as CSV, JSON lines or Parquet, or as a public data set.",
    "forget": "Take a vendor account or a target out of everything, on request.",
    "history": "All that happened to one listing or vendor.",
    "evidence": "Bundles for third parties, time stamps of the chain.",
    "hold": "Snapshots that wait for a person.",
    "import": "Load data sets that others published.",
    "market": "Markets known, also those not watched.",
    "metrics": "Figures for Prometheus, and rules for alerts over them.",
    "normalise": "Normalise claimed countries, prices, quantities and substances.",
    "parser": "Write, try, check, list and replay parsers.",
    "rates": "Exchange rates: import a table, list what is there.",
    "rebuild": "Make the whole database again from the archive.",
    "retention": "Take expired pages out of the archive.",
    "run": "The daemon: take every snapshot that comes due.",
    "search": "Find listings by words of their title or description.",
    "serve": "Open the database in datasette.",
    "session": "Sessions of a person's browser, lent for one target.",
    "snapshot": "Take, list, show and compare snapshots.",
    "status": "How torwatch is, on one screen; an exit code for monitoring.",
    "systemd": "Run as hardened services of systemd.",
    "state": "The markets as they stood at a time.",
    "target": "The markets watched and their mirrors.",
    "vendor": "Vendor accounts over all markets, and what links them.",
    "verify": "Check archive, chain and database for breaks.",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called; the list and its help need no import."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name every command, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the one command that was asked for; None when there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands from SHORT_HELP instead of importing them all."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, SHORT_HELP[name]) for name in sorted(COMMANDS)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="torwatch")
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Configuration file; else $TORWATCH_CONFIG, else /etc/torwatch/config.toml, else the defaults.",
)
@click.pass_context
def torwatch(ctx: click.Context, config_path: Path | None) -> None:
    """Watch anonymous marketplaces over Tor and write what changed to SQLite.

    \b
    torwatch demo                                   see it work, without internet
    torwatch add ADDRESS.onion --market NAME        watch a market
    torwatch snapshot now NAME                      take a snapshot of it now
    torwatch run                                    take every snapshot that comes due
    torwatch serve                                  open the database in datasette
    """
    ctx.obj = config_path


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process: 0 done, 1 a fault, 2 wrong usage, 130 interrupted."""
    try:
        result = torwatch.main(args=arguments, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(f"Error: {describe_click_error(error)}", err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted: what was committed stays, and the next start resumes.", err=True)
        sys.exit(130)
    except TorwatchError as error:
        sys.exit(report_error(error))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        click.echo(f"Error: {describe_os_error(error)}", err=True)
        sys.exit(1)
    except sqlite3.Error as error:
        click.echo(f"Error: the database refused that ({error}): nothing of it was written; try again", err=True)
        sys.exit(1)
    sys.exit(result if isinstance(result, int) else 0)


def report_error(error: TorwatchError) -> int:
    """Print the error as one clear line (a faulty configuration: one line a fault) and give its exit code."""
    click.echo(f"Error: {error}", err=True)
    if isinstance(error, ConfigError):
        for fault in error.faults:
            click.echo(f"  {fault}", err=True)
    return error.exit_code


def describe_click_error(error: click.ClickException) -> str:
    """One line for wrong usage, with the command whose help tells more."""
    message = " ".join(error.format_message().split())
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{message} (see `{context.command_path} --help`)" if context is not None else message


def describe_os_error(error: OSError) -> str:
    """One line for a fault of the machine, with the file it was about."""
    where = f" ({error.filename})" if error.filename else ""
    return f"{error.strerror or error}{where}"
