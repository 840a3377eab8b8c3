"""Evidence: the archive sealed snapshot by snapshot, and checked against its manifests and the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from torwatch.archive.manifest import manifest_path, seal
from torwatch.archive.originals import find_import_breaks, parser_folder
from torwatch.archive.tombstone import (
    find_lost_references,
    find_tombstone_breaks,
    is_tombstone,
    is_whole,
    manifest_warc,
    tombstones_of,
)
from torwatch.archive.verify import find_breaks, find_file_breaks
from torwatch.archive.writer import warc_path
from torwatch.errors import ArchiveError
from torwatch.forget_request import request_path
from torwatch.ledger import find_journal_breaks
from torwatch.parsing.registry import digest_of, sources_of
from torwatch.store.forgetting import imported_files
from torwatch.store.manifests import (
    Sealed,
    archived_snapshots,
    read_by,
    record_sealed,
    running_snapshots,
    sealed_manifests,
    told_removals,
    unsealed_snapshots,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from torwatch.archive.manifest import Link
    from torwatch.store.database import Store

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the archive found."""

    snapshots: int
    records: int
    head: str  # sha256 of the newest manifest, "" without any
    breaks: tuple[str, ...]
    notes: tuple[str, ...]


def seal_snapshots(store: Store, archive_directory: Path, now: dt.datetime, market_id: int | None = None) -> list[Link]:
    """Write the manifests of ended snapshots that have none: the one that just ended, those that a kill came before, and older archives.

    With `market_id` of that market only: what still has to follow the end of another's is found by the seal that it lacks.
    A WARC that cannot be sealed is told in the log and by `verify`; it does not keep the others from being sealed.
    """
    links = []
    for row in unsealed_snapshots(store, market_id):
        provenance = {
            "market": row["market"],
            "snapshot": row["id"],
            "state": row["state"],
            "started": row["started_at"],
            "ended": row["ended_at"],
            "torwatch": row["torwatch_version"],
            "parser": {"name": row["parser"], "digest": row["parser_digest"]},
        }
        try:
            link = seal(archive_directory, archive_directory / row["warc"], provenance)
        except ArchiveError as error:
            log.warning("snapshot_not_sealed", snapshot=row["id"], reason=str(error))
            continue
        record_sealed(store, Sealed(link.sequence, row["id"], str(link.path.relative_to(archive_directory)), link.sha256), now)
        links.append(link)
    return links


def verify(
    store: Store, archive_directory: Path, *, head: str = "", progress: Callable[[int, int], None] = lambda _done, _of: None
) -> Verdict:
    """Check every file, record and manifest of the archive, the chain, and what the database says of them.

    `head` is a chain head that was deposited elsewhere; `progress` gets (manifests checked, manifests in all).
    """
    links, breaks = find_breaks(archive_directory)
    tombstones = tombstones_of(archive_directory, links)
    for number, link in enumerate(links, 1):
        if not is_tombstone(link):
            breaks += find_tombstone_breaks(link, tombstones[link.path]) if link.path in tombstones else find_file_breaks(link)
        progress(number, len(links))
    breaks += find_lost_references(links, tombstones)
    if request_path(archive_directory.parent).exists():
        breaks.append("a request to forget was cut off (forgetting.json): stop the daemon and run `torwatch forget resume`")
    if differing := find_disagreements(store, archive_directory, links):
        again = find_disagreements(store, archive_directory, find_breaks(archive_directory)[0])
        breaks += [one for one in differing if one in again]  # what a daemon did between the two reads agrees by now
    breaks += [*find_original_breaks(store, archive_directory), *find_journal_breaks(store, archive_directory, links)]
    notes = []
    if head:
        if head not in {link.sha256 for link in links}:
            breaks.append(f"chain: the deposited head {head} is not in it: the chain was cut off or written anew")
    else:
        notes.append(
            "a chain cut off at its end, database and all, shows only against a head deposited elsewhere: torwatch verify --head SHA256"
        )
    sealed = [link for link in links if not is_tombstone(link)]
    records = sum(sum(link.fields.get("records", {}).values()) for link in sealed)
    gone = sum(len(link.fields["gone"]) for link in links if is_tombstone(link))
    if gone:
        notes.append(f"{gone} records expired or were forgotten; their digests are kept, and the chain tells of each")
    return Verdict(len(sealed), records, links[-1].sha256 if links else "", tuple(breaks), tuple(notes))


