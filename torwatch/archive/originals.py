"""What the archive keeps beside pages, by digest: the sources of every parser that read them, and files that were imported."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import secrets
import shutil
import zlib
from typing import TYPE_CHECKING, Any

from torwatch.archive.files import hash_file, replacing, write_whole
from torwatch.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

PARSERS = "_parsers"  # no market's name begins with an underscore
IMPORTS = "_imports"
ENGINES = "engines"
CHUNK_BYTES = 1 << 16
GLEANED = "gleaned"  # in what the event log says of an import: the sha256 of what a request to forget left of the file


def parser_folder(archive_directory: Path, digest: str) -> Path:
    """Where the sources of a parser lie: a folder in which the parser is found by its name."""
    return archive_directory / PARSERS / digest


def keep_parser(archive_directory: Path, name: str, digest: str, own: Sequence[Path], families: Sequence[Path]) -> Path:
    """Keep the files of a parser (a folder with parser.py, or one file) and of its engine families under the digest of all of them; those kept already are left.

    Raises ArchiveError when they cannot be written.
    """
    folder = parser_folder(archive_directory, digest)
    if folder.is_dir():
        return folder
    scratch = folder.with_name(f".{digest}-{secrets.token_hex(4)}.part")  # of this snapshot alone: several may keep the parser at once
    try:
        as_folder = any(file.name == "parser.py" for file in own)
        for file in own:
            copy(file, scratch / name / file.name if as_folder else scratch / f"{name}.py")
        for file in families:
            copy(file, scratch / ENGINES / file.name)
        scratch.replace(folder)
    except OSError as error:
        shutil.rmtree(scratch, ignore_errors=True)
        if folder.is_dir():  # another snapshot of this parser kept it meanwhile
            return folder
        raise ArchiveError(f"the parser cannot be kept in {folder}: {error.strerror}; free some space or mend its permissions") from error
    return folder


def copy(source: Path, target: Path) -> None:
    """Copy one file into folders that nobody else can write to."""
    for folder in reversed([parent for parent in target.parents if not parent.exists()]):
        folder.mkdir(mode=0o700, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o600)


def import_path(archive_directory: Path, sha256: str) -> Path:
    """Where an imported file lies, compressed."""
    return archive_directory / IMPORTS / f"{sha256}.gz"


def kept_file(archive_directory: Path, detail: Mapping[str, Any]) -> Path:
    """Where a file lies whose import the event log tells of in `detail`, or what a request to forget left of it."""
    return import_path(archive_directory, detail.get(GLEANED, detail["sha256"]))


def layout_path(archive_directory: Path, sha256: str) -> Path:
    """Where the layout of imported files lies."""
    return archive_directory / IMPORTS / f"{sha256}.toml"


def keep_import(archive_directory: Path, file: Path, sha256: str, layout: str, layout_sha256: str) -> None:
    """Keep an imported file and the layout by which it was read. Raises ArchiveError when they cannot be written."""
    target, plan = import_path(archive_directory, sha256), layout_path(archive_directory, layout_sha256)
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ArchiveError(f"the imported file cannot be kept in {target}: {error.strerror}; free some space") from error
    if not target.exists():
        with replacing(target) as kept, file.open("rb") as source, gzip.open(kept, "wb", compresslevel=1) as sink:
            os.fchmod(kept.fileno(), 0o600)
            shutil.copyfileobj(source, sink, 1 << 20)
    write_whole(plan, layout)


def find_import_breaks(archive_directory: Path, detail: Mapping[str, Any]) -> Iterator[str]:
    """Whether an imported file and its layout, of which the event log tells in `detail`, are what they were."""
    if "layout_sha256" not in detail:  # of a torwatch that did not keep them
        return
    kept, layout = kept_file(archive_directory, detail), layout_path(archive_directory, detail["layout_sha256"])
    of = f"imported from {detail['file']}"
    if not kept.is_file():
        yield f"{kept}: missing ({of})"
    elif not holds(kept, kept.name.removesuffix(".gz")):
        yield f"{kept}: altered since it was kept ({of})"
    if not layout.is_file():
        yield f"{layout}: missing (the layout of what was {of})"
    elif hashlib.sha256(layout.read_bytes()).hexdigest() != layout.stem:
        yield f"{layout}: altered since it was kept (the layout of what was {of})"


def holds(packed: Path, sha256: str) -> bool:
    """Whether a compressed file, or what is packed in it, has this sha256, and nothing stands behind it."""
    if hash_file(packed) == sha256:
        return True
    digest, inflate = hashlib.sha256(), zlib.decompressobj(wbits=31)
    with contextlib.suppress(zlib.error), packed.open("rb") as handle:
        while data := handle.read(CHUNK_BYTES):
            digest.update(inflate.decompress(data))
            if inflate.unused_data:
                return False
        return inflate.eof and digest.hexdigest() == sha256
    return False
