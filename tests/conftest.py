"""What all tests share: a closed network, hypothesis profiles, and where the saved pages are."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import shutil
from functools import partial
from pathlib import Path

import hypothesis
import planted
import pytest
import structlog

from torwatch.logs import LibraryHandler

CHECKOUT = Path(__file__).parent.parent
CORPUS = Path(os.environ.get("TORWATCH_CORPUS") or CHECKOUT.parent / "shared" / "corpus")
OPERATIONS = CHECKOUT / "docs" / "operations.md"
MATRIX_BEGIN, MATRIX_END = "<!-- faults of the machine: written by `make faults` -->\n", "<!-- end of faults of the machine -->\n"
ATTACKS_BEGIN, ATTACKS_END = "<!-- hostile input: written by `make faults` -->\n", "<!-- end of hostile input -->\n"
ATTACKS_HEAD = "| attack | what the operator sees |\n|---|---|\n"
MATRIX_HEAD = "| fault | what was seen | what was lost |\n|---|---|---|\n"
NO_CORPUS = "no saved pages: TORWATCH_CORPUS is not set and ../shared/corpus is not there"
FIGURE = "figure"  # what tests measured goes by this name from the worker to the terminal
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NO_CHROMIUM = "no Chromium: sudo apt-get install chromium"

# Two busy cores are no reason to fail: no deadlines, and slow data is allowed. CI repeats itself exactly.
_CALM = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("dev", **_CALM)
hypothesis.settings.register_profile("ci", derandomize=True, database=None, print_blob=True, **_CALM)
hypothesis.settings.register_profile("soak", max_examples=5_000, **_CALM)


def pytest_configure(config):
    config.pluginmanager.register(planted)
    hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))
    if os.environ.get("TORWATCH_CORPUS") and not CORPUS.is_dir():
        raise pytest.UsageError(f"TORWATCH_CORPUS names {CORPUS}, which is not a folder")


def pytest_report_header(config):
    corpus = f"scored against {os.path.relpath(CORPUS)}" if CORPUS.is_dir() else f"tests skipped ({NO_CORPUS})"
    return [
        f"corpus: {corpus}",
        f"browser: {CHROMIUM or f'tests skipped ({NO_CHROMIUM})'}",
        f"soak: {'included' if soak_is_wanted(config) else 'tests deselected (make soak, or TORWATCH_SOAK=1)'}",
    ]


def pytest_collection_modifyitems(config, items):
    for item in items:
        folders = item.path.relative_to(CHECKOUT).parts if item.path.is_relative_to(CHECKOUT) else ()
        for folder in {"tor", "browser"} & set(folders[1:2]):
            item.add_marker(folder)
        if not CORPUS.is_dir() and item.get_closest_marker("corpus"):
            item.add_marker(pytest.mark.skip(reason=NO_CORPUS))
        if not CHROMIUM and item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=NO_CHROMIUM))
    if not soak_is_wanted(config):
        slow = [item for item in items if item.get_closest_marker("soak")]
        if slow:
            config.hook.pytest_deselected(items=slow)
            items[:] = [item for item in items if not item.get_closest_marker("soak")]


def pytest_terminal_summary(terminalreporter):
    reports = [report for reports in terminalreporter.stats.values() for report in reports if getattr(report, "when", None) == "call"]
    figures = [value for report in reports for name, value in report.user_properties if name == FIGURE]
    if figures:
        terminalreporter.section("figures")
        for figure in sorted(figures):
            terminalreporter.write_line(figure)


def soak_is_wanted(config):
    return os.environ.get("TORWATCH_SOAK") == "1" or "soak" in (config.option.markexpr or "")


@pytest.fixture(scope="session")
def corpus():
    """The folder of saved pages, for tests marked `corpus`."""
    if not CORPUS.is_dir():
        pytest.skip(NO_CORPUS)
    return CORPUS


@pytest.fixture(scope="session")
def chromium():
    """The path of a Chromium, for tests marked `browser`."""
    if not CHROMIUM:
        pytest.skip(NO_CHROMIUM)
    return CHROMIUM


@pytest.fixture
def tell_figure(record_property):
    """Give a function that has a line printed when all tests are over: the process that measured it may have no terminal."""
    return partial(record_property, FIGURE)


@pytest.fixture(scope="session")
def checkout():
    """The project's root folder."""
    return CHECKOUT


