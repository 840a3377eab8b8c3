"""The ways to a market: the mirror in use and a fetcher for each pass; another mirror when this address fails, tor brought back when it is down."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import structlog

from torwatch.crawl.fetch import Fetcher, Route
from torwatch.errors import TorError
from torwatch.model import Outcome
from torwatch.store.mirrors import ADDRESS_OUTCOMES, Greeted, change_mirror, note_greeting, other_mirror, record_visit, visits_of
from torwatch.walk.passage import Passage
from torwatch.walk.silence import Silence

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from torwatch.archive.writer import SnapshotArchive
    from torwatch.crawl.session import BrowserSession
    from torwatch.equipment import Tools, WalkSettings
    from torwatch.model import Fetched
    from torwatch.reading import PageReader, Read
    from torwatch.store.frontier import Visit
    from torwatch.store.snapshots import Snapshot
    from torwatch.store.targets import Mirror, Target
    from torwatch.walk.courtesy import Courtesy

MOST_REFUSED = 30  # requests in a row that the SOCKS port refuses before a walk gives up and stays resumable
DOUBTFUL = frozenset({Outcome.TOR_DOWN, Outcome.TIMEOUT_CONNECT, Outcome.TIMEOUT_TOTAL, Outcome.STALLED})  # may be a tor of ours that hangs
ADDRESS_FAILURES = 3  # in a row that mean the address: another one is tried, where there is one

log = structlog.get_logger()


class Ways:
    """A context manager once it has an archive; used by the fetch threads (`fetch`) and by the committing thread (the rest)."""

    def __init__(
        self,
        tools: Tools,
        target: Target,
        snapshot: Snapshot,
        mirror: Mirror,
        settings: WalkSettings,
        session: BrowserSession,
        courtesy: Courtesy,
        reader: PageReader,
        stop: threading.Event,
    ) -> None:
        self.mirror = mirror
        self._tools = tools
        self._target = target
        self._snapshot = snapshot
        self._settings = settings
        self._session = session
        self._courtesy = courtesy
        self._reader = reader
        self._stop = stop
        self._stack = contextlib.ExitStack()
        self._archive: SnapshotArchive | None = None
        self._passages: tuple[Passage, ...] = ()  # of the first and of the second pass
        self._failures = 0  # in a row at this address
        self._left: set[int] = set()  # mirrors left since a page was last read
        self._refused = 0
        self._silence = Silence(tools, settings, snapshot, target.id)

    def keeping_in(self, archive: SnapshotArchive) -> Self:
        """Keep in this archive what front pages give that no visit asks for."""
        self._archive = archive
        return self

    def __enter__(self) -> Self:
        self._passages = self._open(self.mirror)
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def fetch(self, visit: Visit) -> Fetched:
        """Fetch one page over the identity of its pass."""
        return self._ask(self._passages, visit)

    def look_again(self) -> str:
        """Look at the front page before a walk that was stopped goes on: its address may be another market's by now.

        Gives whose it is where there is no other address to go on at, else "".
        """
        greeting = self._greet(self.mirror, self._passages)
        if greeting is None or greeting.outcome is not Outcome.WRONG_MARKET or self._leave(greeting.outcome, greeting.reason):
            return ""
        self._note_stranger(self.mirror, greeting)
        return greeting.reason

    def mirror_of(self, read: Read) -> Mirror:
        """The mirror that a page was asked of: pages on their way when the mirror changes are those of the old one."""
        place = urlsplit(read.fetched.url).netloc
        return next((mirror for mirror in self._target.mirrors if urlsplit(mirror.address).netloc == place), self.mirror)

    def from_here(self, group: Sequence[Read]) -> list[Read]:
        """Those pages of a group that the mirror in use gave."""
        return [read for read in group if self.mirror_of(read).id == self.mirror.id]

    def excused(self, read: Read) -> bool:
        """Whether a failure is that of an address, and the page can still be asked for at another one."""
        if read.outcome not in ADDRESS_OUTCOMES:
            return False
        return self.mirror_of(read).id != self.mirror.id or self._other() is not None

    def watch(self, group: Sequence[Read]) -> bool:
        """Go to another mirror after failures in a row that mean this address, or when it is another market's; tells whether it did."""
        for read in self.from_here(group):
            if read.outcome in ADDRESS_OUTCOMES:
                self._failures += 1
            elif read.outcome is not Outcome.TOR_DOWN:
                self._failures = 0
                self._left.clear()
            if self._failures >= ADDRESS_FAILURES or read.outcome is Outcome.WRONG_MARKET:
                return self._leave(read.outcome, read.reason)
        return False

    def see_to_our_side(self, group: Sequence[Read]) -> None:
        """Bring our own tor back when a request found its SOCKS port shut or waited for a tor that hangs.

        What such a request met is then no fault of the market, and costs the page no attempt. Raises TorError when tor, or our own network,
        cannot be had.
        """
        for read in group:
            self._refused = self._refused + 1 if read.outcome is Outcome.TOR_DOWN else 0
        if self._refused >= MOST_REFUSED:
            raise TorError(
                f"Tor's SOCKS port {self._tools.tor.socks_address} refuses every connection: check tor.socks of the configuration"
            )
        doubtful = [read for read in group if read.outcome in DOUBTFUL]
        if doubtful:
            if self._tools.tor.ensure():
                for read in doubtful:
                    read.outcome, read.reason = Outcome.TOR_DOWN, "our own tor hung or was gone, and was started again"
            for passage in self._passages:
                passage.renew()
        self._silence.listen([read for read in group if read.outcome is not Outcome.TOR_DOWN], self.mirror.id)

    def conclude(self) -> None:
        """Judge a silence at the end of a walk: raises TorError when it was that of our own network."""
        self._silence.judge(self.mirror.id)

    def _other(self) -> Mirror | None:
        visits = {mirror.id: visits_of(self._tools.store, mirror.id) for mirror in self._target.mirrors}
        return other_mirror(self._target.mirrors, visits, self.mirror.id, self._left, self._tools.now())

    def _leave(self, outcome: Outcome, reason: str) -> bool:
        """Go on at the next mirror whose front page is this market's; tells whether there is one."""
        while (other := self._other()) is not None:
            self._courtesy.change_address()
            passages = self._open(other)
            greeting = self._greet(other, passages)
            if greeting is None:
                return False
            if greeting.outcome is Outcome.WRONG_MARKET:
                self._left.add(other.id)
                self._note_stranger(other, greeting)
                continue
            log.warning(
                "mirror_changed", market=self._target.market, left=self.mirror.host, taken=other.host, outcome=outcome.value, reason=reason
            )
            change_mirror(self._tools.store, self._snapshot.id, self.mirror.id, other.id, outcome, reason, now=self._tools.now())
            self._left.add(self.mirror.id)
            self._failures = 0
            self.mirror, self._passages = other, passages
            return True
        return False

    def _greet(self, mirror: Mirror, passages: tuple[Passage, ...]) -> Read | None:
        """Look at the front page of an address, before any page that waits for its turn; None when the walk was stopped meanwhile.

        What another address, or another market, answers is kept as evidence. What the market's own answers again is no page more.
        """
        if not self._courtesy.wait_first(self._stop):
            return None
        greeting = self._reader.greet(partial(self._ask, passages))
        record = self._keep(greeting) if mirror.id != self.mirror.id or greeting.outcome is Outcome.WRONG_MARKET else None
        with self._tools.store.write() as connection:
            self._courtesy.record(connection, [greeting])
            if record is not None:
                note_greeting(connection, self._snapshot, mirror, greeting.outcome, greeting.reason, record, now=self._tools.now())
        return greeting

    def _keep(self, greeting: Read) -> Greeted | None:
        """Write the answer of a front page, if there was one, to the archive, to the disk."""
        fetched = greeting.fetched
        if self._archive is None or not fetched.status:
            return None
        offset, length = self._archive.write_exchange(fetched, greeting.body, greeting.stripped)
        self._archive.sync()
        return Greeted(fetched.url, fetched.status, fetched.digest, self._archive.path.name, offset, length)

    def _ask(self, passages: tuple[Passage, ...], visit: Visit) -> Fetched:
        try:
            return passages[visit.second].fetch(lambda fetcher: self._reader.fetch_page(fetcher, visit))
        finally:
            self._courtesy.pace.answered()

    def _note_stranger(self, mirror: Mirror, greeting: Read) -> None:
        with self._tools.store.write() as connection:
            record_visit(connection, mirror.id, greeting.outcome, greeting.reason, source="snapshot", now=self._tools.now())

    def _open(self, mirror: Mirror) -> tuple[Passage, ...]:
        identity = f"target-{self._target.id}"
        passages = [Passage(self._tools, mirror.address, name, self._open_fetcher) for name in (identity, f"{identity}-B")]
        return tuple(self._stack.enter_context(passage) for passage in passages)

    def _open_fetcher(self, route: Route) -> Fetcher:
        return Fetcher(
            route,
            self._settings.limits,
            headers=self._settings.headers,
            explain=self._tools.explain,
            connections=self._settings.connections,
            now=self._tools.now,
            cookies=self._session.cookies,
            pause=self._courtesy.wait,
            receive=self._courtesy.receive,
        )
