"""Every figure that the data cannot carry, provoked in a database and read from what `torwatch answer` prints."""

from __future__ import annotations

import csv
import datetime as dt
import html
import io
import json

import pytest
from click.testing import CliRunner

from torwatch.cli import torwatch
from torwatch.model import MarketFacts
from torwatch.normalisers import normalisers_for
from torwatch.store.capture import encode_ids
from torwatch.store.database import open_store
from torwatch.store.derived import write_derived

BEGIN = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
# market → (looks, hours that the last one took, state of the last one, listings that its pass A and its pass B saw; None: all, none)
MARKETS = {
    "once": (1, 2, "complete", None, None),
    "apart": (6, 2, "partial", range(10), range(10, 20)),
    "blind": (6, 2, "partial", range(0), range(20)),
    "slow": (6, 300, "complete", None, range(20)),
    "short": (4, 2, "complete", None, range(5)),
    "rotating": (4, 2, "partial", range(10), None),
}
# What each market refuses: the method, and the reason in both languages.
REFUSED = (
    ("once", "Chapman, two passes", "there is no independent second pass", "er is geen onafhankelijke tweede gang"),
    ("once", "Schnabel, Chapman-modified", "it needs 3 occasions, there are 1", "het vraagt 3 keren, er zijn er 1"),
    ("once", "Good-Turing coverage", "it needs two occasions that saw something", "het vraagt twee keren die iets zagen"),
    ("once", "Chao2, lower bound", "it needs 3 occasions, there are 1", "het vraagt 3 keren, er zijn er 1"),
    ("apart", "Chapman, two passes", "no listing was seen in both passes", "geen aanbieding is in beide gangen gezien"),
    ("blind", "Chapman, two passes", "pass A saw nothing", "gang A zag niets"),
    ("slow", "Chapman, two passes", "pass A took 12.5 days, over a tenth of the median life", "gang A duurde 12,5 dagen, meer dan een tiende"),
    ("short", "Schnabel, Chapman-modified", "the window of 14.0 days is longer than the median life of 3.5 days", "het venster van 14,0 dagen"),
    ("short", "Schumacher-Eschmeyer", "the window of 14.0 days is longer than the median life of 3.5 days", "het venster van 14,0 dagen"),
    ("rotating", "Chapman, two passes", "there is no independent second pass", "er is geen onafhankelijke tweede gang"),
    ("rotating", "Schnabel, Chapman-modified", "the median life is not known yet", "de mediane levensduur is nog niet bekend"),
    ("rotating", "Chao2, lower bound", "the looks asked first for what earlier ones had not seen", "de keren vroegen eerst naar wat eerdere niet zagen"),
)  # fmt: skip


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """Run `torwatch answer` over a database in which every rule of refusal is provoked; what it printed, by language and form."""
    folder = tmp_path_factory.mktemp("refusals")
    (folder / "c.toml").write_text(f'data_directory = "{folder}"\n', encoding="utf-8")
    with open_store(folder / "torwatch.db") as store:
        for market, (name, shape) in enumerate(MARKETS.items(), 1):
            with store.write() as connection:
                fill(connection, market, name, *shape)
            write_derived(store, market, normalisers_for(MarketFacts(name)))

    def run(*arguments):
        done = CliRunner().invoke(torwatch, ["--config", str(folder / "c.toml"), "answer", *arguments])
        assert done.exit_code == 0, done.output
        return done.stdout

    forms = [(lang, form) for lang in ("en", "nl") for form in ("text", "json", "csv", "html")]
    printed = {(lang, form): run("--until", "2026-03-31", "--lang", lang, "--format", form) for lang, form in forms}
    printed["elsewhere"] = run("--country", "NZ", "--until", "2026-03-31", "--format", "json")
    printed["unwatched"] = run("--since", "2026-04-01", "--until", "2026-04-30", "--format", "json")
    return printed


def fill(connection, market, name, looks, hours, state, first, second):
    """Twenty listings of one vendor that stand throughout, and ten that stood in the second look only; in short all of them did."""
    base = market * 1000
    connection.execute("INSERT INTO market (id, name, added_at) VALUES (?, ?, ?)", (market, name, BEGIN.isoformat()))
    for look in range(looks):
        begun, last = BEGIN + dt.timedelta(weeks=look), look == looks - 1
        connection.execute(
            "INSERT INTO snapshot (id, market_id, state, started_at, ended_at, parser, parser_digest, torwatch_version)"
            " VALUES (?, ?, ?, ?, ?, 'souk', 'd', 't')",
            (
                base + look,
                market,
                state if last else "complete",
                begun.isoformat(),
                (begun + dt.timedelta(hours=hours if last else 2)).isoformat(),
            ),
        )
    connection.execute("INSERT INTO vendor (id, market_id, key, name, first_snapshot_id) VALUES (?, ?, 'v', 'v', ?)", (base, market, base))
    for number in range(30):
        # Weapons declare nothing; cocaine is of one vendor.
        title, origin = ("Glock 17", None) if number % 2 else ("1 g cocaine", "Netherlands" if market == 1 else None)
        brief = number >= 20
        if brief and (looks < 3 or name == "rotating"):
            continue
        connection.execute(
            "INSERT INTO listing (id, market_id, vendor_id, key, title, ship_from, first_snapshot_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (base + number, market, base, str(number), title, origin, base + brief),
        )
        connection.execute(
            "INSERT INTO spell (entity, entity_id, opened_snapshot_id, last_seen_snapshot_id, first_missed_snapshot_id)"
            " VALUES ('listing', ?, ?, ?, ?)",
            (base + number, base + brief, base + 1 if brief else None, base + 2 if brief else None),
        )
    newest = base + looks - 1
    if state == "partial":
        ids = [base + number for number in first]
        connection.execute("INSERT INTO capture VALUES (?, 'listing', 'A', ?, ?)", (newest, len(ids), encode_ids(ids)))
    if second is not None:
        ids = [base + number for number in second]
        connection.execute("INSERT INTO capture VALUES (?, 'listing', 'B', ?, ?)", (newest, len(ids), encode_ids(ids)))
        for page in range(0, len(ids), 5):
            connection.execute(
                "INSERT INTO second_pass_page (snapshot_id, scope, page, path, moment, outcome, size, ids, strays)"
                " VALUES (?, '/l', ?, ?, 0, 'ok', 5, ?, '[]')",
                (newest, page, f"/l?page={page}", encode_ids(ids[page : page + 5])),
            )


