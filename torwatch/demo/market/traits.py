"""What one listing or vendor of a simulated market is like: what never changes about it, and what it says between two changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Claims:
    """What share of physical listings claims what as origin; the rest claims the country of its vendor."""

    undeclared: float = 0.08
    region: float = 0.05
    world: float = 0.05
    digital: float = 0.10  # of all listings: digital goods, which declare no origin


@dataclass(frozen=True, slots=True)
class Goods:
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
class Wording:
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
class Seller:
    """What never changes about one vendor."""

    key: str
    name: str
    born: float
    home: str
    fe_enabled: bool
    profile_every: float
    seed: int
