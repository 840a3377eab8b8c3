"""One request: what it met is an outcome with its reason, and it leaves through the SOCKS port or not at all."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import http.client
import socket
import socketserver
import struct
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
import requests
import socks
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from torwatch.crawl.fetch import Fetcher, Limits, Route, chain, classify, judge_status, socks_code
from torwatch.model import Outcome

ONION = "a" * 55 + "d.onion"
NOW = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)


def explain(code):
    return (Outcome.ONION_NOT_FOUND, "no descriptor") if code == 0xF0 else (Outcome.ONION_UNKNOWN, f"SOCKS 0x{code:02x}")


def as_requests_wraps_it(error):
    """The exception that requests raises when PySocks failed below urllib3, built from the real classes."""
    pool = urllib3.HTTPConnectionPool(ONION)
    try:
        try:
            raise error
        except OSError as inner:
            connection = urllib3.connection.HTTPConnection(ONION)
            raise urllib3.exceptions.NewConnectionError(connection, f"Failed to establish a new connection: {inner}") from inner
    except urllib3.exceptions.HTTPError as reason:
        return requests.ConnectionError(urllib3.exceptions.MaxRetryError(pool, "/", reason))


def test_a_socks_code_is_found_under_all_the_wrapping():
    error = as_requests_wraps_it(socks.SOCKS5Error("0xf0: Unknown error"))
    assert socks_code(error) == 0xF0
    assert classify(error, explain) == (Outcome.ONION_NOT_FOUND, "no descriptor")


def test_a_socks_code_that_pysocks_hides_in_socket_err_is_found():
    hidden = socks.GeneralProxyError("Socket error", socks.SOCKS5Error("0xf0: Unknown error"))
    assert socks_code(as_requests_wraps_it(hidden)) == 0xF0


def test_a_code_in_the_text_of_a_page_is_not_believed():
    assert socks_code(requests.ConnectionError("0xf0: Unknown error")) is None


def test_a_socks_error_without_a_code_is_no_code():
    assert socks_code(socks.SOCKS5Error("All offered SOCKS5 authentication methods were rejected")) is None


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (as_requests_wraps_it(socks.ProxyConnectionError("Error connecting to SOCKS5 proxy", ConnectionRefusedError())), Outcome.TOR_DOWN),
        (
            requests.ConnectTimeout(
                urllib3.exceptions.MaxRetryError(
                    urllib3.HTTPConnectionPool(ONION), "/", urllib3.exceptions.ConnectTimeoutError(None, "timed out")
                )
            ),
            Outcome.TIMEOUT_CONNECT,
        ),
        (requests.ReadTimeout("read timed out"), Outcome.STALLED),
        (urllib3.exceptions.ReadTimeoutError(urllib3.HTTPConnectionPool(ONION), "/", "read timed out"), Outcome.STALLED),
        (TimeoutError("timed out"), Outcome.STALLED),
        (urllib3.exceptions.DecodeError("not gzip"), Outcome.NOT_TEXT),
        (requests.exceptions.InvalidURL("no host"), Outcome.ONION_BAD_ADDRESS),
        (urllib3.exceptions.ProtocolError("Connection broken", ConnectionResetError(104, "reset")), Outcome.RESET),
        (urllib3.exceptions.IncompleteRead(10, 20), Outcome.RESET),
        (http.client.RemoteDisconnected("closed"), Outcome.RESET),
        (ValueError("invalid chunk"), Outcome.RESET),
    ],
)
def test_every_fault_of_the_libraries_has_its_outcome_and_one_line(error, outcome):
    found, reason = classify(error, explain)
    assert found is outcome
    assert reason
    assert "\n" not in reason


def test_a_chain_of_exceptions_that_bites_its_tail_ends():
    first, second = OSError("one"), OSError("two")
    first.__cause__, second.__cause__ = second, first
    assert list(chain(first)) == [first, second]


@given(st.integers(100, 999))
def test_every_status_is_ok_gone_or_an_http_error(status):
    outcome, reason = judge_status(status)
    expected = Outcome.GONE if status in {404, 410} else Outcome.HTTP_ERROR if status >= 400 else Outcome.OK
    assert outcome is expected
    assert (reason == "") == (outcome is Outcome.OK)


class SocksHandler(socketserver.StreamRequestHandler):
    """A SOCKS5 port that notes what was asked for and answers with the page of the test (or a reply code)."""

    def handle(self):
        _, methods = self.rfile.read(2)
        self.rfile.read(methods)
        self.wfile.write(b"\x05\x02")
        _, length = self.rfile.read(2)
        user = self.rfile.read(length)
        password = self.rfile.read(self.rfile.read(1)[0])
        self.wfile.write(b"\x01\x00")
        _, _, _, kind = self.rfile.read(4)
        host = self.rfile.read(self.rfile.read(1)[0]) if kind == 3 else socket.inet_ntoa(self.rfile.read(4)).encode()
        (port,) = struct.unpack(">H", self.rfile.read(2))
        self.server.asked.append((kind, host.decode(), port, user.decode(), password.decode()))
        self.wfile.write(bytes([5, self.server.reply, 0, 1, 0, 0, 0, 0, 0, 0]))
        if self.server.reply:
            return
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            byte = self.rfile.read(1)
            if not byte:
                return
            request += byte
        self.server.requests.append(request.decode())
        path = request.split()[1].decode()
        self.wfile.write(self.server.pages.get(path, self.server.pages["/"]))


class SocksServer(socketserver.ThreadingTCPServer):
    """Holds the pages, and what was asked."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), SocksHandler)
        self.asked, self.requests, self.pages, self.reply = [], [], {"/": page("Tea")}, 0


