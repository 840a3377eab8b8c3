"""Versions of parsers: the one that read a snapshot first, from the sources that the archive keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torwatch.archive.originals import keep_parser, parser_folder
from torwatch.claims import rules_of
from torwatch.normalise.price import normalise_price
from torwatch.parsing.registry import load_parser
from torwatch.replay.pages import Version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torwatch.parserkit import Market


class Versions:
    """The versions of an archive, each loaded once; `notes` tell of those that it does not keep."""

    def __init__(self, archive_directory: Path, directories: Sequence[Path] = ()) -> None:
        self.notes: list[str] = []
        self._archive_directory = archive_directory
        self.directories = directories  # parsers of analysts
        self._known: dict[tuple[str, str], tuple[Version, Market]] = {}

    def of(self, name: str, digest: str) -> tuple[Version, Market]:
        """The parser of this name and digest; where it was not kept, the present one, and a note."""
        if (name, digest) not in self._known:
            folder = parser_folder(self._archive_directory, digest)
            if not folder.is_dir():
                self.notes.append(f"the archive does not keep parser {name} {digest[:12]}: the present one reads for it")
                present = load_parser(name, self.directories)
                folder = keep_parser(self._archive_directory, name, present.digest, present.own_sources, present.family_sources)
            market = load_parser(name, [folder]).market
            self._known[name, digest] = Version(name, digest, folder, rules_of(market, normalise_price)), market
        return self._known[name, digest]
