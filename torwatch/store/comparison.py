"""What differs between the states of a market after two of its snapshots: listings, vendors, their keys, feedback and categories.

Only what a change row between the two names can differ, so the cost grows with what changed, not with what stands.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torwatch.store.entities import LISTING
from torwatch.store.state import entity_after, state_after

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torwatch.store.database import Store
    from torwatch.store.state import Claims, State

CAME, WENT = frozenset({"new", "back"}), frozenset({"gone_explicit", "missed"})
STEPS = 5  # of a comparison, for a progress bar


@dataclass(frozen=True, slots=True)
class Difference:
    """One claim that differs between two states; `field` None: the whole thing came (`old` None) or went (`new` None).

    `cause` is that of the change rows between: changed, or refined where only a better page was read; of a thing new, back,
    gone_explicit or missed. None where the later snapshot was given first.
    """

    entity: str
    key: str
    field: str | None
    old: Any
    new: Any
    name: str | None = None  # its title or name after the second state, else after the first
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class KeyDifference:
    """One OpenPGP key that an account shows after one of two snapshots only."""

    account: str
    fingerprint: str
    user_id: str
    shown: bool  # after the second, not after the first


@dataclass(frozen=True, slots=True)
class FeedbackDifference:
    """One entry of feedback that was first seen between two snapshots."""

    key: str
    vendor: str | None
    listing: str | None
    rating: str | None
    body: str | None
    date: str | None


@dataclass(frozen=True, slots=True)
class CategoryDifference:
    """A category with another number of standing listings; `before` 0: a new one, `after` 0: one that is empty now."""

    category: str | None  # None: listings that name none
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two states of a market, the second against the first."""

    listings: tuple[Difference, ...]
    vendors: tuple[Difference, ...]
    keys: tuple[KeyDifference, ...]
    feedback: tuple[FeedbackDifference, ...]  # came, or went where the later snapshot was given first
    categories: tuple[CategoryDifference, ...]

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return any((self.listings, self.vendors, self.keys, self.feedback, self.categories))


def compare_snapshots(
    store: Store,
    market_id: int,
    first: int,
    second: int,
    *,
    fingerprints: Callable[[str], Iterable[tuple[str, str]]],
    progress: Callable[[int], None] = lambda _step: None,
) -> Comparison:
    """The state after `second` minus that after `first`; `fingerprints` reads (fingerprint, user id) out of armoured keys."""
    between = (min(first, second), max(first, second))
    with store.one_moment():
        before = state_after(store, market_id, first, between)
        progress(1)
        after = state_after(store, market_id, second, between)
        progress(2)
        found = differences(before, after, causes_between(store, market_id, between) if first < second else {})
        progress(3)
        categories = category_differences(store, market_id, first, before, after)
        progress(4)
        feedback = feedback_between(store, market_id, between)
        vendors = tuple(one for one in found if one.entity == "vendor")
        keys = key_differences(store, vendors, fingerprints)
        progress(STEPS)
    return Comparison(tuple(one for one in found if one.entity == "listing"), vendors, keys, feedback, categories)


def differences(before: State, after: State, causes: dict[tuple[str, str, str | None], str] | None = None) -> list[Difference]:
    """What differs between two states, sorted; a thing that came or went is one difference."""
    told = causes or {}
    found = []
    for identity in before.keys() | after.keys():
        old, new = before.get(identity), after.get(identity)
        claims = new or old or {}
        name = claims.get("title") or claims.get("name")
        if old is None or new is None:
            found.append(Difference(*identity, None, old, new, name, told.get((*identity, None))))
            continue
        found += [
            Difference(*identity, claim, old.get(claim), new.get(claim), name, told.get((*identity, claim)))
            for claim in old.keys() | new.keys()
            if old.get(claim) != new.get(claim)
        ]
    return sorted(found, key=lambda difference: (difference.entity, difference.key, difference.field or ""))


