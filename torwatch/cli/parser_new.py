"""`torwatch parser new`: a working skeleton of a parser from saved pages."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import click

from torwatch.errors import UsageError
from torwatch.model import PageKind

MAX_PAGES = 60
KINDS = {
    "index": PageKind.LISTING_INDEX,
    "listing-index": PageKind.LISTING_INDEX,
    "listing": PageKind.LISTING,
    "vendor": PageKind.VENDOR,
    "feedback": PageKind.FEEDBACK,
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@click.command("new")
@click.argument("name")
@click.option(
    "--page",
    "pages",
    multiple=True,
    required=True,
    help="A saved page; FILE=/path?query tells where it was fetched from, KIND:FILE what it is: index, listing, vendor or feedback (repeatable).",
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Where the folder NAME is made. Default: here; in a checkout: parsers.",
)
@click.option("--redact", "words", multiple=True, help="Words to take out of the pages, such as your own account's name (repeatable).")
@click.option(
    "--label", "labels", multiple=True, help="A label of this market and its field, such as 'Leaves from=ship_from_raw' (repeatable)."
)
def new(name: str, pages: tuple[str, ...], directory: Path, words: tuple[str, ...], labels: tuple[str, ...]) -> None:
    """Write a working skeleton parser NAME from saved pages.

    Kinds of pages are guessed; labels, rows and addresses become rules, with the values found as comments. Give at least an index, a listing and
    a vendor page. Check everything by eye: the skeleton is a beginning.
    """
    from torwatch.parsing.quality import check_parser
    from torwatch.parsing.skeleton import make_skeleton
    from torwatch.parsing.skeleton_writer import write_skeleton

    folded = name.replace("-", "_")
    if not _NAME.fullmatch(folded):
        raise UsageError(f"{name!r} cannot be a parser's name: small letters, digits and '_', a letter first, for instance white_house")
    if (directory / folded).exists():
        raise UsageError(f"{directory / folded} exists already and is not overwritten: take another name, or move it away")
    if len(pages) > MAX_PAGES:
        raise UsageError(f"{len(pages)} pages are too many: {MAX_PAGES} at most, a few of each kind are enough")
    saved = read_pages(pages)
    parser, skeleton = write_skeleton(make_skeleton(folded, saved, words=words, labels=read_labels(labels)), directory)
    report = check_parser(parser)
    click.echo(f"{directory / folded}: {report.fixtures} pages, {report.values} values")
    for page in skeleton.pages:
        what = page.kind.value if not page.fault else f"{page.outcome.value} ({page.fault})"
        click.echo(f"  {page.name}: {what}{', path made up' if page.name in skeleton.invented else ''}")
    for fault in report.faults:
        click.echo(f"  to mend: {fault}")
    for kind, parts in skeleton.design.parts.items():
        click.echo(f"  {kind.value} gives {', '.join(one for one in parts.fields if one not in {'key', 'path'})}")
    for kind, left in skeleton.leftovers.items():
        shown = ", ".join(f"{label} ({value})" for label, value in left.items())
        click.echo(f"  {kind.value} also shows {shown}: name what you want with --label '{next(iter(left))}=FIELD', or read it by hand")
    click.echo("The pages were scrubbed of scripts, tokens and pictures only: real pages must not be committed; rewrite their words first.")
    click.echo(f"Next: compare expected/*.json with the pages, then torwatch parser check {folded} --directory {directory}")


def read_labels(given: tuple[str, ...]) -> dict[str, str]:
    """Read `LABEL=FIELD` arguments. Raises UsageError for a field that no record has."""
    from torwatch.parsing.skeleton_words import LISTING_LABELS, VENDOR_LABELS

    known = sorted({*LISTING_LABELS.values(), *VENDOR_LABELS.values()})
    labels = {}
    for one in given:
        label, _, field = one.rpartition("=")
        if not label.strip() or field not in known:
            raise UsageError(f"{one!r} is no label with its field: write 'Leaves from=ship_from_raw'; fields are {', '.join(known)}")
        labels[label.strip()] = field
    return labels


def read_pages(given: tuple[str, ...]) -> list:  # type: ignore[type-arg] # SavedPage is loaded late
    """Read `FILE` or `FILE=/path` arguments; fixture names come from file names. Raises UsageError for a file that cannot be read."""
    from torwatch.parsing.skeleton import SavedPage

    names: Counter[str] = Counter()
    saved = []
    for one in given:
        word, colon, rest = one.partition(":")
        kind = KINDS.get(word) if colon and not Path(one).exists() else None
        one = rest if kind else one  # noqa: PLW2901 - without its kind
        file, path = Path(one), ""
        if not file.exists() and "=/" in one:
            start, _, rest = one.partition("=/")
            file, path = Path(start), f"/{rest}"
        try:
            body = file.read_bytes()
        except OSError as error:
            raise UsageError(f"{file} cannot be read: {error.strerror}") from error
        stem = re.sub(r"\W+", "_", file.stem, flags=re.ASCII).strip("_").lower()[:60] or "page"
        names[stem] += 1
        saved.append(SavedPage(stem if names[stem] == 1 else f"{stem}_{names[stem]}", body, path, kind))
    return saved
