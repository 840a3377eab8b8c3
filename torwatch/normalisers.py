"""The normalisers as the store takes them: each with its version and the rows that it makes, for the facts that a market declares."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from typing import TYPE_CHECKING

from torwatch.model import MarketFacts
from torwatch.normalise import country, openpgp, quantity, substance
from torwatch.normalise.rates import Rate, RateTable
from torwatch.normalise.shipping import normalise_ship_from, normalise_ship_to
from torwatch.store import derived
from torwatch.store.derived import Batch, Normaliser, Row
from torwatch.store.rates import read_rates
from torwatch.store.vendor_keys import KeyReader, KeyRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    from torwatch.store.database import Store

NO_FACTS = MarketFacts()
WORTH_PROCESSES = 20_000  # inputs; fewer are normalised sooner than other processes have read the tables


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


def spread_over_cores(
    normaliser: Normaliser, batches: Iterable[Batch], count: int, *, facts: MarketFacts = NO_FACTS, worth: int = WORTH_PROCESSES
) -> Iterator[tuple[Batch, list[list[Row]]]]:
    """Each batch, in order, with the rows of each of its inputs, made by a process on every core; of fewer inputs than `worth`, in this one.

    `count`: inputs in all batches. `facts` are those of the normaliser. Two batches a core are on their way, so what waits to be written
    does not grow.
    """
    cores = os.process_cpu_count() if hasattr(os, "process_cpu_count") else len(os.sched_getaffinity(0))
    if cores == 1 or count < worth:
        yield from derived.normalise_here(normaliser, batches, count)
        return
    work = partial(normalise_batch, facts, normaliser.kind.name)
    with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting: deque[tuple[Batch, Future[list[list[Row]]]]] = deque()
        for batch in batches:
            waiting.append((batch, pool.submit(work, batch)))
            if len(waiting) > 2 * cores:
                first, made = waiting.popleft()
                yield first, made.result()
        for last, made in waiting:
            yield last, made.result()


def normalise_batch(facts: MarketFacts, kind: str, batch: Batch) -> list[list[Row]]:
    """The rows of each input of a batch: what a process on another core does."""
    rows = by_kind(facts)[kind].rows
    return [list(rows(*raw)) for raw in batch]


@cache
def by_kind(facts: MarketFacts) -> dict[str, Normaliser]:
    """The normalisers of a market by the name of their kind."""
    return {normaliser.kind.name: normaliser for normaliser in normalisers_for(facts)}


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
