"""One snapshot of one target, from its frontier to its diff: fetch, archive, parse, stage, and at the end diff.

Pages commit in small groups: the WARC's bytes are on the disk before the transaction that refers to them, so a kill at any moment
leaves a database that resumes and an archive whose unreferenced tail is cut off at the next start.
"""

from __future__ import annotations

import datetime as dt
import queue
import threading
import time
from typing import TYPE_CHECKING

from torwatch import __version__
from torwatch.archive import index as archive_index
from torwatch.archive.writer import SnapshotArchive, open_archive
from torwatch.closing import close_snapshot
from torwatch.crawl.fetch import Fetcher, Route
from torwatch.crawl.pace import Pace
from torwatch.crawl.session import BrowserSession, load_session
from torwatch.equipment import Progress, Tools, WalkSettings
from torwatch.errors import TorError
from torwatch.model import GOOD_OUTCOMES, OBSTACLE_OUTCOMES, Outcome, PageKind
from torwatch.reading import PageReader, Read, gather_links
from torwatch.store import frontier, staging
from torwatch.store.frontier import Visit, VisitResult
from torwatch.store.mirrors import next_mirror, visits_of
from torwatch.store.sessions import lose_session
from torwatch.store.snapshots import Ending, Snapshot, begin_snapshot, running_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from torwatch.claims import ClaimRules
    from torwatch.parsing.registry import Parser
    from torwatch.store.database import Store
    from torwatch.store.targets import Mirror, Target

GROUP_PAGES = 32  # pages of one commit at most
GROUP_SECONDS = 0.5  # and the longest that a page waits for its commit
RETRIED = frozenset(
    {
        Outcome.HTTP_ERROR,
        Outcome.TIMEOUT_CONNECT,
        Outcome.TIMEOUT_TOTAL,
        Outcome.STALLED,
        Outcome.RESET,
        Outcome.ONION_NOT_FOUND,
        Outcome.ONION_UNREACHABLE,
        Outcome.ONION_REFUSED,
        Outcome.ONION_UNKNOWN,
        Outcome.EMPTY,
        Outcome.QUEUE,
    }
)
ONION_OUTCOMES = frozenset(
    {
        Outcome.ONION_NOT_FOUND,
        Outcome.ONION_UNREACHABLE,
        Outcome.ONION_REFUSED,
        Outcome.ONION_UNKNOWN,
        Outcome.ONION_NEEDS_KEY,
        Outcome.ONION_BAD_KEY,
        Outcome.TIMEOUT_CONNECT,
    }
)
MOST_REFUSED = 30  # requests in a row that the SOCKS port refuses before a walk gives up and stays resumable
WALL_PAGES = 5  # pages in a row that are an obstacle: the market has shut its door, going on would be rude and useless


def take_snapshot(
    tools: Tools,
    target: Target,
    parser: Parser,
    rules: ClaimRules,
    settings: WalkSettings,
    *,
    stop: threading.Event,
    progress: Callable[[Progress], None] = lambda _: None,
) -> tuple[Snapshot, Ending | None]:
    """Take one snapshot of a target, or resume the one that was stopped; the ending is None when `stop` was set before it was over.

    Raises TorError when Tor is down and cannot be brought back: the snapshot stays resumable.
    """
    snapshot = running_snapshot(tools.store, target.id)
    mirror = choose_mirror(tools.store, target, snapshot, tools.now())
    if snapshot is None:
        snapshot = begin_snapshot(
            tools.store, target, mirror_id=mirror.id, parser_digest=parser.digest, torwatch_version=__version__, now=tools.now()
        )
    walk = Walk(tools, target, mirror, snapshot, parser, rules, settings, stop, progress)
    ending = walk.run()
    return snapshot, ending


def choose_mirror(store: Store, target: Target, running: Snapshot | None, now: dt.datetime) -> Mirror:
    """The address to use: that of the snapshot being resumed, else the last one used, or another while that rests after failures."""
    last = store.value("SELECT mirror_id FROM snapshot WHERE target_id = ? ORDER BY id DESC LIMIT 1", (target.id,))
    if running is not None:
        for mirror in target.mirrors:
            if mirror.id == last:
                return mirror
    visits = {mirror.id: visits_of(store, mirror.id) for mirror in target.mirrors}
    return next_mirror(target.mirrors, visits, last, now)


