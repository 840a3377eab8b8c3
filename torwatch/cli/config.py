"""`torwatch config`: write, check and show the configuration."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from torwatch.config import config_digest, config_keys, config_values, load_config
from torwatch.config_file import find_config, read_document
from torwatch.errors import UsageError

HEADING = "# The configuration of torwatch. Every key is shown with its default; leave out what you do not change.\n"


@click.group(short_help="Write, check and show the configuration.")
def config() -> None:
    """Write, check and show the configuration."""


@config.command("init")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), default="config.toml")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def write_example(path: Path, *, force: bool) -> None:
    """Write a configuration with every key, its default and what it means to PATH (config.toml; - for standard output)."""
    if str(path) == "-":
        click.echo(render_example(), nl=False)
        return
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(render_example())
    except FileExistsError as error:
        raise UsageError(f"{path} is there already; --force writes over it") from error
    click.echo(f"Wrote {path}. Use it with: torwatch --config {path} …  or set TORWATCH_CONFIG.", err=True)


@config.command("check")
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.pass_obj
def check(configured_path: Path | None, path: Path | None) -> None:
    """Read the configuration (PATH, else the one in force) and list every fault at once."""
    file = find_config(path or configured_path, os.environ)
    load_config(file, os.environ)
    if file is None:
        click.echo("There is no configuration file: the defaults are in force, and they are right.")
    else:
        click.echo(f"{file} is right; {len(_keys_in(read_document(file)))} keys are set, the others have their defaults.")


@config.command("show")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show(configured_path: Path | None, *, as_json: bool) -> None:
    """Show every value in force and where it comes from.

    The digest in the JSON is the one by which archives name the configuration under which they were made.
    """
    file = find_config(configured_path, os.environ)
    loaded = load_config(file, os.environ)
    in_file = _keys_in(read_document(file)) if file else set()
    rows = [
        {"key": key, "value": value, "source": str(file) if key in in_file else _name_default_source(key)}
        for key, value in config_values(loaded).items()
    ]
    if as_json:
        shown = {"file": str(file) if file else None, "digest": config_digest(loaded), "values": rows}
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['key']} = {write_toml_value(row['value'])}  # {row['source']}")


def render_example() -> str:
    """Write config.example.toml: every key with its kind, default and description."""
    lines, section = [HEADING], ""
    for key in config_keys():
        table, _, name = key.path.rpartition(".")
        if table != section:
            section = table
            lines.append(f"[{table}]\n")
        comment = f"# {key.description} ({key.kind})\n"
        if isinstance(key.default, dict):
            entries = "".join(f"{json.dumps(header)} = {write_toml_value(value)}\n" for header, value in key.default.items())
            lines.append(f"{comment}[{key.path}]\n{entries}")
        else:
            lines.append(f"{comment}{name} = {write_toml_value(key.default)}\n")
    return "\n".join(lines)


def write_toml_value(value: object) -> str:
    """Write one value as TOML: text, number, truth, list, or an inline table."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(name)} = {write_toml_value(item)}" for name, item in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def _keys_in(document: dict[str, Any]) -> set[str]:
    known = {key.path for key in config_keys()}
    nested = {f"{table}.{name}" for table, keys in document.items() if isinstance(keys, dict) for name in keys}
    given = {name for name, value in document.items() if not isinstance(value, dict) and value != ""} | nested
    return given & known


def _name_default_source(path: str) -> str:
    if path == "data_directory":
        for variable in ("STATE_DIRECTORY", "XDG_DATA_HOME"):
            if os.environ.get(variable):
                return f"${variable}"
    return "default"
