"""What one distinct string costs each normaliser, without its cache: invented strings in the shapes that markets show."""

from __future__ import annotations

import statistics
import sys
import time

from torwatch.model import MarketFacts
from torwatch.normalise import quantity, shipping, substance
from torwatch.normalise.price import normalise_price

ROUNDS = 7
BAR_MICROSECONDS = 1_000  # 25 listings of a page, four normalisers, once in a lifetime: well under the time to fetch it
FACTS = MarketFacts("tea_bazaar")
GOODS = ("Green tea", "Roasted coffee", "Aged cheese", "Tomato seeds", "Dutch tulips", "Candied ginger")
AMOUNTS = ("{} g", "{}x 5 gram", "1/2 oz ({} g)", "{} pieces", "{} ml bottle", "")
PLACES = (
    "Netherlands",
    "Germany",
    "United Kingdom",
    "Worldwide except US, NZ/AU",
    "From: Belgium To: EU",
    "GB → WW, EU",
    "Duitsland en België",
)
PRICES = ("USD {}.50", "€ {},00", "0.0{} BTC", "{} USD/Ounce", "$ {} - $ 900", "XMR 0.{}5")


def time_each(label, work, strings):
    """Print the cost of a string in microseconds: the median of rounds in which no string comes twice."""
    times = []
    for number in range(ROUNDS):
        batch = strings(number)
        start = time.thread_time()
        for one in batch:
            work(one)
        times.append((time.thread_time() - start) / len(batch) * 1e6)
    middle = statistics.median(times)
    sys.stdout.write(f"  {label:12} {middle:8.1f}{'   MISSED' if middle > BAR_MICROSECONDS else ''}\n")
    return middle


def bench_normalisers_with_strings_never_seen():
    def titles(number):
        return [f"{AMOUNTS[n % 6].format(n % 97 + 1)} {GOODS[n % 5]} batch {number}-{n}" for n in range(400)]

    sys.stdout.write(f"\nnormalisers, CPU µs a distinct string (bar {BAR_MICROSECONDS})\n")
    costs = [
        time_each(
            "ship-from", lambda text: shipping.normalise_ship_from(text, FACTS), lambda r: [f"{PLACES[n % 7]} {r}.{n}" for n in range(400)]
        ),
        time_each(
            "ship-to", lambda text: shipping.normalise_ship_to(text, FACTS), lambda r: [f"{PLACES[n % 7]} {r}.{n}" for n in range(400)]
        ),
        time_each("price", lambda text: normalise_price(text, FACTS), lambda r: [PRICES[n % 6].format(n + 400 * r) for n in range(400)]),
        time_each("quantity", lambda text: quantity.normalise_quantity(text, "Drinks > Tea", FACTS), titles),
        time_each("substance", lambda text: substance.normalise_substance(text, "Drinks > Tea", FACTS.name), titles),
    ]
    assert max(costs) <= BAR_MICROSECONDS
