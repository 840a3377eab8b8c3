"""The bundle: the records of a snapshot or listing as one ZIP that a third party checks with public tools and without torwatch."""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING

from torwatch.archive.index import index_path, read_index
from torwatch.archive.manifest import Link, read_chain, read_records, records_path
from torwatch.archive.timestamp import response_path
from torwatch.archive.tombstone import is_tombstone, is_whole, tombstones_of
from torwatch.errors import ArchiveError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

Offsets = frozenset[int] | None  # of the responses that are wanted of a WARC; None: all

MISSING = """\
Records that expired or had to be forgotten are not in this bundle: {count} of those in the lists. chain/*.tombstone-* tells of each, by its sha256
under "gone"; a list of digests (*.records) still names them. The index (*.cdxj) is then the one whose sha256 the newest tombstone of its
snapshot tells.

"""
README = """\
Evidence: {subject}

pages/*.warc.gz   the records themselves, byte for byte as they lie in the archive (WARC 1.1, each record a gzip member of its own)
records/*         the same records, one file each; a file's name begins with its sha256
chain/*           every manifest of the archive in order, the digest lists of the snapshots concerned (*.records), their indexes (*.cdxj)
                  and the time stamps there are (*.tsr)
SHA256SUMS        the sha256 of every file above

To check it, without torwatch:

1. Nothing in this bundle was altered since it was made:
     sha256sum -c SHA256SUMS
2. The records are whole, and each page matches the digests inside it (pip install warcio):
     warcio check pages/*.warc.gz
3. Each record is one that the archive held when the snapshot ended. The sha256 of a file under records/ stands in the snapshot's list:
     sha256sum records/*
     grep SHA256_OF_THE_RECORD chain/*.records
   and the sha256 of that list stands in the snapshot's manifest, under "files":
     sha256sum chain/*.records
4. The manifests form one chain: "previous" in each is the sha256 of the one before it. Compare
     sha256sum chain/*.manifest.json
     grep previous chain/*.manifest.json
   The last one is the chain's head, which may have been deposited elsewhere. Head of this bundle:
     {head}
5. The chain existed at the time that an authority stamped, for each chain/NAME.tsr (CA.pem is the authority's certificate):
     openssl ts -verify -data chain/NAME.manifest.json -in chain/NAME.tsr -CAfile CA.pem

A record of the type "revisit" says that the market sent, byte for byte, what it had sent before. The record that holds the page
is in this bundle too: its URI and date stand under WARC-Refers-To-…, its file and place under Torwatch-Refers-To, and both records have the
same WARC-Payload-Digest. Where the request was the same as then, it stands before that record only; Torwatch-Request-Digest, in both, is the
WARC-Block-Digest of the request.

{missing}What is claimed on these pages is the vendor's claim. Images and the payloads of data: URIs were never stored; where a page had some, the
header Torwatch-Stripped-Data-URIs counts them, and Torwatch-Received-Digest is the sha256 of what came before they were taken out.
"""


def pack_snapshot(archive_directory: Path, snapshot_id: int, target: Path) -> int:
    """Bundle every record of a snapshot; gives how many. Raises UsageError when no manifest vouches for it."""
    chain = read_chain(archive_directory)
    links = [link for link in manifests_in(chain) if link.fields.get("snapshot") == snapshot_id]
    if not links:
        raise UsageError(
            f"no manifest vouches for a snapshot {snapshot_id}: see `torwatch snapshot list` (an imported one has no pages), or run `torwatch evidence seal`"
        )
    if not warc_of(links[0]).is_file() and any(is_whole(one) for one in tombstones_of(archive_directory, chain).get(links[0].path, ())):
        raise UsageError(f"snapshot {snapshot_id} was forgotten with its market: only its digests are kept")
    return write_bundle(chain, target, f"snapshot {snapshot_id} of {links[0].fields.get('market')}", [(links[0], None)])


def pack_listing(archive_directory: Path, market: str, key: str, target: Path) -> int:
    """Bundle every archived page of one listing; gives the number of records. Raises UsageError when there is none."""
    chosen: list[tuple[Link, Offsets]] = []
    chain = read_chain(archive_directory)
    for link in manifests_in(chain):
        if link.fields.get("market") == market and index_path(warc_of(link)).is_file():  # else all of it was forgotten
            entries = read_index(index_path(warc_of(link)))
            offsets = frozenset(
                entry.offset
                for entry in entries
                if entry.key == key and entry.kind == "listing" and entry.offset is not None and not entry.removed
            )
            if offsets:
                chosen.append((link, offsets))
    if not chosen:
        raise UsageError(f"the archive holds no page of a listing {key!r} of {market!r}: see the table listing for keys")
    return write_bundle(chain, target, f"listing {key} of {market}", chosen)


def archive_of(chain: Sequence[Link]) -> Path:
    """The archive that a chain is of."""
    return chain[0].path.parent.parent