def find_disagreements(store: Store, archive_directory: Path, links: list[Link]) -> list[str]:
    """Where database and archive do not agree."""
    strays = find_strays(store, archive_directory, links)
    return [*strays, *find_database_breaks(store, archive_directory, links), *find_event_breaks(store, archive_directory, links)]


def find_database_breaks(store: Store, archive_directory: Path, links: list[Link]) -> list[str]:
    """Where database and archive do not agree on which snapshots there are and which manifest vouches for each."""
    breaks = []
    by_path = {str(link.path.relative_to(archive_directory)): link for link in links}
    known = {sealed.path: sealed for sealed in sealed_manifests(store)}
    snapshots = archived_snapshots(store)
    for path, sealed in known.items():
        if path not in by_path:
            breaks.append(f"{archive_directory / path}: the manifest of snapshot {sealed.snapshot_id} is missing or unreadable")
        elif by_path[path].sha256 != sealed.sha256:
            breaks.append(f"{archive_directory / path}: altered since it was sealed (the database knows another sha256)")
    whole = {str(link.fields.get("concerns")) for link in links if is_whole(link)}
    for path, link in by_path.items():
        if is_tombstone(link):
            continue
        if link.fields.get("snapshot") not in snapshots and path not in whole:
            breaks.append(f"database: snapshot {link.fields.get('snapshot')} of {path} is not in it")
        if path not in known:
            breaks.append(f"{archive_directory / path}: the database knows no such manifest")
    vouched = {sealed.snapshot_id for sealed in known.values()}
    for number, warc in snapshots.items():
        if number not in vouched:
            breaks.append(f"snapshot {number} has no manifest {manifest_path(archive_directory / warc)}: run `torwatch evidence seal`")
    return breaks


def find_strays(store: Store, archive_directory: Path, links: list[Link]) -> Iterator[str]:
    """WARCs that neither a manifest nor a snapshot knows."""
    under_way = {warc_path(archive_directory, market, number) for number, market in running_snapshots(store)}
    known = {manifest_warc(link.path) for link in links} | {archive_directory / warc for warc in archived_snapshots(store).values()}
    for path in sorted({*archive_directory.glob("*/*.warc.gz")} - known - under_way):
        yield f"{path}: neither a manifest nor a snapshot knows this file"


def find_original_breaks(store: Store, archive_directory: Path) -> Iterator[str]:
    """Imported files, their layouts and parsers that are not what was kept."""
    for _, detail in imported_files(store.connection):
        yield from find_import_breaks(archive_directory, detail)
    for name, digest in read_by(store):
        yield from find_parser_breaks(archive_directory, name, digest)


def find_parser_breaks(archive_directory: Path, name: str, digest: str) -> Iterator[str]:
    """Whether the sources of a parser that read pages are kept as they were; none of it is run."""
    folder = parser_folder(archive_directory, digest)
    source = next((path for path in (folder / name / "parser.py", folder / f"{name}.py") if path.is_file()), None)
    if source is None:
        yield f"{folder}: missing (the sources of parser {name}): without them the present one reads its pages for a rebuild"
    elif digest_of(source) != digest or {*folder.rglob("*.py")} != {*sources_of(source)}:
        yield f"{folder}: altered since it was kept (the sources of parser {name})"


def find_event_breaks(store: Store, archive_directory: Path, links: list[Link]) -> list[str]:
    """Where event log and archive do not agree on what was taken out."""
    by_path = {str(link.path.relative_to(archive_directory)): link for link in links if is_tombstone(link)}
    told = told_removals(store)
    breaks = [
        f"{archive_directory / path}: this tombstone is missing or altered (the event log knows its sha256)"
        for path, sha256 in told.items()
        if path not in by_path or by_path[path].sha256 != sha256
    ]
    return breaks + [
        f"{archive_directory / path}: the event log knows no such tombstone; of a removal that was cut off `torwatch retention run` tells it"
        for path in by_path.keys() - told.keys()
    ]
