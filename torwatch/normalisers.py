"""The normalisers as the store takes them: each with its version and the rows that it makes, for the facts that a market declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torwatch.model import MarketFacts
from torwatch.normalise import country, openpgp, quantity, substance
from torwatch.normalise.price import holding_price
from torwatch.normalise.rates import Rate, RateTable
from torwatch.normalise.shipping import normalise_ship_from, normalise_ship_to
from torwatch.store import derived, holding
from torwatch.store.derived import Normaliser, Row
from torwatch.store.rates import read_rates
from torwatch.store.vendor_keys import KeyReader, KeyRow

if TYPE_CHECKING:
    import datetime as dt
    from decimal import Decimal

    from torwatch.store.database import Store

NO_FACTS = MarketFacts()


def normalisers_for(facts: MarketFacts = NO_FACTS) -> tuple[Normaliser, ...]:
    """Every kind of derived value; a declared fact that steers a normaliser is part of its version, so that a mended parser tells."""
    countries = country.NORMALISER_VERSION + ("+iso2" if facts.iso2 else "")
    amounts = quantity.NORMALISER_VERSION + (f"+decimal{facts.decimal}" if facts.decimal != "." else "")
    return (
        Normaliser(derived.ORIGIN, countries, lambda raw: derived.shipping_rows(normalise_ship_from(raw, facts))),
        Normaliser(derived.DESTINATION, countries, lambda raw: derived.shipping_rows(normalise_ship_to(raw, facts))),
        Normaliser(
            derived.QUANTITY, amounts, lambda title, category: derived.quantity_rows(quantity.normalise_quantity(title, category, facts))
        ),
        Normaliser(derived.SUBSTANCE, substance.TABLE_VERSION, lambda title, category: goods_rows(title, category, facts.name)),
    )


def key_reader() -> KeyReader:
    """What reads OpenPGP keys and folds account names for the store."""

    def rows(text: str) -> list[KeyRow]:
        return [(key.fingerprint, key.key_id, key.created, key.expires, key.revoked, key.user_id) for key in openpgp.read_keys(text)]

    return KeyReader(openpgp.VERSION, rows, openpgp.fold_handle)


def goods_rows(title: str, category: str, market: str) -> list[Row]:
    """The substance group of a title and category with the category of the printed answer."""
    found = substance.normalise_substance(title, category, market)
    return derived.substance_rows(found, substance.answer_group(found.group))


def rate_table(store: Store, market: str | None = None) -> RateTable:
    """The imported rates, and those of a market's own quotes where one is named; of the same time the imported one counts."""
    rates = sorted(read_rates(store, market=market), key=lambda rate: rate.market is None)
    return RateTable.from_rows(Rate(rate.base, rate.quote, rate.rate, rate.at, rate.source) for rate in rates)


def find_holding_prices(store: Store, *, factor: Decimal = holding.FACTOR, market: str | None = None) -> list[holding.HeldPrice]:
    """Prices that only keep a listing's place (design: measurement 2.6), of one market or all; flagged, never deleted.

    Prices are compared in USD at the rate of their snapshot; a price that cannot be converted is never flagged.
    """
    tables: dict[str, RateTable] = {}

    def to_usd(amount: Decimal, currency: str, at: dt.datetime, name: str) -> Decimal | None:
        table = tables.get(name)
        if table is None:
            table = tables[name] = rate_table(store, name)
        found = table.convert(amount, currency, "USD", at)
        return None if found is None else found.amount

    return holding.find_held_prices(store, to_usd=to_usd, is_holding=holding_price, factor=factor, market=market)