def manifests_in(chain: Iterable[Link]) -> list[Link]:
    """The links of a chain that vouch for a WARC: all but the tombstones."""
    return [link for link in chain if not is_tombstone(link)]


def warc_of(link: Link) -> Path:
    """The WARC that a manifest vouches for. Raises ArchiveError when the manifest names none."""
    for file in link.fields.get("files", []):
        if str(file["name"]).endswith(".warc.gz"):
            return link.path.parent / str(file["name"])
    raise ArchiveError(f"{link.path} names no WARC: run `torwatch verify`")


def with_pages_referred_to(chain: Iterable[Link], chosen: Iterable[tuple[Link, Offsets]]) -> list[tuple[Link, Offsets]]:
    """What is chosen, and the records that its revisits refer to: a revisit alone does not hold its page.

    Raises ArchiveError when no manifest vouches for such a record.
    """
    wanted = {link.path: (link, offsets) for link, offsets in chosen}
    by_warc = {warc_of(link): link for link in manifests_in(chain)}
    for link, offsets in list(wanted.values()):
        warc = warc_of(link)
        for entry in read_index(index_path(warc)):
            if (
                entry.removed
                or entry.orig_filename is None
                or entry.orig_offset is None
                or (offsets is not None and entry.offset not in offsets)
            ):
                continue
            holder = by_warc.get(warc.with_name(entry.orig_filename))
            if holder is None:
                raise ArchiveError(
                    f"{entry.url} refers to a page in {entry.orig_filename}, for which no manifest vouches: run `torwatch verify`"
                )
            _, known = wanted.get(holder.path, (holder, frozenset[int]()))
            wanted[holder.path] = (holder, None if known is None else known | {entry.orig_offset})
    return sorted(wanted.values(), key=lambda pair: pair[0].sequence)


def cut_records(link: Link, offsets: Offsets, gone: Collection[str]) -> Iterator[bytes]:
    """The compressed records of a snapshot in their order: all, or warcinfo and the exchanges whose response begins at `offsets`.

    Without those that were taken out, whose sha256 is in `gone`. Raises ArchiveError when a record is not what was sealed: a bundle must not spread a break.
    """
    warc = warc_of(link)
    listed = read_records(records_path(warc))
    wanted = {
        position for position, record in enumerate(listed) if offsets is None or record.kind == "warcinfo" or record.offset in offsets
    }
    wanted |= {position - 1 for position in wanted if position and listed[position - 1].kind == "request"}
    with warc.open("rb") as handle:
        for record in (listed[position] for position in sorted(wanted) if listed[position].sha256 not in gone):
            handle.seek(record.offset)
            raw = handle.read(record.length)
            if hashlib.sha256(raw).hexdigest() != record.sha256:
                raise ArchiveError(f"{warc}: the record at byte {record.offset} is not what was sealed: run `torwatch verify`")
            yield raw


def write_bundle(chain: Sequence[Link], target: Path, subject: str, chosen: Iterable[tuple[Link, Offsets]]) -> int:
    """Write the ZIP of what is chosen of a chain, whole or not at all; gives the number of records. Raises ArchiveError when a file is missing or cannot be written."""
    scratch = target.with_name(target.name + ".part")
    sums: list[str] = []
    count = missing = 0
    tombstones = tombstones_of(archive_of(chain), chain)
    try:
        with zipfile.ZipFile(scratch, "w", zipfile.ZIP_STORED) as bundle:

            def add(name: str, data: bytes) -> None:
                bundle.writestr(name, data)
                sums.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")

            for link, offsets in with_pages_referred_to(chain, chosen):
                warc = warc_of(link)
                gone = {sha256 for one in tombstones.get(link.path, ()) for sha256 in one.fields["gone"]}
                records = list(cut_records(link, offsets, gone))
                count, missing = count + len(records), missing + len(gone)
                name = f"{warc.parent.name}-{warc.name}"
                add(f"pages/{name}", b"".join(records))
                for record in dict.fromkeys(records):
                    add(f"records/{hashlib.sha256(record).hexdigest()}.warc.gz", record)
                for file in (records_path(warc), index_path(warc)):
                    add(f"chain/{warc.parent.name}-{file.name}", file.read_bytes())
            for link in chain:
                name = f"chain/{link.sequence:08d}-{link.path.parent.name}-{link.path.name}"
                add(name, link.path.read_bytes())
                if response_path(link).is_file():
                    add(name.removesuffix(".manifest.json") + ".tsr", response_path(link).read_bytes())
            note = MISSING.format(count=missing) if missing else ""
            add("README.txt", README.format(subject=subject, head=chain[-1].sha256, missing=note).encode())
            bundle.writestr("SHA256SUMS", "".join(sums))
        scratch.replace(target)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise ArchiveError(f"the bundle {target} cannot be made: {error.strerror or error} ({error.filename or target})") from error
    return count
