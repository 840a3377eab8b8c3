"""Published data sets: loaded with the shipped layouts, counted against a plain count of the same file."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from torwatch.cli import torwatch
from torwatch.cli.load import moment_of
from torwatch.dataset.layout import load_layout
from torwatch.loading import load_file
from torwatch.store.captures import capture_histories
from torwatch.store.database import open_store
from torwatch.store.judgement import HoldRule

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
ORIGINS = ("Netherlands", "Germany", "United States", "Worldwide", "NA", "European Union")


def load(store, path, layout, market="bazaar", at=dt.datetime(2014, 5, 1, tzinfo=dt.UTC), **options):
    return load_file(store, path, load_layout(layout), market, at=at, file_digest=path.name, hold=HoldRule(), now=NOW, **options)


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "torwatch.db") as opened:
        yield opened


def bounds(store, country):
    """Low, declared and high of a country's share, from the stored claims, and the size of the frame."""
    listings = store.rows("SELECT claimed_origin FROM listing WHERE standing = 1")
    origins = [row["claimed_origin"] or "undeclared" for row in listings]
    only = origins.count(country)
    declared = [origin for origin in origins if origin not in {"undeclared", "unparseable", "world", "digital", "EU"}]
    high = only + sum(origins.count(word) for word in ("undeclared", "world", "EU"))
    return only / len(origins), only / len(declared), high / len(origins)


def plain_bounds(raw):
    """The same by counting strings."""
    only = raw.count("Netherlands")
    declared = only + raw.count("Germany") + raw.count("United States")
    high = only + raw.count("NA") + raw.count("") + raw.count("Worldwide") + raw.count("European Union")
    return only / len(raw), only / declared, high / len(raw)


def test_a_file_with_three_levels_of_category_and_prices_with_thousands_signs_gives_the_plain_counts(store, tmp_path):
    rng, raw = random.Random(1), []
    path = tmp_path / "items.csv"
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(
            [
                "vendor",
                "category_level_1",
                "category_level_2",
                "category_level_3",
                "product",
                "price in $",
                "shipping_from",
                "shipping_to",
                "url",
            ]
        )
        for number in range(400):
            raw.append(rng.choice(ORIGINS))
            writer.writerow(
                (f"v{number % 40}", "Tea", "Green", "Loose", f'Tea "{number}", 5 g', "2,385.41", raw[-1], "Worldwide", f"/item/{number}")
            )
    loaded = load(store, path, "categories")
    assert (loaded.rows, loaded.repeated, loaded.faults) == (400, 0, [])
    assert bounds(store, "NL") == pytest.approx(plain_bounds(raw))
    row = store.row("SELECT * FROM listing WHERE key = '/item/7'")
    assert (row["price"], row["currency"], row["category"], row["title"]) == ("2385.41", "USD", "Tea > Green > Loose", 'Tea "7", 5 g')


def test_a_file_without_a_header_lists_its_broken_rows_and_reads_digital_goods_without_an_origin(store, tmp_path):
    rng, raw, lines, broken = random.Random(2), [], [], []
    for number in range(300):
        stamp = "2019-04-02 13:37:00.123456 +0000 UTC m=+0.5"
        if number % 50 == 17:
            broken.append(len(lines) + 1)
            lines.append(f"{stamp}, v1, half a row" + (", x" if number % 100 == 17 else ""))
        elif number % 10 == 3:
            raw.append("")
            lines.append(", ".join((stamp, f"v{number % 9}", f"E-book {number}", "Guides", "USD 1,320.31", "Worldwide")))
        else:
            raw.append(rng.choice(ORIGINS))
            lines.append(", ".join((stamp, f"v{number % 9}", f"Tea {number}", "Tea", "USD 1,320.31", raw[-1], "Worldwide")))
    path = tmp_path / "scrape.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    loaded = load(store, path, "headerless")
    assert loaded.rows == len(raw)
    assert [fault.line for fault in loaded.faults] == broken
    assert broken
    assert {fault.reason for fault in loaded.faults} == {"3 columns, expected 7 or 6", "4 columns, expected 7 or 6"}
    assert bounds(store, "NL") == pytest.approx(plain_bounds(raw))
    assert store.value("SELECT DISTINCT price || ' ' || currency FROM listing") == "1320.31 USD"
    kept = json.loads(store.value("SELECT detail FROM event WHERE kind = 'imported'"))
    assert [line for line, _ in kept["broken"]] == broken


