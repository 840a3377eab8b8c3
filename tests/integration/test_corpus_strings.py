"""The shipping claims of closed markets, kept beside the project, against their hand-made labels."""

import csv

import pytest

from torwatch.cli.normalise import facts_for
from torwatch.normalise.shipping import normalise_ship_from, normalise_ship_to

pytestmark = pytest.mark.corpus


@pytest.mark.parametrize(("name", "normalise"), [("ship_from", normalise_ship_from), ("ship_to", normalise_ship_to)])
def test_claims_of_real_markets_are_right_and_never_a_wrong_country(corpus, name, normalise):
    with (corpus / "strings" / f"{name}.tsv").open(encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE) if "AMBIG" not in (row["note"] or "")]
    assert len(rows) > 100
    whole = sum(int(row["count"]) for row in rows)
    right = weight = right_weight = 0
    wrong = []
    for row in rows:
        got = normalise(row["raw"], facts_for(row["markets"] if "+" not in row["markets"] else None))
        expected = (row["class"], tuple(filter(None, row["countries"].split(","))), tuple(filter(None, row["excluded"].split(","))))
        share = min(int(row["count"]), whole // 50)  # one string weighs 2 % at most
        weight += share
        if (str(got.ship_class), got.countries, got.excluded) == expected:
            right += 1
            right_weight += share
        if set(got.countries) - set(expected[1]):
            wrong.append(row["raw"])
    assert wrong == []
    assert right / len(rows) >= 0.96
    assert right_weight / weight >= 0.99
