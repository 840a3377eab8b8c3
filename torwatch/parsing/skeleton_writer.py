"""Writing a skeleton: its folder, its fixtures and what it read, taken back until every rule reads its pages."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torwatch.errors import ParserError, UsageError
from torwatch.model import Feedback, Listing, Outcome, PageKind, Parsed, Vendor
from torwatch.parsing.fixture import find_fixtures, plain
from torwatch.parsing.registry import Parser, Place, load_place
from torwatch.parsing.skeleton import Skeleton, design_skeleton
from torwatch.parsing.skeleton_source import write_source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torwatch.parsing.skeleton_page import PageView

ROUNDS = 4
_NOTE = "written by `torwatch parser new`: compare every value with the page by eye, then take this note out"


def write_skeleton(skeleton: Skeleton, directory: Path) -> tuple[Parser, Skeleton]:
    """Write `directory/NAME` with parser.py, pages, expected values and NOTES.md; gives the loaded parser and the skeleton as written.

    Pages that the skeleton cannot read after all become pages of no kind. Raises UsageError where the folder exists or cannot be written.
    """
    target = directory / skeleton.name
    if target.exists():
        raise UsageError(f"{target} exists already and is not overwritten: take another name, or move it away")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{skeleton.name}-", dir=directory))
    except OSError as error:
        raise UsageError(f"{directory} cannot be written: {error.strerror}") from error
    try:
        skeleton = _settle(skeleton, scratch)
        scratch.chmod(0o755)
        scratch.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return load_place(Place(skeleton.name, "directory", target / "parser.py")), skeleton


def _settle(skeleton: Skeleton, folder: Path) -> Skeleton:
    """Write, run, and take back what does not hold, until every declared kind reads its pages."""
    for _ in range(ROUNDS):
        results = _write_folder(skeleton, folder)
        wrong = [page for page in skeleton.pages if page.kind is not PageKind.OTHER and _fails(page, results[page.name])]
        always = _filled(skeleton, results)
        if not wrong and always == skeleton.design.always:
            break
        for page in wrong:
            page.kind = PageKind.OTHER
        skeleton = design_skeleton(skeleton.name, skeleton.pages, skeleton.design.templates, skeleton.labels) if wrong else skeleton
        always = dict(skeleton.design.always) if wrong else always
        design = replace(skeleton.design, always=always)
        skeleton = replace(skeleton, design=design, source=write_source(design))
    else:
        results = _write_folder(skeleton, folder)
    for page in skeleton.pages:
        _write_expected(skeleton, page, results[page.name], folder)
    (folder / "NOTES.md").write_text(_notes(skeleton, results), encoding="utf-8")
    return skeleton


def _fails(page: PageView, parsed: Parsed) -> bool:
    return parsed.outcome is not Outcome.OK or parsed.kind is not page.kind


def _filled(skeleton: Skeleton, results: Mapping[str, Parsed]) -> dict[PageKind, frozenset[str]]:
    """Tell for each kind which fields every record has."""
    out = {}
    for kind in skeleton.design.parts:
        records: list[Any] = [one for page in skeleton.pages if page.kind is kind for one in _records(results[page.name], kind)]
        names = skeleton.design.parts[kind].fields
        out[kind] = frozenset(name for name in names if records and all(getattr(one, name, None) not in (None, "", ()) for one in records))
    return out


def _records(parsed: Parsed, kind: PageKind) -> Sequence[Listing | Vendor | Feedback]:
    return parsed.vendors if kind is PageKind.VENDOR else parsed.feedback if kind is PageKind.FEEDBACK else parsed.listings


def _write_folder(skeleton: Skeleton, folder: Path) -> dict[str, Parsed]:
    for part in ("pages", "expected"):
        (folder / part).mkdir(exist_ok=True)
    (folder / "parser.py").write_text(skeleton.source, encoding="utf-8")
    for page in skeleton.pages:
        (folder / "pages" / f"{page.name}.html").write_bytes(page.body)
        expected = {"path": skeleton.paths[page.name]} if page.name in skeleton.paths else {}
        (folder / "expected" / f"{page.name}.json").write_text(json.dumps(expected), encoding="utf-8")
    parser = load_place(Place(skeleton.name, "directory", folder / "parser.py"))
    results = {}
    for fixture in find_fixtures(folder):
        try:
            results[fixture.name] = fixture.parse(parser)
        except ParserError as error:
            results[fixture.name] = Parsed(Outcome.LAYOUT_CHANGED, PageKind.OTHER, reason=str(error))
    return results


def _write_expected(skeleton: Skeleton, page: PageView, parsed: Parsed, folder: Path) -> None:
    expected: dict[str, Any] = {"note": _NOTE}
    if page.name in skeleton.paths:
        expected["path"] = skeleton.paths[page.name]
    if page.name in skeleton.invented:
        expected["note"] += "; the path is made up, put the real one here"
    expected |= {"outcome": parsed.outcome.value, "kind": parsed.kind.value}
    for part, records in (("listings", parsed.listings), ("vendors", parsed.vendors), ("feedback", parsed.feedback)):
        if records:
            expected[part] = [_shown(one) for one in records]
    if parsed.links:
        expected["count"] = {"links": len(parsed.links)}
    (folder / "expected" / f"{page.name}.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _shown(record: Any) -> dict[str, Any]:
    return {
        one.name: plain(value)
        for one in fields(record)
        if (value := getattr(record, one.name)) not in (None, ()) and not (one.name == "promoted" and not value)
    }


def _notes(skeleton: Skeleton, results: Mapping[str, Parsed]) -> str:
    lines = [
        f"# {skeleton.name}",
        "",
        "Written by `torwatch parser new`; nothing here is checked yet.",
        "",
        "| page | kind | records | path |",
        "|---|---|---|---|",
    ]
    for page in skeleton.pages:
        parsed = results[page.name]
        records = len(parsed.listings) + len(parsed.vendors) + len(parsed.feedback)
        path = skeleton.paths.get(page.name, "") + (" (made up)" if page.name in skeleton.invented else "")
        lines.append(
            f"| {page.name} | {parsed.outcome.value if parsed.outcome is not Outcome.OK else parsed.kind.value} | {records} | `{path}` |"
        )
    return "\n".join(
        [
            *lines,
            "",
            "To do: check each `expected/*.json` by eye · obstacles of this market · its words for an empty list · further labels (`torwatch parser try` names them) ·",
            "replace real pages by synthetic ones before this folder leaves your machine.",
            "",
        ]
    )
