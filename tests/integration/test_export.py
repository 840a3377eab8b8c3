"""Exports: whole files for other tools, and public ones in which no text and no name is left."""

from __future__ import annotations

import csv
import datetime as dt
import json

import pytest
from click.testing import CliRunner

from torwatch.cli import torwatch
from torwatch.dataset.layout import load_layout
from torwatch.loading import load_file
from torwatch.store.database import open_store
from torwatch.store.judgement import HoldRule

HEADER = "list,date,vendor,product,price,cat,subcat,subsubcat,feedback,from,to"
NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


@pytest.fixture
def exported(tmp_path, monkeypatch):
    """A database of two months with hostile titles, and a way to export it."""
    monkeypatch.setenv("TORWATCH_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text(f'data_directory = "{tmp_path / "data"}"\n', encoding="utf-8")
    with open_store(tmp_path / "data" / "torwatch.db") as store:
        for month, more in ((5, 0), (6, 7)):
            path = tmp_path / f"{month}.csv"
            rows = [
                f'1,x,seller{n % 4},"=HYPERLINK(1) secret tea {n}",1{n}.25,Tea,,,,{"Malta" if n == 3 else "Germany"},'
                for n in range(20 + more)
            ]
            path.write_text("\n".join((HEADER, *rows)), encoding="utf-8")
            at = dt.datetime(2014, month, 1, tzinfo=dt.UTC)
            load_file(store, path, load_layout("dated"), "bazaar", at=at, file_digest=str(month), hold=HoldRule(), now=NOW)

    def run(*arguments):
        folder = tmp_path / "out"
        done = CliRunner().invoke(torwatch, ["export", "-o", str(folder), *arguments], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return folder

    return run


def test_csv_holds_every_listing_and_no_formula(exported):
    folder = exported("--format", "csv")
    rows = list(csv.DictReader((folder / "listings.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 27
    assert {row["claimed_origin"] for row in rows} == {"DE", "MT"}
    assert all(not row["title"].startswith("=") and "secret tea" in row["title"] for row in rows)
    assert json.loads((folder / "dictionary.json").read_text())["tables"]["listings"]["rows"] == 27


def test_a_public_export_holds_no_text_no_name_and_no_small_cell(exported):
    folder = exported("--format", "jsonl", "--public")
    everything = "".join(path.read_text(encoding="utf-8") for path in folder.iterdir())
    assert not any(word in everything for word in ("secret tea", "seller0", "seller3", "Malta", '"MT"', "Germany"))
    rows = [json.loads(line) for line in (folder / "listings.jsonl").read_text().splitlines()]
    assert len(rows) == 27
    assert sorted({row["claimed_origin"] for row in rows}) == ["DE", "other"]
    assert len({row["vendor"] for row in rows}) == 4
    vendors = [json.loads(line) for line in (folder / "vendors.jsonl").read_text().splitlines()]
    assert {row["key"] for row in vendors} == {row["vendor"] for row in rows}
    dictionary = json.loads((folder / "dictionary.json").read_text())["tables"]["listings"]
    assert dictionary["withheld"] == ["title", "category", "ship_from", "ship_to"]
    assert (folder / "CITATION.cff").read_text().startswith("cff-version: 1.2.0")


def test_two_public_exports_hash_differently(exported):
    first = (exported("--format", "jsonl", "--public") / "vendors.jsonl").read_text()
    second = (exported("--format", "jsonl", "--public", "--force") / "vendors.jsonl").read_text()
    assert first != second


def test_parquet_is_partitioned_by_market_and_month(exported):
    pq = pytest.importorskip("pyarrow.dataset")
    folder = exported("--format", "parquet")
    assert sorted(path.name for path in (folder / "listings" / "market=bazaar").iterdir()) == ["month=2014-05", "month=2014-06"]
    table = pq.dataset(folder / "listings", partitioning="hive").to_table()
    assert table.num_rows == 27
    assert {"market", "month", "claimed_origin"} <= set(table.column_names)


def test_a_folder_that_is_not_empty_is_refused(exported, tmp_path):
    exported("--format", "csv")
    done = CliRunner().invoke(torwatch, ["export", "-o", str(tmp_path / "out")])
    assert "is not empty" in str(done.exception)
