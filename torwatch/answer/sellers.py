"""Who offers: accounts linked and unlinked, how concentrated they are, and whose offer grew most."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from torwatch.report import answer_sql as sql

if TYPE_CHECKING:
    from torwatch.answer.asking import Asking
    from torwatch.report.document import Cell, Section

FIRST = 10


def seller_sections(asking: Asking) -> list[Section]:
    """Vendors and concentration, and top movers, both of the country's standing listings."""
    scope = asking.scope
    chosen = scope.standing & scope.here
    listings = np.bincount(scope.vendor[chosen], minlength=len(scope.vendors))
    fresh = np.bincount(scope.vendor[chosen & scope.fresh], minlength=len(scope.vendors))
    accounts = np.flatnonzero(listings)
    rows: list[tuple[Cell, ...]] = []
    if len(accounts):
        top = np.sort(listings)[::-1][:FIRST].sum() / listings.sum()
        rows = [
            (
                asking.label("linked", "sellers, accounts of one key linked", "verkopers, rekeningen met één sleutel samen"),
                _linked(asking, scope.vendors[accounts].tolist()),
            ),
            (asking.label("unlinked", "accounts, unlinked", "rekeningen, los geteld"), len(accounts)),
            (
                asking.label("percent_of_top_10", "% of listings by the top 10", "% van aanbod door de eerste 10"),
                round(100 * float(top), 2),
            ),
        ]
    note = (
        "Accounts are linked by the fingerprint of a PGP key; keys can be copied by impersonators.",
        "Rekeningen zijn verbonden door de vingerafdruk van een PGP-sleutel; bedriegers kunnen een sleutel overnemen.",
    )
    columns = (("measure", "maat"), ("number", "aantal"))
    return [
        asking.section(
            "vendors",
            ("Vendors and concentration", "Verkopers en concentratie"),
            columns,
            rows,
            sql.CONCENTRATION,
            note,
            asking.nothing(here=True),
        ),
        _movers(asking, listings.tolist(), fresh, _left(asking)),
    ]


def _linked(asking: Asking, accounts: list[int]) -> int:
    """How many sellers are left when accounts that share a key count as one."""
    root = {account: account for account in accounts}

    def find(account: int) -> int:
        while root[account] != account:
            root[account] = account = root[root[account]]
        return account

    for one, other in asking.store.rows(
        "SELECT vendor_id, other_vendor_id FROM vendor_link WHERE evidence = 'pgp' AND vendor_id < other_vendor_id"
    ):
        if one in root and other in root:
            root[find(one)] = find(other)
    return sum(account == parent for account, parent in root.items())


def _left(asking: Asking) -> list[int]:
    """By vendor the country's listings that stood in the period and no longer do at its end."""
    scope = asking.scope
    left: list[int] = np.bincount(scope.vendor[scope.here & ~scope.standing], minlength=len(scope.vendors)).tolist()
    return left


def _movers(asking: Asking, listings: list[int], fresh: np.ndarray, left: list[int]) -> Section:
    scope = asking.scope
    least = np.sort(fresh)[::-1][:FIRST].min(initial=1)
    ids = {int(scope.vendors[place]): int(place) for place in np.flatnonzero(fresh >= max(1, least))}
    names = {
        row["id"]: (row["vendor"], row["market"])
        for row in asking.store.rows(
            "SELECT vendor.id, coalesce(vendor.name, vendor.key) AS vendor, market.name AS market FROM json_each(?) AS wanted"
            " JOIN vendor ON vendor.id = wanted.value JOIN market ON market.id = vendor.market_id",
            (json.dumps([vendor for vendor in ids if vendor > 0]),),
        )
    }
    found = sorted((-int(fresh[place]), *names[vendor], left[place], listings[place]) for vendor, place in ids.items() if vendor in names)[
        :FIRST
    ]
    rows: list[tuple[Cell, ...]] = [(vendor, market, -new, gone, standing) for new, vendor, market, gone, standing in found]
    columns = (("vendor", "verkoper"), ("market", "markt"), ("new", "nieuw"), ("gone", "weg"), ("standing", "staand"))
    none = (
        "Not printed: no listing of the country came in this period.",
        "Niet vermeld: in deze periode kwam er geen aanbieding van het land bij.",
    )
    note = (
        "New: first seen in the period. All that a market's first look shows is new, when that look is in the period.",
        "Nieuw: in de periode voor het eerst gezien. Alles wat de eerste keer op een markt toont is nieuw, als die keer in de periode ligt.",
    )
    titles = ("Top movers: most new listings", "Grootste stijgers: meeste nieuwe aanbiedingen")
    return asking.section("movers", titles, columns, rows, sql.CONCENTRATION, note, None if fresh.any() or not listings else none)
