"""`torwatch systemd`: the units of this machine's service manager."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

import click

from torwatch.cli.context import the_config
from torwatch.errors import UsageError


@click.group()
def systemd() -> None:
    """Run torwatch as hardened services of systemd."""


@systemd.command()
@click.option("--user", "user_manager", is_flag=True, help="For `systemctl --user`, with your own data folder and less hardening.")
@click.option("--dry-run", is_flag=True, help="Print every file instead of writing it.")
@click.option("--tor", type=click.Choice(["own", "attach"]), help="The variant of the units; else tor.mode of the configuration.")
@click.option("--program", type=click.Path(path_type=Path), help="The torwatch command that the units start; else the one that runs now.")
@click.option("--root", type=click.Path(path_type=Path, file_okay=False), default=Path("/"), help="Write below this folder, for an image.")
def install(*, user_manager: bool, dry_run: bool, tor: Literal["own", "attach"] | None, program: Path | None, root: Path) -> None:
    """Write the units, and for the system also its user, folders and a configuration where there is none.

    \b
    sudo torwatch systemd install --dry-run     look first
    sudo torwatch systemd install               then follow the commands it prints
    """
    from torwatch.ops.service_units import STATE_DIRECTORY, Machine, hidden_from_services, render_files

    command = Path(os.path.abspath(program or sys.argv[0]))  # noqa: PTH100 - resolve() would leave the virtual environment
    machine = Machine(command, tor or the_config().tor.mode, user_manager=user_manager)
    if any(character.isspace() or character in "%$\"'\\" for character in str(command)):
        raise UsageError(f"{command} cannot stand in a unit: install torwatch in a folder without spaces, quotes, % and $")
    if not user_manager and hidden_from_services(command):
        fault = f"services cannot see {command}: install torwatch under /opt (python3 -m venv /opt/torwatch), or give --user or --program"
        if not dry_run:
            raise UsageError(fault)
        click.echo(f"Warning: {fault}", err=True)
    texts = render_files(machine, home=Path.home())
    configuration = Path("/etc/torwatch/config.toml")
    if not user_manager and not _below(root, configuration).exists():
        texts[configuration] = (
            f'# `torwatch config init -` prints every key.\ndata_directory = "{STATE_DIRECTORY}"\ntor.mode = "{machine.tor}"\n'
        )
    for path, text in texts.items():
        if dry_run:
            click.echo(f"# ==> {path}\n{text}")
        else:
            target = _below(root, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            click.echo(f"wrote {target}", err=True)
    if not dry_run:
        click.echo("Now run:", err=True)
        for line in next_commands(user_manager=user_manager):
            click.echo(f"  {line}")


def next_commands(*, user_manager: bool) -> tuple[str, ...]:
    """What is left to do, a command a line."""
    if user_manager:
        return (
            "systemctl --user daemon-reload",
            "systemctl --user enable --now torwatch.service torwatch-backup.timer torwatch-answer.timer",
            "loginctl enable-linger",
        )
    return (
        "systemd-sysusers torwatch.conf",
        "systemd-tmpfiles --create torwatch.conf",
        "systemctl daemon-reload",
        "systemctl enable --now torwatch.service torwatch-datasette.service torwatch-backup.timer torwatch-answer.timer",
    )


def _below(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")
