"""What every command needs: the configuration and the database, opened late and reported in one line when they cannot be."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import click

from torwatch.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from torwatch.config import Config
    from torwatch.config_file import Glance
    from torwatch.store.database import Store


def the_config() -> Config:
    """The effective configuration of this call."""
    from torwatch.config import load_config

    path: Path | None = click.get_current_context().find_root().obj
    return load_config(path, os.environ)


def the_glance() -> Glance:
    """The few settings of a quick look; where one of them is faulty, the whole configuration is checked and says why."""
    from torwatch.config_file import glance_at_config

    path: Path | None = click.get_current_context().find_root().obj
    look = glance_at_config(path, os.environ)
    if look is None:
        the_config()
        raise ConfigError("the configuration is faulty: torwatch config check")
    return look


def the_store(*, create: bool = False) -> Store:
    """The database of this call, closed when the command ends; without `create` an absent one is a clear error."""
    from torwatch.ledger import open_journaled

    config = the_config()
    store = open_journaled(config.database_path, config.archive_directory, create=create)
    click.get_current_context().call_on_close(store.close)
    return store


class Amount(click.ParamType[int]):
    """A figure with a unit, as a whole number of the smallest one."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Give the figure; anything else is wrong usage."""
        try:
            return value if isinstance(value, int) else self.read(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def read(self, text: str) -> int:
        """The figure in a text. Raises ValueError."""
        raise NotImplementedError


class Size(Amount):
    """A size such as 500MB or 2GiB, as bytes."""

    name = "size"

    def read(self, text: str) -> int:
        """The bytes. Raises ValueError."""
        from torwatch.units import parse_size

        return parse_size(text)


class Duration(Amount):
    """A duration such as 7d, 12h or 30m, as whole seconds."""

    name = "duration"

    def read(self, text: str) -> int:
        """The seconds. Raises ValueError."""
        from torwatch.units import parse_duration

        seconds = int(parse_duration(text).total_seconds())
        if seconds < 1:
            raise ValueError("a duration must be positive, for instance 7d")
        return seconds


def check_market_name(name: str) -> str:
    """A market's name as torwatch uses it in commands and folders. Raises UsageError."""
    folded = name.strip().lower().replace("-", "_").replace(" ", "_")
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.]{0,63}", folded):
        raise UsageError(f"{name!r} cannot be a market's name: use letters, digits and '_', at most 64, for instance white_house")
    return folded