@pytest.fixture(scope="session")
def serving():
    """The function of tests/serving.py: a socket server serves in a thread of its own until a block ends."""
    spec = importlib.util.spec_from_file_location("serving", Path(__file__).with_name("serving.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.serving


@pytest.fixture(scope="session")
def watched_markets(tmp_path_factory):
    """The database of four invented markets watched for sixteen weeks (tests/watched_markets.py); to be read, not written."""
    spec = importlib.util.spec_from_file_location("watched_markets", Path(__file__).with_name("watched_markets.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.build(tmp_path_factory.mktemp("watched") / "torwatch.db")


def keep_row(begin, end, head, first_cell, row):
    """Write a row of a table in docs/operations.md (`make faults`), or else assert that it stands there."""
    before, _, rest = OPERATIONS.read_text(encoding="utf-8").partition(begin)
    table, _, after = rest.partition(end)
    rows = set(table.removeprefix(head).splitlines())
    if os.environ.get("TORWATCH_WRITE_FAULTS") == "1":
        rows = {known for known in rows if not known.startswith(f"| {first_cell} |")} | {row}
        text = before + begin + head + "".join(f"{known}\n" for known in sorted(rows)) + end + after
        OPERATIONS.write_text(text, encoding="utf-8")
    else:
        assert row in rows, f"docs/operations.md lacks this row; run `make faults`: {row}"


@pytest.fixture
def record_fault():
    """Give a function that notes a row of the fault matrix in docs/operations.md, or, without `make faults`, asserts that it stands there."""

    def record(fault, seen, lost):
        assert lost == 0, f"{fault}: {lost} lost"
        keep_row(MATRIX_BEGIN, MATRIX_END, MATRIX_HEAD, fault, f"| {fault} | {seen} | {lost} |")

    return record


@pytest.fixture
def record_attack():
    """Give a function that notes a row of the table of hostile input in docs/operations.md, or asserts that it stands there."""

    def record(attack, seen):
        keep_row(ATTACKS_BEGIN, ATTACKS_END, ATTACKS_HEAD, attack, f"| {attack} | {seen} |")

    return record


@pytest.fixture(autouse=True)
def logs_as_before():
    """Take back what a test set up of the log: its stream is closed when the test ends, and threads of libraries go on writing."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers = [handler for handler in root.handlers if handler in handlers or not isinstance(handler, LibraryHandler)]
    root.setLevel(level)


FAULT_MARKERS = ("<!-- faults: written by `make faults` -->", "<!-- end of faults -->")
PLAIN_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")


def fault_rows(document):
    """{what was done: its whole line} of the table between the markers."""
    table = document.split(FAULT_MARKERS[0])[1].split(FAULT_MARKERS[1])[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")][1:]
    return {line.split(" | ")[0].removeprefix("| "): line for line in lines}


@pytest.fixture(scope="session")
def fault_table():
    """The function that reads the table of provoked faults out of docs/operations.md."""
    return fault_rows


@pytest.fixture
def provoked():
    """Say what a test did and what came of it: the table of faults in docs/operations.md holds exactly that; `make faults` writes it.

    Numbers that differ from run to run (bytes, seconds) stand as N in the table.
    """
    path = CHECKOUT / "docs" / "operations.md"

    def record(done, outcome, reason):
        line = f"| {done} | `{outcome}` | {PLAIN_NUMBER.sub('N', reason).replace('|', '/')} |"
        document = path.read_text(encoding="utf-8")
        rows = fault_rows(document)
        if os.environ.get("TORWATCH_WRITE_FAULTS") == "1":
            rows[done] = line
            head = ["", "| what was done | outcome | reason |", "|---|---|---|"]
            before, rest = document.split(FAULT_MARKERS[0])
            after = rest.split(FAULT_MARKERS[1])[1]
            path.write_text(
                FAULT_MARKERS[0].join([before, "\n".join([*head, *rows.values(), "", FAULT_MARKERS[1]]) + after]), encoding="utf-8"
            )
            return
        assert rows.get(done) == line, "the table of faults in docs/operations.md is out of date: make faults"

    return record
