"""The verdict: does what torwatch stored equal the simulated market's truth, state by state and change by change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from torwatch.demo.market.truth import Truth, claims_of, diff_truth

State = Mapping[tuple[str, str], Mapping[str, str]]
Change = tuple[str, str, str | None, str | None, str | None, str]  # entity, key, field, old, new, cause
Digest = Callable[[str], str]

LONG_TEXTS = frozenset({"description", "profile", "pgp"})
DISPLAYED_DATES = ("%Y-%m-%d", "%d/%m/%Y", "%B %d, %Y")
COMPARED = {
    "listing": frozenset(
        {"title", "vendor", "category", "price", "currency", "price_unit", "listing_type", "ship_from", "ship_to", "escrow", "description"}
    ),
    "vendor": frozenset({"name", "member_since", "ship_from", "ship_to", "profile", "fe_enabled", "pgp"}),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """How stored rows compare with the truth: both empty when torwatch was right."""

    missing: tuple[object, ...]  # in the truth, not stored
    invented: tuple[object, ...]  # stored, not in the truth
    compared: int

    @property
    def right(self) -> bool:
        """Nothing missing and nothing invented."""
        return not self.missing and not self.invented


def stored_value(claim: str, value: str | None, digest: Digest) -> str | None:
    """A claim of the truth as torwatch stores it."""
    if value is None:
        return None
    return digest(value) if claim in LONG_TEXTS else value


def plain_value(claim: str, value: str | None) -> str | None:
    """A stored claim without what the engine added to it: "Physical Package" for "Physical", dates in the engine's own form."""
    if claim == "member_since":
        return plain_date(value)
    return value.split()[0] if claim == "listing_type" and value else value


def plain_date(text: str | None) -> str | None:
    """A displayed date as ISO text; what is no such date stays as it is."""
    for pattern in DISPLAYED_DATES:
        try:
            return dt.datetime.strptime(text or "", pattern).replace(tzinfo=dt.UTC).date().isoformat()
        except ValueError:
            continue
    return text


def compare_state(truth: Truth, stored: State, digest: Digest) -> Verdict:
    """Compare every claim of every listing and vendor that stands."""
    wanted: set[tuple[str, str, str, str]] = set()
    for entity, names in COMPARED.items():
        for key, record in truth.records(entity).items():
            for claim, value in claims_of(entity, record).items():
                text = stored_value(claim, value, digest)
                if claim in names and text is not None:
                    wanted.add((entity, key, claim, text))
    found = {
        (entity, key, claim, plain_value(claim, value) or "")
        for (entity, key), claims in stored.items()
        for claim, value in claims.items()
        if claim in COMPARED[entity]
    }
    return Verdict(tuple(sorted(wanted - found)), tuple(sorted(found - wanted)), len(wanted))


def compare_changes(before: Truth | None, after: Truth, known: Truth | None, stored: Iterable[Change], digest: Digest) -> Verdict:
    """Compare the change rows of one snapshot with the truth's own diff; `known` is the last sight of all ever seen before."""
    wanted: set[Change] = set()
    for row in diff_truth(before, after, known=known, entities=("listing", "vendor")):
        claim = row.field
        if not row.field:
            wanted.add((row.entity, row.key, None, None, None, {"gone": "gone_explicit"}.get(row.cause, row.cause)))
        elif row.cause != "new" and claim in COMPARED[row.entity]:
            old, new = (stored_value(claim, value, digest) for value in (row.old, row.new))
            wanted.add((row.entity, row.key, claim, old, new, "changed"))
    found: set[Change] = set()
    for entity, key, field, old, new, cause in stored:
        if field is None:
            found.add((entity, key, None, None, None, cause))
        elif entity in COMPARED and field in COMPARED[entity]:
            found.add((entity, key, field, plain_value(field, old), plain_value(field, new), cause))
    return Verdict(tuple(sorted(wanted - found, key=str)), tuple(sorted(found - wanted, key=str)), len(wanted))
