"""`torwatch session`: the session of a person's browser, lent to torwatch for one target."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import click

from torwatch.cli.context import the_config, the_store
from torwatch.cli.output import minute_text, print_json, print_table
from torwatch.cli.target_state import clock
from torwatch.errors import UsageError

COOKIE_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def session() -> None:
    """Sessions of a person's browser, lent to torwatch: it logs in nowhere itself.

    \b
    torwatch session import dream cookies.txt
    torwatch session redact dream 'myaccountname' 'Balance: [0-9.]+'
    torwatch session list
    torwatch session renew dream cookies.txt      the snapshot that waited goes on
    torwatch session drop dream
    """


def take_over(target: str, file: Path) -> None:
    """Read the cookies of a file, keep them, and note the session."""
    from torwatch.crawl.session import BrowserSession, load_session, parse_cookies, save_session
    from torwatch.store.sessions import begin_session
    from torwatch.store.targets import find_target

    store, directory = the_store(), the_config().sessions_directory
    found = find_target(store, target)
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is no text: export the cookies as cookies.txt or JSON") from error
    cookies = parse_cookies(text, frozenset(mirror.host for mirror in found.mirrors))
    before = load_session(directory, found.id)
    save_session(directory, found.id, BrowserSession(cookies, before.redact if before else ()))
    begin_session(store, found, len(cookies), now=clock())
    click.echo(f"{found.market} has a session of {len(cookies)} cookies; a snapshot that waited for it goes on. Delete {file} now.")
    if not (before and before.redact):
        click.echo(f"Its pages may name your account: torwatch session redact {found.market} 'ACCOUNT NAME'")


@session.command("import")
@click.argument("target")
@click.argument("file", type=COOKIE_FILE)
def import_command(target: str, file: Path) -> None:
    """Lend the cookies in FILE (cookies.txt in Netscape format, or a JSON export) to TARGET."""
    take_over(target, file)


@session.command()
@click.argument("target")
@click.argument("file", type=COOKIE_FILE)
def renew(target: str, file: Path) -> None:
    """Lend fresh cookies in place of lost ones; the snapshot that waited goes on where it stopped."""
    take_over(target, file)


@session.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_command(*, as_json: bool) -> None:
    """List the sessions, and until when each will last by what earlier ones did."""
    from torwatch.store.sessions import list_sessions

    found = list_sessions(the_store())
    if as_json:
        print_json([dataclasses.asdict(one) for one in found])
        return
    print_table(
        ("market", "state", "cookies", "imported", "expected until", "why"),
        [
            (one.market, one.state, one.cookies, minute_text(one.imported_at), minute_text(one.expected_until or "not known"), one.lost_why)
            for one in found
        ],
        empty="No session is lent: torwatch session import TARGET cookies.txt",
    )


@session.command()
@click.argument("target")
def drop(target: str) -> None:
    """Take the session back: its cookies are deleted, the target is watched without."""
    from torwatch.crawl.session import drop_session
    from torwatch.store.sessions import end_session
    from torwatch.store.targets import find_target

    store = the_store()
    found = find_target(store, target, with_removed=True)
    drop_session(the_config().sessions_directory, found.id)
    if not end_session(store, found, now=clock()):
        raise UsageError(f"{found.market} has no session: see `torwatch session list`")
    click.echo(f"Dropped the session of {found.market}; its cookies are deleted.")


@session.command()
@click.argument("target")
@click.argument("pattern", nargs=-1, required=True)
def redact(target: str, pattern: tuple[str, ...]) -> None:
    """Take each PATTERN (a regular expression) out of the target's pages before anything is archived."""
    from torwatch.crawl.session import BrowserSession, load_session, save_session
    from torwatch.store.targets import find_target

    for one in pattern:
        try:
            empty = re.compile(one.encode()).search(b"")
        except re.error as error:
            raise UsageError(f"{one!r} is no regular expression ({error}): put a \\ before signs that stand for themselves") from error
        if empty:
            raise UsageError(f"{one!r} matches nothing at all and so everywhere: say what stands there")
    directory = the_config().sessions_directory
    found = find_target(the_store(), target)
    before = load_session(directory, found.id) or BrowserSession()
    save_session(directory, found.id, dataclasses.replace(before, redact=tuple(dict.fromkeys((*before.redact, *pattern)))))
    click.echo(f"{len(pattern)} patterns will be taken out of the pages of {found.market}.")
