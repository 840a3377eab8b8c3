"""The market's server and every fault, as a real HTTP client meets them."""

import datetime as dt
import functools
import gzip
import http.client
import socket
import threading
import time

import pytest

from torwatch.demo.market import ENGINES, EPOCH, Fault, FaultKind, Faults, MarketServer, SimulatedClock
from torwatch.model import Outcome
from torwatch.parsing.parse_page import parse_bytes
from torwatch.parsing.registry import load_parser

BAZAAR = ENGINES["bazaar"]()
WORLD = BAZAAR.world(3, listings=80)
INDEX = BAZAAR.aisle_path(1)


@pytest.fixture
def clock():
    return SimulatedClock(EPOCH)


@pytest.fixture
def server(clock):
    with MarketServer(WORLD, BAZAAR, clock) as running:
        yield running


class Answer:
    """What a client saw of one request."""

    def __init__(self, response, body):
        self.status, self.body = response.status, body
        self.headers = {name.lower(): value for name, value in response.getheaders()}


def get(server, path, timeout=5.0, connection=None):
    own = connection or http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    try:
        own.request("GET", path)
        response = own.getresponse()
        return Answer(response, response.read())
    finally:
        if connection is None:
            own.close()


@functools.cache
def parser_of(name="bazaar"):
    return load_parser(name)


def outcome(body, path=INDEX, name="bazaar", content_type="text/html"):
    return parse_bytes(parser_of(name), body, path=path, content_type=content_type, fetched_at=EPOCH).outcome


def strike(server, kind, **options):
    return server.faults.add(Fault(kind, **options))


def test_pages_come_over_one_kept_connection_and_are_logged(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    for path in ("/", INDEX, "/nowhere"):
        get(server, path, connection=connection)
    connection.close()
    log = server.requests
    assert [(entry.method, entry.target, entry.status) for entry in log] == [
        ("GET", "/", 200),
        ("GET", INDEX, 200),
        ("GET", "/nowhere", 404),
    ]
    assert len({entry.connection for entry in log}) == 1
    assert all(entry.size_bytes > 500 and entry.at == EPOCH for entry in log)
    assert [entry.monotonic for entry in log] == sorted(entry.monotonic for entry in log)


def test_what_is_served_is_what_the_engine_draws(server):
    answer = get(server, INDEX)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    parsed = parse_bytes(parser_of(), answer.body, path=INDEX, fetched_at=EPOCH)
    assert {entry.key for entry in parsed.listings} <= set(WORLD.truth(EPOCH).listings)
    assert parsed.outcome is Outcome.OK


def test_moving_the_clock_moves_the_market(server, clock):
    before = set(server.view().truth.listings)
    clock.advance(dt.timedelta(days=60))
    gone = (before - set(server.view().truth.listings)).pop()
    path = BAZAAR.listing_path(gone)
    assert outcome(get(server, path).body, path) is Outcome.GONE
    clock.set(EPOCH)
    assert outcome(get(server, path).body, path) is Outcome.OK


def test_many_clients_at_once_are_all_served(server):
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.extend(get(server, INDEX).status for _ in range(5))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 80
    assert len(server.requests) == 80


def test_nothing_is_left_when_the_context_ends(clock):
    before = {thread.name for thread in threading.enumerate()}
    with MarketServer(WORLD, BAZAAR, clock, Faults([Fault(FaultKind.STALLED, "/stalled", seconds=60)])) as running:
        idle = http.client.HTTPConnection("127.0.0.1", running.port, timeout=5)
        get(running, "/", connection=idle)
        stalled = socket.create_connection(("127.0.0.1", running.port), timeout=5)
        stalled.sendall(b"GET /stalled HTTP/1.1\r\nHost: x\r\n\r\n")
        stalled.recv(10)
        port = running.port
    assert {thread.name for thread in threading.enumerate()} <= before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    idle.close()
    stalled.close()


def test_pages_can_be_padded(clock):
    with MarketServer(WORLD, BAZAAR, clock, page_bytes=40_000) as running:
        for path in ("/", INDEX):
            body = get(running, path).body
            assert len(body) == 40_000
            assert outcome(body, path) is Outcome.OK


def test_a_still_market_sends_the_same_bytes_until_its_clock_moves(clock):
    with MarketServer(WORLD, BAZAAR, clock, still=True) as running:
        first = get(running, INDEX).body
        assert get(running, INDEX).body == first
        clock.advance(dt.timedelta(hours=12))
        assert get(running, INDEX).body != first


def test_a_market_that_is_not_still_never_sends_the_same_bytes_twice(server):
    assert len({get(server, INDEX).body for _ in range(5)}) == 5


def test_the_log_can_be_a_file(clock, tmp_path):
    with MarketServer(WORLD, BAZAAR, clock, log_path=tmp_path / "log.tsv") as running:
        get(running, "/")
    assert (tmp_path / "log.tsv").read_text(encoding="utf-8").split("\t")[2:5] == ["GET", "/", "200"]


def test_only_reading_is_allowed(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("POST", "/", body="x")
    assert connection.getresponse().status == 405
    connection.close()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("HEAD", "/")
    assert connection.getresponse().read() == b""
    connection.close()


# Faults


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (FaultKind.QUEUE, Outcome.QUEUE),
        (FaultKind.CAPTCHA, Outcome.CAPTCHA),
        (FaultKind.LOGIN, Outcome.LOGIN),
        (FaultKind.MAINTENANCE, Outcome.MAINTENANCE),
        (FaultKind.SEIZED, Outcome.SEIZED),
        (FaultKind.BANNED, Outcome.BANNED),
        (FaultKind.PHISHING_CHECK, Outcome.PHISHING_CHECK),
        (FaultKind.REDESIGN, Outcome.LAYOUT_CHANGED),
        (FaultKind.EMPTY, Outcome.EMPTY),
        (FaultKind.IMAGE, Outcome.NOT_TEXT),
        (FaultKind.HUGE, Outcome.TOO_LARGE),
        (FaultKind.DEEP, Outcome.PARSE_LIMIT),
        (FaultKind.ATTRIBUTES, Outcome.PARSE_LIMIT),
        (FaultKind.REFRESH_OFF, Outcome.QUEUE),
        (FaultKind.RELABEL, Outcome.OK),
        (FaultKind.WRONG_CHARSET, Outcome.OK),
        (FaultKind.ENDLESS, Outcome.OK),
        (FaultKind.LINKS_OFF, Outcome.OK),
    ],
)
@pytest.mark.parametrize("name", sorted(ENGINES))
def test_the_parsers_see_what_a_page_has_become(name, kind, expected, clock):
    engine = ENGINES[name]()
    size = {FaultKind.DEEP: 3_000, FaultKind.ATTRIBUTES: 20_000}.get(kind, 5_000_000)
    faults = Faults([Fault(kind, size_bytes=size)])
    with MarketServer(engine.world(3, listings=80), engine, clock, faults) as running:
        vendor = next(iter(running.view().truth.vendors.values()))
        listing = next(iter(running.view().truth.listings))
        for path in (engine.aisle_path(1), engine.listing_path(listing), engine.vendor_path(vendor), engine.feedback_path(vendor)):
            answer = get(running, path)
            assert outcome(answer.body, path, name, answer.headers["content-type"]) is expected, path


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_a_page_that_lures_is_the_page_with_links_to_other_hosts(name, clock):
    engine = ENGINES[name]()
    with MarketServer(engine.world(3, listings=20), engine, clock, Faults([Fault(FaultKind.LINKS_OFF)])) as running:
        body = get(running, engine.aisle_path(1)).body
    assert b'<head><base href="http://elsewhere.invalid/">' in body
    assert body.count(b"elsewhere.invalid") == 8