def dated_file(rows):
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["list", "date", "vendor", "product", "price", "cat", "subcat", "subsubcat", "feedback", "from", "to"])
    writer.writerows(rows)
    return out.getvalue()


def test_glued_directions_multi_line_cells_and_missing_values_are_read(store, tmp_path):
    rng, raw, rows = random.Random(3), [], []
    for number in range(300):
        raw.append(rng.choice(ORIGINS))
        glued = raw[-1] != "NA" and number % 3 == 0
        claim, to = (f"From: {raw[-1]} To: Australia", "NA") if glued else (raw[-1], "Worldwide")
        rows.append((number, "2014-05-01", f"v{number % 9}", f"Tea {number}", "0.125", "Tea", "NA", "NA", "fine\nvery fine", claim, to))
    path = tmp_path / "agora.csv"
    path.write_bytes(dated_file(rows).encode())
    loaded = load(store, path, "dated")
    assert (loaded.rows, loaded.faults) == (300, [])
    assert bounds(store, "NL") == pytest.approx(plain_bounds(raw))
    assert store.value("SELECT DISTINCT price || ' ' || currency FROM listing") == "0.125 BTC"
    to = store.value("SELECT count(*) FROM listing_destination WHERE code = 'AU' AND excluded = 0")
    assert to == sum(1 for number, claim in enumerate(raw) if claim != "NA" and number % 3 == 0)


