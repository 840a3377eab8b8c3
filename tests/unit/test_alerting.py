"""What should be heard of is kept once, told once, through Tor; what is no news is not."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import importlib.util
import json
import sqlite3
from pathlib import Path

import planted
import pytest

from torwatch.alerting import notice, send_test, tell
from torwatch.assembly import offline_tools
from torwatch.config import Config
from torwatch.model import Fetched, Outcome, Source
from torwatch.normalisers import key_reader, normalisers_for
from torwatch.overview import gather_status
from torwatch.store.alerts import list_alerts
from torwatch.store.database import apply_migrations, open_store
from torwatch.store.derived import write_derived
from torwatch.store.mirrors import record_visit
from torwatch.store.sessions import begin_session, lose_session
from torwatch.store.signals import take_as_told, unscanned
from torwatch.store.staging import EntityRow, StagedPage
from torwatch.store.vendor_keys import write_vendor_keys
from torwatch.store.witnesses import record_canary

SPEC = importlib.util.spec_from_file_location("store_builders", Path(__file__).parent / "store" / "builders.py")
builders = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(builders)
builders.COVERAGE["listing"][Source.DETAIL] |= {"category"}
NOW, WEEK = builders.NOW, builders.WEEK

TEA = {"title": "Green tea", "vendor": "leaf", "category": "Tea", "price": "12", "currency": "EUR", "ship_from": "Netherlands"}
COFFEE = {"title": "Coffee", "vendor": "bean", "category": "Coffee", "price": "20", "currency": "EUR", "ship_from": "Germany"}
DUTCH = {"name": "dutch", "ship_from": ("NL",)}


class Clock:
    def __init__(self):
        self.time = NOW

    def __call__(self):
        return self.time


class StandInTor:
    def __init__(self, port):
        self.socks_address = ("127.0.0.1", port)

    def credentials(self, identity):
        return identity, "x"

    def ensure(self):
        return False

    def use_client_keys(self, keys):
        """Nothing to open."""


class Desk:
    """A database, a configuration and whoever is told."""

    def __init__(self, store, folder):
        self.store, self.folder, self.clock, self.week = store, folder, Clock(), 0
        self.configure(rules=[DUTCH])

    def configure(self, **alerts):
        alerts = {"disk_below": "1B"} | alerts
        self.config = Config.model_validate({"data_directory": str(self.folder), "alerts": alerts})

    def take(self, target, listings, **options):
        self.week += 1
        taken = builders.take(self.store, target, listings, week=self.week, **options)
        write_derived(self.store, target.market_id, normalisers_for())
        write_vendor_keys(self.store, target.market_id, key_reader())
        self.clock.time = NOW + WEEK * self.week
        return taken

    def notice(self, **options):
        status = gather_status(self.store, self.config.data_directory, jitter=0, now=self.clock(), hours=None)
        return notice(self.store, self.config, status, now=self.clock(), environ={}, **options)

    def alerts(self):
        return [(one.rule, one.subject, one.title) for one in reversed(list_alerts(self.store))]

    def rules(self):
        return [rule for rule, _, _ in self.alerts()]

    def tell_through(self, port):
        with offline_tools(self.config, self.store, now=self.clock) as tools:
            return tell(dataclasses.replace(tools, tor=StandInTor(port)), self.config, {"PATH": "/usr/bin"})

    def tell_nobody_but(self, *urls):
        file = self.folder / "destinations"
        file.write_text("\n".join(urls))
        file.chmod(0o600)
        return {"destinations": str(file)}


@pytest.fixture
def desk(tmp_path):
    with open_store(tmp_path / "torwatch.db") as store:
        yield Desk(store, tmp_path)


@pytest.fixture
def teahouse(desk):
    """A market that was looked at once, and nothing new to tell."""
    target = builders.a_target(desk.store)
    desk.take(target, {"1": COFFEE})
    desk.notice()
    assert desk.alerts() == []
    return target


def test_a_first_snapshot_tells_of_no_listing(desk):
    desk.take(builders.a_target(desk.store), {"1": TEA})
    assert (desk.notice(), desk.alerts()) == (0, [])


def test_a_new_listing_that_meets_a_rule_is_told_once(desk, teahouse):
    desk.take(teahouse, {"1": COFFEE, "2": TEA})
    assert [desk.notice(), desk.notice()] == [1, 0]
    assert desk.alerts() == [("dutch", "teahouse", "teahouse: new listing for dutch: Green tea")]
    assert list_alerts(desk.store)[0].body == ("claimed origin NL; 12 EUR; vendor leaf; torwatch history listing 2 --market teahouse")


def test_a_listing_that_changes_into_a_rule_is_told_and_one_that_was_in_it_is_not(desk, teahouse):
    desk.configure()
    desk.take(teahouse, {"1": COFFEE, "2": TEA})
    desk.notice()
    desk.configure(rules=[{"name": "cheap", "price_below": 15}])
    desk.take(teahouse, {"1": COFFEE | {"price": "14"}, "2": TEA | {"price": "11"}})
    desk.notice()
    assert desk.alerts() == [("cheap", "teahouse", "teahouse: changed listing for cheap: Coffee")]


def test_an_origin_that_changes_to_the_country_of_a_rule_is_told(desk, teahouse):
    desk.take(teahouse, {"1": COFFEE | {"ship_from": "NL"}})
    desk.notice()
    assert desk.alerts() == [("dutch", "teahouse", "teahouse: changed listing for dutch: Coffee")]


def test_an_import_tells_of_no_listing(desk, teahouse):
    snapshot, _ = desk.take(teahouse, {"1": COFFEE, "2": TEA})
    desk.store.connection.execute("UPDATE snapshot SET source = 'import' WHERE id = ?", (snapshot,))
    assert desk.notice() == 0


def test_the_first_walk_after_an_import_tells_of_no_listing(desk):
    target = builders.a_target(desk.store)
    snapshot, _ = desk.take(target, {"1": COFFEE})
    desk.store.connection.execute("UPDATE snapshot SET source = 'import' WHERE id = ?", (snapshot,))
    desk.take(target, {"1": COFFEE, "2": TEA})
    assert desk.notice() == 0


def test_a_held_snapshot_tells_of_the_hold_and_after_it_is_accepted_of_no_listing(desk, teahouse):
    snapshot, _ = desk.take(teahouse, {"2": TEA}, drift="listing: field price filled in 2% of the records")
    desk.notice()
    assert desk.rules() == ["drift"]
    desk.store.connection.execute("UPDATE hold SET decision = 'accepted', decided_at = '' WHERE snapshot_id = ?", (snapshot,))
    desk.store.connection.execute("UPDATE snapshot SET state = 'complete' WHERE id = ?", (snapshot,))
    assert desk.notice() == 0
    desk.store.connection.execute("DELETE FROM alert_scan")
    assert desk.notice() == 0


def test_a_replay_tells_nothing_again(desk, teahouse):
    snapshot, _ = desk.take(teahouse, {"1": COFFEE, "2": TEA})
    desk.notice()
    with desk.store.write() as connection:  # a replay writes the changes of a snapshot anew, under the same number
        connection.execute("UPDATE change SET id = id + 1000 WHERE snapshot_id = ?", (snapshot,))
        connection.execute("UPDATE listing SET key = '3' WHERE key = '2'")
        connection.execute("UPDATE change SET key = '3' WHERE key = '2'")
    assert desk.notice() == 0


def test_a_target_still_at_work_is_looked_at_later(desk, teahouse):
    desk.take(teahouse, {"1": COFFEE, "2": TEA})
    assert desk.notice(busy_targets={teahouse.id}) == 0
    assert desk.notice() == 1


def test_snapshots_from_before_there_were_alerts_are_old_news(tmp_path):
    path = tmp_path / "old.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        apply_migrations(connection, stop_before="m0007_operation")
        connection.execute("INSERT INTO market (id, name, added_at) VALUES (1, 'teahouse', '')")
        connection.execute(
            "INSERT INTO snapshot (market_id, state, started_at, parser, parser_digest, torwatch_version) VALUES (1, 'complete', '', '', '', '')"
        )
    with open_store(path) as store:
        assert unscanned(store) == []


def test_a_vendor_linked_to_one_of_another_market_is_told_once(desk, teahouse):
    other = builders.a_target(desk.store, "souk", host=2)
    desk.take(other, {"9": TEA | {"vendor": "Leafhouse", "ship_from": "Germany"}})
    desk.take(teahouse, {"1": COFFEE, "2": TEA | {"vendor": "leafhouse", "ship_from": "Germany"}})
    assert [desk.notice(), desk.notice()] == [1, 0]
    assert desk.alerts() == [("vendor_elsewhere", "teahouse", "teahouse: vendor leafhouse is candidate with Leafhouse of souk")]
    desk.configure(vendor_elsewhere=False)
    desk.take(teahouse, {"1": COFFEE, "2": TEA | {"vendor": "LEAFHOUSE", "ship_from": "Germany"}})
    assert desk.notice() == 0


def visit(desk, target, outcome, hours):
    with desk.store.write() as connection:
        at = desk.clock() + dt.timedelta(hours=hours)
        record_canary(connection, "c" * 56 + ".onion", Fetched("http://canary", Outcome.OK, at, 10, 200))
        record_visit(connection, target.mirrors[0].id, outcome, "", source="probe", now=at)


def test_an_old_link_is_no_news_when_an_account_takes_a_new_name(desk, teahouse):
    other = builders.a_target(desk.store, "souk", host=2)
    desk.take(other, {"9": TEA | {"vendor": "Leafhouse", "ship_from": "Germany"}})
    mine = {"1": COFFEE, "2": TEA | {"vendor": "leafhouse", "ship_from": "Germany"}}
    desk.take(teahouse, mine)
    forget_what_was_told(desk)
    renamed = StagedPage(vendors=(EntityRow("leafhouse", Source.DETAIL, {"name": "greenleaf"}),))
    desk.take(teahouse, mine, page=renamed)
    assert desk.store.value("SELECT count(*) FROM vendor_handle WHERE handle = 'greenleaf'") == 1
    assert desk.notice() == 0


def forget_what_was_told(desk):
    """Leave the database as one that was made again: without the alerts that there were, all that is old counting as told."""
    with desk.store.write() as connection:
        for table in ("alert_delivery", "alert", "alert_scan"):
            connection.execute(f"DELETE FROM {table}")
        take_as_told(connection)


def test_a_database_made_again_tells_of_nothing_old_and_of_all_that_comes_after(desk, teahouse):
    desk.take(teahouse, {"1": COFFEE, "2": TEA})
    begin_session(desk.store, teahouse, 1, now=desk.clock())
    lose_session(desk.store, teahouse, "login page", now=desk.clock())
    assert [desk.notice(), desk.rules()] == [2, ["session_needed", "dutch"]]
    forget_what_was_told(desk)
    assert [desk.notice(), desk.rules()] == [1, ["session_needed"]]  # it stands still
    desk.take(teahouse, {"1": COFFEE, "2": TEA, "3": TEA})
    begin_session(desk.store, teahouse, 1, now=desk.clock())
    lose_session(desk.store, teahouse, "login page", now=desk.clock())
    assert [desk.notice(), desk.rules()] == [2, ["session_needed", "session_needed", "dutch"]]


def test_a_market_that_stays_silent_is_told_once_and_again_after_it_was_up(desk, teahouse):
    desk.configure(down_for="6h")
    for hours in (0, 3):
        visit(desk, teahouse, Outcome.ONION_UNREACHABLE, hours)
    begun = desk.clock()
    desk.clock.time = begun + dt.timedelta(hours=5)
    assert desk.notice() == 0
    desk.clock.time = begun + dt.timedelta(hours=6)
    assert [desk.notice(), desk.notice(), desk.rules()] == [1, 0, ["down"]]
    desk.clock.time = begun
    visit(desk, teahouse, Outcome.OK, 7)
    visit(desk, teahouse, Outcome.ONION_UNREACHABLE, 8)
    desk.clock.time = begun + dt.timedelta(hours=15)
    assert [desk.notice(), desk.rules()] == [1, ["down", "down"]]


def test_a_seized_market_is_told(desk, teahouse):
    visit(desk, teahouse, Outcome.SEIZED, 0)
    assert [desk.notice(), desk.rules()] == [1, ["seized"]]


def test_a_session_is_told_when_it_is_needed_and_before_it_ends(desk, teahouse):
    begin_session(desk.store, teahouse, 1, now=desk.clock())
    lose_session(desk.store, teahouse, "login page", now=desk.clock() + dt.timedelta(days=10))
    assert [desk.notice(), desk.notice(), desk.rules()] == [1, 0, ["session_needed"]]
    assert list_alerts(desk.store)[0].body == "torwatch session renew teahouse cookies.txt"
    begin_session(desk.store, teahouse, 1, now=desk.clock())
    desk.clock.time += dt.timedelta(days=9)
    assert [desk.notice(), desk.rules()] == [1, ["session_needed", "session"]]


def test_coverage_below_the_bar_is_told(desk, teahouse):
    desk.take(teahouse, {"1": COFFEE}, total=10)
    with desk.store.write() as connection:
        connection.execute("UPDATE snapshot SET announced_listings = 10 WHERE id = 2")
    assert [desk.notice(), desk.notice(), desk.rules()] == [1, 0, ["coverage"]]


def test_little_disk_is_told(desk, teahouse):
    desk.configure(disk_below="1000000GB")
    assert [desk.notice(), desk.notice(), desk.rules()] == [1, 0, ["disk"]]


def test_alerts_are_told_through_tor_with_hostile_words_made_harmless(desk, teahouse, open_socks_port, open_web_service):
    desk.configure(rules=[DUTCH], **desk.tell_nobody_but("json://hooks.example/"))
    desk.take(teahouse, {"1": COFFEE, "2": TEA | {"title": "<script>alert(1)</script>\x1b]0;owned\x07\u202etea"}})
    desk.notice()
    with open_web_service() as (port, bodies), open_socks_port(port) as socks:
        assert [desk.tell_through(socks.port), desk.tell_through(socks.port)] == [1, 0]
    assert [(user, host) for user, host, _ in socks.asked] == [("alerts", "hooks.example")]
    message = json.loads(bodies[0])["message"]
    assert message.isprintable() or message.replace("\n", "").isprintable()
    assert r"\u202e" in message


def test_a_failing_service_costs_nothing_and_is_tried_again_later(desk, teahouse, open_socks_port, open_web_service):
    desk.configure(rules=[DUTCH], **desk.tell_nobody_but("json://hooks.example/"))
    desk.take(teahouse, {"1": COFFEE, "2": TEA})
    desk.notice()
    with open_web_service(status=500) as (port, _), open_socks_port(port) as socks:
        assert desk.tell_through(socks.port) == 0
    (kept,) = list_alerts(desk.store, waiting=True)
    assert kept.error.startswith("not sent")
    with open_web_service() as (port, bodies), open_socks_port(port) as socks:
        assert desk.tell_through(socks.port) == 0
        desk.clock.time += dt.timedelta(minutes=11)
        assert desk.tell_through(socks.port) == 1
    assert (len(bodies), list_alerts(desk.store, waiting=True)) == (1, [])


def test_a_digest_collects_listings_while_faults_are_told_at_once(desk, teahouse, open_socks_port, open_web_service):
    desk.configure(rules=[DUTCH], digest="1d", **desk.tell_nobody_but("json://hooks.example/"))
    desk.take(teahouse, {"1": COFFEE, "2": TEA, "3": TEA | {"title": "White tea"}})
    visit(desk, teahouse, Outcome.SEIZED, 0)
    desk.notice()
    with open_web_service() as (port, bodies), open_socks_port(port) as socks:
        assert desk.tell_through(socks.port) == 1
        desk.clock.time += dt.timedelta(hours=25)
        assert desk.tell_through(socks.port) == 2
    assert [json.loads(body)["title"] for body in bodies] == [
        "torwatch: teahouse shows a page of the authorities: seized",
        "torwatch: 2 alerts",
    ]


def test_nothing_is_sent_in_the_quiet_hours(desk, teahouse, open_socks_port, open_web_service):
    desk.configure(rules=[DUTCH], quiet_hours="00:00-06:00", **desk.tell_nobody_but("json://hooks.example/"))
    desk.take(teahouse, {"1": COFFEE, "2": TEA})
    desk.notice()
    with open_web_service() as (port, bodies), open_socks_port(port) as socks:
        assert (desk.tell_through(socks.port), bodies) == (0, [])
        desk.clock.time += dt.timedelta(hours=6)
        assert desk.tell_through(socks.port) == 1


def test_whoever_is_named_later_hears_of_nothing_old(desk, teahouse):
    desk.take(teahouse, {"1": COFFEE, "2": TEA})
    desk.notice()
    desk.configure(rules=[DUTCH], **desk.tell_nobody_but("json://hooks.example/"))
    assert desk.tell_through(1) == 0
    assert list_alerts(desk.store, waiting=True) == []


def test_what_waits_for_somebody_no_longer_named_is_dropped(desk, teahouse):
    desk.configure(rules=[DUTCH], **desk.tell_nobody_but("json://hooks.example/"))
    desk.take(teahouse, {"1": COFFEE, "2": TEA})
    desk.notice()
    desk.configure(rules=[DUTCH])
    desk.tell_through(1)
    assert list_alerts(desk.store, waiting=True) == []


def test_the_credential_of_systemd_names_whom_to_tell(desk, open_socks_port, open_web_service):
    (desk.folder / "torwatch.alerts").write_text("json://hooks.example/\n")
    with (
        open_web_service() as (port, bodies),
        open_socks_port(port) as socks,
        offline_tools(desk.config, desk.store, now=desk.clock) as tools,
    ):
        environ = {"CREDENTIALS_DIRECTORY": str(desk.folder), "PATH": "/usr/bin"}
        answers = send_test(dataclasses.replace(tools, tor=StandInTor(socks.port)), desk.config, environ)
    assert list(answers.values()) == [""]
    assert json.loads(bodies[0])["title"] == "torwatch: test"


def test_no_address_of_a_destination_is_in_the_database(desk, teahouse):
    desk.configure(rules=[DUTCH], **desk.tell_nobody_but(f"json://user:{planted.ALERT_PASSWORD}@127.0.0.1:1/"))
    desk.take(teahouse, {"1": COFFEE, "2": TEA})
    desk.notice()
    desk.tell_through(1)
    desk.store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert planted.found_in(desk.folder) == []