@pytest.mark.parametrize(
    ("kind", "status", "header"),
    [
        (FaultKind.NOT_FOUND, 404, ()),
        (FaultKind.SERVER_ERROR, 500, ()),
        (FaultKind.TOO_MANY, 429, ("retry-after", "7")),
        (FaultKind.UNAVAILABLE, 503, ("retry-after", "7")),
        (FaultKind.REDIRECT_OFF, 302, ("location", "http://elsewhere.invalid/")),
        (FaultKind.REDIRECT_LOOP, 302, ("location", INDEX)),
    ],
)
def test_a_fault_of_the_answers_head_is_seen(server, kind, status, header):
    strike(server, kind, seconds=7)
    answer = get(server, INDEX)
    assert answer.status == status
    if header:
        assert answer.headers[header[0]] == header[1]


def test_a_truncated_answer_is_shorter_than_announced(server):
    strike(server, FaultKind.TRUNCATED)
    with pytest.raises(http.client.IncompleteRead):
        get(server, INDEX)


def test_a_reset_connection_gives_no_answer_at_all(server):
    strike(server, FaultKind.RESET)
    with pytest.raises(ConnectionResetError):
        get(server, INDEX)
    assert server.requests[-1].status == 0


def test_a_stalled_answer_begins_and_never_ends(server):
    strike(server, FaultKind.STALLED, seconds=30)
    with pytest.raises(TimeoutError):
        get(server, INDEX, timeout=0.3)


def test_a_slow_answer_is_whole_but_late(server):
    strike(server, FaultKind.SLOW, seconds=0.2)
    started = time.monotonic()
    assert outcome(get(server, INDEX).body) is Outcome.OK
    assert time.monotonic() - started >= 0.2


def test_a_dripping_answer_is_whole_and_never_idle_for_long(server):
    strike(server, FaultKind.DRIP, seconds=0.4)
    started = time.monotonic()
    assert outcome(get(server, INDEX).body) is Outcome.OK
    assert time.monotonic() - started >= 0.4