def test_many_captures_give_spells_returns_and_captures_as_a_crawl_would(store, tmp_path):
    stood = {"Tea 1": "1111111111", "Tea 2": "1110001111", "Tea 3": "1101111000", "Tea 4": "0000011111"}
    for day in range(10):
        rows = [(1, "x", "v", title, "1", "Tea", "", "", "", "Germany", "") for title, days in stood.items() if days[day] == "1"]
        path = tmp_path / f"{day}.csv"
        path.write_text(dated_file(rows), encoding="utf-8")
        load(store, path, "dated", at=dt.datetime(2014, 5, 1 + day, tzinfo=dt.UTC))
    spells = {}
    for row in store.rows(
        "SELECT title, opened_snapshot_id AS opened, last_seen_snapshot_id AS last, why FROM spell"
        " JOIN listing ON listing.id = spell.entity_id AND spell.entity = 'listing' ORDER BY spell.id"
    ):
        spells.setdefault(row["title"], []).append((row["opened"], row["last"], row["why"]))
    assert spells == {
        "Tea 1": [(1, None, None)],
        "Tea 2": [(1, 3, "missed"), (7, None, None)],
        "Tea 3": [(1, 7, "missed")],  # one complete miss is no removal
        "Tea 4": [(6, None, None)],
    }
    assert store.value("SELECT count(*) FROM change WHERE cause = 'back'") == 1
    assert [row[0] for row in store.rows("SELECT DISTINCT source FROM snapshot")] == ["import"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--map", "dated"), "nothing says when"),
        (("--map", "nothing.toml", "--at", "2014-05-01"), "there is no layout"),
        (("--map", "categories", "--at", "2014-05-01"), "has no column"),
        (("--map", "dated", "--at", "yesterday"), "is no date"),
        (("--map", "dated", "--at", "2014-05-01", "--by-day"), "exclude each other"),
    ],
)
def test_what_cannot_be_loaded_is_told_in_one_line_and_writes_nothing(tmp_path, monkeypatch, arguments, said):
    monkeypatch.setenv("TORWATCH_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text(f'data_directory = "{tmp_path}"\n', encoding="utf-8")
    file = tmp_path / "items.csv"
    file.write_text(dated_file([(1, "2014-05-01", "v", "Tea", "1", "", "", "", "", "Germany", "")]), encoding="utf-8")
    done = CliRunner().invoke(torwatch, ["import", "csv", str(file), "--market", "bazaar", *arguments])
    assert done.exception is not None
    assert said in (str(done.exception) + done.output)
    with open_store(tmp_path / "torwatch.db") as store:
        assert store.value("SELECT count(*) FROM snapshot") == 0


def test_of_a_file_that_is_mostly_broken_the_first_rows_are_listed_and_all_are_counted_by_cause(tmp_path, monkeypatch):
    monkeypatch.setenv("TORWATCH_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setattr("torwatch.rows.KEPT_FAULTS", 25)
    (tmp_path / "config.toml").write_text(f'data_directory = "{tmp_path}"\n', encoding="utf-8")
    file = tmp_path / "items.csv"
    good = (1, "2014-05-01", "v", "Tea", "1", "", "", "", "", "Germany", "")
    undated = [(number, f"day {number}", "v", "Tea", "1", "", "", "", "", "Germany", "") for number in range(40)]
    nameless = [(number, "2014-05-01", "v", "", "1", "", "", "", "", "Germany", "") for number in range(7)]
    file.write_text(dated_file([good, *undated, *nameless]), encoding="utf-8")
    done = CliRunner().invoke(
        torwatch, ["import", "csv", str(file), "--map", "dated", "--market", "bazaar", "--by-day"], catch_exceptions=False
    )
    assert "1 rows read, 0 repeat a listing, 47 broken" in done.output
    assert "and 27 more (the first 25: --json, and the event log)" in done.output
    assert "of all that are broken, no date in column date: 40 rows; no title: 7 rows" in done.output
    with open_store(tmp_path / "torwatch.db") as store:
        kept = json.loads(store.value("SELECT detail FROM event WHERE kind = 'imported'"))
    assert kept["broken"][24] == [27, "'day 24' in column date is no date"]
    assert len(kept["broken"]) == 25
    assert kept["broken_by_cause"] == {"no date in column date": 40, "no title": 7}


def test_a_file_is_loaded_once_and_never_behind_a_later_one(store, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(dated_file([(1, "2014-05-01", "v", "Tea", "1", "", "", "", "", "Germany", "")]), encoding="utf-8")
    load(store, path, "dated")
    with pytest.raises(Exception, match="was loaded into this market before"):
        load(store, path, "dated", at=dt.datetime(2014, 6, 1, tzinfo=dt.UTC))
    other = tmp_path / "b.csv"
    other.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(Exception, match="oldest first"):
        load(store, other, "dated", at=dt.datetime(2014, 4, 1, tzinfo=dt.UTC))


def test_the_command_loads_files_by_the_dates_in_their_names(tmp_path, monkeypatch):
    monkeypatch.setenv("TORWATCH_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text(f'data_directory = "{tmp_path / "data"}"\n', encoding="utf-8")
    files = []
    for day in (2, 1, 3):
        files.append(tmp_path / f"silkroad-2014-05-0{day}.csv")
        files[-1].write_text(dated_file([(1, "x", "v", "Tea", str(day), "", "", "", "", "Germany", "")]), encoding="utf-8")
    arguments = ["import", "csv", *map(str, files), "--map", "dated", "--market", "silkroad", "--json"]
    done = CliRunner().invoke(torwatch, arguments, catch_exceptions=False)
    told = json.loads(done.output)
    assert [entry["snapshots"][0]["at"][:10] for entry in told] == ["2014-05-01", "2014-05-02", "2014-05-03"]
    with open_store(tmp_path / "data" / "torwatch.db") as store:
        assert [row[0] for row in store.rows("SELECT new FROM change WHERE field = 'price' ORDER BY id")] == ["2", "3"]


def plain_spells(seen):
    """(opened, first missed) of each spell by a plain count: two misses in a row end it, at the first of them; captures from 1."""
    spells, misses, standing = [], 0, False
    for capture, there in enumerate(seen, 1):
        if there:
            if not standing:
                spells.append([capture, None])
            standing, misses = True, 0
        elif standing:
            misses += 1
            if misses == 2:
                spells[-1][1], standing = capture - 1, False
    return [tuple(spell) for spell in spells]


@pytest.mark.parametrize(("captures", "listings"), [(40, 60), pytest.param(1_200, 400, marks=pytest.mark.soak)])
def test_a_file_each_of_many_captures_gives_spells_returns_and_histories_of_a_plain_count(tmp_path, monkeypatch, captures, listings):
    """Taken every four hours, absent near half of the time: as a market was once captured 1,200 times."""
    rng = random.Random(captures)
    monkeypatch.setenv("TORWATCH_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text(f'data_directory = "{tmp_path / "data"}"\n', encoding="utf-8")
    truth = {f"Tea {number}": [rng.random() < 0.6 for _ in range(captures)] for number in range(listings)}
    begin, files = dt.datetime(2014, 1, 1, tzinfo=dt.UTC), []
    for capture in range(captures):
        at = begin + dt.timedelta(hours=4 * capture)
        files.append(tmp_path / f"bazaar_{at:%Y%m%dT%H%M}.csv")
        rows = [(1, "x", "v", title, "1", "Tea", "", "", "", "Germany", "") for title, seen in truth.items() if seen[capture]]
        files[-1].write_text(dated_file(rows), encoding="utf-8")
    rng.shuffle(files)
    done = CliRunner().invoke(torwatch, ["import", "csv", *map(str, files), "--map", "dated", "--market", "bazaar"], catch_exceptions=False)
    assert done.exit_code == 0
    with open_store(tmp_path / "data" / "torwatch.db") as store:
        titles = {row["id"]: row["title"] for row in store.rows("SELECT id, title FROM listing")}
        spells = {title: [] for title in titles.values()}
        for row in store.rows(
            "SELECT entity_id, opened_snapshot_id, first_missed_snapshot_id, why FROM spell WHERE entity = 'listing' ORDER BY id"
        ):
            assert (row["why"] == "missed") is (row["first_missed_snapshot_id"] is not None) or row["why"] is None
            ended = row["first_missed_snapshot_id"] if row["why"] else None
            spells[titles[row["entity_id"]]].append((row["opened_snapshot_id"], ended))
        assert spells == {title: plain_spells(seen) for title, seen in truth.items()}
        assert store.value("SELECT count(*) FROM change WHERE cause = 'back'") == sum(len(found) - 1 for found in spells.values())
        histories = capture_histories(store, 1, "listing")
        assert len(histories.occasions) == captures
        bits = {titles[entity_id]: seen for entity_id, seen in histories.seen.items()}
        assert bits == {title: sum(1 << at for at, there in enumerate(seen) if there) for title, seen in truth.items()}


def test_two_files_of_one_moment_are_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("TORWATCH_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text(f'data_directory = "{tmp_path / "data"}"\n', encoding="utf-8")
    files = [tmp_path / "a_2014-05-01.csv", tmp_path / "b_20140501.csv"]
    for number, file in enumerate(files):
        file.write_text(dated_file([(1, "x", "v", f"Tea {number}", "1", "", "", "", "", "Germany", "")]), encoding="utf-8")
    done = CliRunner().invoke(torwatch, ["import", "csv", *map(str, files), "--map", "dated", "--market", "bazaar"])
    assert "would both be of 2014-05-01 00:00" in str(done.exception)
    assert not (tmp_path / "data" / "torwatch.db").exists()


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("m-2014-05-01", "2014-05-01T00:00:00"),
        ("m_20140501T0400", "2014-05-01T04:00:00"),
        ("2014-05-01_16-30-05", "2014-05-01T16:30:05"),
        ("dump.2014-05-01 0800", "2014-05-01T08:00:00"),
        ("20140501_2", "2014-05-01T00:00:00"),
    ],
)
def test_the_time_of_day_is_read_from_a_files_name(name, moment):
    assert moment_of(Path(f"{name}.csv"), None) == dt.datetime.fromisoformat(moment).replace(tzinfo=dt.UTC)
