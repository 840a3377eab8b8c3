"""The pytest plugin: one test item a field for every `expected/*.json` of a parser's folder, ours, third parties' and analysts'.

A folder is a parser's when it has `parser.py`, `pages/` and `expected/`. With the ini option `torwatch_parsers` (paths, one a line) only
folders below these are collected. An expected obstacle is a result too; the time of the visit is the fixture's own.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torwatch.model import Parsed
    from torwatch.parsing.fixture import Expectation


class FieldFault(Exception):  # noqa: N818 - a test's failure, told in one line
    """A page did not give what it must."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini option."""
    parser.addini(
        "torwatch_parsers",
        "folders whose parsers are tested (default: any folder with parser.py, pages/ and expected/)",
        type="paths",
        default=[],
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect `NAME/expected/X.json`."""
    folder = file_path.parent.parent
    if (
        file_path.suffix != ".json"
        or file_path.parent.name != "expected"
        or not (folder / "parser.py").is_file()
        or not (folder / "pages").is_dir()
    ):
        return None
    allowed = [Path(one) for one in parent.config.getini("torwatch_parsers")]
    if allowed and not any(folder.is_relative_to(one) for one in allowed):
        return None
    collector: pytest.Collector = ExpectedFile.from_parent(parent, path=file_path)
    return collector


class ExpectedFile(pytest.File):
    """One `expected/X.json`: the page is parsed once, its values are checked one by one."""

    _parsed: Parsed | None = None

    def collect(self) -> Iterator[pytest.Item]:
        """Give one item a value."""
        from torwatch.parsing.fixture import expectations, load_fixture  # noqa: PLC0415 - pytest loads plugins at every start

        self.fixture = load_fixture(self.path)
        for one in expectations(self.fixture.expected):
            item: FieldItem = FieldItem.from_parent(self, name=one.name, expectation=one)
            yield item

    def parsed(self) -> Parsed:
        """Parse the page, once."""
        from torwatch.parsing.registry import Place, load_place  # noqa: PLC0415 - as above

        if self._parsed is None:
            folder = self.path.parent.parent
            self._parsed = self.fixture.parse(load_place(Place(folder.name, "directory", folder / "parser.py")))
        return self._parsed


class FieldItem(pytest.Item):
    """One value of one page."""

    def __init__(self, *, expectation: Expectation, **given: Any) -> None:
        super().__init__(**given)
        self.expectation = expectation

    def runtest(self) -> None:
        """Compare."""
        file = self.parent
        if isinstance(file, ExpectedFile):
            parsed = file.parsed()
            fault = self.expectation.fault(parsed)
            if fault:
                raise FieldFault(f"{fault} ({parsed.outcome}{': ' + parsed.reason if parsed.reason else ''})")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:  # noqa: ARG002 - pytest's signature
        """One line, no traceback of ours."""
        return f"{self.path.parent.parent.name}/{self.path.name}: {excinfo.value}"

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where the item stands."""
        return self.path, None, f"{self.path.parent.parent.name}/{self.path.stem}: {self.name}"
