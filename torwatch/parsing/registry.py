"""The registry of parsers: three doors, weakest first: bundled, entry points of installed packages, analysts' directories.

A parser is a folder NAME with parser.py, or a file NAME.py; it is loaded by path as `torwatch_parsers.NAME`. A directory of analysts
that others can write to is refused, as sshd does with keys: who can write there can run code as the daemon.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

import torwatch
from torwatch.errors import ParserError, UsageError
from torwatch.model import Evidence, PageKind, Record
from torwatch.parserkit import Market, Page, engines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

ENTRY_POINTS = "torwatch.parsers"
ARCHIVED = "_archived"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ENGINE = re.compile(r"torwatch\.parserkit\.engines(?:\.| import )(\w+)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a parser was found, before it is loaded. `door`: bundled, entry-point or directory."""

    name: str
    door: str
    path: Path | None  # parser.py; None for an entry point not yet imported
    archived: bool = False
    module: str = ""  # of an entry point


@dataclass(frozen=True, slots=True, eq=False)
class Parser:
    """A parser ready to run. `digest`: SHA-256 of its sources, those of its engine family included."""

    name: str
    market: Market
    parse: Callable[[Page], Iterable[Record]]
    door: str
    path: Path
    digest: str
    archived: bool = False

    @property
    def evidence(self) -> Mapping[PageKind, Evidence]:
        """Tell for each kind of page how well it is known."""
        return {PageKind(kind): spec.evidence for kind, spec in self.market.specs.items()}

    @property
    def own_sources(self) -> tuple[Path, ...]:
        """The parser's own files."""
        return _own_sources(self.path)

    @property
    def family_sources(self) -> tuple[Path, ...]:
        """The files of the engine families that it imports."""
        return _family_sources(self.path)

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files that the digest covers."""
        return sources_of(self.path)


def bundled_folder() -> Path:
    """Give the folder of bundled parsers: `torwatch/bundled_parsers` where installed, `parsers/` in a checkout."""
    package = Path(torwatch.__file__).parent
    installed = package / "bundled_parsers"
    return installed if installed.is_dir() else package.parent / "parsers"


def find_parsers(directories: Sequence[Path] = ()) -> dict[str, Place]:
    """Find every parser without importing any; a stronger door hides the same name of a weaker one. Raises UsageError for an unsafe directory."""
    found: dict[str, Place] = {}
    bundled = bundled_folder()
    found.update(_scan(bundled, "bundled"))
    for name, place in _scan(bundled / ARCHIVED, "bundled").items():
        found.setdefault(name, Place(name, place.door, place.path, archived=True))
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        found[point.name] = Place(point.name, "entry-point", None, module=point.value)
    for directory in directories:
        check_directory(directory)
        found.update(_scan(directory, "directory"))
    return dict(sorted(found.items()))


def _scan(folder: Path, door: str) -> dict[str, Place]:
    places: dict[str, Place] = {}
    if folder.is_dir():
        for entry in sorted(folder.iterdir()):
            source = entry / "parser.py" if entry.is_dir() else entry
            name = entry.stem if entry.suffix == ".py" else entry.name
            if source.suffix == ".py" and source.is_file() and _NAME.fullmatch(name):
                places[name] = Place(name, door, source)
    return places


def load_parser(name: str, directories: Sequence[Path] = ()) -> Parser:
    """Load one parser by its name ('-' counts as '_'); raises UsageError with the near names, ParserError where its code fails."""
    places = find_parsers(directories)
    wanted = name.replace("-", "_")
    if wanted not in places:
        near = difflib.get_close_matches(wanted, places, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "`torwatch parser list` names them all"
        own = "" if directories else " (one of your own is found in the folders that parsing.directories or --directory names)"
        raise UsageError(f"no parser is called {name!r}: {hint}{own}")
    return load_place(places[wanted])


def load_all(directories: Sequence[Path] = ()) -> list[Parser]:
    """Load every parser that is not archived, for recognising a market; one that does not load is left out (`torwatch parser list` tells why)."""
    loaded = []
    for place in find_parsers(directories).values():
        if not place.archived:
            with contextlib.suppress(ParserError):
                loaded.append(load_place(place))
    return loaded


def load_place(place: Place) -> Parser:
    """Import a parser that was found; raises ParserError where its code fails or breaks the contract."""
    module = _import_file(place.name, place.path) if place.path is not None else _import_module(place)
    market, parse = getattr(module, "MARKET", None), getattr(module, "parse", None)
    if not isinstance(market, Market) or not callable(parse):
        raise ParserError(f"parser {place.name}: needs MARKET (a Market) and parse(page)")
    if market.name != place.name:
        raise ParserError(f"parser {place.name}: its MARKET is called {market.name!r}, the names must agree")
    path = Path(cast("str", module.__file__))
    return Parser(place.name, market, parse, place.door, path, digest_of(path), place.archived)


def _import_file(name: str, path: Path) -> ModuleType:
    full = f"torwatch_parsers.{name}"
    sys.modules.setdefault("torwatch_parsers", ModuleType("torwatch_parsers")).__path__ = []
    spec = importlib.util.spec_from_file_location(full, path)
    if spec is None or spec.loader is None:
        raise ParserError(f"parser {name}: {path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[full] = module
    try:
        with _own_families(path):
            spec.loader.exec_module(module)
    except Exception as error:  # a parser is foreign code: whatever it raises is its fault, told in one line
        sys.modules.pop(full, None)
        raise ParserError(f"parser {name} does not load: {type(error).__name__}: {error} ({path})") from error
    return module


def _import_module(place: Place) -> ModuleType:
    try:
        return importlib.import_module(place.module.partition(":")[0])
    except Exception as error:  # as above
        raise ParserError(f"parser {place.name} does not load: {type(error).__name__}: {error} ({place.module})") from error


def digest_of(path: Path) -> str:
    """Give the SHA-256 of a parser's sources: all .py files of its folder and those of the engine family that it imports."""
    digest = hashlib.sha256()
    for source in sources_of(path):
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()


