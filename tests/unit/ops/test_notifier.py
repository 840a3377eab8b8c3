"""Alerts leave through the SOCKS port or not at all, in words that are harmless, and never harm whoever sends them."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
from types import SimpleNamespace

import planted
import pytest

from torwatch.errors import ConfigError
from torwatch.normalise.text import visible
from torwatch.ops.notifier import Destination, Socks, compose, is_due, read_destinations, send

NOW = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)


def a_destination(url):
    return Destination("abc", url)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_a_message_goes_through_the_socks_port_and_its_name_is_left_to_tor(open_socks_port, open_web_service):
    with open_web_service() as (port, bodies), open_socks_port(port) as socks:
        url = "json://user:pass@hooks.example:8080/alerts"
        assert send([a_destination(url)], "one", "two", Socks("127.0.0.1", socks.port, "alerts", "x"), os.environ) == {"abc": ""}
    assert socks.asked == [("alerts", "hooks.example", 8080)]
    assert json.loads(bodies[0])["title"] == "one"
    assert json.loads(bodies[0])["message"] == "two"


@pytest.mark.parametrize("kind", ["json", "mailto", "mailtos", "xmls"])
def test_nothing_is_sent_when_the_socks_port_is_shut(open_web_service, kind):
    with open_web_service() as (port, bodies):
        answer = send(
            [a_destination(f"{kind}://user:{planted.ALERT_PASSWORD}@127.0.0.1:{port}/")],
            "one",
            "two",
            Socks("127.0.0.1", free_port(), "a", "b"),
            os.environ,
        )
    assert answer["abc"]
    assert planted.MARK not in answer["abc"]
    assert bodies == []


def test_a_service_that_refuses_is_an_error_and_no_exception(open_socks_port, open_web_service):
    with open_web_service(status=500) as (port, _), open_socks_port(port) as socks:
        answer = send([a_destination("json://hooks.example/")], "one", "two", Socks("127.0.0.1", socks.port, "a", "b"), os.environ)
    assert answer["abc"].startswith("not sent")


def test_an_address_that_no_service_has_is_an_error():
    answer = send([a_destination("carrier-pigeon://home")], "one", "two", Socks("127.0.0.1", 1, "a", "b"), os.environ)
    assert answer == {"abc": "the message library does not know this kind of address"}


def test_a_proxy_of_the_environment_is_not_asked(open_socks_port, open_web_service, monkeypatch):
    with open_web_service() as (port, bodies), open_socks_port(port) as socks:
        environ = os.environ | {"HTTP_PROXY": f"http://127.0.0.1:{free_port()}", "ALL_PROXY": f"http://127.0.0.1:{free_port()}"}
        assert send([a_destination("json://hooks.example/")], "one", "two", Socks("127.0.0.1", socks.port, "a", "b"), environ) == {
            "abc": ""
        }
    assert len(bodies) == 1


def test_a_hostile_title_is_shown_harmlessly_and_a_cut_is_said():
    title, body = compose([SimpleNamespace(title="\x1b[31mtea\u202e", body="x" * 1000)], reveal=True, show=visible)
    assert title == r"torwatch: \x1b[31mtea\u202e"
    assert body.endswith("… (cut)")


def test_many_alerts_are_one_message_that_says_how_many_it_leaves_out():
    title, body = compose([SimpleNamespace(title=f"alert {n}", body="") for n in range(100)], reveal=True, show=visible)
    assert title == "torwatch: 100 alerts"
    assert body.endswith("… and 60 lines more: torwatch alert list")


def test_a_message_that_reveals_nothing_holds_no_word_of_an_alert():
    assert compose([SimpleNamespace(title="teahouse", body="x")], reveal=False, show=visible) == (
        "torwatch: 1 alert",
        "See `torwatch alert list`.",
    )


def test_a_failure_is_tried_again_with_growing_pauses():
    def due(minutes, attempts):
        return is_due(NOW + dt.timedelta(minutes=minutes), attempts=attempts, tried_at=NOW.isoformat())

    assert due(0, 0)
    assert [due(9, 1), due(10, 1), due(19, 2), due(20, 2), due(359, 12), due(360, 12)] == [False, True, False, True, False, True]


def test_addresses_are_read_once_each_and_known_by_what_tells_nothing(tmp_path):
    file = tmp_path / "destinations"
    file.write_text("# mine\n\njson://u:p@one.example\njson://u:p@one.example\nntfy://two\n")
    file.chmod(0o600)
    first, second = read_destinations(file)
    assert (first.url, second.url) == ("json://u:p@one.example", "ntfy://two")
    assert len({first.name, second.name}) == 2
    assert "one" not in first.name


def test_a_file_of_addresses_that_others_can_read_is_refused(tmp_path):
    file = tmp_path / "destinations"
    file.write_text("json://u:p@one.example\n")
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_destinations(file)
    assert read_destinations(file, credential=True)
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_destinations(tmp_path / "absent")