def page(body, status="200 OK", *headers):
    data = body if isinstance(body, bytes) else body.encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(data)}", "Content-Type: text/html", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + data


@pytest.fixture
def tor(serving):
    with serving(SocksServer()) as server:
        yield server


@contextmanager
def a_fetcher(port, pause=lambda: True, **limits):
    route = Route(f"http://{ONION}", "127.0.0.1", port, "target-1", "secret")
    with Fetcher(
        route, Limits(**limits), headers={"User-Agent": "Tea"}, explain=explain, connections=1, now=lambda: NOW, pause=pause
    ) as fetcher:
        yield fetcher


@pytest.fixture
def fetch(tor):
    with a_fetcher(tor.server_address[1]) as fetcher:
        yield fetcher.fetch


def test_the_name_is_resolved_by_tor_under_the_identity_of_the_target(tor, fetch):
    assert fetch("/").outcome is Outcome.OK
    assert tor.asked == [(3, ONION, 80, "target-1", "secret")]


def test_the_proxies_of_the_environment_are_ignored(tor, fetch, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "*")
    assert fetch("/").outcome is Outcome.OK
    assert len(tor.asked) == 1


def test_a_page_comes_with_its_digest_and_without_cookies(tor, fetch):
    tor.pages["/"] = page("Tea", "200 OK", "Set-Cookie: session=1", "Server: nginx")
    fetched = fetch("/")
    assert (fetched.body, fetched.status, fetched.fetched_at) == (b"Tea", 200, NOW)
    assert fetched.digest == hashlib.sha256(b"Tea").hexdigest()
    assert {name for name, _ in fetched.headers} == {"Content-Length", "Content-Type", "Connection", "Server"}


def test_a_redirect_on_the_onion_is_followed(tor, fetch):
    tor.pages["/old"] = page("", "302 Found", "Location: /new")
    tor.pages["/new"] = page("Cheese")
    fetched = fetch("/old")
    assert (fetched.body, fetched.url) == (b"Cheese", f"http://{ONION}/new")


@pytest.mark.parametrize(
    "place", ["http://example.com/", "//example.com/", f"http://{'b' * 55}d.onion/", "ftp://example.com/", "http://127.0.0.1/"]
)
def test_a_redirect_off_the_onion_is_refused(tor, fetch, place):
    tor.pages["/old"] = page("", "302 Found", f"Location: {place}")
    fetched = fetch("/old")
    assert fetched.outcome is Outcome.OFF_ONION_REDIRECT
    assert [host for _, host, *_ in tor.asked] == [ONION]


@pytest.mark.parametrize("path", ["http://example.com/", "//example.com/x", "https://127.0.0.1/"])
def test_a_link_off_the_onion_is_not_fetched(tor, fetch, path):
    assert fetch(path).outcome is Outcome.OFF_ONION_REDIRECT
    assert tor.asked == []


