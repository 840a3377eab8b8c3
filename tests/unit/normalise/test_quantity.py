"""Quantities from titles: the total of one order, or none where the title leaves a doubt. Every title here is invented."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torwatch.model import MarketFacts, Price, Quantity
from torwatch.normalise.quantity import normalise_quantity, price_per_unit, read_by_grammar
from torwatch.normalise.quantity_lexer import fold, join_tokens, split_words
from torwatch.normalise.quantity_words import tokens_of
from torwatch.normalise.units import Measure, load_units


def amount(title: str, category: str | None = None, facts: MarketFacts | None = None) -> tuple[str | None, str | None]:
    quantity = normalise_quantity(title, category, facts or MarketFacts())
    return quantity.amount, quantity.unit


@pytest.mark.parametrize(
    ("title", "grams"),
    [
        ("Assam tea 5g", "5"),
        ("5 grams of Assam", "5"),
        ("0.5 gr saffron", "0.5"),
        (".75g saffron", "0.75"),
        ("7,5 gram thee", "7.5"),
        ("2,5gr. oolong *new*", "2.5"),
        ("0,100 kg cocoa", "100"),
        ("1,75 KG cocoa", "1750"),
        ("1,000g cocoa", "1000"),
        ("3 G's of saffron", "3"),
        ("3 G&#039;s of saffron", "3"),
        ("1 kilo Kaffee", "1000"),
        ("halve kilo koffie", "500"),
        ("1 oz Sencha", "28.35"),
        ("1/2 oz Sencha", "14.175"),
        ("½ lb Sencha", "226.8"),
        ("1½ oz Sencha", "42.525"),
        ("2 1/2 oz Sencha", "70.875"),
        ("Half LB Sencha 1k", "226.8"),
        ("one ounce Sencha", "28.35"),
        ("half a pound of Sencha", "226.8"),
        ("1 HP of Sencha tea", "226.8"),
        ("QP Sencha tea", "113.4"),
        ("1/8th Sencha", "3.54"),
        ("an eighth of Sencha", "3.54"),
        ("8 ball of Sencha", "3.5"),
        ("$25 Oz Sencha", "28.35"),
        ("1x Gram Sencha", "1"),
    ],
)
def test_masses_are_grams(title: str, grams: str) -> None:
    assert amount(title) == (grams, "g")


@pytest.mark.parametrize(
    ("title", "millilitres"),
    [
        ("Vanilla syrup 10 ml", "10"),
        ("1 Liter vinegar", "1000"),
        ("5L vinegar 99% pure", "5000"),
        ("vinegar blend x 50ml", "50"),
        ("vitamin D 20mg/ml , 10 ml", "10"),
        ("8 fl oz syrup", "236.56"),
        ("8oz. (240ml) syrup", "240"),
    ],
)
def test_volumes_are_millilitres_and_a_concentration_is_none(title: str, millilitres: str) -> None:
    assert amount(title) == (millilitres, "ml")


@pytest.mark.parametrize(
    ("title", "pieces"),
    [
        ("30 vitamin tablets", "30"),
        ("Vitamin C x 5,000 tabs", "5000"),
        ("1.000 tablets vitamin C", "1000"),
        ("10k tablets vitamin C", "10000"),
        ("5 Brandywine Red tomato seeds", "5"),
        ("tomato seeds 10-pack", "10"),
        ("10 strips of 15 stickers", "150"),
        ("2 boxes of 30 tablets", "60"),
        ("50 tablets per bottle", "50"),
        ("100 stuks kaasprikkers", "100"),
        ("12 Stück Praline", "12"),
        ("[400x for $24] cups", "400"),
        ("Teabags x 20", "20"),
        ("1 Box of tea - 5 bottles", "5"),
        ("300 tablets (vitamin) 10 boxes", "300"),
        ("stickers x 4500 (5 sheets)", "4500"),
        ("Teabags (QTY: 100)", "100"),
        ("25pk tomato seeds", "25"),
        ("25 gummy bears", "25"),
        ("one pack of five cookies", "5"),
    ],
)
def test_pieces_are_counted(title: str, pieces: str) -> None:
    assert amount(title) == (pieces, "unit")


@pytest.mark.parametrize(
    ("title", "pieces", "dose", "unit"),
    [
        ("Vitamin C 1 MG (700 Pills)", "700", "1", "mg"),
        ("30x 160mg vitamin pills", "30", "160", "mg"),
        ("2x10mg vitamin sample", "2", "10", "mg"),
        ("Vitamin 10MG - 30x10mg (Box)", "30", "10", "mg"),
        ("Vitamin 100mg x 20", "20", "100", "mg"),
        ("5 x 110ug iodine", "5", "110", "ug"),
        ("25 x iodine blotters (1,000ug)", "25", "1000", "ug"),
        ("10 vials (100 mcg per vial)", "10", "100", "ug"),
        ("500 White vitamin 2mg bars", "500", "2", "mg"),
        ("100 vitamin K 5mg", "100", "5", "mg"),
        ("Ascorbine 40 x 30 pills 40 mg", "30", "40", "mg"),
        ("(100) 3mg vitamin", "100", "3", "mg"),
        ("1k vitamin 3mg", "1000", "3", "mg"),
        ("500 White iodine tab 250 micro grams", "500", "250", "ug"),
        ("100 Caps, 1 Cap = 2,5 mg", "100", "2.5", "mg"),
        ("25 gummy bears 50mg each 1,250mg Total!", "25", "50", "mg"),
        ("PRESSED 50 x vitamin 30mg - $8.90 /PILL", "50", "30", "mg"),
    ],
)
def test_the_dose_is_kept_apart_from_the_pack(title: str, pieces: str, dose: str, unit: str) -> None:
    assert normalise_quantity(title) == Quantity(
        amount=pieces,
        unit="unit",
        dose=dose,
        dose_unit=unit,
        method=normalise_quantity(title).method,
        confidence=normalise_quantity(title).confidence,
    )


@pytest.mark.parametrize(
    ("title", "total", "unit", "pack"),
    [
        ("10 x 1g tea", "10", "g", "10"),
        ("0.25g x 12 tea", "3", "g", "12"),
        ("12 x 0,25g = 3g tea capsules", "3", "g", "12"),
        ("2 x 1/2 oz tea", "28.35", "g", "2"),
        ("5 bottles of 10ml syrup", "50", "ml", "5"),
        ("1kg tea (10 x 100g)", "1000", "g", "10"),
        ("100 count capsules (.08g/capsule)", "8", "g", "100"),
    ],
)
def test_what_multiplies_is_multiplied(title: str, total: str, unit: str, pack: str) -> None:
    quantity = normalise_quantity(title)
    assert (quantity.amount, quantity.unit, quantity.pack_count) == (total, unit, pack)


@pytest.mark.parametrize(
    ("title", "grams"),
    [
        ("Sencha 1 oz (28g)", "28"),
        ("Sencha 1/4 lb (113g)", "113"),
        ("QP 112g Sencha", "112"),
        ("228g (8oz)(½ lb) Sencha", "228"),
        ("10g pure saffron ( 10000mg )", "10"),
    ],
)
def test_the_titles_own_metric_figure_wins_when_the_same_amount_is_told_twice(title: str, grams: str) -> None:
    assert amount(title) == (grams, "g")


@pytest.mark.parametrize(
    "title",
    [
        "5-100GR Sencha",
        "5 to 10 g Sencha",
        "from 5g Sencha",
        "up to 50 g Sencha",
        "min. 10 g Sencha",
        "Sencha 1g - 28g",
        "1g/5g/10g Sencha",
        "5 g Sencha + 1 g Assam",
        "100g + 10g free Sencha",
        "10---100 pills",
        "20 cups + 2 free cups",
        "5x Sencha bags 1g loose",
        "10 x 10 of something",
        "12 pills and 250 ml syrup",
        "2 bottles 30 tablets 12 boxes",
        "Digital kitchen scale 20gx0.001g",
        "Tablet 2 mg",
        "Sencha 16 and 32 oz",
        "Sencha 5/10g",
        "4 oz lemon syrup",
        "Kanna leaf 20x 1g",
        "2019 fresh greeting cards",
        "15-20 tablets",
        "tea",
        "",
        "Oolong 100-1.000 grams",
        "Oolong $5.36/gram",
        "Green tea ($1155/HP)",
        "Prop notes, 10s, 50 pounds notes",
        "Postcards, 99 cent per card",
    ],
)
def test_a_doubt_gives_no_amount(title: str) -> None:
    assert amount(title) == (None, None)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("2C-B 10g", ("10", "g")),
        ("U-47700 1 gram", ("1", "g")),
        ("25I-NBOMe 10 blotters", ("10", "unit")),
        ("4-AcO-DMT 5g", ("5", "g")),
        ("5-MeO-DMT", (None, None)),
        ("4 MMC 10g", ("10", "g")),
        ("10g 4MMC", ("10", "g")),
        ("SGT-78 - 5g", ("5", "g")),
        ("GG249 bars x 20", ("20", "unit")),
        ("B707 10,000 bars", ("10000", "unit")),
        ("1g #4 grade", ("1", "g")),
        ("5 l-theanine", (None, None)),
        ("Gelato 33 - 1G", ("1", "g")),
        ("Gelato 33 x Sherbet 2g", ("2", "g")),
        ("AK47 10g", ("10", "g")),
        ("007 stamp", (None, None)),
        ("420 party 24h 2-3 days since 2013", (None, None)),
        ("12 Main Street", (None, None)),
        ("90% pure 10-15% extra 1G", ("1", "g")),
        ("3x washed 5g", ("5", "g")),
        ("15x herbal extract", (None, None)),
        ("Herb 15x extract 2g", ("2", "g")),
        ("5 star vendor 2g", ("2", "g")),
        ("14g tea 105£", ("14", "g")),
        ("1 OZ (only 4k USD)", ("28.35", "g")),
        ("1g tea 35$ a gram", ("1", "g")),
        ("28g/Ounces of tea", ("28", "g")),
        ("SALE $9.99gram", ("1", "g")),
    ],
)
def test_codes_prices_strengths_and_times_are_no_amounts(title: str, expected: tuple[str | None, str | None]) -> None:
    assert amount(title) == expected


def test_the_category_says_whether_milligrams_are_a_dose_or_the_amount() -> None:
    assert amount("Pure 500 mg", "Drugs > Benzos > Powder") == ("0.5", "g")
    assert amount("Fresh 500 mg", "Drugs > Psychedelics > DMT") == ("0.5", "g")
    assert amount("Fresh 500 mg", "Drugs > Benzos > Pills") == (None, None)
    assert amount("Fresh 500 mg", "Drugs") == (None, None)
    assert normalise_quantity("Fresh 500 mg", "Drugs > Benzos > Pills").dose == "500"


def test_a_needle_is_counted_and_a_scale_has_no_quantity() -> None:
    assert amount("100 needles 3ml 25G 1 inch") == ("100", "unit")
    assert amount("Pocket balance 200g x 0.01g", "Paraphernalia > Scales") == (None, None)


def test_a_guide_about_100_g_is_not_100_g() -> None:
    assert amount("How to grow 100g of tomatoes", "Guides > Digital") == (None, None)


def test_hp_is_half_a_pound_only_where_herbs_are_sold() -> None:
    assert amount("HP sencha", "Drugs > Cannabis") == ("226.8", "g")
    assert amount("HP laser printer", "Electronics") == (None, None)


def test_the_markets_decimal_sign_is_heard() -> None:
    assert amount("1.250 kg cocoa") == ("1250", "g")
    assert amount("1.250 kg cocoa", facts=MarketFacts(decimal=",")) == ("1250000", "g")


@given(st.text(max_size=650))
def test_no_text_makes_it_raise(title: str) -> None:
    quantity = normalise_quantity(title, title[:40])
    if quantity.amount is not None:
        assert Decimal(quantity.amount) > 0
        assert quantity.unit in {"g", "ml", "unit"}


WORDS = [
    "x",
    "10",
    "5",
    "1/2",
    "g",
    "mg",
    "oz",
    "pills",
    "of",
    "box",
    "-",
    "to",
    "=",
    "per",
    "each",
    "(",
    ")",
    "½",
    "2,5",
    "1,000",
    "k",
    "ug",
    "ml",
    "HP",
    "half",
]


@given(st.lists(st.sampled_from(WORDS), max_size=14).map(lambda parts: parts), st.sampled_from(["", " "]))
def test_no_heap_of_units_makes_it_raise(parts: list[str], glue: str) -> None:
    quantity = normalise_quantity(glue.join(parts))
    assert quantity.amount is None or Decimal(quantity.amount) > 0


TITLE_WORDS = [
    *WORDS,
    "tea",
    "Sencha",
    "90%",
    "90%+",
    "1g",
    "2,5 gr",
    "100",
    "7",
    "free",
    "from",
    "$30",
    "4-MMC",
    "*",
    "/",
    "=",
    "scale",
    "!",
    "kg",
    "xpills",
]
CATEGORIES = ["", "Drugs", "Drugs > Ecstasy > Pills", "Guides > Digital", "Paraphernalia", "Drugs > Benzos > Powder", "Seeds"]


@given(st.lists(st.sampled_from(TITLE_WORDS), max_size=7), st.sampled_from(["", " "]), st.sampled_from(CATEGORIES))
def test_the_short_cuts_give_what_the_grammar_gives(parts: list[str], glue: str, category: str) -> None:
    title = glue.join(parts)
    quick, slow = normalise_quantity(title, category), read_by_grammar(fold(title), split_words(fold(title)), category, MarketFacts())
    assert (quick.amount, quick.unit, quick.dose) == (slow.amount, slow.unit, slow.dose)


@given(st.decimals(min_value=Decimal("0.001"), max_value=10**7, places=3), st.sampled_from(["g", "ml"]))
def test_its_own_output_reads_as_itself(value: Decimal, unit: str) -> None:
    once = normalise_quantity(f"{value} {unit}")
    twice = normalise_quantity(f"{once.amount} {once.unit}")
    assert (twice.amount, twice.unit) == (once.amount, once.unit)
    assert Decimal(once.amount or 0) == value


@given(st.integers(min_value=1, max_value=10**6))
def test_a_count_reads_as_itself(count: int) -> None:
    assert amount(f"{count} unit") == (str(count), "unit")


def test_long_hostile_titles_take_bounded_time() -> None:
    begun = time.monotonic()
    for title in ("1x" * 300, "10 x " * 120, "1g " * 200, "(" * 600, "5-" * 300, "1/2 " * 150, "a of " * 120, "9" * 600, "1g" * 1_000_000):
        normalise_quantity(title)
    assert time.monotonic() - begun < 2


def test_the_price_of_a_unit_needs_a_sure_price_and_a_sure_quantity() -> None:
    quantity = normalise_quantity("Sencha 10 x 5g")
    assert price_per_unit(Price(amount="25.00", currency="EUR"), quantity) == (Decimal("0.5"), "EUR", "g")
    assert price_per_unit(Price(amount="25.00", currency="EUR", unit="Order"), quantity) == (Decimal("0.5"), "EUR", "g")
    assert price_per_unit(Price(amount="25.00", currency="EUR", unit="Ounce"), quantity) is None
    assert price_per_unit(Price(amount="25.00", currency=None), quantity) is None
    assert price_per_unit(Price(amount="25.00", currency="EUR", maximum="50.00"), quantity) is None
    assert price_per_unit(Price(amount="25.00", currency="EUR"), Quantity()) is None


def test_the_unit_table_says_what_its_words_measure() -> None:
    table = load_units()
    assert table.units["oz"].factor == Decimal("28.35")
    assert table.units["pills"].measure is Measure.COUNT
    assert table is load_units()


@pytest.mark.parametrize(
    ("title", "pieces"),
    [
        ("3 boxes x 10 tabs vitamin C", "30"),
        ("12 strips x 10 vitamin C", "120"),
        ("Box of 28 vitamin C 500mg", "28"),
        ("Bag of 40 liquorice", "40"),
        ("6 pre-rolls", "6"),
        ("8 pre-rolled joints", "8"),
    ],
)
def test_what_containers_hold_and_hyphenated_goods_are_counted(title, pieces):
    assert amount(title, "Pills") == (pieces, "unit")


@pytest.mark.parametrize(
    "title",
    ["Sencha 1/8, 1/4, 1/2, OZ", "Sencha 1/8 or 1/4 oz", "3 1g tea samplers", "10 x 10 strips vitamin C", "vitamin C 500mg 28 x 2 boxes"],
)
def test_a_choice_or_an_open_product_is_no_amount(title):
    assert amount(title) == (None, None)


@given(
    st.lists(
        st.sampled_from(
            [
                "5",
                "10",
                "1/2",
                "1",
                "000",
                "5k",
                "k",
                "k$",
                "$",
                "50$",
                "usd",
                "50usd",
                "eur",
                "-",
                "5-",
                "-10",
                "%",
                "10%",
                "percent",
                "½",
                "x",
                "5x",
                "g",
                "5g",
                "(5",
                "g)",
                "mg/ml",
                "tea's",
                "007",
                ".5",
                "#4",
                "1,000",
                "2/4",
                "haze10g",
                "=",
                "*",
                "half",
                "ounce",
                "pre-roll",
            ]
        ),
        max_size=8,
    )
)
def test_a_title_read_word_by_word_has_the_tokens_of_the_whole(words):
    folded = fold(" ".join(words))
    assert join_tokens(folded, split_words(folded)) == tokens_of(folded)
