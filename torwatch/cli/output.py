"""What commands print: tables for people, JSON for scripts; hostile text is made harmless on the way."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence


DELETE = 0x7F  # the one ASCII control character that json.dumps leaves as it is


def print_json(value: Any) -> None:
    """One JSON document, indented on a terminal, on one line elsewhere; characters that hide or steer are escaped, so that none is lost."""
    click.echo(escape_hidden(json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None, default=str)))


class Escapes(dict[int, str]):
    """For str.translate: every sign as it is shown, found out once."""

    def __missing__(self, code: int) -> str:
        from torwatch.normalise.text import visible

        sign = chr(code)
        shown = self[code] = (
            sign if sign.isprintable() or visible(sign) == sign else f"\\u{code:04x}" if code == DELETE else json.dumps(sign)[1:-1]
        )
        return shown


def escape_hidden(document: str) -> str:
    r"""JSON with control, zero-width and bidi characters and lone surrogates as `\uXXXX`: the same values, harmless on a terminal."""
    if document.isascii() and chr(DELETE) not in document:
        return document  # json.dumps has escaped the other ASCII control characters
    return document.translate(Escapes())


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """CSV as RFC 4180 has it, with a header line; no cell is taken for a formula by a spreadsheet, numbers stay numbers."""
    import csv

    from torwatch.normalise.text import csv_cell, visible

    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([csv_cell(visible(cell)) if isinstance(cell, str) else cell for cell in row])
    click.echo(buffer.getvalue(), nl=False)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """A table that fits the terminal; `empty` is said when there are no rows."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    listed = list(rows)
    if not listed:
        click.echo(empty)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, column in enumerate(columns):
        numeric = all(isinstance(row[number], int | float) or row[number] is None for row in listed)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in listed:
        table.add_row(*(Text(show(cell)) for cell in row))
    Console(soft_wrap=False, highlight=False).print(table)


def print_fields(fields: Mapping[str, Any]) -> None:
    """Name and value, one a line; empty values are left out."""
    shown = {name: value for name, value in fields.items() if value not in (None, "", [], ())}
    width = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        click.echo(f"{name.ljust(width)}  {show(value)}")


def show(value: Any) -> str:
    """A cell as text: nothing for None, control and bidi characters made visible."""
    from torwatch.normalise.text import visible

    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    return visible(str(value))


def duration_text(seconds: int) -> str:
    """Seconds in the largest unit that divides them: 7d, 12h, 90s."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def minute_text(stamp: str) -> str:
    """A stored time for people, UTC to the minute: 2026-01-05 07:30."""
    return stamp[:16].replace("T", " ")


@contextlib.contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar with the time left, on a terminal only; gives the function of (done, total) that moves it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