def test_redirects_without_end_are_given_up(tor, fetch):
    tor.pages["/round"] = page("", "302 Found", "Location: /round")
    assert fetch("/round").reason == "more than 5 redirects"
    assert len(tor.requests) == 6


def test_every_redirect_waits_for_its_turn_like_any_request(tor):
    tor.pages["/round"] = page("", "302 Found", "Location: /round")
    requests_at_each_pause = []

    def pause():
        requests_at_each_pause.append(len(tor.requests))
        return True

    with a_fetcher(tor.server_address[1], pause) as fetcher:
        fetcher.fetch("/round")
    assert requests_at_each_pause == [1, 2, 3, 4, 5]
    assert len(tor.requests) == 6


def test_the_wait_for_the_turn_of_a_redirect_is_none_of_the_pages_time(tor):
    tor.pages["/old"] = page("", "302 Found", "Location: /new")
    with a_fetcher(tor.server_address[1], lambda: time.sleep(0.7) is None, page_seconds=0.5) as fetcher:
        fetched = fetcher.fetch("/old")
    assert (fetched.outcome, fetched.body) == (Outcome.OK, b"Tea")
    assert fetched.elapsed_ms < 500


def test_what_comes_in_an_encoding_that_nobody_asked_for_is_no_page_of_the_market(tor, fetch):
    for coding, outcome in {"GZIP": Outcome.OK, "br": Outcome.NOT_TEXT, "gzip, zstd": Outcome.NOT_TEXT}.items():
        tor.pages["/"] = page(gzip.compress(b"Tea"), "200 OK", f"Content-Encoding: {coding}")
        assert (fetch("/").outcome, fetch("/").body) == (outcome, b"Tea" if outcome is Outcome.OK else b"")


def test_a_redirect_is_not_followed_once_the_walk_is_over(tor):
    tor.pages["/round"] = page("", "302 Found", "Location: /round")
    with a_fetcher(tor.server_address[1], lambda: False) as fetcher:
        assert fetcher.fetch("/round").outcome is Outcome.RESET
    assert len(tor.requests) == 1


def test_a_page_that_is_too_large_is_not_read_to_its_end(tor):
    tor.pages["/"] = page(b"x" * 300_000)
    with a_fetcher(tor.server_address[1], page_bytes=100_000) as fetcher:
        fetched = fetcher.fetch("/")
    assert (fetched.outcome, fetched.body) == (Outcome.TOO_LARGE, b"")


def test_what_is_no_text_is_not_read(tor, fetch):
    tor.pages["/"] = page(b"\x89PNG").replace(b"text/html", b"image/png")
    assert fetch("/").outcome is Outcome.NOT_TEXT


def test_a_page_that_breaks_off_is_a_reset_with_what_came(tor, fetch):
    tor.pages["/"] = page("Tea").replace(b"Content-Length: 3", b"Content-Length: 30")
    fetched = fetch("/")
    assert fetched.outcome is Outcome.RESET
    assert fetched.reason.endswith("after 3 bytes")


def test_gone_and_broken_pages_keep_their_body(tor, fetch):
    tor.pages["/gone"] = page("Removed", "404 Not Found")
    tor.pages["/broken"] = page("Queue", "503 Service Unavailable")
    assert (fetch("/gone").outcome, fetch("/gone").body) == (Outcome.GONE, b"Removed")
    assert (fetch("/broken").outcome, fetch("/broken").body) == (Outcome.HTTP_ERROR, b"Queue")


def test_the_reason_why_an_onion_did_not_answer_comes_from_tor(tor, fetch):
    tor.reply = 0xF0
    assert (fetch("/").outcome, fetch("/").reason) == (Outcome.ONION_NOT_FOUND, "no descriptor")


def test_a_socks_port_that_is_shut_is_tors_fault_and_nothing_leaves():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with a_fetcher(taken.getsockname()[1]) as fetcher:
            assert fetcher.fetch("/").outcome is Outcome.TOR_DOWN


def test_the_route_can_move_to_another_port(tor):
    with a_fetcher(1) as fetcher:
        fetcher.take(replace(fetcher.route, socks_port=tor.server_address[1]))
        assert fetcher.fetch("/").outcome is Outcome.OK


def test_a_password_does_not_show_in_a_route():
    assert "secret" not in repr(Route(f"http://{ONION}", "127.0.0.1", 9050, "target-1", "secret"))
