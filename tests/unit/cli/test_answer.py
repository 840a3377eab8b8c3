"""`torwatch answer --output` writes a whole file, or none."""

from __future__ import annotations

import datetime as dt
import importlib.util
from pathlib import Path

import pytest

from torwatch.cli import main
from torwatch.normalisers import normalisers_for
from torwatch.store.database import open_store
from torwatch.store.derived import write_derived

SPEC = importlib.util.spec_from_file_location("store_builders", Path(__file__).parents[1] / "store" / "builders.py")
builders = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(builders)
TEA = {"title": "Tea", "vendor": "leaf", "price": "12", "currency": "EUR", "ship_from": "Netherlands"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("TORWATCH_CONFIG", raising=False)
    with open_store(tmp_path / "torwatch.db") as store:
        target = builders.a_target(store)
        builders.take(store, target, {"1": TEA}, week=0)
        write_derived(store, target.market_id, normalisers_for())
    return tmp_path


def exit_of(*arguments):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return left.value.code


def test_a_folder_gets_a_file_named_by_country_and_day(folder):
    assert exit_of("answer", "--format", "html", "--output", str(folder / "reports"), "--until", "2026-02-01") == 0
    (report,) = (folder / "reports").iterdir()
    assert report.name == "answer-NL-2026-02-01.html"
    text = report.read_text(encoding="utf-8")
    assert text.startswith("<!")
    assert text.rstrip().endswith("</html>")


def test_a_file_is_written_under_its_name_and_over_the_last_one(folder):
    path = folder / "answer.txt"
    for _ in range(2):
        assert exit_of("answer", "--output", str(path)) == 0
    assert path.read_text(encoding="utf-8")
    assert dt.datetime.now(dt.UTC).strftime("%Y") in path.read_text(encoding="utf-8")
