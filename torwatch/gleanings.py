"""Gleanings: what was read from pages that were since taken out of the archive, so that the history can still be made again without them.

One gzip file beside the WARC, a JSON line a page: its path, whether it is of the second pass, its outcome, and the rows that it gave.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
from typing import TYPE_CHECKING, Any

from torwatch.errors import ArchiveError
from torwatch.model import Outcome, Source
from torwatch.store.staging import EntityRow, StagedPage

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclasses.dataclass(frozen=True, slots=True)
class Gleaned:
    """What one page gave; `keys` as of a page read again."""

    path: str
    second: bool
    outcome: Outcome
    reason: str
    staged: StagedPage
    keys: frozenset[str]


def gleanings_path(warc: Path) -> Path:
    """Where the gleanings of a WARC lie: beside it."""
    return warc.with_suffix("").with_suffix(".gleanings.gz")


def pack_gleanings(gleaned: Iterable[Gleaned]) -> bytes:
    """The file's content; the same gleanings always give the same bytes."""
    lines = "".join(json.dumps(to_json(one), ensure_ascii=False, sort_keys=True) + "\n" for one in gleaned)
    return gzip.compress(lines.encode("utf-8", "surrogatepass"), 9, mtime=0)


def read_gleanings(warc: Path) -> list[Gleaned]:
    """What is kept beside a WARC; nothing where no page was taken out. Raises ArchiveError when the file is damaged."""
    path = gleanings_path(warc)
    return unpack_gleanings(path) if path.exists() else []


def unpack_gleanings(path: Path) -> list[Gleaned]:
    """What a file of gleanings holds. Raises ArchiveError when it is missing or damaged."""
    try:
        with gzip.open(path, "rt", encoding="utf-8", errors="surrogatepass") as handle:
            return [from_json(json.loads(line)) for line in handle]
    except FileNotFoundError as error:
        raise ArchiveError(f"{path} is missing: restore the archive") from error
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise ArchiveError(f"{path} is damaged ({type(error).__name__}): run `torwatch verify`") from error


def to_json(one: Gleaned) -> dict[str, Any]:
    """One page as plain values."""
    return dataclasses.asdict(one) | {"keys": sorted(one.keys)}


def from_json(fields: dict[str, Any]) -> Gleaned:
    """One page from plain values."""
    staged = fields["staged"]
    rows = {name: tuple(EntityRow(**(row | {"source": Source(row["source"])})) for row in staged[name]) for name in ("listings", "vendors")}
    others = {name: tuple(tuple(one) for one in staged[name]) for name in ("texts", "fills", "rates")}
    page = StagedPage(**(staged | rows | others | {"feedback": tuple(staged["feedback"])}))
    return Gleaned(fields["path"], fields["second"], Outcome(fields["outcome"]), fields["reason"], page, frozenset(fields["keys"]))
