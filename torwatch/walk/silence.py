"""Silences within a walk: failures in a row that may be those of our own network, and the judgement before a market is blamed for them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from torwatch.errors import TorError
from torwatch.model import Outcome
from torwatch.store.frontier import forgive_silences
from torwatch.store.mirrors import record_visit
from torwatch.store.witnesses import is_silence, network_works
from torwatch.walk.canaries import ask_canaries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torwatch.equipment import Tools, WalkSettings
    from torwatch.model import Fetched
    from torwatch.reading import Read
    from torwatch.store.snapshots import Snapshot

SILENCES_IN_A_ROW = 3  # then the witnesses are asked


class Silence:
    """Listens to the pages of one walk before they are committed. When our own network does not work, nothing of it is the market's fault."""

    def __init__(self, tools: Tools, settings: WalkSettings, snapshot: Snapshot, target_id: int) -> None:
        self._tools = tools
        self._settings = settings
        self._snapshot = snapshot
        self._target_id = target_id
        self._met: list[Fetched] = []  # in a row

    def listen(self, group: Iterable[Read], mirror_id: int) -> None:
        """Take note of a group; raises TorError, and leaves the snapshot resumable, once it is our own network that is silent."""
        for read in group:
            if is_silence(read.fetched):
                self._met.append(read.fetched)
            elif read.outcome is not Outcome.TOR_DOWN:
                self._met.clear()
        if len(self._met) >= SILENCES_IN_A_ROW:
            self.judge(mirror_id)

    def judge(self, mirror_id: int) -> None:
        """Ask the witnesses about a silence that stands, if one does; raises TorError as above."""
        if not self._met:
            return
        first, last = self._met[0], self._met[-1]
        self._met.clear()
        # Half of the wait must be over: what others got before may have been the last that our network brought.
        since = first.fetched_at - dt.timedelta(milliseconds=first.elapsed_ms / 2)
        ask_canaries(self._tools, self._settings)
        with self._tools.store.write() as connection:
            if network_works(connection, self._target_id, since, self._tools.now()) is not False:
                return
            forgive_silences(connection, self._snapshot.id, since)
            record_visit(connection, mirror_id, last.outcome, last.reason, source="snapshot", now=self._tools.now())
        raise TorError("our own Tor network does not work: no canary and no other market answers; the snapshot goes on once it does")
