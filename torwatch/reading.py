"""One page read: fetched, stripped, parsed in the sandbox, and turned into the rows that a snapshot stages."""

from __future__ import annotations

import email.utils
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from torwatch.archive.strip import redact_answer, strip_data_uris
from torwatch.claims import ClaimRules, stage_of
from torwatch.model import GOOD_OUTCOMES, OBSTACLE_OUTCOMES, Fetched, Outcome, PageKind, Parsed
from torwatch.store.frontier import Visit
from torwatch.store.staging import StagedPage

if TYPE_CHECKING:
    import datetime as dt
    import re
    from collections.abc import Callable, Sequence

    from torwatch.crawl.fetch import Fetcher
    from torwatch.parsing.recognise import Guess

MAX_RETRY_AFTER_SECONDS = 3600.0


class Workers(Protocol):
    """What a walk needs of the parser workers."""

    def recognise(self, body: bytes, *, content_type: str = "") -> list[Guess]:
        """Score every parser against a front page, best first, in a sandboxed process."""

    def parse(self, parser: str, body: bytes, *, path: str, content_type: str, fetched_at: dt.datetime) -> Parsed:
        """Parse one page in a sandboxed process."""


@dataclass(slots=True)
class Read:
    """One page read: what was fetched, what is stored of it, and what it gave. Made in a fetch thread, used by the committing one."""

    visit: Visit
    fetched: Fetched
    body: bytes
    stripped: int
    parsed: Parsed | None
    staged: StagedPage
    outcome: Outcome
    reason: str


class PageReader:
    """Reads pages of one market; stateless but for what it was made with, so fetch threads and replays share it."""

    def __init__(
        self,
        parser: str,
        rules: ClaimRules,
        workers: Workers,
        hold_back: Callable[[float], None],
        secrets: Sequence[re.Pattern[bytes]] = (),
        stranger: Callable[[bytes, str], str] = lambda _body, _content_type: "",
        front: Sequence[str] = (),
    ) -> None:
        """`stranger` tells whose page it is that stands at a path of `front`, where it is another market's."""
        self.parser = parser
        self.rules = rules
        self.workers = workers
        self.hold_back = hold_back
        self.secrets = secrets  # taken out of every answer before it is parsed or stored
        self.stranger = stranger
        self.front = tuple(front)

    def fetch_page(self, fetcher: Fetcher, visit: Visit) -> Fetched:
        """Fetch one page, and hold the others back when the market asks for it."""
        fetched = fetcher.fetch(visit.path)
        self.obey_retry_after(fetched)
        return fetched

    def greet(self, fetch: Callable[[Visit], Fetched]) -> Read:
        """Look at the front page of an address before a walk goes on there."""
        visit = Visit(self.front[0], PageKind.HOME)
        return self.read_fetched(visit, fetch(visit))

    def read_fetched(self, visit: Visit, fetched: Fetched) -> Read:
        """Take out of a page what nothing may store, parse it in the sandbox and prepare its rows."""
        fetched = redact_answer(fetched, self.secrets)
        body, stripped = strip_data_uris(fetched.body)
        if not fetched.status or (not body and fetched.outcome not in GOOD_OUTCOMES):
            return Read(visit, fetched, body, stripped, None, StagedPage(), fetched.outcome, fetched.reason)
        content_type = fetched.header("content-type")
        if visit.path in self.front and fetched.outcome is Outcome.OK and (whose := self.stranger(body, content_type)):
            return Read(visit, fetched, body, stripped, None, StagedPage(), Outcome.WRONG_MARKET, whose)
        parsed = self.workers.parse(self.parser, body, path=fetched.url, content_type=content_type, fetched_at=fetched.fetched_at)
        outcome, reason = judge_page(visit, fetched, parsed)
        staged = stage_of(parsed, self.rules) if outcome is Outcome.OK else StagedPage()
        return Read(visit, fetched, body, stripped, parsed, staged, outcome, reason)

    def obey_retry_after(self, fetched: Fetched) -> None:
        """Hold all requests back for as long as the market asks, in seconds or until a date."""
        value = fetched.header("retry-after").strip()
        seconds = float(value) if value.isdecimal() else seconds_until(value, fetched.fetched_at)
        if seconds > 0:
            self.hold_back(min(seconds, MAX_RETRY_AFTER_SECONDS))


def seconds_until(date: str, now: dt.datetime) -> float:
    """Seconds until an HTTP date; 0 for one that is over or is none."""
    try:
        moment = email.utils.parsedate_to_datetime(date)
        return max(0.0, (moment - now).total_seconds()) if moment.tzinfo else 0.0
    except (TypeError, ValueError, OverflowError):
        return 0.0


def judge_page(visit: Visit, fetched: Fetched, parsed: Parsed) -> tuple[Outcome, str]:
    """What a visit met, from the HTTP status and from the page itself: an obstacle on the page tells more than a status."""
    if parsed.outcome in OBSTACLE_OUTCOMES or (fetched.outcome is Outcome.OK and parsed.outcome is not Outcome.OK):
        return parsed.outcome, parsed.reason
    if fetched.outcome is not Outcome.OK:
        return fetched.outcome, fetched.reason
    if parsed.truncated:
        return Outcome.RESET, "the page ends in the middle: the market, or the way to it, cut it off"
    if visit.kind in {PageKind.LISTING, PageKind.VENDOR} and parsed.kind is not visit.kind:
        return Outcome.LAYOUT_CHANGED, f"a {visit.kind} page was asked for, a page of kind {parsed.kind} came"
    return Outcome.OK, ""
