"""The simulated market's world: from a seed it knows everything that stands at any moment, without stepping through time.

A listing's claims are functions of how many of its change times have passed. Two processes with the same arguments agree on every byte.
"""

from __future__ import annotations

import datetime as dt
import random
import threading
from bisect import bisect_right
from itertools import accumulate

from torwatch.demo.market import lexicon
from torwatch.demo.market.lives import Life, Pace, Population
from torwatch.demo.market.traits import Claims, Goods, Seller, Wording
from torwatch.demo.market.truth import Truth, TruthFeedback, TruthListing, TruthVendor
from torwatch.demo.market.wording import code_of, count_changes, draw_price, join_sentences, make_fake_key, pick

EPOCH = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
DAY_SECONDS = 86_400
FIRST_KEY = 100_000
FIRST_VENDOR_KEY = 1_000


class World:
    """A whole market drawn from a seed.

    `listings` and `vendors` are how many stand at a time (vendors: how many shops there are; the smallest may have nothing to sell for a while).
    `dutch_share` is the chance that a listing which claims a country claims the Netherlands. `marked_continents` writes "Europe(c)" and
    `numbered_vendors` gives vendors a number beside their name, as some markets do. Times are aware UTC; nothing stands before `epoch`.
    """

    def __init__(
        self,
        seed: int,
        *,
        listings: int = 300,
        vendors: int | None = None,
        dutch_share: float = 0.12,
        currency: str = "USD",
        marked_continents: bool = False,
        numbered_vendors: bool = False,
        epoch: dt.datetime = EPOCH,
        pace: Pace | None = None,
        claims: Claims | None = None,
    ) -> None:
        if listings < 1 or (vendors is not None and vendors < 1):
            raise ValueError("a simulated market needs at least one listing and one vendor")
        self.seed = seed
        self.listing_count = listings
        self.shop_count = vendors if vendors is not None else max(1, listings // 8)
        self.dutch_share = dutch_share
        self.currency = currency
        self.numbered_vendors = numbered_vendors
        self.epoch = epoch
        self.pace = pace or Pace()
        self.claims = claims or Claims()
        mark = "(c)" if marked_continents else ""
        self._destinations = tuple((raw.replace("{c}", mark), codes) for raw, codes in lexicon.DESTINATIONS)
        self._country_weights = list(accumulate(weight for _, weight, _ in lexicon.COUNTRIES))
        self._names = {"NL": lexicon.DUTCH_NAMES} | {code: names for code, _, names in lexicon.COUNTRIES}
        # What follows is drawn when it is first needed and then kept; drawing is in a fixed order, so it never depends on who asked first.
        self._lock = threading.RLock()
        self._population = Population(seed, listings=listings, shops=self.shop_count, pace=self.pace)
        self._goods: dict[int, Goods] = {}
        self._wordings: dict[int, Wording] = {}
        self._sellers: dict[int, Seller] = {}
        self._vendor_numbers: dict[str, int] = {}

    def truth(self, at: dt.datetime) -> Truth:
        """Everything that stands at an aware moment; 50,000 listings take about two seconds the first time."""
        day = self._day(at)
        with self._lock:
            self._population.draw_until(day)
            standing = [(index, life) for index, life in enumerate(self._population.lives) if life.stands(day)]
            listings = {str(FIRST_KEY + index): self._listing(index, life, day) for index, life in standing}
            sales: dict[int, int] = {}
            for index, life in standing:
                sales[life.vendor] = sales.get(life.vendor, 0) + listings[str(FIRST_KEY + index)].sold
            vendors = {}
            for number in sorted(sales):
                vendor = self._vendor(number, day, sales[number])
                vendors[vendor.key] = vendor
        return Truth(at, listings, vendors, lambda vendor_key: self._feedback_of(vendor_key, day))

    # Times

    def _day(self, at: dt.datetime) -> float:
        if at.tzinfo is None:
            raise ValueError("the simulated market needs an aware moment")
        return (at - self.epoch).total_seconds() / DAY_SECONDS

    def _moment(self, day: float) -> dt.datetime:
        return self.epoch + dt.timedelta(minutes=int(day * 1440))

    # Listings

    def _goods_of(self, index: int, seed: int) -> Goods:
        if index not in self._goods:
            rng = random.Random(seed)
            digital = rng.random() < self.claims.digital
            aisle = rng.choice([aisle for aisle in lexicon.AISLES if aisle.digital == digital])
            shelf, products = rng.choice(aisle.shelves)
            days = (self.pace.price, self.pace.title, self.pace.description, self.pace.ship_from, self.pace.ship_to)
            every = [mean * (0.5 + rng.random()) for mean in days]
            self._goods[index] = Goods(
                category=(aisle.name, shelf),
                product=rng.choice(products),
                unit="piece" if digital else rng.choice(lexicon.UNITS),
                digital=digital,
                cents=max(400, int(aisle.price * 100 * rng.lognormvariate(0, 0.9))),
                escrow=rng.choice(lexicon.ESCROWS),
                stock=None if digital or rng.random() < 0.3 else rng.randint(5, 400),  # noqa: PLR2004  # a third never runs out
                days_per_order=self.pace.feedback / (0.3 + rng.expovariate(1.4)),
                views_per_day=1 + rng.expovariate(0.2),
                change_days=tuple((mean * rng.random(), mean) for mean in every),
            )
        return self._goods[index]

    def _listing(self, index: int, life: Life, day: float) -> TruthListing:
        goods = self._goods_of(index, life.seed)
        seller = self._seller(life.vendor)
        age = day - life.born
        wording = self._wording(index, life, goods, age)
        sold = int(age / goods.days_per_order * 1.2)
        return TruthListing(
            key=str(FIRST_KEY + index),
            title=wording.title,
            vendor=seller.name,
            vendor_key=seller.key,
            category=goods.category,
            price=wording.price,
            currency=self.currency,
            unit=goods.unit,
            listing_type="Digital" if goods.digital else "Physical",
            ship_from_raw=wording.ship_from_raw,
            ship_to_raw=wording.ship_to_raw,
            escrow=goods.escrow,
            description=wording.description,
            created=self._moment(life.born),
            origin=wording.origin,
            origin_class=wording.origin_class,
            codes_raw=wording.codes_raw,
            stock=None if goods.stock is None else max(0, goods.stock - sold % goods.stock),
            sold=sold,
            views=sold * 7 + int(age * goods.views_per_day),
            promoted=life.seed % 61 == 0,
        )

    def _wording(self, index: int, life: Life, goods: Goods, age: float) -> Wording:
        versions = tuple(count_changes(age, first, every) for first, every in goods.change_days)
        kept = self._wordings.get(index)
        if kept is not None and kept.versions == versions:
            return kept
        price, title, description, ship_from, ship_to = versions
        origin_class, origin, from_raw = self._origin(life.seed, ship_from, self._seller(life.vendor).home, digital=goods.digital)
        to_raw, to_codes = (None, "") if goods.digital else self._destinations[pick(life.seed, "to", ship_to, len(self._destinations))]
        wording = Wording(
            versions=versions,
            title=self._title(goods, life.seed, title),
            price=draw_price(goods.cents, life.seed, price),
            description=join_sentences(lexicon.SENTENCES, life.seed, "text", description),
            origin_class=origin_class,
            origin=origin,
            ship_from_raw=from_raw,
            ship_to_raw=to_raw,
            codes_raw="" if goods.digital else f"{code_of(origin_class, origin)} → {to_codes}",
        )
        self._wordings[index] = wording
        return wording

    def _title(self, goods: Goods, seed: int, version: int) -> str:
        tail = lexicon.TITLE_TAILS[pick(seed, "title", version, len(lexicon.TITLE_TAILS))]
        amount = "" if goods.digital or goods.unit in {"pack", "piece"} else f" {goods.unit}"
        return f"{goods.product}{amount} - {tail}" if tail else f"{goods.product}{amount}"

    def _origin(self, seed: int, version: int, home: str, *, digital: bool) -> tuple[str, str | None, str | None]:
        """(class, ISO code, as displayed) of a listing's claimed origin; every change draws the country anew from the whole market."""
        if digital:
            return "digital", None, None
        rng = random.Random(seed * 31 + version)
        draw = rng.random()
        if draw < self.claims.undeclared:
            return "undeclared", None, rng.choice(lexicon.UNDECLARED)
        if draw < self.claims.undeclared + self.claims.region:
            return "region", None, rng.choice(lexicon.REGIONS)[1]
        if draw < self.claims.undeclared + self.claims.region + self.claims.world:
            return "world", None, rng.choice(lexicon.WORLD)
        country = home if version == 0 else self._draw_country(rng)
        names = self._names[country]
        return "country", country, names[0] if rng.random() < 0.6 else rng.choice(names)  # noqa: PLR2004  # most write the plain name

    def _draw_country(self, rng: random.Random) -> str:
        if rng.random() < self.dutch_share:
            return "NL"
        return lexicon.COUNTRIES[bisect_right(self._country_weights, rng.random() * self._country_weights[-1])][0]

    # Vendors

    def _seller(self, number: int) -> Seller:
        if number not in self._sellers:
            shop, generation = number % self.shop_count, number // self.shop_count
            rng = random.Random(f"{self.seed}/vendor/{number}")
            starts, ends = lexicon.NAME_STARTS, lexicon.NAME_ENDS
            # The names are a walk through all pairs that meets each once, so that no two vendors share one.
            round_number, pair = divmod(number, len(starts) * len(ends))
            pair = (pair * 389 + self.seed * 7) % (len(starts) * len(ends))
            name = f"{starts[pair % len(starts)]}{ends[pair // len(starts)]}{round_number or ''}"
            key = str(FIRST_VENDOR_KEY + number * 37) if self.numbered_vendors else name
            self._vendor_numbers[key] = number
            self._sellers[number] = Seller(
                key=key,
                name=name,
                born=self._population.shop_ends[shop][generation],
                home=self._draw_country(rng),
                fe_enabled=rng.random() < 0.4,  # noqa: PLR2004  # four in ten
                profile_every=self.pace.profile * (0.5 + rng.random()),
                seed=rng.getrandbits(62),
            )
        return self._sellers[number]

    def _vendor(self, number: int, day: float, sales: int) -> TruthVendor:
        seller = self._seller(number)
        version = count_changes(day - seller.born, seller.profile_every / 2, seller.profile_every)
        rng = random.Random(seller.seed)
        ship_to, _ = rng.choice(self._destinations)
        return TruthVendor(
            key=seller.key,
            name=seller.name,
            member_since=self._moment(seller.born).date(),
            ship_from_raw=rng.choice(self._names[seller.home]),
            ship_to_raw=ship_to,
            profile=join_sentences(lexicon.PROFILE_SENTENCES, seller.seed, "profile", version),
            fe_enabled=seller.fe_enabled != (version % 4 == 3),  # noqa: PLR2004  # every fourth profile turns it round
            pgp_key=make_fake_key(seller.seed, version // 3),
            level=1 + min(9, sales.bit_length()),
            sales=sales,
        )

    # Feedback

    def _feedback_of(self, vendor_key: str, day: float) -> list[TruthFeedback]:
        with self._lock:
            number = self._vendor_numbers.get(vendor_key)
            if number is None:
                return []
            entries = [
                entry
                for index in self._population.lives_of[number]
                for entry in self._feedback_on(index, self._population.lives[index], day)
            ]
        return sorted(entries, key=lambda entry: (entry.at, entry.key), reverse=True)

    def _feedback_on(self, index: int, life: Life, day: float) -> list[TruthFeedback]:
        goods, seller = self._goods_of(index, life.seed), self._seller(life.vendor)
        entries = []
        for count in range(max(0, int((min(day, life.end) - life.born) / goods.days_per_order) + 1)):
            rng = random.Random(life.seed * 1009 + count)
            when = life.born + goods.days_per_order * (count + rng.random())
            if when > day or not life.stands(when):
                continue
            rating = rng.choices(("positive", "neutral", "negative"), (88, 7, 5))[0]
            age = when - life.born
            price, title = (count_changes(age, *goods.change_days[field]) for field in (0, 1))
            entries.append(
                TruthFeedback(
                    key=f"{FIRST_KEY + index}.{count}",
                    vendor=seller.name,
                    listing_key=str(FIRST_KEY + index),
                    product=self._title(goods, life.seed, title),
                    buyer=f"{rng.choice('abcdefghijklmnoprstw')}***{rng.choice('abcdefghijk23456789')}",
                    text=rng.choice(lexicon.FEEDBACK_TEXTS[rating]),
                    rating=rating,
                    at=self._moment(when),
                    price=draw_price(goods.cents, life.seed, price),
                    currency=self.currency,
                )
            )
        return entries
