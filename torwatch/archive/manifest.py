"""The manifests: one for each snapshot, chained by hash to the one before, so that no page can be altered, added or taken away unseen."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torwatch.archive.files import hash_file, write_whole
from torwatch.archive.index import index_path, read_index
from torwatch.archive.journal import vouch
from torwatch.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SUFFIX = ".manifest.json"
FORM = "torwatch-manifest/1"
TOMBSTONE_FORM = "torwatch-tombstone/1"
HELD = {FORM: {"files", "records", "snapshot"}, TOMBSTONE_FORM: {"files", "gone", "concerns"}}  # by each form, without which it is none
CHUNK_BYTES = 1 << 16  # what a record leaves of it is copied for the next one


@dataclass(frozen=True, slots=True)
class Link:
    """One manifest of the chain, and the sha256 of its file."""

    path: Path
    sha256: str
    sequence: int
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecordDigest:
    """One record of a WARC as it lies in the file: the sha256 of its compressed bytes."""

    sha256: str
    offset: int
    length: int
    kind: str  # of the record, as WARC-Type has it


def manifest_path(warc: Path) -> Path:
    """Where the manifest of a WARC lies: beside it."""
    return warc.with_suffix("").with_suffix(SUFFIX)


def records_path(warc: Path) -> Path:
    """Where the list of a WARC's record digests lies: beside it."""
    return warc.with_suffix("").with_suffix(".records")


def digest_records(warc: Path, offset: int = 0) -> Iterator[RecordDigest]:
    """Every record of a WARC from `offset` on, each a gzip member of its own. Raises ArchiveError where the file is cut short or damaged."""
    with warc.open("rb") as handle:
        handle.seek(offset)
        data = handle.read(CHUNK_BYTES)
        while data:
            inflate, digest, head, length = zlib.decompressobj(wbits=31), hashlib.sha256(), b"", 0
            while not inflate.eof:
                if not data and not (data := handle.read(CHUNK_BYTES)):
                    raise ArchiveError(f"{warc} is cut short in the record at byte {offset}")
                try:
                    head = (head + inflate.decompress(data))[:4096]
                except zlib.error as error:
                    raise ArchiveError(f"{warc} is damaged in the record at byte {offset}") from error
                used = len(data) - len(inflate.unused_data)
                digest.update(data[:used])
                length, data = length + used, inflate.unused_data
            yield RecordDigest(digest.hexdigest(), offset, length, record_kind(head))
            offset += length
            data = data or handle.read(CHUNK_BYTES)


def record_kind(head: bytes) -> str:
    """The WARC-Type of a record's head, or "unknown"."""
    for line in head.split(b"\r\n\r\n", 1)[0].split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"warc-type":
            return value.strip().decode("ascii", "replace")
    return "unknown"


def read_records(path: Path) -> list[RecordDigest]:
    """The list of record digests beside a WARC. Raises ArchiveError when a line is not one."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        parts = line.split(" ")
        if len(parts) != 4 or not (parts[1].isdecimal() and parts[2].isdecimal()):  # noqa: PLR2004 - the four fields of RecordDigest
            raise ArchiveError(f"{path}: line {number} is no record digest")
        found.append(RecordDigest(parts[0], int(parts[1]), int(parts[2]), parts[3]))
    return found


def read_chain(archive_directory: Path) -> list[Link]:
    """Every manifest of the archive in the order of the chain. Raises ArchiveError when one cannot be read."""
    return sorted((read_link(path) for path in archive_directory.glob(f"*/*{SUFFIX}")), key=lambda link: (link.sequence, link.path.name))


def read_link(path: Path) -> Link:
    """One manifest. Raises ArchiveError when it is none, or of a form that this version does not know."""
    try:
        raw = path.read_bytes()
        fields = json.loads(raw)
        if HELD[fields["form"]] <= fields.keys() and is_well_formed(fields):
            return Link(path, hashlib.sha256(raw).hexdigest(), fields["sequence"], fields)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ArchiveError(f"{path} is no readable manifest ({type(error).__name__})") from error
    raise ArchiveError(f"{path} is no readable manifest")


def is_well_formed(fields: Mapping[str, Any]) -> bool:
    """Whether what a manifest holds is of the types that its readers take for granted; another hand may have been at it."""
    files, vouched = fields["files"], fields.get("journal", {"bytes": 0, "sha256": ""})
    return (
        isinstance(fields["sequence"], int)
        and (len(files) == 3 or fields["form"] != FORM)  # noqa: PLR2004 - WARC, index, record list
        and all(isinstance(file["name"], str) and "/" not in file["name"] for file in files)
        and all(isinstance(file["sha256"], str | None) for file in files)
        and all(isinstance(file["bytes"], int) for file in files if fields["form"] == FORM)
        and all(isinstance(sha256, str) for sha256 in fields.get("gone", ()))
        and all(isinstance(count, int) for count in fields.get("records", {}).values())
        and isinstance(vouched["bytes"], int)
        and isinstance(vouched["sha256"], str)
    )


def seal(archive_directory: Path, warc: Path, provenance: Mapping[str, Any]) -> Link:
    """Write the manifest of a finished WARC as the new head of the chain; one that is there already is given back as it is.

    `provenance` says where the WARC comes from (market, snapshot, versions). Raises ArchiveError when the WARC is missing or damaged.
    """
    with chain_lock(archive_directory):
        path = manifest_path(warc)
        if path.exists():
            return read_link(path)
        if not warc.is_file() or not index_path(warc).is_file():
            raise ArchiveError(f"{warc} or its index is missing: restore it, then run `torwatch verify`")
        records = list(digest_records(warc))
        write_whole(records_path(warc), "".join(f"{one.sha256} {one.offset} {one.length} {one.kind}\n" for one in records))
        times = sorted(entry.timestamp for entry in read_index(index_path(warc)) if entry.offset is not None)
        chain = read_chain(archive_directory)
        head = chain[-1] if chain else None
        fields = {
            "form": FORM,
            "sequence": head.sequence + 1 if head else 1,
            "previous": head.sha256 if head else "",
            **provenance,
            "files": [
                {"name": file.name, "bytes": file.stat().st_size, "sha256": hash_file(file)}
                for file in (warc, index_path(warc), records_path(warc))
            ],
            "records": dict(sorted(Counter(record.kind for record in records).items())),
            "first": times[0] if times else "",
            "last": times[-1] if times else "",
            "journal": vouch(archive_directory),
        }
        write_whole(path, json.dumps(fields, indent=1, ensure_ascii=False) + "\n")
        return read_link(path)


@contextlib.contextmanager
def chain_lock(archive_directory: Path) -> Iterator[None]:
    """Let one at a time add to the chain."""
    archive_directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(archive_directory / "chain.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
