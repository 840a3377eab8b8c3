"""`torwatch answer`: extent and share of one country, with what each figure rests on."""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from torwatch.cli.context import the_config, the_store
from torwatch.cli.output import print_csv, print_json
from torwatch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torwatch.report.document import Document

SUFFIXES = {"text": "txt", "html": "html", "json": "json", "csv": "csv"}
DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--country", default="NL", show_default=True, help="ISO 3166-1 alpha-2 code of the country asked about.")
@click.option("--since", type=DAY, help="First day of the period; else that of the first snapshot.")
@click.option("--until", type=DAY, help="Last day of the period; else today.")
@click.option("--lang", type=click.Choice(["en", "nl"]), default="en", show_default=True, help="Language of the answer.")
@click.option(
    "--format", "form", type=click.Choice(["text", "html", "json", "csv"]), default="text", show_default=True, help="Form of the answer."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Write to this file instead; in a folder, to a file named by country and day. Never half a file.",
)
def answer(country: str, since: dt.datetime | None, until: dt.datetime | None, lang: str, form: str, output: Path | None) -> None:
    """Print extent, share and trend of one country, with what each figure rests on.

    \b
    torwatch answer                                 the Netherlands, everything seen so far
    torwatch answer --country DE --since 2026-01-01
    torwatch answer --lang nl --format html --output antwoord.html

    A figure that the data cannot carry is not printed; the reason is.
    """
    from torwatch.answer import Question, check_country, write_answer

    code = check_country(country)
    store = the_store()
    first = store.value("SELECT min(started_at) FROM snapshot")
    if first is None:
        raise UsageError("there is no snapshot yet: take one with `torwatch snapshot now MARKET`")
    begin = since.replace(tzinfo=dt.UTC) if since else dt.datetime.fromisoformat(first)
    end = until.replace(hour=23, minute=59, second=59, tzinfo=dt.UTC) if until else dt.datetime.now(dt.UTC)
    if end < begin:
        raise UsageError(f"the period ends ({end.date()}) before it begins ({begin.date()}): --since must not be after --until, else today")
    document = write_answer(store, Question(code, begin, end, lang), the_config().crawl)
    pictures: dict[str, str] = {}
    if form != "text":  # the tables of the charts are too wide for 80 columns
        from torwatch.charting import count_figures, draw_figures, with_charts

        figures = count_figures(store, document.parameters)
        document = with_charts(document, figures)
        pictures = draw_figures(figures, lang) if form == "html" else {}
    if output is None:
        print_answer(document, form, pictures)
        return
    file = output / f"answer-{code}-{end:%Y-%m-%d}.{SUFFIXES[form]}" if output.is_dir() or not output.suffix else output
    fresh = file.with_name(f".{file.name}.new")
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with fresh.open("w", encoding="utf-8") as handle, contextlib.redirect_stdout(handle):
        print_answer(document, form, pictures)
    fresh.replace(file)
    click.echo(f"wrote {file}", err=True)


def print_answer(document: Document, form: str, pictures: Mapping[str, str]) -> None:
    """Print a document in one of its forms; `pictures`: section key → inline SVG, for HTML."""
    if form == "json":
        from torwatch.report.answer_data import answer_object

        print_json(answer_object(document))
    elif form == "csv":
        from torwatch.report.answer_data import CSV_COLUMNS, answer_rows

        print_csv(CSV_COLUMNS, answer_rows(document))
    elif form == "html":
        from torwatch.report.answer_html import answer_html

        click.echo(answer_html(document, pictures), nl=False)
    else:
        from torwatch.normalise.text import visible
        from torwatch.report.answer_text import answer_text

        click.echo(answer_text(document, visible), nl=False)
