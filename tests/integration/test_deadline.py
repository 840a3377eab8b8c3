"""No answer, however it is dripped or redirected, holds a fetch longer than its page's deadline."""

from __future__ import annotations

import datetime as dt
import socketserver
import threading
import time
from contextlib import contextmanager

import pytest

from torwatch.crawl.fetch import Fetcher, Limits, Route
from torwatch.model import Outcome

ONION = "mockmarketabcdefghijklmnopqrstuvwxyz234567abcdefghijklmd.onion"


@contextmanager
def answering(answer, relay):
    """Serve raw answers behind the relay; gives a fetcher."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(65536)
            try:
                answer(self.request)
            except OSError:
                return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server, relay(server.server_address[1]) as way:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        limits = Limits(connect_seconds=2, read_seconds=1, page_seconds=1.5)
        route = Route(f"http://{ONION}", *way.server_address, "user", "password")
        try:
            with Fetcher(
                route,
                limits,
                headers={},
                explain=lambda code: (Outcome.RESET, str(code)),
                connections=1,
                now=lambda: dt.datetime.now(dt.UTC),
            ) as fetcher:
                yield fetcher
        finally:
            server.shutdown()
            thread.join()


def drip_headers(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(100):
        connection.sendall(b"X")
        time.sleep(0.2)


def drip_body(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b"X")
        time.sleep(0.2)


def redirect_slowly(connection):
    time.sleep(0.6)
    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize("answer", [drip_headers, drip_body, redirect_slowly])
def test_a_page_is_given_up_at_its_deadline(answer, relay):
    with answering(answer, relay) as fetcher:
        started = time.monotonic()
        fetched = fetcher.fetch("/")
    assert fetched.outcome is Outcome.TIMEOUT_TOTAL
    assert time.monotonic() - started < 4


@pytest.mark.parametrize(
    "location", [b"http://[", b"http://" + ONION.encode() + b":99999/", b"http://elsewhere.invalid/", b"ftp://" + ONION.encode()]
)
def test_a_redirect_that_is_no_address_or_leads_away_is_refused(location, relay):
    def redirect(connection):
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with answering(redirect, relay) as fetcher:
        assert fetcher.fetch("/").outcome is Outcome.OFF_ONION_REDIRECT


def test_cookies_are_kept_for_the_session_and_told_to_nobody(relay):
    def greet(connection):
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nSet-Cookie: way=in; Path=/\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhigh"
        )

    with answering(greet, relay) as fetcher:
        seen = [fetcher.fetch("/") for _ in range(2)]
    assert [one.body for one in seen] == [b"high", b"high"]
    for one in seen:
        assert "way" not in repr(one.headers) + repr(one.request_headers)
