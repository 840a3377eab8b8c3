"""The rests of targets whose walk a fault cut off: twice as long after each further one in a row, over restarts too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from torwatch.crawl.schedule import LONGEST_REST, rest_after
from torwatch.errors import StoreError
from torwatch.store.spending import Rest, keep_rest, rests

if TYPE_CHECKING:
    import datetime as dt

    from torwatch.store.database import Store

log = structlog.get_logger()


class Rests:
    """Such a snapshot is still running and so due at once: without a rest it would be tried again, and its market asked, every half second.

    What is stored is what plans go by; kept here too, rests hold also while the disk takes no write.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept = {target_id: rest for target_id, rest in rests(store).items() if rest.faults}

    def add(self, target_id: int, why: str, seconds_per_request: float, now: dt.datetime) -> None:
        """Note a fault; trying again keeps to the target's rate."""
        faults = self._kept[target_id].faults + 1 if target_id in self._kept else 1
        self._kept[target_id] = Rest(now + rest_after(faults, seconds_per_request), why, faults)
        try:
            keep_rest(self._store, target_id, self._kept[target_id])
        except StoreError as error:  # the fault may be that the disk is full
            log.warning("rest_not_written", target=target_id, error=str(error))

    def end(self, target_id: int) -> None:
        """Note a walk that no fault cut off."""
        self._kept.pop(target_id, None)

    def hold(self, target_id: int, now: dt.datetime) -> bool:
        """Whether the target rests now; a clock that was set back ends the rest."""
        until = self._kept[target_id].until if target_id in self._kept else now
        return until - LONGEST_REST <= now < until
