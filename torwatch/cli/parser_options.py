"""What the commands of `torwatch parser` share: options, parser directories, text made harmless for a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from torwatch.cli.context import the_config

DIRECTORY = click.option(
    "--directory", "directories", multiple=True, type=click.Path(path_type=Path), help="A directory of your own parsers (repeatable)."
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="JSON lines for scripts.")
WIDTH = 100


def parser_directories(given: tuple[Path, ...]) -> tuple[Path, ...]:
    """The directories of own parsers: those of the configuration, then those given here, which hide them."""
    return (*(one for one in the_config().parsing.directories if one not in given), *given)


def shorten(value: Any, width: int = WIDTH) -> str:
    """A value on one line, without what could steer the terminal."""
    words = " ".join(str(value).split()) if value not in (None, []) else ""
    words = "".join(char if char.isprintable() else "\ufffd" for char in words)
    return words if len(words) <= width else words[: width - 1] + "…"
