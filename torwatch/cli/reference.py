"""docs/cli.md, docs/configuration.md and docs/schema.md, written from the program: `python -m torwatch.cli.reference docs`."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from torwatch.cli import torwatch
from torwatch.cli.config import write_toml_value
from torwatch.cli.schema_reference import write_schema_reference
from torwatch.config import config_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

CLI_HEAD = """# Commands

Written from the program by `make docs`; do not edit it by hand.

Exit codes: 0 done, 1 a fault, 2 wrong usage or configuration, 130 interrupted. `--json` prints JSON on standard output; what is said
to people goes to standard error. `-h` and `--help` show the help of any command.
"""
CONFIGURATION_HEAD = """# Configuration

Written from the program by `make docs`; do not edit it by hand.

One TOML file: the one that `--config` names, else `$TORWATCH_CONFIG`, else `/etc/torwatch/config.toml` where it exists, else the
defaults below. `torwatch config init` writes a file with every key, `torwatch config check` lists every fault at once, and
`torwatch config show` prints what is in force and where each value comes from.

- A duration is a number and `s`, `m`, `h`, `d` or `w`: `"90s"`, `"1h 30m"`, `"7d"`. A bare number is seconds.
- A size is a number and `B`, `kB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`: `"2MB"`.
- A relative path is relative to the file it stands in; `~` is the home folder.
- Secrets never stand in the configuration: it holds paths to the files that do.
"""


def walk_commands(command: click.Command, path: tuple[str, ...] = ("torwatch",)) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command that is not hidden with its path, a group before what is in it, in the order of its help."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path[-1])
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None and not inner.hidden:
                yield from walk_commands(inner, (*path, name))


def write_cli_reference() -> str:
    """docs/cli.md: usage, help and options of every command."""
    return "\n".join([CLI_HEAD, *(_describe_command(path, command) for path, command in walk_commands(torwatch))])


def _describe_command(path: tuple[str, ...], command: click.Command) -> str:
    context = click.Context(command, info_name=" ".join(path))
    usage = " ".join([*path, *command.collect_usage_pieces(context)])
    parts = [f"## {' '.join(path)}\n", f"```\n{usage}\n```\n"]
    if command.help:
        parts.append(_unwrap(inspect.cleandoc(command.help)) + "\n")
    records = [record for parameter in command.params if (record := parameter.get_help_record(context))]
    if records:
        parts.append("| option | meaning |\n|---|---|")
        parts.extend(f"| `{_escape(names)}` | {_escape(' '.join(meaning.split()))} |" for names, meaning in records)
        parts.append("")
    if isinstance(command, click.Group):
        parts.extend(f"- [`{' '.join(path)} {name}`](#{'-'.join([*path, name])})" for name in command.list_commands(context))
        parts.append("")
    return "\n".join(parts)


def _unwrap(text: str) -> str:
    """Give click's help as Markdown: a paragraph marked with a backspace keeps its lines as a code block, others become one line."""
    paragraphs = []
    for paragraph in text.split("\f", maxsplit=1)[0].split("\n\n"):
        marked, _, kept = paragraph.partition("\n")
        paragraphs.append(f"```\n{kept}\n```" if marked.strip() == "\b" else " ".join(paragraph.split()))
    return "\n\n".join(paragraphs)


def write_configuration_reference() -> str:
    """docs/configuration.md: every key with its kind, default and description, a table a section."""
    parts, section = [CONFIGURATION_HEAD], None
    for key in config_keys():
        table, _, name = key.path.rpartition(".")
        if table != section:
            section = table
            parts.append(f"\n## {f'[{table}]' if table else 'At the top'}\n\n| key | kind | default | meaning |\n|---|---|---|---|")
        default = (
            "Tor Browser's, see config.example.toml"
            if isinstance(key.default, dict) and key.default
            else f"`{_escape(write_toml_value(key.default))}`"
        )
        parts.append(f"| `{name}` | {_escape(key.kind)} | {default} | {_escape(key.description)} |")
    return "\n".join(parts) + "\n"


def _escape(text: str) -> str:
    return text.replace("|", "\\|")


REFERENCES = {"cli.md": write_cli_reference, "configuration.md": write_configuration_reference, "schema.md": write_schema_reference}


def main(directory: Path) -> None:
    """Write the documents into the folder."""
    for name, write in REFERENCES.items():
        (directory / name).write_text(write(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
