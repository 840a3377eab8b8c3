"""The simulated market's world: from a seed it knows everything that stands at any moment, without stepping through time.

Lives are exponential and births a stratified Poisson process, so the market is stationary: about `listings` stand at any moment. A listing's
claims are functions of how many of its change times have passed. Two processes with the same arguments agree on every byte.
"""

from __future__ import annotations

import base64
import datetime as dt
import math
import random
import threading
from bisect import bisect_right
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate

from torwatch.demo.market import lexicon
from torwatch.demo.market.truth import Truth, TruthFeedback, TruthListing, TruthVendor

EPOCH = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
DAY_SECONDS = 86_400
FIRST_KEY = 100_000
FIRST_VENDOR_KEY = 1_000


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a market moves: mean days between events, of one listing or one vendor."""

    listing_life: float = 120.0
    vendor_life: float = 500.0
    price: float = 35.0
    title: float = 180.0
    description: float = 120.0
    ship_from: float = 240.0
    ship_to: float = 240.0
    profile: float = 150.0
    feedback: float = 25.0
    absence: float = 12.0  # mean length of a listing's absence
    absent_share: float = 0.2  # of listings that vanish once and come back


@dataclass(frozen=True, slots=True)
class Claims:
    """What share of physical listings claims what as origin; the rest claims the country of its vendor."""

    undeclared: float = 0.08
    region: float = 0.05
    world: float = 0.05
    digital: float = 0.10  # of all listings: digital goods, which declare no origin


@dataclass(frozen=True, slots=True)
class _Life:
    """When one listing stands: days since the epoch."""

    born: float
    end: float
    away_from: float
    away_until: float
    vendor: int
    seed: int

    def stands(self, day: float) -> bool:
        return self.born <= day < self.end and not self.away_from <= day < self.away_until


@dataclass(frozen=True, slots=True)
class _Goods:
    """What never changes about one listing."""

    category: tuple[str, str]
    product: str
    unit: str
    digital: bool
    cents: int
    escrow: str
    stock: int | None
    days_per_order: float
    views_per_day: float
    change_days: tuple[tuple[float, float], ...]  # (first, every) of price, title, description, ship-from, ship-to


@dataclass(frozen=True, slots=True)
class _Wording:
    """What one listing says between two of its changes."""

    versions: tuple[int, ...]
    title: str
    price: Decimal
    description: str
    origin_class: str
    origin: str | None
    ship_from_raw: str | None
    ship_to_raw: str | None
    codes_raw: str


@dataclass(frozen=True, slots=True)
class _Seller:
    """What never changes about one vendor."""

    key: str
    name: str
    born: float
    home: str
    fe_enabled: bool
    profile_every: float
    seed: int


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
        self._shop_weights = list(accumulate(1 / (shop + 3) ** 0.8 for shop in range(self.shop_count)))
        self._names = {"NL": lexicon.DUTCH_NAMES} | {code: names for code, _, names in lexicon.COUNTRIES}
        # What follows is drawn when it is first needed and then kept; drawing is in a fixed order, so it never depends on who asked first.
        self._lock = threading.RLock()
        self._stream = random.Random(f"{seed}/listings")
        self._lives: list[_Life] = []
        self._lives_of: dict[int, list[int]] = {}
        self._shop_streams = [random.Random(f"{seed}/shop/{shop}") for shop in range(self.shop_count)]
        self._shop_ends: list[list[float]] = [[] for _ in range(self.shop_count)]
        self._goods: dict[int, _Goods] = {}
        self._wordings: dict[int, _Wording] = {}
        self._sellers: dict[int, _Seller] = {}
        self._vendor_numbers: dict[str, int] = {}

    def truth(self, at: dt.datetime) -> Truth:
        """Everything that stands at an aware moment; 50,000 listings take about two seconds the first time."""
        day = self._day(at)
        with self._lock:
            self._draw_lives_until(day)
            standing = [(index, life) for index, life in enumerate(self._lives) if life.stands(day)]
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

    # Lives

    def _draw_lives_until(self, day: float) -> None:
        # A listing ends with its own life or with its vendor's: births must make up for both ends.
        births_per_day = self.listing_count * (1 / self.pace.listing_life + 1 / self.pace.vendor_life)
        mean_life = self.listing_count / births_per_day
        while True:
            index = len(self._lives)
            late = index - self.listing_count
            if late >= 0 and late / births_per_day > day:
                return
            draw = self._stream
            start, length, shop_draw, away_draw, away_at, away_length = (draw.random() for _ in range(6))
            seed = draw.getrandbits(62)
            shop = bisect_right(self._shop_weights, shop_draw * self._shop_weights[-1])
            if late < 0:
                number, shop_born, shop_end = self._occupant(shop, 0.0)
                born = max(shop_born, -_exponential(start, mean_life))
                end = min(shop_end, _exponential(length, self.pace.listing_life))
            else:
                born = (late + start) / births_per_day
                number, _, shop_end = self._occupant(shop, born)
                end = min(shop_end, born + _exponential(length, self.pace.listing_life))
            away_from = away_until = end
            if away_draw < self.pace.absent_share:
                away_from = max(born, 0.0) + (end - max(born, 0.0)) * away_at
                away_until = away_from + _exponential(away_length, self.pace.absence)
            self._lives.append(_Life(born, end, away_from, away_until, number, seed))
            self._lives_of.setdefault(number, []).append(index)

    def _occupant(self, shop: int, day: float) -> tuple[int, float, float]:
        """The vendor who keeps a shop on a day: its number, since when, until when."""
        ends, stream = self._shop_ends[shop], self._shop_streams[shop]
        if not ends:  # the first end lies before the epoch: it is when the first vendor came
            ends += [-stream.expovariate(1 / self.pace.vendor_life), stream.expovariate(1 / self.pace.vendor_life)]
        while ends[-1] <= day:
            ends.append(ends[-1] + stream.expovariate(1 / self.pace.vendor_life))
        generation = bisect_right(ends, day)
        return shop + self.shop_count * (generation - 1), ends[generation - 1], ends[generation]

    # Listings

    def _goods_of(self, index: int, seed: int) -> _Goods:
        if index not in self._goods:
            rng = random.Random(seed)
            digital = rng.random() < self.claims.digital
            aisle = rng.choice([aisle for aisle in lexicon.AISLES if aisle.digital == digital])
            shelf, products = rng.choice(aisle.shelves)
            days = (self.pace.price, self.pace.title, self.pace.description, self.pace.ship_from, self.pace.ship_to)
            every = [mean * (0.5 + rng.random()) for mean in days]
            self._goods[index] = _Goods(
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

    def _listing(self, index: int, life: _Life, day: float) -> TruthListing:
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

    def _wording(self, index: int, life: _Life, goods: _Goods, age: float) -> _Wording:
        versions = tuple(_passed(age, first, every) for first, every in goods.change_days)
        kept = self._wordings.get(index)
        if kept is not None and kept.versions == versions:
            return kept
        price, title, description, ship_from, ship_to = versions
        origin_class, origin, from_raw = self._origin(life.seed, ship_from, self._seller(life.vendor).home, digital=goods.digital)
        to_raw, to_codes = (None, "") if goods.digital else self._destinations[_pick(life.seed, "to", ship_to, len(self._destinations))]
        wording = _Wording(
            versions=versions,
            title=self._title(goods, life.seed, title),
            price=_price(goods.cents, life.seed, price),
            description=_sentences(lexicon.SENTENCES, life.seed, "text", description),
            origin_class=origin_class,
            origin=origin,
            ship_from_raw=from_raw,
            ship_to_raw=to_raw,
            codes_raw="" if goods.digital else f"{_code(origin_class, origin)} → {to_codes}",
        )
        self._wordings[index] = wording
        return wording

    def _title(self, goods: _Goods, seed: int, version: int) -> str:
        tail = lexicon.TITLE_TAILS[_pick(seed, "title", version, len(lexicon.TITLE_TAILS))]
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

    def _seller(self, number: int) -> _Seller:
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
            self._sellers[number] = _Seller(
                key=key,
                name=name,
                born=self._shop_ends[shop][generation],
                home=self._draw_country(rng),
                fe_enabled=rng.random() < 0.4,  # noqa: PLR2004  # four in ten
                profile_every=self.pace.profile * (0.5 + rng.random()),
                seed=rng.getrandbits(62),
            )
        return self._sellers[number]

    def _vendor(self, number: int, day: float, sales: int) -> TruthVendor:
        seller = self._seller(number)
        version = _passed(day - seller.born, seller.profile_every / 2, seller.profile_every)
        rng = random.Random(seller.seed)
        ship_to, _ = rng.choice(self._destinations)
        return TruthVendor(
            key=seller.key,
            name=seller.name,
            member_since=self._moment(seller.born).date(),
            ship_from_raw=rng.choice(self._names[seller.home]),
            ship_to_raw=ship_to,
            profile=_sentences(lexicon.PROFILE_SENTENCES, seller.seed, "profile", version),
            fe_enabled=seller.fe_enabled != (version % 4 == 3),  # noqa: PLR2004  # every fourth profile turns it round
            pgp_key=_fake_key(seller.seed, version // 3),
            level=1 + min(9, sales.bit_length()),
            sales=sales,
        )

    # Feedback

    def _feedback_of(self, vendor_key: str, day: float) -> list[TruthFeedback]:
        with self._lock:
            number = self._vendor_numbers.get(vendor_key)
            if number is None:
                return []
            entries = [entry for index in self._lives_of[number] for entry in self._feedback_on(index, self._lives[index], day)]
        return sorted(entries, key=lambda entry: (entry.at, entry.key), reverse=True)

    def _feedback_on(self, index: int, life: _Life, day: float) -> list[TruthFeedback]:
        goods, seller = self._goods_of(index, life.seed), self._seller(life.vendor)
        entries = []
        for count in range(max(0, int((min(day, life.end) - life.born) / goods.days_per_order) + 1)):
            rng = random.Random(life.seed * 1009 + count)
            when = life.born + goods.days_per_order * (count + rng.random())
            if when > day or not life.stands(when):
                continue
            rating = rng.choices(("positive", "neutral", "negative"), (88, 7, 5))[0]
            age = when - life.born
            price, title = (_passed(age, *goods.change_days[field]) for field in (0, 1))
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
                    price=_price(goods.cents, life.seed, price),
                    currency=self.currency,
                )
            )
        return entries


def _exponential(draw: float, mean: float) -> float:
    """Exponential life from a uniform draw, at least an hour: nothing is born dead."""
    return max(1 / 24, -mean * math.log1p(-draw))


def _passed(age: float, first: float, every: float) -> int:
    """How many change times lie behind a thing of this age (days)."""
    return 0 if age < first else 1 + int((age - first) / every)


def _pick(seed: int, what: str, version: int, count: int) -> int:
    """An index below `count`; neighbouring versions differ."""
    offset = (seed >> len(what)) % count
    stride = 1 + (seed >> 17) % (count - 1)
    return (offset + version * stride) % count


def _price(cents: int, seed: int, version: int) -> Decimal:
    factor = 80 + ((seed >> 9) + version * 17) % 41  # between 0.80 and 1.20; 17 and 41 have no common factor
    return Decimal(cents * factor // 100).scaleb(-2)


def _code(origin_class: str, origin: str | None) -> str:
    return origin or {"region": "EU", "world": "WW"}.get(origin_class, "")


def _sentences(sentences: tuple[str, ...], seed: int, what: str, version: int) -> str:
    start = _pick(seed, what, version, len(sentences))
    count = 2 + seed % 4
    return " ".join(sentences[(start + step * 3) % len(sentences)] for step in range(count))


def _fake_key(seed: int, version: int) -> str:
    """Text in the armour of a public key block; it decodes to nothing that any OpenPGP program takes."""
    body = base64.b64encode(random.Random(seed + version).randbytes(240)).decode()
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return f"-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: simulated, no key\n\n{lines}\n-----END PGP PUBLIC KEY BLOCK-----"
