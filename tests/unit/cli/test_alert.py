"""`torwatch alert` and `torwatch metrics` on a real database."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from torwatch.cli import main
from torwatch.store.alerts import Alert, add_alerts, note_delivery
from torwatch.store.database import open_store

NOW = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("TORWATCH_CONFIG", raising=False)
    with open_store(tmp_path / "torwatch.db") as opened:
        yield opened


def exit_of(*arguments):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return left.value.code


def test_no_alert_says_where_rules_stand(store, capsys):
    assert exit_of("alert", "list") == 0
    assert "under [alerts]" in capsys.readouterr().out


def test_the_list_shows_what_became_of_each_alert(store, capsys):
    add_alerts(store, [Alert("a", "health", "disk", "disk", "little disk")], [], now=NOW)
    add_alerts(store, [Alert("b", "health", "down", "souk", "souk \x1b[31mdown")], ["one", "two"], now=NOW)
    note_delivery(store, "one", [2], "", now=NOW)
    note_delivery(store, "two", [2], "not sent", now=NOW)
    assert exit_of("alert", "list") == 0
    said = capsys.readouterr().out
    assert "kept only" in said
    assert "waiting: not sent" in said
    assert "\x1b[31m" not in said
    assert exit_of("alert", "list", "--json", "--waiting") == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["rule"], found["waiting"], found["sent"], found["title"]) == ("down", 1, 1, "souk \x1b[31mdown")


def test_the_metrics_can_be_looked_at(store, capsys):
    assert exit_of("metrics", "show") == 0
    assert "torwatch_holds 0.0" in capsys.readouterr().out
    assert exit_of("metrics", "rules") == 0
    assert "alert: TorwatchSilent" in capsys.readouterr().out
