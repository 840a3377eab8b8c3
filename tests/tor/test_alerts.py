"""Alerts over real tor: they reach a web hook behind an onion, and without tor they reach nobody."""

from __future__ import annotations

import http.server
import json
import os

import pytest

from torwatch.ops.notifier import Destination, Socks, send

TITLE, BODY = "torwatch: market01 does not answer", "- since yesterday"


class Hook(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted to it."""

    def do_POST(self):
        self.server.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments):
        """Say nothing."""


@pytest.fixture
def hook(serving):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.posted = []
    with serving(server):
        yield server


def test_an_alert_reaches_a_web_hook_behind_an_onion(network, tor, hook):
    onion = network.add_onion(target_port=hook.server_port)
    socks = Socks(*tor.socks_address, *tor.credentials("alerts"))
    assert send([Destination("hook", f"json://{onion.address}/told")], TITLE, BODY, socks, os.environ) == {"hook": ""}
    assert [(one["title"], one["message"]) for one in hook.posted] == [(TITLE, BODY)]
    network.remove_onion(onion.address)


def test_a_service_on_this_machine_is_not_reached_past_tor(tor, hook):
    socks = Socks(*tor.socks_address, *tor.credentials("alerts"))
    said = send([Destination("near", f"json://127.0.0.1:{hook.server_port}/")], TITLE, BODY, socks, os.environ)
    assert said["near"].startswith("not sent")
    assert hook.posted == []


def test_without_tor_nobody_is_told_and_the_caller_learns_why(network, hook, unused_socks_port):
    onion = network.add_onion(target_port=hook.server_port)
    destinations = [Destination("onion", f"json://{onion.address}/"), Destination("near", f"json://127.0.0.1:{hook.server_port}/")]
    said = send(destinations, TITLE, BODY, Socks("127.0.0.1", unused_socks_port, "alerts", "x"), os.environ)
    assert set(said) == {"onion", "near"}
    assert all(error.startswith("not sent") for error in said.values())
    assert onion.address not in " ".join(said.values())
    assert hook.posted == []
    network.remove_onion(onion.address)


@pytest.fixture
def unused_socks_port():
    """A port of this machine on which nobody listens, as of a tor that is down."""
    with http.server.HTTPServer(("127.0.0.1", 0), Hook) as server:
        return server.server_port
