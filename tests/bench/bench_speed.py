"""How fast archived pages are parsed and normalised, against bare lxml in the same run; and what a second worker adds."""

from __future__ import annotations

import datetime as dt
import os
import statistics
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import bare
import pytest

from torwatch.claims import rules_of, stage_of
from torwatch.model import PageKind
from torwatch.normalise.price import normalise_price
from torwatch.normalise.quantity import normalise_quantity
from torwatch.normalise.shipping import normalise_ship_from, normalise_ship_to
from torwatch.normalise.substance import normalise_substance
from torwatch.parsing.parse_page import parse_bytes
from torwatch.parsing.registry import bundled_folder, load_parser
from torwatch.parsing.worker import ParserWorkers

BAR_BARE = 0.5  # of the speed of bare lxml, one core, sandbox worker included
BAR_TWO = 1.7  # times one worker, on two cores
PAIRS = 7
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Job:
    """One archived page."""

    market: str
    body: bytes
    path: str = ""


def say(line=""):
    sys.stdout.write(line + "\n")


def gather_pages(corpus_folder, markets, kinds=(PageKind.LISTING_INDEX, PageKind.LISTING)):
    """Saved pages where they are, else the fixtures: those that the parser reads as a listing or a list, `kinds` only."""
    jobs, source = [], "saved pages"
    for market in markets:
        folder = corpus_folder / "pages" / market.replace("_", "-")
        if not folder.is_dir():
            folder, source = bundled_folder() / market / "pages", "fixtures"
        parser = load_parser(market)
        for file in sorted(folder.glob("*.html")):
            body = file.read_bytes()
            parsed = parse_bytes(parser, body, fetched_at=NOON)
            if parsed.listings and parsed.kind in kinds:
                jobs.append(Job(market, body))
    return jobs, source


def normalise(parsed, rules):
    """What the crawl does with every page: rows for the store, countries, quantity and substance of each listing."""
    stage_of(parsed, rules)
    facts = rules.facts
    for one in parsed.listings:
        category = " > ".join(one.category)
        normalise_ship_from(one.ship_from_raw, facts)
        normalise_ship_to(one.ship_to_raw, facts)
        normalise_quantity(one.title, category, facts)
        normalise_substance(one.title, category, facts.name)


def cpu_of(process_ids):
    """CPU seconds that this process and its workers have used: other programs on the machine do not count."""
    ticks = os.sysconf("SC_CLK_TCK")
    used = time.process_time()
    for one in process_ids:
        fields = Path(f"/proc/{one}/schedstat")
        if fields.is_file():
            used += int(fields.read_text().split()[0]) / 1e9
        else:
            stat = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            used += (int(stat[11]) + int(stat[12])) / ticks
    return used


def worker_ids(pool):
    return [worker.process.pid for worker in list(pool._idle.queue) if worker is not None]  # noqa: SLF001 - to count their CPU time


@pytest.fixture(scope="module")
def corpus_folder(checkout):
    return Path(os.environ.get("TORWATCH_CORPUS") or checkout.parent / "shared" / "corpus")


def bench_parse_and_normalise_against_bare_lxml(corpus_folder):
    jobs, source = gather_pages(corpus_folder, bare.ROWS)
    readers = {market: bare.compile_bare(market) for market in bare.ROWS}
    rules = {market: rules_of(load_parser(market).market, normalise_price) for market in bare.ROWS}
    ours, theirs = {market: [] for market in bare.ROWS}, {market: [] for market in bare.ROWS}
    agree = agreeable = 0
    with ParserWorkers(1) as pool:
        for job in jobs:  # every parser loaded, and the yardstick checked: the same listings
            parsed = pool.parse(job.market, job.body, fetched_at=NOON)
            normalise(parsed, rules[job.market])
            titles = {one.title for one in parsed.listings}
            agree += len(titles & {one["title"] for one in readers[job.market](job.body)[0]})
            agreeable += len(titles)
        workers = worker_ids(pool)
        for _ in range(PAIRS):
            for market, read in readers.items():
                bodies = [job.body for job in jobs if job.market == market]
                start = cpu_of(())
                for body in bodies:
                    read(body)
                middle = cpu_of(workers)
                theirs[market].append(cpu_of(()) - start)
                for body in bodies:
                    normalise(pool.parse(market, body, fetched_at=NOON), rules[market])
                ours[market].append(cpu_of(workers) - middle)
    say(
        f"\nparse + normalise, sandbox worker included, against bare lxml with XPath by hand ({len(jobs)} {source}, CPU ms a page, median of {PAIRS} pairs)"
    )
    say(f"  {'market':16} {'pages':>5} {'bare':>8} {'torwatch':>9} {'ratio':>6}")
    ratios = []
    for market in bare.ROWS:
        pages = sum(job.market == market for job in jobs)
        if pages:
            ratio = statistics.median(a / b for a, b in zip(theirs[market], ours[market], strict=True))
            say(
                f"  {market:16} {pages:5} {1000 * statistics.median(theirs[market]) / pages:8.2f} {1000 * statistics.median(ours[market]) / pages:9.2f} {ratio:6.2f}"
            )
    ratios = [sum(theirs[m][n] for m in theirs) / sum(ours[m][n] for m in ours) for n in range(PAIRS)]
    whole = statistics.median(ratios)
    say(f"  {'all':16} {len(jobs):5} {'':8} {'':9} {whole:6.2f}   bar {BAR_BARE}{'' if whole >= BAR_BARE else '   MISSED'}")
    say(f"  the yardstick finds {100 * agree / agreeable:.1f} % of the titles")
    assert agree > 0.9 * agreeable
    assert whole >= BAR_BARE


def bench_two_workers_against_one(corpus_folder):
    jobs, source = gather_pages(
        corpus_folder, sorted(path.parent.name for path in bundled_folder().glob("*/parser.py")), kinds=tuple(PageKind)
    )
    jobs = (jobs * (200 // len(jobs) + 1))[:200]
    rules = {market: rules_of(load_parser(market).market, normalise_price) for market in {job.market for job in jobs}}
    cores = len(os.sched_getaffinity(0))

    def run(pool, count):
        waiting = iter(jobs)
        lock = threading.Lock()

        def feed():
            while True:
                with lock:
                    job = next(waiting, None)
                if job is None:
                    return
                normalise(pool.parse(job.market, job.body, path=job.path, fetched_at=NOON), rules[job.market])

        threads = [threading.Thread(target=feed) for _ in range(count)]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - start

    with ParserWorkers(1) as one, ParserWorkers(2) as two:
        for pool, count in ((one, 1), (two, 2), (two, 2)):
            run(pool, count)
        pairs = [(run(one, 1), run(two, 2)) for _ in range(PAIRS)]
    ratio = statistics.median(a / b for a, b in pairs)
    best = min(a for a, _ in pairs) / min(b for _, b in pairs)
    say(f"\ntwo workers against one ({len(jobs)} {source}, {cores} cores, wall time, {PAIRS} pairs)")
    say(f"  one worker  {len(jobs) / statistics.median(a for a, _ in pairs):7.0f} pages/s")
    say(f"  two workers {len(jobs) / statistics.median(b for _, b in pairs):7.0f} pages/s")
    say(f"  ratio {ratio:.2f} (best of each {best:.2f})   bar {BAR_TWO}{'' if ratio >= BAR_TWO else '   MISSED'}")
    if cores < 2:
        pytest.skip("one core: nothing to share")
    assert ratio >= BAR_TWO
