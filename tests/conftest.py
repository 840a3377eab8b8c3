"""What all tests share: a closed network, hypothesis profiles, and where the saved pages are."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

import hypothesis
import pytest
import structlog

from torwatch.logs import LibraryHandler

CHECKOUT = Path(__file__).parent.parent
CORPUS = Path(os.environ.get("TORWATCH_CORPUS") or CHECKOUT.parent / "shared" / "corpus")
NO_CORPUS = "no saved pages: TORWATCH_CORPUS is not set and ../shared/corpus is not there"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NO_CHROMIUM = "no Chromium: sudo apt-get install chromium"

# Two busy cores are no reason to fail: no deadlines, and slow data is allowed. CI repeats itself exactly.
_CALM = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("dev", **_CALM)
hypothesis.settings.register_profile("ci", derandomize=True, database=None, print_blob=True, **_CALM)
hypothesis.settings.register_profile("soak", max_examples=5_000, **_CALM)


def pytest_configure(config):
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


@pytest.fixture(scope="session")
def checkout():
    """The project's root folder."""
    return CHECKOUT


@pytest.fixture(autouse=True)
def logs_as_before():
    """Take back what a test set up of the log: its stream is closed when the test ends, and threads of libraries go on writing."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers = [handler for handler in root.handlers if handler in handlers or not isinstance(handler, LibraryHandler)]
    root.setLevel(level)
