"""What the archive keeps beside pages, by digest: the sources of every parser that read them, and files that were imported."""

from __future__ import annotations

import gzip
import os
import secrets
import shutil
from typing import TYPE_CHECKING

from torwatch.archive.files import replacing, write_whole
from torwatch.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PARSERS = "_parsers"  # no market's name begins with an underscore
IMPORTS = "_imports"
ENGINES = "engines"


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
