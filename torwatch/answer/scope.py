"""The listings of the period as arrays, from one scan of each table: every figure of the answer is a count over them.

SQLite gives the texts (claims, destinations, kinds of goods) places in short lists, so that a row of `listing` comes over as a few numbers.
`report/answer_sql.py` says the same in SQL, one figure at a time; the tests hold both to the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from torwatch.answer.looks import NEVER, Array, Looks, Spells, read_looks, read_spells
from torwatch.report import answer_sql as sql

if TYPE_CHECKING:
    import sqlite3

    from torwatch.answer.question import Question
    from torwatch.store.database import Store

MISSING, UNREAD = 0, 1  # the first two claims: no text, and a text that was not normalised yet
UNITS = ("", "g", "ml", "unit")
PERHAPS = ("undeclared", "world")
GOOD = ("complete", "partial")  # states of a look that counts

CLAIMS = f"{sql.CLAIMS} ORDER BY 1, 2"
TARGETS = """
SELECT market_id, raw, group_concat(CASE WHEN code = '' THEN class ELSE replace(code, 'region:', '') END, char(9)) AS names
FROM destination WHERE excluded = 0 GROUP BY market_id, raw ORDER BY 1, 2"""
CURRENCIES = "SELECT DISTINCT currency FROM listing WHERE currency IS NOT NULL"
KINDS = "SELECT DISTINCT substance_group, answer_group FROM substance ORDER BY 1, 2"
# Every small number in one integer: a row comes over as five values, and Python makes an object of each.
LISTINGS = """
SELECT listing.id, coalesce(listing.vendor_id, -listing.id),
       ((((((listing.market_id * :claims + coalesce(claim.place, listing.ship_from IS NOT NULL)) * :targets + coalesce(target.place, 0))
         * :kinds + coalesce(kind.place, 0)) * :currencies + coalesce(instr(:codes, listing.currency), 0))
         * 4 + CASE quantity.unit WHEN 'g' THEN 1 WHEN 'ml' THEN 2 WHEN 'unit' THEN 3 ELSE 0 END)
         * 2 + (listing.price_maximum IS NULL AND (listing.price_unit IS NULL OR lower(listing.price_unit) IN ('order', 'item', 'lot', 'listing'))))
         * 2 + (substance.is_drug IS 1 AND (listing.listing_type IS NULL OR lower(listing.listing_type) <> 'digital')),
       CAST(coalesce(listing.price, -1) AS REAL), CAST(coalesce(quantity.amount, -1) AS REAL)
FROM listing
LEFT JOIN temp.answer_claim AS claim ON claim.market_id = listing.market_id AND claim.raw = coalesce(listing.ship_from, '')
LEFT JOIN temp.answer_target AS target ON target.market_id = listing.market_id AND target.raw = coalesce(listing.ship_to, '')
LEFT JOIN substance ON substance.market_id = listing.market_id AND substance.title = coalesce(listing.title, '')
     AND substance.category = coalesce(listing.category, '')
LEFT JOIN temp.answer_kind AS kind ON kind.substance_group = substance.substance_group AND kind.answer_group = substance.answer_group
LEFT JOIN quantity ON quantity.market_id = listing.market_id AND quantity.title = coalesce(listing.title, '')
     AND quantity.category = coalesce(listing.category, '')
