"""`torwatch import`: data sets that others published, loaded beside what torwatch crawls."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from torwatch.cli.context import check_market_name, the_config, the_store
from torwatch.cli.output import minute_text, print_json, print_table, show
from torwatch.errors import StoreError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torwatch.rows import Loaded

SHOWN_FAULTS = 20  # lines of broken rows printed a file; the event log and --json have more
SHOWN_CAUSES = 5
# 2014-05-01, 20140501T0400, 2014-05-01_04-00-00: a market that was captured every few hours has more than one file a day.
MOMENT_IN_NAME = re.compile(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})(?:[T_ -]?([01]\d|2[0-3])[-:.h]?([0-5]\d)(?:[-:.]?([0-5]\d))?)?(?!\d)")


@click.group("import")
def import_() -> None:
    """Load what others measured, as snapshots without a crawl.

    \b
    torwatch import layouts
    torwatch import csv items.csv --map dated --market agora --at 2014-05-01
    torwatch import csv captures/*.csv --map mine.toml --market silkroad     (date and time in each file's name)
    """


@import_.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def layouts(*, as_json: bool) -> None:
    """List the layouts that come with torwatch."""
    from torwatch.dataset.layout import load_layout, shipped_layouts

    found = [load_layout(name) for name in shipped_layouts()]
    if as_json:
        print_json([{"name": layout.name, "title": layout.title, "digest": layout.digest} for layout in found])
        return
    print_table(("layout", "columns"), [(layout.name, layout.title) for layout in found], empty="")


@import_.command("csv")
@click.argument("files", type=click.Path(path_type=Path, exists=True, dir_okay=False), nargs=-1, required=True, metavar="FILE…")
@click.option(
    "--map", "layout_name", required=True, help="A TOML file that says what stands where, or a shipped layout (`torwatch import layouts`)."
)
@click.option("--market", required=True, help="Market the data is of; one that is not known is noted.")
@click.option(
    "--at", "at_text", help="When it was measured, UTC: 2014-05-01 or 2014-05-01T12:00; else the date, and time, in each file's name."
)
@click.option("--by-day", is_flag=True, help="A snapshot for each day that the rows themselves name.")
@click.option("--partial", is_flag=True, help="The file is a part of what the market showed: what it lacks says nothing.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON list, with the first 1,000 broken rows of each file and how many have each cause."
)
def csv_command(
    files: tuple[Path, ...], layout_name: str, market: str, at_text: str | None, *, by_day: bool, partial: bool, as_json: bool
) -> None:
    """Load CSV files, oldest first, a snapshot each.

    Spells, returns and capture histories come out as a crawl would have given them. Each file is written whole or not at all; broken rows
    are counted and listed. A file that was loaded before is refused.
    """
    from torwatch.archive.files import hash_file
    from torwatch.assembly import utc_now, walk_settings
    from torwatch.dataset.layout import load_layout
    from torwatch.loading import load_file
    from torwatch.store.database import writer_lock

    if by_day and at_text:
        raise click.UsageError("--at and --by-day exclude each other")
    layout, name, config = load_layout(layout_name), check_market_name(market), the_config()
    dated = [(None, file) for file in files] if by_day else sorted((moment_of(file, at_text), file) for file in files)
    refuse_same_moment(dated)
    answers = []
    with the_store(create=True) as store, writer_lock(config.database_path) as ours:
        if not ours:
            raise StoreError("the daemon is running and writes this database: stop it while data is loaded")
        counts = [count_lines(file) for _, file in dated]
        lines = sum(counts)
        with click.progressbar(length=lines, label=f"Loading {len(dated)} file{'s'[: len(dated) > 1]}", hidden=as_json) as bar:
            done = 0
            for (at, file), count in zip(dated, counts, strict=True):
                loaded = load_file(
                    store,
                    file,
                    layout,
                    name,
                    at=at,
                    file_digest=hash_file(file),
                    hold=walk_settings(config).hold,
                    now=utc_now(),
                    complete=not partial,
                    archive_directory=config.archive_directory,
                    progress=lambda rows, before=done: bar.update(min(lines, before + rows) - bar.pos),  # type: ignore[misc]  # bound now
                )
                done += count
                bar.update(max(0, done - bar.pos))
                answers.append((file, loaded))
    if as_json:
        print_json([describe(file, loaded) for file, loaded in answers])
        return
    print_table(
        ("snapshot", "of", "listings", "new", "changed", "back", "missed"),
        [
            (
                number,
                minute_text(moment),
                ending.listings.seen,
                ending.listings.new,
                ending.listings.changed,
                ending.listings.back,
                ending.listings.missed,
            )
            for _, loaded in answers
            for number, moment, ending in loaded.snapshots
        ],
        empty="",
    )
    for file, loaded in answers:
        tell_faults(file, loaded, layout.encoding)


def moment_of(file: Path, at_text: str | None) -> dt.datetime:
    """When a file was measured: as told, else the date in its name. Raises UsageError when neither says so."""
    from torwatch.assembly import utc_now

    if at_text is None:
        found = MOMENT_IN_NAME.search(file.stem)
        if found is None:
            raise UsageError(f"nothing says when {file.name} was measured: give --at 2014-05-01, or put the date in the file's name")
        year, month, day, hour, minute, second = found.groups(default="00")
        at_text = f"{year}-{month}-{day}T{hour}:{minute}:{second}"
    try:
        moment = dt.datetime.fromisoformat(at_text)
    except ValueError as error:
        raise UsageError(f"{at_text!r} is no date: write 2014-05-01 or 2014-05-01T12:00") from error
    moment = moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    if moment > utc_now() + dt.timedelta(days=1):  # a day: a date is of somewhere
        raise UsageError(f"{at_text} has not come yet: say when {file.name} was measured, --at 2014-05-01")
    return moment


def refuse_same_moment(dated: Sequence[tuple[dt.datetime | None, Path]]) -> None:
    """Raises UsageError, before anything is written, when two files would be snapshots of the same moment."""
    for (one, file), (other, later) in itertools.pairwise(dated):
        if one is not None and one == other:
            raise UsageError(
                f"{file.name} and {later.name} would both be of {minute_text(one.isoformat())}: put the time of day in their names"
                " (20140501T0400), or load them one by one with --at"
            )


def count_lines(file: Path) -> int:
    """The lines of a file, for the progress bar: quick, and right but for line breaks inside cells."""
    with file.open("rb") as handle:
        return sum(block.count(b"\n") for block in iter(lambda: handle.read(1 << 20), b""))


def describe(file: Path, loaded: Loaded) -> dict[str, object]:
    """One file for --json."""
    return {
        "file": file.name,
        "rows": loaded.rows,
        "repeated": loaded.repeated,
        "damaged": loaded.damaged,
        "broken": [{"line": fault.line, "reason": fault.reason} for fault in loaded.faults],
        "broken_by_cause": dict(loaded.causes),
        "snapshots": [
            {"snapshot": number, "at": moment, "state": ending.state, "listings": ending.listings.seen, "new": ending.listings.new}
            for number, moment, ending in loaded.snapshots
        ],
    }


def tell_faults(file: Path, loaded: Loaded, encoding: str) -> None:
    """Say on standard error what a file's rows were, which were broken, and how many its encoding does not fit."""
    click.echo(f"{file.name}: {loaded.rows} rows read, {loaded.repeated} repeat a listing, {loaded.broken} broken", err=True)
    if loaded.damaged:
        click.echo(
            f"  {loaded.damaged} rows have bytes that are not {encoding}, kept as \ufffd: if these are many, load the file into a new database"
            ' with the right one in the layout, for instance encoding = "cp1252"',
            err=True,
        )
    for fault in loaded.faults[:SHOWN_FAULTS]:
        click.echo(f"  line {fault.line}: {show(fault.reason)}", err=True)
    if loaded.broken > SHOWN_FAULTS:
        causes = "; ".join(f"{show(cause)}: {count} rows" for cause, count in loaded.causes.most_common(SHOWN_CAUSES))
        click.echo(f"  and {loaded.broken - SHOWN_FAULTS} more (the first {len(loaded.faults)}: --json, and the event log)", err=True)
        click.echo(f"  of all that are broken, {causes}", err=True)
