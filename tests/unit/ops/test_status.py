"""Status: what is not as it should be is told with what to do."""

from __future__ import annotations

import datetime as dt

import pytest

from torwatch.ops.status import Pulse, SessionStatus, TargetStatus, judge_status, read_pulse, write_pulse

NOW = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
PLENTY = 10**11


def pulse(*, age=dt.timedelta(), tor="ready"):
    return Pulse((NOW - age).isoformat(), 1, tor, "" if tor == "ready" else "it did not start", ("bazaar",))


def target(**changes):
    values = {
        "market": "bazaar",
        "state": "active",
        "last_snapshot": 7,
        "last_state": "complete",
        "last_reason": "",
        "last_started_at": NOW.isoformat(),
        "next_due_at": (NOW + dt.timedelta(days=7)).isoformat(),
        "listings": 98,
        "coverage": 0.98,
    }
    return TargetStatus(**{**values, **changes})


def judged(**changes):
    values = {
        "locked": True,
        "pulse": pulse(),
        "targets": (target(),),
        "holds": 0,
        "sessions": (),
        "forgetting": False,
        "disk_free_bytes": PLENTY,
        "database_bytes": 1,
    }
    return judge_status(now=NOW, **{**values, **changes})


def test_all_is_well_when_everything_is():
    found = judged()
    assert (found.state, found.problems, found.daemon) == ("ok", (), "running")


@pytest.mark.parametrize(
    ("changes", "state", "words"),
    [
        ({"locked": False}, "critical", "does not run"),
        ({"pulse": pulse(age=dt.timedelta(minutes=5))}, "critical", "no sign of life"),
        ({"pulse": None}, "critical", "no sign of life"),
        ({"pulse": pulse(tor="starting", age=dt.timedelta(minutes=9))}, "warning", "not in the network yet"),
        ({"pulse": pulse(tor="starting", age=dt.timedelta(minutes=11))}, "critical", "no sign of life"),
        ({"pulse": pulse(tor="down")}, "critical", "it did not start"),
        ({"disk_free_bytes": 10**9}, "warning", "1000 MB"),
        ({"disk_free_bytes": 10**8}, "critical", "100 MB"),
        ({"holds": 2}, "warning", "2 held snapshots"),
        ({"forgetting": True}, "warning", "a request to forget"),
        ({"targets": (target(last_state="failed", last_reason="onion_not_found"),)}, "warning", "onion_not_found"),
        ({"targets": (target(next_due_at=(NOW - dt.timedelta(days=3)).isoformat()),)}, "warning", "due for 3 days"),
        ({"sessions": (SessionStatus("bazaar", "lost", None),)}, "warning", "is lost"),
        ({"sessions": (SessionStatus("bazaar", "good", (NOW + dt.timedelta(hours=20)).isoformat()),)}, "warning", "ends at"),
    ],
)
def test_what_needs_a_person_is_told_with_a_remedy(changes, state, words):
    found = judged(**changes)
    assert found.state == state
    assert len(found.problems) == 1
    assert words in found.problems[0].what
    assert found.problems[0].remedy


def test_a_paused_target_raises_nothing():
    assert judged(targets=(target(state="paused", last_state="failed", next_due_at=None),)).state == "ok"


def test_a_pulse_is_read_as_it_was_written(tmp_path):
    write_pulse(tmp_path / "pulse.json", pulse())
    assert read_pulse(tmp_path / "pulse.json") == pulse()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"at": 1}'])
def test_a_broken_pulse_is_no_pulse(tmp_path, text):
    (tmp_path / "pulse.json").write_text(text, encoding="utf-8")
    assert read_pulse(tmp_path / "pulse.json") is None
