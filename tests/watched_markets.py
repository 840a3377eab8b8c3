"""Five invented markets watched for sixteen weeks: one that closes, one that comes later, a held week, a partial one, days out of reach.

Of two the very first snapshot is held: one comes good a week later, the other never does.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import random
from pathlib import Path

from torwatch.normalisers import normalisers_for
from torwatch.store.database import open_store
from torwatch.store.derived import write_derived

spec = importlib.util.spec_from_file_location("builders_of_markets", Path(__file__).parent / "unit" / "store" / "builders.py")
builders = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builders)

WEEKS = 16
# from week, until week
MARKETS = {"anchorage": (0, WEEKS), "breakwater": (0, WEEKS), "causeway": (0, 11), "dockside": (5, WEEKS), "eastquay": (4, 4)}
FIRST_HELD = ("dockside", "eastquay")  # a week before
ORIGINS = (
    ("Netherlands", 14), ("United Kingdom", 16), ("Germany", 15), ("United States", 14), ("Australia", 8), ("Canada", 6), ("France", 5),
    ("Spain", 3), ("Belgium, Netherlands", 2), ("Poland", 2), ("Europe", 4), ("Worldwide", 5), ("Undeclared", 3), (None, 6),
)  # fmt: skip
DESTINATIONS = (
    "Worldwide",
    "Worldwide",
    "Europe",
    "Australia",
    "United States, Canada",
    "Germany",
    "Netherlands",
    "New Zealand, Australia",
    None,
)
GOODS = (
    ("Drugs > Cannabis > Weed", "White Widow", "g", 9.0, 24), ("Drugs > Stimulants > Cocaine", "Cocaine", "g", 70.0, 15),
    ("Drugs > Ecstasy > MDMA", "MDMA crystals", "g", 22.0, 14), ("Drugs > Stimulants > Speed", "Amphetamine paste", "g", 8.0, 10),
    ("Drugs > Opioids > Heroin", "Heroin", "g", 55.0, 5), ("Drugs > Dissociatives > Ketamine", "Ketamine", "g", 30.0, 6),
    ("Drugs > Psychedelics > LSD", "LSD blotters", "tabs", 6.0, 6), ("Drugs > Benzos > Pills", "Diazepam pills", "pills", 2.0, 6),
    ("Digital > Guides", "E-book: growing tomatoes indoors", "", 6.0, 8), ("Home > Tea", "Sencha green tea", "", 12.0, 6),
)  # fmt: skip
AMOUNTS = (1, 2, 5, 10, 25, 50)
TROUBLE = (("onion_not_found", "down"), ("timeout_connect", "down"), ("onion_unreachable", "down"), ("tor_down", "unknown"))


def build(path, listings=240):
    """Write the database; `listings` stand in each market."""
    with open_store(path) as store:
        for number, (market, (begin, end)) in enumerate(MARKETS.items()):
            watch_market(store, market, number, begin, end, listings)
        with store.write() as connection:
            connection.execute("UPDATE market SET title = upper(substr(name, 1, 1)) || substr(name, 2)")
            connection.execute("UPDATE market SET closed = '2026-03-20' WHERE name = 'causeway'")
    return path


def watch_market(store, market, number, begin, end, size):
    rng = random.Random(market)
    target = builders.a_target(store, market, host=number + 1)
    if market in FIRST_HELD:
        tea = {"1": {"title": "Tea", "vendor": "leaf"}}
        assert builders.take(store, target, tea, week=begin - 1, drift="no price on 90 % of pages")[1].state == "held"
    vendors = [a_vendor(rng, market, place) for place in range(size // 6)]
    standing, last = {}, 0
    for week in range(begin, end):
        ends = {vendor["name"] for vendor in vendors if vendor["until"] <= week}
        standing = {key: row for key, row in standing.items() if rng.random() > 0.06 and row["vendor"] not in ends}
        shops = [vendor for vendor in vendors if vendor["since"] <= week < vendor["until"]]
        while len(standing) < size * (1 + 0.02 * week):
            last += 1
            standing[f"{market}-{last}"] = a_listing(rng, rng.choices(shops, [vendor["weight"] for vendor in shops])[0])
        seen = standing
        if market == "breakwater" and week == 8:  # a redesign hides most: held, until a person looks
            seen = dict(list(standing.items())[: size // 4])
        partial = market == "anchorage" and week in (6, 12)
        if partial:
            seen = {key: row for key, row in standing.items() if rng.random() < 0.7}
        builders.take(store, target, seen, week=week, complete=not partial, max_fall=0.4, total=len(standing), confirm_misses=1)
    visit_mirror(store, target, market, begin, end, rng)
    write_derived(store, target.market_id, normalisers_for())
    leave_feedback(store, target.market_id, rng)


def a_vendor(rng, market, place):
    origin = rng.choices([name for name, _ in ORIGINS], [weight for _, weight in ORIGINS])[0]
    since = 0 if rng.random() < 0.5 else rng.randrange(WEEKS)
    if place < 4:
        origin, since = ("Netherlands", "United Kingdom", "Germany", "Netherlands")[place], 0
    until = WEEKS + 1 if place < 4 else since + 1 + int(rng.expovariate(1 / 12))
    return {"name": f"{market[:4]}shop{place}", "origin": origin, "since": since, "until": until, "weight": rng.paretovariate(2.5)}


def a_listing(rng, vendor):
    category, name, unit, price, _ = rng.choices(GOODS, [good[-1] for good in GOODS])[0]
    amount = rng.choice(AMOUNTS)
    title = f"{amount} {unit} {name} batch {rng.randrange(400)}" if unit else f"{name} no {rng.randrange(400)}"
    digital = category.startswith("Digital")
    dear = {"Australia": 2.6, "Netherlands": 0.7}.get(vendor["origin"], 1.0)
    cost = price * dear * (amount**0.9 if unit else 1) * rng.lognormvariate(0, 0.25)
    return {
        "title": title, "vendor": vendor["name"], "category": category, "price": f"{cost:.2f}", "currency": "USD",
        "ship_from": None if digital else vendor["origin"], "ship_to": None if digital else rng.choice(DESTINATIONS),
        "listing_type": "Digital" if digital else "Physical",
    }  # fmt: skip


def visit_mirror(store, target, market, begin, end, rng):
    """Two visits a day: now and then out of reach, and for good where the market closed."""
    trouble_until, now = 0, builders.NOW + builders.WEEK * begin
    with store.write() as connection:
        for day in range(7 * (WEEKS - begin)):
            closed = day >= 7 * (end - begin) > 0
            if not closed and day >= trouble_until and rng.random() < 0.04:
                trouble_until = day + rng.randrange(1, 5)
                trouble = rng.choice(TROUBLE)
            for hour in (3, 15):
                outcome, verdict = ("onion_not_found", "down") if closed else trouble if day < trouble_until else ("ok", "up")
                at = now + dt.timedelta(days=day, hours=hour)
                connection.execute(
                    "INSERT INTO mirror_visit (mirror_id, at, source, outcome, elapsed_ms, verdict) VALUES (?, ?, 'probe', ?, 900, ?)",
                    (target.mirrors[0].id, at.isoformat(timespec="seconds"), outcome, verdict),
                )


def leave_feedback(store, market_id, rng):
    rows = store.rows("SELECT id, key, vendor_id, vendor, title, first_snapshot_id FROM listing WHERE market_id = ?", (market_id,))
    with store.write() as connection:
        for row in rows:
            for count in range(int(rng.expovariate(0.8))):
                body = rng.choice(("as described", "quick and neat", "never arrived", "good weight"))
                connection.execute(
                    "INSERT INTO feedback (market_id, vendor_id, listing_id, key, vendor, listing_key, product, body, first_snapshot_id)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        market_id,
                        row["vendor_id"],
                        row["id"],
                        f"{row['key']}.{count}",
                        row["vendor"],
                        row["key"],
                        row["title"],
                        body,
                        row["first_snapshot_id"],
                    ),
                )