ORDER BY listing.id"""
ROW = [("id", "i8"), ("vendor", "i8"), ("packed", "i8"), ("price", "f8"), ("amount", "f8")]


@dataclass(frozen=True, slots=True)
class Scope:
    """Listings whose life touches the period: arrays of one length, and what their places stand for.

    `vendor` is a place in `vendors` (ids of accounts; a listing without one is an account of its own, with an id below 0). `origin` is a
    place in `origins`, NEVER where not exactly one country is named. `price` is in `currency`, NaN where no single price an order is shown;
    `amount` is in `unit`, NaN where none is read. `spells` are those begun by the end of the period; their owner is a place here.
    """

    looks: Looks
    spells: Spells
    vendor_spells: Spells
    id: Array
    market: Array
    vendor: Array
    vendors: Array
    vendor_market: Array
    standing: Array
    fresh: Array
    category: Array
    categories: tuple[str, ...]
    group: Array
    groups: tuple[str, ...]
    drug: Array
    only_here: Array
    weight: Array
    declared: Array
    perhaps: Array
    origin: Array
    origins: tuple[str, ...]
    destination: Array
    destinations: tuple[tuple[str, ...], ...]
    price: Array
    currency: Array
    currencies: dict[int, str]  # by the number that `currency` holds; 0: none
    amount: Array
    unit: Array

    @property
    def here(self) -> Array:
        """Whether a listing names the country among its origins."""
        return self.weight > 0

    def places(self, ids: Array) -> tuple[Array, Array]:
        """(places of the listings with these ids, which of the ids are there)."""
        if not len(self.id):
            return np.zeros(0, dtype="i8"), np.zeros(len(ids), dtype=bool)
        place = np.minimum(np.searchsorted(self.id, ids), len(self.id) - 1)
        there = self.id[place] == ids
        return place[there], there

    def vendors_of(self, chosen: Array) -> int:
        """How many accounts the chosen listings are of."""
        return len(np.unique(self.vendor[chosen]))


def read_scope(store: Store, question: Question) -> Scope:
    """Read what the period offers: listing, spell, snapshot and the four tables of normalised claims, once each."""
    bound = {name: question.parameters[name] for name in ("country", "regions")}
    looks = read_looks(store)
    listing_spells, vendor_spells = read_spells(store, looks)
    claims = store.rows(CLAIMS, bound)
    targets, kinds = store.rows(TARGETS), store.rows(KINDS)
    # Shorter codes first: each is then found at its own place (USD before USDT).
    codes = ",".join(sorted((row[0] for row in store.rows(CURRENCIES)), key=lambda code: (len(code), code)))
    sizes = {"claims": len(claims) + 2, "targets": len(targets) + 1, "kinds": len(kinds) + 1, "currencies": len(codes) + 1}
    try:
        _number(store, "claim", "market_id INTEGER, raw TEXT", CLAIMS, 2, bound)
        _number(store, "target", "market_id INTEGER, raw TEXT", TARGETS, 1)
        _number(store, "kind", "substance_group TEXT, answer_group TEXT", KINDS, 1)
        found = store.gather(LISTINGS, sizes | {"codes": codes}, lambda rows: np.fromiter(rows, dtype=ROW))
    finally:
        for name in ("claim", "target", "kind"):
            store.rows(f"DROP TABLE IF EXISTS temp.answer_{name}")
    market, place = _unpack(found["packed"], sizes)
    spells, alive, standing, fresh = _lives(looks, listing_spells, found["id"], np.isin(market, _watched(looks, question)), question)
    found = found[alive]
    market, place = market[alive], {name: values[alive] for name, values in place.items()}
    closed = [row[0] for row in store.rows("SELECT id FROM market WHERE closed <= ?", (question.parameters["until"],))]
    vendors, first, vendor = np.unique(found["vendor"], return_index=True, return_inverse=True)
    claim, kind = _claim_values(claims), _kind_values(kinds)
    origins, destinations = claim["origins"], (("undeclared",), *(tuple(row["names"].split("\t")) for row in targets))
    return Scope(
        looks=looks,
        spells=spells,
        vendor_spells=vendor_spells,
        id=found["id"],
        market=market,
        vendor=vendor,
        vendors=vendors,
        vendor_market=market[first],
        standing=standing[alive] & ~np.isin(market, closed),
        fresh=fresh[alive],
        category=kind["category"][place["kinds"]],
        categories=kind["categories"],
        group=kind["group"][place["kinds"]],
        groups=kind["groups"],
        drug=(place["drug"] == 1) & ~claim["digital"][place["claims"]],
        only_here=claim["only_here"][place["claims"]],
        weight=claim["weight"][place["claims"]],
        declared=claim["declared"][place["claims"]],
        perhaps=claim["perhaps"][place["claims"]],
        origin=claim["origin"][place["claims"]],
        origins=origins,
        destination=place["targets"],
        destinations=destinations,
        price=np.where((place["single"] == 1) & (found["price"] >= 0), found["price"], np.nan),
        currency=place["currencies"],
        currencies={codes.index(code) + 1: code for code in codes.split(",") if code},
        amount=np.where(found["amount"] > 0, found["amount"], np.nan),
        unit=place["units"],
    )


def _number(store: Store, name: str, columns: str, rows: str, first: int, bound: dict[str, str] | None = None) -> None:
    """A temporary table that gives each row of a query, known by its first columns, its place in order, from `first` on."""
    keys = ", ".join(column.split()[0] for column in columns.split(", "))
    store.rows(f"CREATE TEMP TABLE answer_{name} ({columns}, place INTEGER, PRIMARY KEY ({keys})) WITHOUT ROWID")
    store.rows(
        f"INSERT INTO temp.answer_{name} SELECT {keys}, row_number() OVER (ORDER BY {keys}) + {first - 1} FROM ({rows})", bound or {}
    )


def _unpack(packed: Array, sizes: dict[str, int]) -> tuple[Array, dict[str, Array]]:
    """The markets, and each small number by its name, from the integers that LISTINGS packs."""
    places: dict[str, Array] = {}
    for name, size in (
        ("drug", 2),
        ("single", 2),
        ("units", len(UNITS)),
        *((name, sizes[name]) for name in ("currencies", "kinds", "targets", "claims")),
    ):
        packed, place = np.divmod(packed, size)
        places[name] = place.astype("i4")
    return packed, places


def _watched(looks: Looks, question: Question) -> Array:
    """The markets with a good look in the period: what is known of others is of another time."""
    since, until = question.parameters["since"], question.parameters["until"]
    return np.unique(looks.market[np.isin(looks.state, GOOD) & (looks.at >= since) & (looks.at <= until)])


def _lives(looks: Looks, spells: Spells, ids: Array, watched: Array, question: Question) -> tuple[Spells, Array, Array, Array]:
    """(the spells begun by the end of the period, owners as places among the living; by listing: alive in the period, standing, fresh).

    `watched`: by listing whether its market was.
    """
    since, until = question.parameters["since"], question.parameters["until"]
    by_then, before, ended_before, ended_after = looks.at <= until, looks.at < since, looks.at < since, looks.at > until
    spells = spells.take(by_then[spells.opened])
    owner = np.searchsorted(ids, spells.owner)
    open_still = spells.missed == NEVER
    touches = open_still | ~ended_before[spells.missed]
    stands = open_still | ended_after[spells.missed]
    alive, standing, old = (np.zeros(len(ids), dtype=bool) for _ in range(3))
    alive[owner[touches]] = True
    alive &= watched
    standing[owner[stands]] = True
    old[owner[touches & before[spells.opened]]] = True
    place = np.cumsum(alive) - 1
    kept = alive[owner]
    return spells.take(kept, place[owner[kept]]), alive, standing, ~old


def _claim_values(claims: list[sqlite3.Row]) -> dict[str, Any]:
    """By place of the claim: the three bounds, whether it is digital, and the only country it names."""
    origins = tuple(sorted({row["code"] for row in claims if row["countries"] == 1 and not row["regions"]}))
    size = len(claims) + 2
    values: dict[str, Any] = {name: np.zeros(size, dtype=bool) for name in ("only_here", "declared", "perhaps", "digital")}
    values |= {"weight": np.zeros(size), "origin": np.full(size, NEVER), "origins": origins}
    values["perhaps"][MISSING] = True
    for place, row in enumerate(claims, 2):
        alone = row["countries"] == 1 and not row["regions"]
        values["only_here"][place] = alone and row["names"]
        values["declared"][place] = row["countries"] > 0
        values["weight"][place] = row["names"] / row["countries"] if row["countries"] else 0.0
        values["perhaps"][place] = row["names"] or row["class"] in PERHAPS or (not row["countries"] and row["holding"])
        values["digital"][place] = row["class"] == "digital"
        if alone:
            values["origin"][place] = origins.index(row["code"])
    return values


def _kind_values(kinds: list[sqlite3.Row]) -> dict[str, Any]:
    """By place of the kind of goods: category of the answer, and substance group; place 0 is not known."""
    categories = tuple(sorted({"unmapped", *(row["answer_group"] for row in kinds)}))
    groups = tuple(sorted({"unknown", *(row["substance_group"] for row in kinds)}))
    return {
        "categories": categories,
        "groups": groups,
        "category": np.array([categories.index("unmapped"), *(categories.index(row["answer_group"]) for row in kinds)]),
        "group": np.array([groups.index("unknown"), *(groups.index(row["substance_group"]) for row in kinds)]),
    }
