"""`torwatch metrics`: what the daemon gives Prometheus, and rules over it."""

from __future__ import annotations

import datetime as dt

import click

from torwatch.cli.context import the_config, the_store
from torwatch.errors import UsageError


@click.group()
def metrics() -> None:
    """Figures for Prometheus, and rules for alerts over them.

    \b
    torwatch metrics show                       what the daemon would give now
    torwatch metrics rules > torwatch.rules.yml
    """


@metrics.command("show")
def show_command() -> None:
    """Print the figures as Prometheus reads them; the daemon gives the same at metrics.textfile or metrics.port."""
    from torwatch import __version__
    from torwatch.assembly import visiting_hours
    from torwatch.overview import gather_status

    config = the_config()
    try:
        from torwatch.ops.metrics import Metrics
    except ImportError as error:
        raise UsageError("metrics need the extra [metrics]: pip install 'torwatch[metrics]'") from error
    found = Metrics(__version__)
    found.update(
        gather_status(
            the_store(), config.data_directory, jitter=config.schedule.jitter, now=dt.datetime.now(dt.UTC), hours=visiting_hours(config)
        )
    )
    click.echo(found.text(), nl=False)


@metrics.command("rules")
def rules_command() -> None:
    """Print rules for Prometheus: silence, tor down, holds, failures, late snapshots, coverage, sessions, disk."""
    try:
        from torwatch.ops.metrics import alert_rules
    except ImportError as error:
        raise UsageError("metrics need the extra [metrics]: pip install 'torwatch[metrics]'") from error
    click.echo(alert_rules(), nl=False)
