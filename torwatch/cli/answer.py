"""`torwatch answer`: extent and share of one country, with what each figure rests on."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import click

from torwatch.cli.context import the_store
from torwatch.cli.output import escape_hidden, print_csv, print_json
from torwatch.errors import UsageError

if TYPE_CHECKING:
    from torwatch.report.document import Document

DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--country", default="NL", show_default=True, help="ISO 3166-1 alpha-2 code of the country asked about.")
@click.option("--since", type=DAY, help="First day of the period; else that of the first snapshot.")
@click.option("--until", type=DAY, help="Last day of the period; else today.")
@click.option("--lang", type=click.Choice(["en", "nl"]), default="en", show_default=True, help="Language of the answer.")
@click.option(
    "--format", "form", type=click.Choice(["text", "html", "json", "csv"]), default="text", show_default=True, help="Form of the answer."
)
def answer(country: str, since: dt.datetime | None, until: dt.datetime | None, lang: str, form: str) -> None:
    """Print extent, share and trend of one country, with what each figure rests on.

    \b
    torwatch answer                                 the Netherlands, everything seen so far
    torwatch answer --country DE --since 2026-01-01
    torwatch answer --lang nl --format html > antwoord.html

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
        raise UsageError("the period ends before it begins: --since must not be after --until")
    print_answer(write_answer(store, Question(code, begin, end, lang)), form)


def print_answer(document: Document, form: str) -> None:
    """Print a document in one of its forms."""
    if form == "json":
        import dataclasses

        print_json(dataclasses.asdict(document))
    elif form == "csv":
        rows: list[tuple[object, ...]] = []
        for section in document.sections:
            rows += [(section.key, "", "", section.reason)] if section.reason else []
            for number, row in enumerate(section.rows, 1):
                rows += [(section.key, number, column, cell) for column, cell in zip(section.columns, row, strict=True)]
        print_csv(("section", "row", "column", "value"), rows)
    elif form == "html":
        from torwatch.report.answer_html import answer_html

        click.echo(answer_html(document), nl=False)
    else:
        from torwatch.normalise.text import visible
        from torwatch.report.answer_text import answer_text

        click.echo("\n".join(visible(line) for line in escape_hidden(answer_text(document)).splitlines()))
