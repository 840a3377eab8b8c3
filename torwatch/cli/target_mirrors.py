"""`torwatch target import-mirrors`: the mirrors of a list that the market signed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from torwatch.cli.context import the_store
from torwatch.cli.output import print_json
from torwatch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torwatch.store.database import Store
    from torwatch.store.targets import Target

READABLE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import-mirrors")
@click.argument("file", type=READABLE)
@click.option("--key", type=READABLE, required=True, help="The market's PGP public key, checked by you.")
@click.option("--market", help="Target that the list is for; else the one that has an address on it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def import_mirrors(file: Path, key: Path, market: str | None, *, as_json: bool) -> None:
    """Add the mirrors of the signed list in FILE, if its PGP signature is good; warn of addresses that are not on it.

    \b
    torwatch target import-mirrors mirrors.txt --key market.asc
    """
    from torwatch.assembly import utc_now
    from torwatch.crawl.mirror_list import read_mirror_list
    from torwatch.store import targets
    from torwatch.tor.address import parse_onion

    found = read_mirror_list(file.read_bytes(), key.read_bytes())
    listed = [parse_onion(address) for address in found.addresses]
    store = the_store()
    target = choose_target(store, market, {address.host for address in listed})
    have = {(mirror.host, mirror.port) for mirror in target.mirrors}
    fresh = [address for address in listed if (address.host, address.port) not in have]
    for address in fresh:
        targets.refuse_used_address(store, address.host, address.port)
    strangers = sorted({mirror.host for mirror in target.mirrors} - {address.host for address in listed})
    changed = signer_before(store, target.market) not in {None, found.fingerprint}
    for address in fresh:
        targets.add_mirror(store, target, address.host, address.port, address.scheme, now=utc_now())
    facts = {"signed_by": found.fingerprint, "signers": found.signers, "added": [one.host for one in fresh], "not_on_list": strangers}
    kept = facts | {"listed": sorted({address.host for address in listed})}
    with store.write() as connection:
        targets.add_event(connection, utc_now(), "mirrors_imported", target.market, kept)
    if as_json:
        print_json({"market": target.market, "key_changed": changed, **facts})
        return
    click.echo(f"Good signature of {', '.join(found.signers) or 'a key without name'} ({found.fingerprint}).")
    click.echo(f"{target.market}: {len(fresh)} mirrors added, {len(listed) - len(fresh)} known already.")
    if changed:
        click.echo(
            f"Warning: the last list of {target.market} was signed with another key: make sure that this one is the market's.", err=True
        )
    for host in strangers:
        click.echo(f"Warning: {phishing(host, target.market)}", err=True)


def phishing(host: str, market: str) -> str:
    """What is to be said of an address that is not on the list that the market signed."""
    return f"{host} is not on the list and may be a phishing copy: torwatch target edit {market} --remove-mirror {host}"


def choose_target(store: Store, market: str | None, hosts: set[str]) -> Target:
    """The target that was named, else the one that has an address on the list. Raises UsageError."""
    from torwatch.store.targets import find_target, list_targets

    if market is not None:
        return find_target(store, market)
    matching = [target for target in list_targets(store) if hosts & {mirror.host for mirror in target.mirrors}]
    if len(matching) != 1:
        raise UsageError(f"{len(matching)} targets have an address on this list: say which one it is for with --market NAME")
    return matching[0]


def signer_before(store: Store, market: str) -> str | None:
    """The fingerprint that signed the market's last list; None when there was none."""
    found = last_list(store, market)
    return None if found is None else str(found["signed_by"])


def last_list(store: Store, market: str) -> dict[str, Any] | None:
    """The last list of the market that was imported: `at`, `signed_by`, `listed` (None where that was not kept yet) …; None when there was none."""
    row = store.row("SELECT at, detail FROM event WHERE kind = 'mirrors_imported' AND subject = ? ORDER BY id DESC LIMIT 1", (market,))
    return None if row is None else {"at": row["at"], "listed": None} | json.loads(row["detail"])


def not_listed(store: Store, market: str, hosts: Iterable[str]) -> list[str]:
    """Those of the onions that the market's last signed list does not hold; none where no list is known."""
    found = last_list(store, market)
    return [] if found is None or found["listed"] is None else sorted(set(hosts) - set(found["listed"]))