def sources_of(path: Path) -> tuple[Path, ...]:
    """The files that the digest of a parser covers."""
    return (*_own_sources(path), *_family_sources(path))


def _own_sources(path: Path) -> tuple[Path, ...]:
    return tuple(sorted(path.parent.glob("*.py"))) if path.name == "parser.py" else (path,)


def _family_sources(path: Path) -> tuple[Path, ...]:
    """The engine families that a parser names: those kept beside a parser of the archive, else our own."""
    names = sorted({name for source in _own_sources(path) for name in _ENGINE.findall(source.read_text(encoding="utf-8"))})
    kept = kept_families(path)
    folder = kept if kept.is_dir() else Path(engines.__path__[0])
    return tuple(file for name in names if (file := folder / f"{name}.py").is_file())


def kept_families(path: Path) -> Path:
    """The folder with the engine families of a parser that was kept in an archive; most parsers have none."""
    return (path.parent.parent if path.name == "parser.py" else path.parent) / "engines"


@contextlib.contextmanager
def _own_families(path: Path) -> Iterator[None]:
    """Let a parser of the archive import the engine families that were kept with it, and nobody else."""
    before: dict[str, tuple[ModuleType | None, ModuleType | None]] = {}
    try:
        for file in sorted(kept_families(path).glob("*.py")):
            name = f"{engines.__name__}.{file.stem}"
            spec = importlib.util.spec_from_file_location(name, file)
            if spec is not None and spec.loader is not None:
                before[file.stem] = (sys.modules.get(name), getattr(engines, file.stem, None))
                module = sys.modules[name] = importlib.util.module_from_spec(spec)
                setattr(engines, file.stem, module)
                spec.loader.exec_module(module)
        yield
    finally:
        for stem, (loaded, attribute) in before.items():
            name = f"{engines.__name__}.{stem}"
            if loaded is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = loaded
            if attribute is None:
                delattr(engines, stem)
            else:
                setattr(engines, stem, attribute)


def check_directory(directory: Path) -> None:
    """Refuse an analysts' directory that is absent, or that anyone but its owner (us or root) can write to; raises UsageError."""
    if not directory.is_dir():
        raise UsageError(f"parser directory {directory} does not exist")
    trusted = {0, os.geteuid()}
    real = directory.resolve()
    for entry in (real, *sorted(real.rglob("*.py")), *(sub for sub in sorted(real.iterdir()) if sub.is_dir())):
        status = entry.stat()
        if status.st_uid not in trusted or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise UsageError(f"parser directory {directory} is refused: others can write to {entry}; mend it with: chmod -R go-w {real}")
    for parent in real.parents:
        status = parent.stat()
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX:
            raise UsageError(f"parser directory {directory} is refused: others can write to {parent}, which holds it")
