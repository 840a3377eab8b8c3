from __future__ import annotations

import os
import threading
import time

import pytest

from torwatch.errors import ParserError, UsageError
from torwatch.model import Outcome
from torwatch.parsing.parse_page import parse_bytes
from torwatch.parsing.recognise import recognise
from torwatch.parsing.registry import load_all
from torwatch.parsing.worker import ParserWorkers

BODIES = {
    "hang": "import_time = __import__('time'); import_time.sleep(60)",
    "spin": "[0 for _ in iter(int, 1)]",
    "die": "__import__('os')._exit(3)",
    "crash": "__import__('os').kill(__import__('os').getpid(), 11)",
    "hoard": "hoard = bytearray(4_000_000_000)",
    "fault": "raise KeyError('teapot')",
    "well": "pass",
}


@pytest.fixture
def kinds(tmp_path, make):
    """A directory with one parser for everything that can go wrong."""
    for name, body in BODIES.items():
        make.folder(tmp_path / "mine", name=name, body=body)
    return tmp_path / "mine"


@pytest.fixture
def ask(kinds, make):
    """A function that parses the item page with a parser, in a pool of one with a tight limit of processor time.

    The limit of elapsed time is far off: on a busy machine a second of processor time may take long.
    """
    with ParserWorkers(1, directories=[kinds], wall_seconds=60, cpu_seconds=1) as workers:

        def parse(name, body=None, **given):
            return workers.parse(name, make.item.encode() if body is None else body, fetched_at=make.noon, **given)

        parse.workers = workers
        yield parse


def test_a_worker_gives_what_parsing_in_process_gives(ask, kinds, make):
    parser = make.parser(kinds, name="well")
    for html, path in ((make.item, "/item/7"), (make.index, "/cat/1"), ("<p>This item was removed</p>", "/item/7"), ("", "")):
        assert ask("well", html.encode(), path=path) == parse_bytes(parser, html.encode(), path=path, fetched_at=make.noon)
    assert ask.workers.replaced == 0


@pytest.mark.parametrize(
    ("name", "reason"),
    [("spin", "SIGXCPU"), ("die", "exit code 3"), ("crash", "SIGSEGV"), ("hoard", "the worker died")],
)
def test_a_worker_that_dies_is_replaced_and_the_page_is_a_parse_limit(ask, name, reason):
    got = ask(name)
    assert got.outcome is Outcome.PARSE_LIMIT
    assert reason in got.reason
    assert ask.workers.replaced == 1
    assert ask("well").outcome is Outcome.OK


def test_a_worker_that_hangs_is_killed_in_time(kinds, make):
    with ParserWorkers(1, directories=[kinds], wall_seconds=0.5) as workers:
        workers.parse("well", make.item.encode(), fetched_at=make.noon)
        started = time.monotonic()
        got = workers.parse("hang", make.item.encode(), fetched_at=make.noon)
        assert (got.outcome, got.reason) == (Outcome.PARSE_LIMIT, "not parsed within 0.5 s")
        assert time.monotonic() - started < 5


def test_a_fault_of_the_parser_is_a_changed_layout_and_the_worker_lives(ask):
    got = ask("fault", path="/item/7")
    assert (got.outcome, got.kind) == (Outcome.LAYOUT_CHANGED, "listing")
    assert "KeyError: 'teapot'" in got.reason
    assert ask.workers.replaced == 0


def test_a_parser_that_is_not_there_or_does_not_load_is_an_error(ask, kinds, make):
    with pytest.raises(UsageError, match="no parser is called 'wel'"):
        ask("wel")
    make.folder(kinds, name="broken", source="1/0")
    with pytest.raises(ParserError, match="broken does not load: ZeroDivisionError"):
        ask("broken")
    assert ask("well").outcome is Outcome.OK


def test_a_body_over_the_limit_never_reaches_a_worker(kinds, make):
    with ParserWorkers(1, directories=[kinds], max_bytes=10) as workers:
        assert workers.parse("well", b"x" * 11, fetched_at=make.noon).outcome is Outcome.TOO_LARGE


def test_threads_share_the_workers_and_every_page_gets_its_own_answer(kinds, make):
    got = {}

    def parse(number, workers):
        html = make.item.replace("<h1>Tea", f"<h1>Tea {number}").encode()
        got[number] = workers.parse("well", html, path=f"/item/{number}", fetched_at=make.noon).listings[0]

    with ParserWorkers(2, directories=[kinds]) as workers:
        threads = [threading.Thread(target=parse, args=(number, workers)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {number: (one.key, one.title) for number, one in got.items()} == {number: (str(number), f"Tea {number}") for number in range(12)}


def test_reloading_takes_up_a_mended_parser_and_no_process_stays_behind(kinds, make):
    with ParserWorkers(1, directories=[kinds]) as workers:
        assert workers.parse("fault", make.item.encode(), fetched_at=make.noon).outcome is Outcome.LAYOUT_CHANGED
        make.folder(kinds, name="fault", body="pass")
        workers.reload()
        assert workers.parse("fault", make.item.encode(), fetched_at=make.noon).outcome is Outcome.OK
        worker = workers._idle.get()  # noqa: SLF001 - to see that its process ends
        workers._idle.put(worker)  # noqa: SLF001 - a worker is put back as the pool does it
        pid = worker.process.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_front_page_is_recognised_in_a_worker_and_one_that_kills_it_is_nobodys():
    page = b"<html><head><title>Bazaar</title></head><body>tea</body></html>"
    with ParserWorkers(1) as workers:
        assert [guess.name for guess in workers.recognise(page, content_type="text/html")] == [
            guess.name for guess in recognise(page, load_all(), content_type="text/html")
        ]
    with ParserWorkers(1, wall_seconds=0.001) as workers:
        assert workers.recognise(page) == []
        assert workers.replaced == 1