def causes_between(store: Store, market_id: int, between: tuple[int, int]) -> dict[tuple[str, str, str | None], str]:
    """(entity, key, claim or None) → why it differs: the newest cause of a thing; of a claim `refined` only where every row says so."""
    causes: dict[tuple[str, str, str | None], str] = {}
    rows = store.rows(
        "SELECT entity, key, field, cause FROM change WHERE entity <> 'feedback' AND snapshot_id IN"
        " (SELECT id FROM snapshot WHERE market_id = ? AND id > ? AND id <= ?) ORDER BY id",
        (market_id, *between),
    )
    for entity, key, field, cause in rows:
        if field is None or cause == "changed":
            causes[entity, key, field] = cause
        else:
            causes.setdefault((entity, key, field), cause)
    return causes


def category_differences(store: Store, market_id: int, first: int, before: State, after: State) -> tuple[CategoryDifference, ...]:
    """The categories whose number of standing listings differs; `before` and `after` are the states of what was touched between."""
    moved = Counter(_categories(after))
    moved.subtract(Counter(_categories(before)))
    counted = categories_after(store, market_id, first)
    return tuple(
        CategoryDifference(category, counted[category], counted[category] + by)
        for category, by in sorted(moved.items(), key=lambda item: item[0] or "")
        if by
    )


def categories_after(store: Store, market_id: int, snapshot_id: int) -> Counter[str | None]:
    """Standing listings by category after a snapshot: the present ones, with what was touched since as it stood then."""
    rows = store.rows("SELECT category, count(*) FROM listing WHERE market_id = ? AND standing = 1 GROUP BY category", (market_id,))
    counted: Counter[str | None] = Counter({row[0]: row[1] for row in rows})
    newest = int(store.value("SELECT max(id) FROM snapshot WHERE market_id = ?", (market_id,)) or 0)
    for number, sign in ((newest, -1), (snapshot_id, 1)):
        touched = entity_after(store, LISTING, market_id, number, ["category"], (snapshot_id, newest))
        for category, listings in Counter(claims.get("category") for claims in touched.values()).items():
            counted[category] += sign * listings
    return counted


def _categories(state: State) -> Iterable[str | None]:
    return (claims.get("category") for (entity, _), claims in state.items() if entity == LISTING.name)


def feedback_between(store: Store, market_id: int, between: tuple[int, int]) -> tuple[FeedbackDifference, ...]:
    """The entries that were first seen after one snapshot, up to the other, in the order of their keys."""
    rows = store.rows(
        "SELECT f.key, f.vendor, f.listing_key, coalesce(f.rating, CAST(f.stars AS TEXT)), f.body, f.date FROM change"
        " JOIN feedback AS f ON f.market_id = change.market_id AND f.key = change.key"
        " WHERE change.entity = 'feedback' AND change.cause = 'new' AND change.snapshot_id IN"
        " (SELECT id FROM snapshot WHERE market_id = ? AND id > ? AND id <= ?) ORDER BY f.key",
        (market_id, *between),
    )
    return tuple(FeedbackDifference(*row) for row in rows)


def key_differences(
    store: Store, vendors: Iterable[Difference], fingerprints: Callable[[str], Iterable[tuple[str, str]]]
) -> tuple[KeyDifference, ...]:
    """The keys that accounts show after one of the snapshots only."""
    found = []
    for one in vendors:
        if one.field not in {None, "pgp"}:
            continue
        old, new = (dict(fingerprints(_armour(store, value))) for value in (one.old, one.new))
        found += [
            KeyDifference(one.key, fingerprint, (old | new)[fingerprint], fingerprint in new)
            for fingerprint in sorted(old.keys() ^ new.keys())
        ]
    return tuple(found)


def _armour(store: Store, value: Claims | str | None) -> str:
    """The armoured keys of a claim, or of all claims of an account that came or went; empty where there are none, or they are forgotten."""
    digest = value.get("pgp") if isinstance(value, dict) else value
    return str(store.value("SELECT body FROM text WHERE digest = ?", (digest,)) or "") if digest else ""
