"""`torwatch evidence`: bundles for third parties, time stamps, and sealing by hand."""

from __future__ import annotations

from pathlib import Path

import click

from torwatch.cli.context import the_config, the_store
from torwatch.errors import UsageError


@click.group()
def evidence() -> None:
    """Bundles that a third party can check, and time stamps of the chain. `torwatch verify` checks the archive."""


@evidence.command()
@click.argument("what")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The ZIP to write.")
def pack(what: str, output: Path) -> None:
    """Bundle WHAT, a snapshot's number or MARKET/KEY of a listing, with all it takes to check it without torwatch.

    The records are byte for byte those of the archive; README.txt inside tells how to check them with sha256sum, warcio and openssl.

    \b
    torwatch evidence pack 12 -o snapshot-12.zip
    torwatch evidence pack dream/100017 -o listing.zip
    """
    from torwatch.archive.bundle import pack_listing, pack_snapshot

    archive = the_config().archive_directory
    market, slash, key = what.partition("/")
    if slash:
        count = pack_listing(archive, market, key, output)
    elif what.isdecimal():
        count = pack_snapshot(archive, int(what), output)
    else:
        raise UsageError(f"{what!r} is neither a snapshot's number nor MARKET/KEY of a listing, for instance dream/100017")
    click.echo(f"{output}: {count:,} {'record' if count == 1 else 'records'}")


@evidence.command()
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The request file, usually *.tsq.")
def request(output: Path) -> None:
    """Make an RFC 3161 request for a time stamp of the chain's head, to carry to an authority; nothing is sent.

    \b
    torwatch evidence request -o head.tsq
    """
    from torwatch.archive.manifest import read_chain
    from torwatch.archive.timestamp import make_request

    chain = read_chain(the_config().archive_directory)
    if not chain:
        raise UsageError("there is no manifest to stamp yet: take a snapshot first (`torwatch snapshot now NAME`)")
    output.write_bytes(make_request(chain[-1].sha256))
    click.echo(f"{output}: asks for a time stamp of {chain[-1].path} ({chain[-1].sha256})")


@evidence.command()
@click.argument("response", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def stamp(response: Path) -> None:
    """Keep an authority's RESPONSE file beside the manifest that it stamps; bundles carry it from then on.

    \b
    torwatch evidence stamp head.tsr
    """
    from torwatch.archive.timestamp import keep_response, response_path

    link = keep_response(the_config().archive_directory, response.read_bytes())
    click.echo(f"{response_path(link)}: kept; check it with: openssl ts -verify -data {link.path} -in {response_path(link)} -CAfile CA.pem")


@evidence.command()
def seal() -> None:
    """Write the manifests of ended snapshots that have none, for instance of an archive that an older torwatch made.

    The daemon seals each snapshot when it ends, so this is seldom needed.
    """
    from torwatch.assembly import utc_now
    from torwatch.evidence import seal_snapshots

    links = seal_snapshots(the_store(), the_config().archive_directory, utc_now())
    for link in links:
        click.echo(f"{link.path}: number {link.sequence} of the chain, sha256 {link.sha256}")
    if not links:
        click.echo("Nothing to seal.")
