"""One snapshot of one target, from its frontier to its diff: fetch, archive, parse, stage, and at the end diff.

Pages commit in small groups: the WARC's bytes are on the disk before the transaction that refers to them, so a kill at any moment
leaves a database that resumes and an archive whose unreferenced tail is cut off at the next start.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from torwatch import __version__
from torwatch.archive.originals import keep_parser
from torwatch.archive.writer import SnapshotArchive, open_archive, warc_path
from torwatch.closing import close_snapshot, write_fetch_log
from torwatch.crawl.endless import EndlessLists
from torwatch.equipment import Progress, Tools, WalkSettings
from torwatch.lending import find_session
from torwatch.model import Outcome, PageKind
from torwatch.reading import PageReader, Read
from torwatch.store import frontier, staging
from torwatch.store.fetch_log import archived_bytes
from torwatch.store.frontier import Visit
from torwatch.store.mirrors import next_mirror, visits_of
from torwatch.store.sessions import lose_session
from torwatch.store.snapshots import Ending, Snapshot, begin_snapshot, running_snapshot
from torwatch.walk.courtesy import Courtesy
from torwatch.walk.crew import Crew
from torwatch.walk.door import Door, result_of
from torwatch.walk.onward import PAGED, lead_onward, page_number, shown_on
from torwatch.walk.second_pass import SecondPass
from torwatch.walk.stranger import find_stranger
from torwatch.walk.ways import Ways

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from torwatch.claims import ClaimRules
    from torwatch.parsing.registry import Parser
    from torwatch.store.database import Store
    from torwatch.store.targets import Mirror, Target


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
    keep_parser(tools.archive_directory, parser.name, parser.digest, parser.own_sources, parser.family_sources)
    if snapshot is None:
        snapshot = begin_snapshot(
            tools.store,
            target,
            mirror_id=mirror.id,
            parser_digest=parser.digest,
            torwatch_version=__version__,
            now=tools.now(),
            second_pass=settings.second_pass if target.second_pass is None else target.second_pass,
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
    """The state of one running snapshot, in the thread that commits."""

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
        self.snapshot = snapshot
        self.parser = parser
        self.rules = rules
        self.settings = settings
        self.stop = stop
        self.progress = progress
        self.over = threading.Event()  # set: fetch threads leave; unlike `stop` it is this walk's own
        self.courtesy = Courtesy(tools, target, settings, self.over)
        self.session = find_session(tools.store, tools.sessions_directory, tools.session_credential, target)
        self.paused = False  # the budget of the day is spent: it goes on tomorrow
        self.session_lost = False  # the market asks for a login again: this snapshot waits for a person and then goes on
        stranger = partial(find_stranger, tools.workers, parser, target.market)
        self.reader = PageReader(
            parser.name, rules, tools.workers, self.courtesy.hold_back, self.session.patterns(), stranger, parser.market.start
        )
        self.in_flight: dict[str, Visit] = {}
        self.second = SecondPass(tools.store, snapshot, order=parser.market.other_order)
        self.ways = Ways(tools, target, snapshot, mirror, settings, self.session, self.courtesy, self.reader, stop)
        self.lists = EndlessLists(settings.pages_per_list)
        self.door = Door()
        self.done, self.left = 0, 0  # pages of the frontier, kept here: counting them anew at every commit would take ever longer
        self.cut_short = ""
        self.archive_path = warc_path(tools.archive_directory, target.market, snapshot.id)

    def run(self) -> Ending | None:
        """Walk until the frontier is empty, `stop` is set, a budget is spent or the market has shut its door."""
        store, snapshot = self.tools.store, self.snapshot
        with store.write() as connection:
            starts = (Visit(path, self.kind_of(path)) for path in self.parser.market.start)
            frontier.add_visits(connection, snapshot.id, starts, self.tools.rng)
            self.courtesy.begin(connection)
        self.done, self.left = frontier.count_visits(store, snapshot.id)
        referenced = archived_bytes(store, snapshot.id)
        with open_archive(self.archive_path, referenced_bytes=referenced) as archive, self.ways.keeping_in(archive):
            archive.write_info(  # again when a walk is resumed: it may go on with other versions
                {
                    "software": f"torwatch/{__version__}",
                    "format": "WARC File Format 1.1",
                    "tor": self.tools.tor.version,
                    "parser": f"{self.parser.name} {self.parser.digest}",
                    "configuration": self.settings.configuration,
                    "isPartOf": snapshot.market,
                }
            )
            crew = Crew(
                self.ways.fetch,
                self.reader.read_fetched,
                size=self.settings.connections,
                name=snapshot.market,
                wait=self.courtesy.wait,
                over=self.over,
                stop=self.stop,
            )
            if self.done and self.courtesy.room(in_flight=1) != 0:
                self.cut_short = self.ways.look_again()
            with crew:
                finished = self.commit_pages(archive, crew)
        if not finished:
            return None
        self.ways.conclude()
        write_fetch_log(store, snapshot.id, self.archive_path)
        return close_snapshot(
            self.tools,
            snapshot,
            self.parser.market,
            self.rules,
            self.settings.hold,
            warc=self.archive_path,
            cut_short="; ".join(filter(None, (self.cut_short, *self.lists.reasons.values()))),
        )

    def kind_of(self, path: str) -> PageKind:
        """The kind of page that a path leads to by the market's URL patterns; a start page that matches none is a home page."""
        return self.parser.market.kind_of(path)[0] or PageKind.HOME

    def commit_pages(self, archive: SnapshotArchive, crew: Crew) -> bool:
        """Hand out visits and commit what comes back, group by group; True when the walk is over, False when it was stopped."""
        checked = drawn = False
        while True:
            if self.stop.is_set() or self.session_lost:
                return False
            self.hand_out(crew)
            if self.paused:
                return False
            if self.in_flight or self.second.in_flight:
                if group := crew.gather():
                    self.commit_group(archive, group)
            elif not drawn:
                drawn = True
                with self.tools.store.write() as connection:
                    self.second.plan_unannounced(connection)
            elif checked or self.cut_short or not frontier.lists_complete(self.tools.store, self.snapshot.id):
                return True
            else:
                checked = True
                with self.tools.store.write() as connection:
                    added = frontier.add_checks(connection, self.snapshot.id, self.snapshot.market_id, self.rules.followed, self.tools.rng)
                self.left += added

    def hand_out(self, crew: Crew) -> None:
        """Keep the crew supplied, with more than it can take at once, as far as the budgets of the snapshot and of the day allow."""
        busy = len(self.in_flight) + len(self.second.in_flight)
        if self.cut_short or busy > crew.few:
            return
        room = self.courtesy.room(busy)
        most = crew.most if room is None else min(crew.most, busy + room)
        if not busy and not most:
            self.wait_for_tomorrow()
            return
        for visit in self.second.due(self.share_done(), most - busy):
            crew.hand_over(visit)
        wanted = most - len(self.second.in_flight)
        limit = self.settings.pages_per_snapshot
        if limit:
            if self.done + len(self.in_flight) >= limit:
                if not self.in_flight and not self.second.in_flight:
                    self.cut_short = f"the budget of {limit} pages is spent"
                return
            wanted = min(wanted, limit - self.done)
        for visit in frontier.next_visits(self.tools.store, self.snapshot.id, wanted + len(self.in_flight)):
            if visit.path not in self.in_flight and len(self.in_flight) < wanted:
                self.in_flight[visit.path] = visit
                crew.hand_over(visit)

    def wait_for_tomorrow(self) -> None:
        """Leave the rest, if there is one, for the next day: its budget is spent."""
        if self.left or self.second.left:
            self.courtesy.rest_until_tomorrow()
            self.paused = True

    def share_done(self) -> float:
        """How much of the first pass is done, from 0 to 1, by the pages known so far."""
        known = self.done + self.left
        within = min(known, self.settings.pages_per_snapshot or known)
        return 1.0 if not self.left or self.done >= within else self.done / within

    def commit_group(self, archive: SnapshotArchive, group: list[Read]) -> None:
        """Write a group of pages: first the archive, to the disk, then everything that refers to it in one transaction."""
        places: list[tuple[int, int] | None] = [
            archive.write_exchange(read.fetched, read.body, read.stripped) if read.fetched.status else None for read in group
        ]
        archive.sync()
        self.ways.see_to_our_side(group)
        attempts, has_session = self.settings.page_attempts, bool(self.session.cookies)
        results = [
            result_of(
                read,
                self.archive_path.name,
                place,
                page_attempts=attempts,
                has_session=has_session,
                mirror_id=self.ways.mirror_of(read).id,
                excused=self.ways.excused(read),
            )
            for read, place in zip(group, places, strict=True)
        ]
        first = [result for result in results if not result.visit.second]
        second = [(read, result) for read, result in zip(group, results, strict=True) if result.visit.second]
        good = [read for read in group if read.outcome is Outcome.OK and not read.visit.second]
        store, rng = self.tools.store, self.tools.rng
        for read in (read for read in good if read.parsed and read.parsed.kind in PAGED):
            self.lists.watch(read.visit.path, page_number(read), shown_on(read))
        here = self.ways.from_here(group)
        with store.write() as connection:
            self.courtesy.record(connection, here)
            frontier.record_results(connection, self.snapshot.id, first, rng)
            staging.stage_pages(connection, self.snapshot.id, [read.staged for read in good])
            fresh_since = self.tools.now() - self.settings.detail_max_age
            found = lead_onward(store, self.snapshot.market_id, good, self.rules.followed, fresh_since)
            onward = [visit for visit in found if visit.kind not in PAGED or self.lists.admits(visit.path)]
            added = frontier.add_visits(connection, self.snapshot.id, onward, rng)
            self.second.plan(connection, good)
            self.second.record(connection, second)
        for result in first:
            self.in_flight.pop(result.visit.path, None)
        self.second.settle([result for _, result in second])
        self.watch_session(group)
        if self.ways.watch(group):
            self.door.open_again()
        else:
            self.door.watch(here)
        self.cut_short = self.cut_short or self.door.shut
        finished = sum(not result.retry for result in first)
        self.done, self.left = self.done + finished, self.left + added - finished
        self.progress(Progress(self.done + self.second.done, self.left + self.second.left, group[-1].visit.path))

    def watch_session(self, group: list[Read]) -> None:
        """Notice that a lent session was lost, whatever the status of the page: the walk stops at once and waits for a person."""
        lost = next((read for read in group if read.outcome is Outcome.LOGIN), None)
        if lost is not None and self.session.cookies:
            self.session_lost = True
            lose_session(self.tools.store, self.target, f"a login page at {lost.visit.path}", now=self.tools.now())