@pytest.mark.parametrize(("market", "method", "english", "dutch"), REFUSED)
def test_what_the_data_cannot_carry_is_refused_with_its_reason(answered, market, method, english, dutch):
    for lang, reason in (("en", english), ("nl", dutch)):
        data = json.loads(answered[lang, "json"])["sections"]
        row = next(row for row in data["levels_refused"]["rows"] if (row["market"], row["method"]["key"]) == (market, method))
        assert row["why_not"].startswith(reason)
        assert not [row for row in data["levels"]["rows"] if (row["market"], row["method"]["key"]) == (market, method)]
        assert row["why_not"] in html.unescape(answered[lang, "html"])
        assert row["why_not"] in {cell["value"] for cell in csv.DictReader(io.StringIO(answered[lang, "csv"]))}
        assert " ".join(row["why_not"].split()[:4]) in " ".join(answered[lang, "text"].split())


def test_no_level_is_printed_without_its_coverage(answered):
    for row in json.loads(answered["en", "json"])["sections"]["levels"]["rows"]:
        assert 0 < row["coverage"] <= 100


@pytest.mark.parametrize(
    ("section", "english", "dutch"),
    [
        ("sales", "Not printed: no feedback and no rise of a counter", "Niet vermeld: op aanbod van het land is in deze periode geen beoordeling"),
        ("sales_money", "Not printed: no order of this period can be valued.", "Niet vermeld: geen bestelling van deze periode is te waarderen."),
        ("share_limits_this_market_only", "Not printed: the coverage of a market is not known", "Niet vermeld: de dekking van een markt is niet bekend"),
        ("held", "None was held or rejected.", "Er is geen in wacht of verworpen."),
    ],
)  # fmt: skip
def test_a_section_that_cannot_be_printed_says_why(answered, section, english, dutch):
    for lang, reason in (("en", english), ("nl", dutch)):
        found = json.loads(answered[lang, "json"])["sections"][section]
        assert found["rows"] == []
        assert found["reason"].startswith(reason)
        assert html.escape(found["reason"]) in answered[lang, "html"]
        assert found["reason"].split(":")[0] in answered[lang, "text"]


def test_a_share_of_one_vendor_or_of_what_nobody_declares_has_no_figure_and_a_reason(answered):
    for lang, reasons in (
        ("en", ("all listings are of one vendor: a share would be that vendor's", "no listing declares a country")),
        ("nl", ("alle aanbiedingen zijn van één verkoper: een aandeel zou het zijne zijn", "geen aanbieding noemt een land")),
    ):
        data = json.loads(answered[lang, "json"])["sections"]["share"]
        assert all(reason in data["note"] for reason in reasons)
        rows = {row["goods"]["key"]: row for row in data["rows"]}
        assert rows["weapons"]["declared"] is None
        assert rows["cocaine"]["declared"] is None
        assert rows["cocaine"]["low"] is not None


def test_of_a_country_that_nobody_names_it_says_so(answered):
    data = json.loads(answered["elsewhere"])["sections"]
    for key in ("destinations", "destinations_category", "vendors"):
        assert data[key]["reason"] == "Not printed: no standing listing names NZ as its origin."


def test_of_a_period_in_which_no_market_was_watched_nothing_is_printed(answered):
    data = json.loads(answered["unwatched"])
    assert data["basis"]["markets_watched"] == 0
    for key in ("share", "extent", "destinations", "vendors", "sales", "trend_week", "levels"):
        assert data["sections"][key]["rows"] == []
        assert data["sections"][key]["reason"]


def test_a_period_after_every_market_closed_says_so(answered, tmp_path):
    (tmp_path / "c.toml").write_text(f'data_directory = "{tmp_path}"\n', encoding="utf-8")
    with open_store(tmp_path / "torwatch.db") as store:
        with store.write() as connection:
            fill(connection, 1, "once", *MARKETS["once"])
            connection.execute("UPDATE market SET closed = '2026-02'")
        write_derived(store, 1, normalisers_for(MarketFacts("once")))
    for until, standing in (("2026-01-31", 20), ("2026-03-31", None)):
        done = CliRunner().invoke(torwatch, ["--config", str(tmp_path / "c.toml"), "answer", "--until", until, "--format", "json"])
        data = json.loads(done.stdout)["sections"]
        assert data["extent"]["rows"][0]["standing"] == (standing or 0)
        assert data["extent"]["rows"][0]["ever"] == 20
        if standing is None:
            assert "had closed" in data["share"]["reason"]
            assert "--until" in data["share"]["reason"]