def test_a_wrong_charset_is_declared_twice_while_the_bytes_stay_utf8(server):
    strike(server, FaultKind.WRONG_CHARSET)
    answer = get(server, INDEX)
    assert answer.headers["content-type"] == "text/html; charset=ISO-8859-1"
    assert b'charset="ISO-8859-1"' in answer.body
    assert "→" in answer.body.decode()
    parsed = parse_bytes(parser_of(), answer.body, path=INDEX, content_type=answer.headers["content-type"], fetched_at=EPOCH)
    assert all(entry.title == WORLD.truth(EPOCH).listings[entry.key].title for entry in parsed.listings)


def test_a_bomb_unpacks_to_far_more_than_was_sent(server):
    strike(server, FaultKind.BOMB, size_bytes=3_000_000)
    answer = get(server, INDEX)
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.body) < 20_000
    assert len(gzip.decompress(answer.body)) > 3_000_000


def test_a_flood_of_headers_is_more_than_a_client_takes(server):
    strike(server, FaultKind.HEADER_FLOOD, size_bytes=500)
    with pytest.raises(http.client.HTTPException, match="100 headers"):
        get(server, INDEX)


def test_an_endless_body_goes_on_until_the_client_leaves(server):
    strike(server, FaultKind.ENDLESS_BODY)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("GET", INDEX)
    response = connection.getresponse()
    assert response.getheader("Content-Length") is None
    assert len(response.read(1_000_000)) == 1_000_000
    response.close()
    connection.close()


def test_endless_paging_always_announces_another_page(server):
    strike(server, FaultKind.ENDLESS)
    for page in (1, 50, 5_000):
        path = BAZAAR.aisle_path(1, page)
        parsed = parse_bytes(parser_of(), get(server, path).body, path=path, fetched_at=EPOCH)
        assert parsed.info.pages > page
        assert parsed.listings
        assert BAZAAR.aisle_path(1, page + 1) in {link.path for link in parsed.links}


def test_hidden_listings_are_missing_from_the_index_though_their_pages_live(server):
    fault = strike(server, FaultKind.HIDDEN, probability=0.5)
    hidden = server.view().hidden
    assert 10 < len(hidden) < 70
    assert server.view().hidden == hidden
    shown = {entry.key for number in range(1, 7) for entry in server.view().aisle(number)}
    assert shown == set(server.view().truth.listings) - hidden
    path = BAZAAR.listing_path(min(hidden))
    assert outcome(get(server, path).body, path) is Outcome.OK
    server.faults.remove(fault)
    assert not server.view().hidden


def test_faults_can_be_switched_while_the_market_runs(server):
    fault = strike(server, FaultKind.SERVER_ERROR)
    assert get(server, "/").status == 500
    server.faults.remove(fault)
    assert get(server, "/").status == 200
    strike(server, FaultKind.SERVER_ERROR)
    server.faults.clear()
    assert get(server, "/").status == 200


def test_a_fault_meets_only_its_paths(server):
    strike(server, FaultKind.NOT_FOUND, path=r"^/viewProduct")
    assert get(server, "/").status == 200
    assert get(server, BAZAAR.listing_path("100000")).status == 404


def test_a_fault_strikes_only_as_often_as_it_may(server):
    strike(server, FaultKind.SERVER_ERROR, times=2)
    assert [get(server, "/").status for _ in range(4)] == [500, 500, 200, 200]
    assert [entry.faults for entry in server.requests] == [(FaultKind.SERVER_ERROR,)] * 2 + [()] * 2


def test_a_fault_holds_only_in_its_window_of_simulated_time(server, clock):
    day = dt.timedelta(days=1)
    strike(server, FaultKind.MAINTENANCE, since=EPOCH + day, until=EPOCH + 2 * day)
    statuses = []
    for _ in range(3):
        statuses.append(get(server, "/").status)
        clock.advance(day)
    assert statuses == [200, 503, 200]


def test_chance_comes_from_the_seed():
    def draws(seed):
        faults = Faults([Fault(FaultKind.SLOW, probability=0.3)], seed=seed)
        return [bool(faults.strike("/", EPOCH)) for _ in range(300)]

    assert draws(1) == draws(1) != draws(2)
    assert 50 < sum(draws(1)) < 130


def test_a_redesign_may_begin_in_the_middle_of_a_run(server, clock):
    strike(server, FaultKind.REDESIGN, since=EPOCH + dt.timedelta(hours=1))
    assert outcome(get(server, INDEX).body) is Outcome.OK
    clock.advance(dt.timedelta(hours=2))
    assert outcome(get(server, INDEX).body) is Outcome.LAYOUT_CHANGED


def test_every_kind_of_fault_is_tried_here(request):
    source = request.path.read_text(encoding="utf-8")
    assert [kind.name for kind in FaultKind if f"FaultKind.{kind.name}" not in source] == []