class Walk:
    """The state of one running snapshot."""

    def __init__(
        self,
        tools: Tools,
        target: Target,
        mirror: Mirror,
        snapshot: Snapshot,
        parser: Parser,
        rules: ClaimRules,
        settings: WalkSettings,
        stop: threading.Event,
        progress: Callable[[Progress], None],
    ) -> None:
        self.tools = tools
        self.target = target
        self.mirror = mirror
        self.snapshot = snapshot
        self.parser = parser
        self.rules = rules
        self.settings = settings
        self.stop = stop
        self.progress = progress
        self.over = threading.Event()  # set: fetch threads leave; unlike `stop` it is this walk's own
        self.pace = Pace(self.seconds_per_request(), clock=time.monotonic, rng=tools.rng)
        self.session = load_session(tools.sessions_directory, target.id) or BrowserSession()
        self.session_lost = False  # the market asks for a login again: this snapshot waits for a person and then goes on
        self.reader = PageReader(parser.name, rules, tools.workers, self.pace.hold_back, self.session.patterns())
        self.work: queue.Queue[Visit | None] = queue.Queue()
        self.results: queue.Queue[Read | TorError | Exception] = queue.Queue()
        self.in_flight: dict[str, Visit] = {}
        self.wall = 0
        self.refused = 0  # requests in a row that found the SOCKS port shut
        self.done, self.left = 0, 0  # pages of the frontier, kept here: counting them anew at every commit would take ever longer
        self.cut_short = ""
        self.archive_path = tools.archive_directory / target.market / f"{snapshot.id:08d}.warc.gz"

    def seconds_per_request(self) -> float:
        """The target's own rate where it has one, else the configuration's."""
        own = self.target.seconds_per_request
        return self.settings.seconds_per_request if own is None else own

    def run(self) -> Ending | None:
        """Walk until the frontier is empty, `stop` is set, a budget is spent or the market has shut its door."""
        store, snapshot = self.tools.store, self.snapshot
        with store.write() as connection:
            starts = (Visit(path, self.kind_of(path)) for path in self.parser.market.start)
            frontier.add_visits(connection, snapshot.id, starts, self.tools.rng)
        self.done, self.left = frontier.count_visits(store, snapshot.id)
        referenced = store.value("SELECT max(warc_offset + warc_length) FROM visit WHERE snapshot_id = ?", (snapshot.id,)) or 0
        host, port = self.tools.tor.socks_address
        user, password = self.tools.tor.credentials(f"target-{self.target.id}")
        route = Route(self.mirror.address, host, port, user, password)
        with (
            open_archive(self.archive_path, referenced_bytes=referenced) as archive,
            Fetcher(
                route,
                self.settings.limits,
                headers=self.settings.headers,
                explain=self.tools.explain,
                connections=self.settings.connections,
                now=self.tools.now,
                cookies=self.session.cookies,
                pause=lambda: self.pace.wait(self.over),
            ) as fetcher,
        ):
            if not referenced:
                archive.write_info(
                    {
                        "software": f"torwatch/{__version__}",
                        "parser": f"{self.parser.name} {self.parser.digest}",
                        "isPartOf": snapshot.market,
                    }
                )
            threads = [
                threading.Thread(target=self.fetch_pages, args=(fetcher,), name=f"fetch-{snapshot.market}-{number}", daemon=True)
                for number in range(self.settings.connections)
            ]
            for thread in threads:
                thread.start()
            try:
                finished = self.commit_pages(archive, fetcher)
            finally:
                self.over.set()
                for _ in threads:
                    self.work.put(None)
                for thread in threads:
                    thread.join(timeout=0.0 if self.stop.is_set() else 2.0)
        if not finished:
            return None
        self.write_index()
        return close_snapshot(
            self.tools, snapshot, self.parser.market, self.rules, self.settings.hold, warc=self.archive_path, cut_short=self.cut_short
        )

    def kind_of(self, path: str) -> PageKind:
        """The kind of page that a path leads to by the market's URL patterns; a start page that matches none is a home page."""
        return self.parser.market.kind_of(path)[0] or PageKind.HOME

    # --- fetch threads -------------------------------------------------------------------------------------------------------------

    def fetch_pages(self, fetcher: Fetcher) -> None:
        """Fetch and parse what stands in the queue until the walk is over; every visit taken is answered with one result."""
        while (visit := self.work.get()) is not None:
            if self.over.is_set() or not self.pace.wait(self.over):
                return
            try:
                self.results.put(self.reader.read_page(fetcher, visit))
            except Exception as error:  # noqa: BLE001 - handed to the committing thread, which raises it: a dead thread would hang the walk
                self.results.put(error)
                return

    # --- the committing thread -----------------------------------------------------------------------------------------------------

    def commit_pages(self, archive: SnapshotArchive, fetcher: Fetcher) -> bool:
        """Hand out visits and commit what comes back, group by group; True when the walk is over, False when it was stopped."""
        checked = False
        while True:
            if self.stop.is_set() or self.session_lost:
                return False
            self.hand_out()
            if not self.in_flight:
                if checked or self.cut_short or not frontier.lists_complete(self.tools.store, self.snapshot.id):
                    return True
                checked = True
                with self.tools.store.write() as connection:
                    added = frontier.add_checks(connection, self.snapshot.id, self.snapshot.market_id, self.rules.followed, self.tools.rng)
                self.left += added
                if not added:
                    return True
                continue
            group = self.gather_group()
            if group:
                self.commit_group(archive, fetcher, group)

    def hand_out(self) -> None:
        """Keep the fetch threads supplied, a little more than they can take at once."""
        if self.cut_short:
            return
        wanted = self.settings.connections * 2
        if len(self.in_flight) > self.settings.connections:
            return
        limit = self.settings.pages_per_snapshot
        if limit:
            if self.done + len(self.in_flight) >= limit:
                if not self.in_flight:
                    self.cut_short = f"the budget of {limit} pages is spent"
                return
            wanted = min(wanted, limit - self.done)
        for visit in frontier.next_visits(self.tools.store, self.snapshot.id, wanted + len(self.in_flight)):
            if visit.path not in self.in_flight and len(self.in_flight) < wanted:
                self.in_flight[visit.path] = visit
                self.work.put(visit)

    def gather_group(self) -> list[Read]:
        """Wait for a page, then take what else is ready, at most one group."""
        group: list[Read] = []
        deadline = time.monotonic() + GROUP_SECONDS
        while len(group) < GROUP_PAGES:
            try:
                result = self.results.get(timeout=max(0.0, deadline - time.monotonic()) if not group else 0.0)
            except queue.Empty:
                break
            if isinstance(result, Exception):
                raise result
            group.append(result)
        return group

    def commit_group(self, archive: SnapshotArchive, fetcher: Fetcher, group: list[Read]) -> None:
        """Write a group of pages: first the archive, to the disk, then everything that refers to it in one transaction."""
        places: list[tuple[int, int] | None] = [
            archive.write_exchange(read.fetched, read.body, read.stripped) if read.fetched.status else None for read in group
        ]
        archive.sync()
        self.revive_tor(fetcher, group)
        results = [self.result_of(read, place) for read, place in zip(group, places, strict=True)]
        good = [read for read in group if read.outcome is Outcome.OK]
        rng = self.tools.rng
        with self.tools.store.write() as connection:
            frontier.record_results(connection, self.snapshot.id, results, rng)
            staging.stage_pages(connection, self.snapshot.id, [read.staged for read in good])
            onward = self.onward(good)
            added = frontier.add_visits(connection, self.snapshot.id, onward, rng)
        for read in group:
            self.in_flight.pop(read.visit.path, None)
        self.watch_session(group)
        self.watch_wall(group)
        finished = sum(not result.retry for result in results)
        self.done, self.left = self.done + finished, self.left + added - finished
        self.progress(Progress(self.done, self.left, group[-1].visit.path))

    def result_of(self, read: Read, place: tuple[int, int] | None) -> VisitResult:
        """What is written of one visit; a passing failure goes back into the frontier while it has attempts left."""
        retry = read.outcome in RETRIED and read.visit.attempts + 1 < self.settings.page_attempts
        if read.outcome is Outcome.TOR_DOWN:  # our own fault: it costs the page no attempt for good
            retry = True
        if read.outcome is Outcome.LOGIN and self.session.cookies:  # asked for again once the session is renewed
            retry = True
        return VisitResult(
            visit=read.visit,
            outcome=read.outcome,
            reason=read.reason,
            status=read.fetched.status,
            elapsed_ms=read.fetched.elapsed_ms,
            at=read.fetched.fetched_at,
            digest=read.fetched.digest,
            size=len(read.fetched.body),
            warc=self.archive_path.name if place else "",
            warc_offset=place[0] if place else None,
            warc_length=place[1] if place else None,
            retry=retry,
        )

    def onward(self, good: list[Read]) -> list[Visit]:
        """The pages that the group leads to and that this snapshot should see: lists always, single pages when new, different or stale."""
        listings, vendors, visits = gather_links(good)
        store, market = self.tools.store, self.snapshot.market_id
        fresh_since = (self.tools.now() - self.settings.detail_max_age).astimezone(dt.UTC).isoformat(timespec="seconds")
        known = frontier.known_visits(store, "listing", market, listings, fresh_since)
        for key, (path, row_digest) in listings.items():
            if key not in known or (row_digest is not None and known[key] != row_digest):
                visits.append(Visit(path, PageKind.LISTING, key))
        fresh_vendors = frontier.known_visits(store, "vendor", market, vendors, fresh_since)
        visits += [Visit(path, PageKind.VENDOR, key) for key, path in vendors.items() if key not in fresh_vendors]
        return [visit for visit in visits if visit.kind in self.rules.followed]

    def watch_session(self, group: list[Read]) -> None:
        """Notice that a lent session was lost, whatever the status of the page: the walk stops at once and waits for a person."""
        lost = next((read for read in group if read.outcome is Outcome.LOGIN), None)
        if lost is not None and self.session.cookies:
            self.session_lost = True
            lose_session(self.tools.store, self.target, f"a login page at {lost.visit.path}", now=self.tools.now())

    def watch_wall(self, group: list[Read]) -> None:
        """Notice a market that has shut its door."""
        for read in group:
            if read.outcome in OBSTACLE_OUTCOMES or read.outcome in ONION_OUTCOMES:
                self.wall += 1
            elif read.outcome in GOOD_OUTCOMES or read.outcome is Outcome.GONE:
                self.wall = 0
            if self.wall >= WALL_PAGES and not self.cut_short:
                self.cut_short = f"{read.outcome} on {self.wall} pages in a row" + (f": {read.reason}" if read.reason else "")

    def revive_tor(self, fetcher: Fetcher, group: list[Read]) -> None:
        """Bring our own tor back when a request found its SOCKS port shut; raises TorError when it cannot be."""
        for read in group:
            self.refused = self.refused + 1 if read.outcome is Outcome.TOR_DOWN else 0
        if self.refused >= MOST_REFUSED:
            raise TorError(
                f"Tor's SOCKS port {self.tools.tor.socks_address} refuses every connection: check tor.socks of the configuration"
            )
        if any(read.outcome is Outcome.TOR_DOWN for read in group):
            self.tools.tor.ensure()
            fetcher.route_through(*self.tools.tor.socks_address)

    # --- the end -------------------------------------------------------------------------------------------------------------------

    def write_index(self) -> None:
        """Turn the fetch log into the CDXJ index beside the WARC."""
        rows = self.tools.store.rows("SELECT * FROM visit WHERE snapshot_id = ?", (self.snapshot.id,))
        archive_index.write_index(
            archive_index.index_path(self.archive_path),
            (
                archive_index.Entry(
                    url=self.mirror.address + row["path"],
                    timestamp=(row["at"] or "").translate({ord(sign): None for sign in "-:T"})[:14] or "0" * 14,
                    outcome=row["outcome"] or "",
                    kind=row["kind"],
                    status=row["status"],
                    digest=row["digest"] or "",
                    filename=row["warc"] or "",
                    offset=row["warc_offset"],
                    length=row["warc_length"],
                    key=row["key"],
                    reason=row["reason"],
                    elapsed_ms=row["elapsed_ms"],
                    attempts=row["attempts"],
                )
                for row in rows
            ),
        )
