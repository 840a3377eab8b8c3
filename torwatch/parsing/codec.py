"""How a Parsed crosses from the worker to the daemon: JSON of plain rows, never pickle, since the worker is the one that met hostile bytes."""

from __future__ import annotations

import json
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from torwatch.model import Feedback, Link, Listing, Outcome, PageInfo, PageKind, Parsed, Source, Vendor
from torwatch.parsing.recognise import Guess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def _names(make: type[Any]) -> tuple[str, ...]:
    return tuple(entry.name for entry in fields(make))


_ROWS: dict[str, Callable[[Any], Any]] = {
    name: attrgetter(*_names(make)) for name, make in (("listings", Listing), ("vendors", Vendor), ("feedback", Feedback))
}
_LINK = attrgetter("kind", "path", "priority", "key")
_LISTING_TUPLES = tuple(_names(Listing).index(name) for name in ("category", "extra"))
_LISTING_SOURCE = _names(Listing).index("source")
_VENDOR_TUPLES = tuple(_names(Vendor).index(name) for name in ("pgp_keys", "external_ratings", "extra"))
_VENDOR_SOURCE = _names(Vendor).index("source")


def encode_parsed(parsed: Parsed) -> bytes:
    """Write a Parsed as JSON bytes."""
    info = parsed.info
    return json.dumps(
        (
            parsed.outcome,
            parsed.kind,
            *([_ROWS[name](one) for one in getattr(parsed, name)] for name in ("listings", "vendors", "feedback")),
            [_LINK(one) for one in parsed.links],
            None if info is None else (info.page_number, info.pages, info.total, info.scope, info.rates),
            parsed.reason,
            parsed.unmatched,
            parsed.truncated,
        ),
        ensure_ascii=False,
    ).encode("utf-8", "surrogatepass")


def decode_parsed(data: bytes) -> Parsed:
    """Read what `encode_parsed` wrote; raises ValueError or TypeError for anything else."""
    outcome, kind, listings, vendors, feedback, links, info, reason, unmatched, truncated = json.loads(data)
    return Parsed(
        Outcome(outcome),
        PageKind(kind),
        tuple(Listing(*_restore(row, _LISTING_TUPLES, _LISTING_SOURCE)) for row in listings),
        tuple(Vendor(*_restore(row, _VENDOR_TUPLES, _VENDOR_SOURCE)) for row in vendors),
        tuple(Feedback(*row) for row in feedback),
        tuple(_link(*row) for row in links),
        None if info is None else PageInfo(info[0], info[1], info[2], info[3], tuple((str(pair), str(rate)) for pair, rate in info[4])),
        reason,
        tuple(unmatched),
        truncated,
    )


def encode_listing(listing: Listing) -> bytes:
    """One listing as JSON bytes without a line break."""
    return json.dumps(_ROWS["listings"](listing), ensure_ascii=False).encode("utf-8", "surrogatepass")


def decode_listing(data: bytes) -> Listing:
    """Read what `encode_listing` wrote."""
    return Listing(*_restore(json.loads(data), _LISTING_TUPLES, _LISTING_SOURCE))


def _restore(row: list[Any], tuples: tuple[int, ...], source: int) -> list[Any]:
    for index in tuples:
        row[index] = tuple(tuple(one) if isinstance(one, list) else one for one in row[index])
    row[source] = Source(row[source])
    return row


@lru_cache(maxsize=16384)
def _link(kind: str, path: str, priority: int, key: str | None) -> Link:
    """Links of menus are the same on every page: one value each."""
    return Link(PageKind(kind), path, priority, key)


def encode_guesses(guesses: Iterable[Guess]) -> bytes:
    """What `decode_guesses` reads."""
    return json.dumps([(guess.name, guess.score, guess.why) for guess in guesses]).encode()


def decode_guesses(data: bytes) -> list[Guess]:
    """Scores of parsers from a worker; ValueError or TypeError where they are none."""
    return [Guess(str(name), float(score), str(why)) for name, score, why in json.loads(data)]
