"""Many inputs are normalised by all cores, with the rows that one process makes."""

from __future__ import annotations

from torwatch.model import MarketFacts
from torwatch.normalisers import normalisers_for, spread_over_cores
from torwatch.store import derived

FACTS = MarketFacts("teahouse", decimal=",")


def test_all_cores_make_the_rows_that_one_process_makes_in_the_same_order():
    quantity = next(one for one in normalisers_for(FACTS) if one.kind is derived.QUANTITY)
    inputs = [(f"{number},5 g tea", "Tea") for number in range(97)]
    batches = [inputs[start : start + 10] for start in range(0, len(inputs), 10)]
    here = list(derived.normalise_here(quantity, batches, len(inputs)))
    assert list(spread_over_cores(quantity, iter(batches), len(inputs), facts=FACTS, worth=1)) == here
    assert [batch for batch, _ in here] == batches
    assert here[0][1][3] == list(quantity.rows("3,5 g tea", "Tea"))


def test_few_inputs_stay_in_this_process():
    asked = []
    counting = derived.Normaliser(derived.ORIGIN, "one", lambda raw: asked.append(raw) or [])
    assert list(spread_over_cores(counting, [[("NL",)], [("BE",)]], 2)) == [([("NL",)], [[]]), ([("BE",)], [[]])]
    assert asked == ["NL", "BE"]
