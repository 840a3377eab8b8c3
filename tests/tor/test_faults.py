"""What a page can meet over Tor, provoked for real and fetched as a walk fetches it: the table of docs/operations.md is made here."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import os
import signal
import socket
import socketserver
import threading
import time
from functools import partial

import pytest

from torwatch.crawl.fetch import Fetcher, Limits, Route
from torwatch.demo.control import ControlConnection
from torwatch.demo.onion import offer
from torwatch.model import Outcome
from torwatch.tor.address import onion_host
from torwatch.tor.reasons import explain
from torwatch.tor.service import open_tor
from torwatch.tor.settings import TorSettings, cookie_file

NEVER_PUBLISHED = onion_host(bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))  # RFC 8032, test 1
# Throw-away x25519 keys: the public one of a client that is known, and the private one of a client that is not.
KNOWN_PUBLIC = "2022df95d85b396de6030a52a83385c03e40611a5b3730ae23018a7199891802"
OTHER_PRIVATE = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
LIMITS = Limits(connect_seconds=30, read_seconds=2, page_seconds=5, page_bytes=100_000)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\n"
WEB = {  # path → (what was done, answer, outcome)
    "/closed": ("the web server closes without an answer", b"", Outcome.RESET),
    "/garbage": ("the web server answers with what is no HTTP", b"\x00\xff\x13 garbage \x07\r\n\r\n", Outcome.RESET),
    "/half": ("the web server closes in the middle of a page", HEAD + b"<html>", Outcome.RESET),
    "/image": ("an image comes", b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 3\r\n\r\nPNG", Outcome.NOT_TEXT),
    "/large": (
        "a page larger than the limit comes",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + b"x" * 200_000,
        Outcome.TOO_LARGE,
    ),
    "/away": ("a redirect leads off the onion", b"HTTP/1.1 302 Found\r\nLocation: http://example.com/\r\nContent-Length: 0\r\n\r\n", Outcome.OFF_ONION_REDIRECT),
    "/round": ("redirects go round in a circle", b"HTTP/1.1 302 Found\r\nLocation: /round\r\nContent-Length: 0\r\n\r\n", Outcome.HTTP_ERROR),
    "/gone": ("HTTP 404 comes", b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n", Outcome.GONE),
    "/broken": ("HTTP 502 comes", b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n", Outcome.HTTP_ERROR),
    "/stall": ("the page stops in the middle", HEAD + b"<html>", Outcome.STALLED),
    "/drip": ("the page drips, one byte at a time", HEAD, Outcome.TIMEOUT_TOTAL),
}  # fmt: skip
OVER = threading.Event()


class Misbehaving(socketserver.BaseRequestHandler):
    """Answers as WEB says; /stall holds the connection, /drip goes on for ever."""

    def handle(self):
        path = self.request.recv(65536).split(b" ")[1].decode()
        with contextlib.suppress(OSError):
            self.request.sendall(
                WEB[path][1] if path in WEB else b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok"
            )
            if path == "/stall":
                OVER.wait(15)
            while path == "/drip" and not OVER.wait(0.3):
                self.request.sendall(b"x")


@pytest.fixture(scope="module")
def web_port(serving):
    OVER.clear()
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Misbehaving)
    server.daemon_threads = True
    with serving(server):
        yield server.server_address[1]
        OVER.set()


@pytest.fixture(scope="module")
def web_onion(network, web_port):
    return network.add_onion(target_port=web_port).address


def fetch(service, host, path="/", *, port=80, identity="test"):
    """Fetch as a walk does."""
    user, password = service.credentials(identity)
    route = Route(f"http://{host}:{port}", *service.socks_address, user, password)
    judge = partial(explain, extended_errors=True)
    with Fetcher(route, LIMITS, headers={}, explain=judge, connections=1, now=lambda: dt.datetime.now(dt.UTC)) as fetcher:
        return fetcher.fetch(path)


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("path", WEB)
def test_what_a_web_server_does_wrong_lands_in_its_outcome(tor, web_onion, provoked, path):
    done, _, outcome = WEB[path]
    fetched = fetch(tor, web_onion, path)
    assert fetched.outcome is outcome, fetched.reason
    provoked(done, fetched.outcome, fetched.reason)


def test_an_onion_without_a_descriptor_is_not_found(tor, provoked):
    fetched = fetch(tor, NEVER_PUBLISHED)
    assert fetched.outcome is Outcome.ONION_NOT_FOUND
    provoked("the onion has no descriptor", fetched.outcome, fetched.reason)


def test_a_bad_address_is_called_bad(tor, provoked):
    fetched = fetch(tor, f"{'a' * 55}d.onion")
    assert fetched.outcome is Outcome.ONION_BAD_ADDRESS
    provoked("the address has a wrong checksum", fetched.outcome, fetched.reason)


def test_an_onion_for_known_clients_tells_a_missing_key_from_a_wrong_one(network, tor, web_port, provoked):
    onion = network.add_onion(target_port=web_port, client_auth_public=base64.b32encode(bytes.fromhex(KNOWN_PUBLIC)).decode().rstrip("="))
    fetched = fetch(tor, onion.address)
    assert fetched.outcome is Outcome.ONION_NEEDS_KEY
    provoked("the onion wants a client key and none is set", fetched.outcome, fetched.reason)
    tor.use_client_keys({onion.address: base64.b64encode(bytes.fromhex(OTHER_PRIVATE)).decode()})
    fetched = fetch(tor, onion.address)
    assert fetched.outcome is Outcome.ONION_BAD_KEY
    provoked("the onion wants another client key", fetched.outcome, fetched.reason)


def test_a_dead_web_server_behind_a_living_onion_and_a_port_not_offered_are_told(network, tor, web_onion, provoked):
    fetched = fetch(tor, network.add_onion(target_port=closed_port()).address)
    assert fetched.outcome is Outcome.ONION_REFUSED
    provoked("the web server behind the onion is not running", fetched.outcome, fetched.reason)
    fetched = fetch(tor, web_onion, port=8081)
    assert fetched.outcome is Outcome.ONION_REFUSED
    provoked("the onion does not offer the port", fetched.outcome, fetched.reason)


def test_a_hung_onion_and_a_dead_one_are_told(network, tor, web_port, directory, provoked):
    settings = TorSettings(data_directory=directory / "service", extra_options=network.torrc_options, bootstrap_timeout_seconds=60)
    with open_tor(settings) as service:
        socket_path = next((directory / "service").glob("control-*.sock"))
        with ControlConnection("service", socket_path, cookie_file(directory / "service"), timeout_seconds=30) as control:
            address = offer(
                control, target_port=web_port, virtual_port=80, private_key=None, client_auth_public=None, timeout_seconds=60
            ).address
            assert fetch(tor, address).outcome is Outcome.OK
            os.kill(service.process_id, signal.SIGSTOP)
            fetched = fetch(tor, address, identity="while it hangs")
            assert fetched.outcome is Outcome.TIMEOUT_CONNECT
            provoked("the tor behind the onion hangs (SIGSTOP)", fetched.outcome, fetched.reason)
            os.kill(service.process_id, signal.SIGKILL)
            give_up = time.monotonic() + 120  # the introduction points need a while to notice: until then it looks as if it hung
            while (
                fetched := fetch(tor, address, identity=f"after its death {give_up - time.monotonic()}")
            ).outcome is not Outcome.ONION_UNREACHABLE:
                assert fetched.outcome in {Outcome.TIMEOUT_CONNECT, Outcome.ONION_REFUSED}
                assert time.monotonic() < give_up
            provoked("the tor behind the onion was killed", fetched.outcome, fetched.reason)


def test_our_own_tor_that_is_down_or_dies_is_never_the_markets_fault(network, directory, web_onion, provoked):
    settings = TorSettings(data_directory=directory / "mortal", extra_options=network.torrc_options, bootstrap_timeout_seconds=60)
    with open_tor(settings) as mortal:
        assert fetch(mortal, web_onion).outcome is Outcome.OK
        os.kill(mortal.process_id, signal.SIGKILL)
        give_up = time.monotonic() + 10
        while (fetched := fetch(mortal, web_onion)).outcome is not Outcome.TOR_DOWN:
            assert time.monotonic() < give_up, fetched
        provoked("our own tor was killed", fetched.outcome, fetched.reason)
        mortal.ensure()
        assert fetch(mortal, web_onion).outcome is Outcome.OK
