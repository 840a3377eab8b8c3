"""Countries, regions and the grammar of shipping claims."""

import datetime as dt
import time
from collections import Counter, defaultdict
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torwatch.model import MarketFacts, ShipClass, Shipping
from torwatch.normalise.country import AMBIGUOUS, Entry, country_codes, country_name, gazetteer, region_codes, region_contains
from torwatch.normalise.country_build import LANGUAGES, countries_text
from torwatch.normalise.shipping import LONGEST_CLAIM, normalise_ship_from, normalise_ship_to
from torwatch.normalise.shipping_words import words_of

CODES = MarketFacts(name="souk", iso2=True)
WORDS = [
    *(
        "worldwide",
        "world",
        "except",
        "not",
        "no",
        "but",
        "EU",
        "Europe",
        "USA",
        "US",
        "uk",
        "AU",
        "NA",
        "NO",
        "IN",
        "me",
        "Me",
        "ME",
        "none",
        "only",
        "all",
    ),
    *(
        "from",
        "to",
        "from:",
        "to:",
        "→",
        "->",
        "(",
        ")",
        "[",
        "]",
        ",",
        "/",
        "&",
        "+",
        ".",
        ";",
        "|",
        "and",
        "or",
        "und",
        "en",
        "rest",
        "🇩🇪",
        "excluded",
    ),
    *(
        "Germany",
        "Georgia",
        "Korea",
        "Republic",
        "of",
        "the",
        "South",
        "Africa",
        "Guinea",
        "Bissau",
        "Jersey",
        "Hong",
        "Kong",
        "China",
        "digital",
        "Torland",
    ),
]
claims = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)


def said(shipping: Shipping) -> tuple[str, str, str]:
    return str(shipping.ship_class), ",".join(shipping.countries), ",".join(shipping.excluded)


@pytest.mark.parametrize(
    ("text", "ship_class", "countries", "excluded"),
    [
        ("Germany", "country", "DE", ""),
        ("  germany.", "country", "DE", ""),
        ("U.S.A.", "country", "US", ""),
        ("The Netherlands", "country", "NL", ""),
        ("Taiwan, Province of China", "country", "TW", ""),
        ("Korea, Republic of", "country", "KR", ""),
        ("Korea, Democratic People's Republic of", "country", "KP", ""),
        ("Congo, the Democratic Republic of the", "country", "CD", ""),
        ("Congo - Kinshasa", "country", "CD", ""),
        ("Virgin Islands (U.S.)", "country", "VI", ""),
        ("Cocos (Keeling) Islands", "country", "CC", ""),
        ("Macedonia, the former Yugoslav Republic of", "country", "MK", ""),
        ("Italy, Korea, Republic of, Spain", "country", "ES,IT,KR", ""),
        ("Guinea-Bissau, Guinea, Equatorial Guinea, Papua New Guinea", "country", "GN,GQ,GW,PG", ""),
        ("Bosnia and Herzegovina, Trinidad & Tobago and France", "country", "BA,FR,TT", ""),
        ("Trinidad &amp; Tobago", "country", "TT", ""),
        ("CuraÃ§ao", "country", "CW", ""),
        ("Côte d\u2019Ivoire", "country", "CI", ""),
        ("Gеrmаny", "country", "DE", ""),  # noqa: RUF001 - two letters are Cyrillic
        ("ＵＳＡ", "country", "US", ""),  # noqa: RUF001 - fullwidth letters
        ("Ger\u200bmany", "country", "DE", ""),
        ("★ 🇺🇸 🇨🇦 ★", "country", "CA,US", ""),
        ("\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "country", "GB", ""),
        ("Nederland en België", "country", "BE,NL", ""),
        ("Deutschland, Österreich und die Schweiz", "country", "AT,CH,DE", ""),
        ("Pays-Bas", "country", "NL", ""),
        ("Países Bajos", "country", "NL", ""),
        ("Scotland", "country", "GB", ""),
        ("Los Angeles, CA", "country", "US", ""),
        ("London, Canada", "country", "CA", ""),
        ("Georgia, USA", "country", "US", ""),
        ("Georgia", "country", "GE", ""),
        ("New Jersey", "country", "US", ""),
        ("EU, CH, NO", "region", "CH,NO", ""),
        ("uk/us/ca/au/nz", "country", "AU,CA,GB,NZ,US", ""),
        ("EU, CHE, NOR, USA, CAN", "region", "CA,CH,NO,US", ""),
        ("USA + UK", "country", "GB,US", ""),
        ("Europe. Asia", "region", "", ""),
        ("Worldwide", "world", "", ""),
        ("wolrdwide", "world", "", ""),
        ("anywhere in the world", "world", "", ""),
        ("Anywhere in the USA", "country", "US", ""),
        ("all", "world", "", ""),
        ("all EU", "region", "", ""),
        ("World Wide, Asia(c), Antarctica(c), Japan", "world", "JP", ""),
        ("Digital / Service", "digital", "", ""),
        ("Internet", "digital", "", ""),
        ("Not Specified", "undeclared", "", ""),
        ("Undelcared", "undeclared", "", ""),
        ("NA", "undeclared", "", ""),
        ("n/a", "undeclared", "", ""),
        ("none", "undeclared", "", ""),
        ("Torland", "undeclared", "", ""),
        ("---", "undeclared", "", ""),
        ("   ", "undeclared", "", ""),
        ("Me", "unparseable", "", ""),
        ("no", "unparseable", "", ""),
        ("Hong", "unparseable", "", ""),
        ("United", "unparseable", "", ""),
        ("European", "unparseable", "", ""),
        ("Korea", "unparseable", "", ""),
        ("Congo", "unparseable", "", ""),
        ("Virgin Islands", "unparseable", "", ""),
        ("Netherlands Antilles", "unparseable", "", ""),
        ("Pseudo-Accents", "unparseable", "", ""),
        ("the far side of the Nile", "unparseable", "", ""),
        ("Turkey and cheese", "unparseable", "", ""),
        (":)", "unparseable", "", ""),
        ("my garden, Portugal", "country", "PT", ""),
        ("USA, Georgia, Germany", "country", "DE,GE,US", ""),
        ("Korea, South Africa", "country", "ZA", ""),
        ("Can send anywhere in the EU; ask for other countries", "region", "", ""),
        ("Weltweiter Versand", "world", "", ""),
        ("UK & NI", "country", "GB", ""),
        ("Oslo", "country", "NO", ""),
        ("Noord-Holland", "country", "NL", ""),
        ("UK only (no NI)", "country", "GB", ""),
        ("Australia, not WA or SA", "country", "AU", ""),
        ("Northern Germany", "country", "DE", ""),
        ("UK & Channel Islands", "region", "GB", ""),
        ("Please ask before ordering", "undeclared", "", ""),
    ],
)
def test_a_claim_means_the_same_as_origin_and_as_destination(text, ship_class, countries, excluded):
    assert said(normalise_ship_to(text)) == (ship_class, countries, excluded)
    assert said(normalise_ship_from(text)) == (ship_class, countries, excluded)


@pytest.mark.parametrize(
    ("text", "ship_class", "countries", "excluded"),
    [
        ("Worldwide except US, NZ/AU", "world", "", "AU,NZ,US"),
        ("Worldwide (except: US/NZ), Canada", "world", "CA", "NZ,US"),
        ("Worldwide (not Australia)", "world", "", "AU"),
        ("WW except RU, UA, BY", "world", "", "BY,RU,UA"),
        ("everywhere but Australia", "world", "", "AU"),
        ("eu / no austria", "region", "", "AT"),
        ("no USA, worldwide otherwise", "world", "", "US"),
        ("no EU, only USA", "country", "US", ""),
        ("USA, Canada excluded", "world", "", "CA,US"),
        ("Worldwide - USA excluded", "world", "", "US"),
        ("Wereldwijd behalve Australië", "world", "", "AU"),
        ("Alle Länder außer USA", "world", "", "US"),
        ("Monde entier sauf Etats-Unis", "world", "", "US"),
        ("Todo el mundo excepto España", "world", "", "ES"),
        ("Ships all except countries : Germany, France", "world", "", "DE,FR"),
        ("[Doesn't ship to...] Albania, Germany", "world", "", "AL,DE"),
        ("We do not currently ship to Japan", "world", "", "JP"),
        ("I don't want customers from Japan, Canada", "world", "", "CA,JP"),
        ("USA, no USA", "world", "", "US"),
        ("USA only, no international", "country", "US", ""),
        ("No international", "unparseable", "", ""),
        ("United States, except Alaska", "country", "US", ""),
        ("Domestic only", "country", "", ""),
        ("USA only (no PO box)", "country", "US", ""),
        ("Worldwide, to Australia at extra cost", "world", "AU", ""),
    ],
)
def test_what_is_ruled_out_is_never_a_destination(text, ship_class, countries, excluded):
    assert said(normalise_ship_to(text)) == (ship_class, countries, excluded)


@pytest.mark.parametrize(
    ("text", "origin", "destination"),
    [
        ("From: Germany To: EU", ("country", "DE", ""), ("region", "", "")),
        ("From: Canada To: everywhere but Australia", ("country", "CA", ""), ("world", "", "AU")),
        ("From: Germany To:", ("country", "DE", ""), ("undeclared", "", "")),
        ("To: Worldwide", ("undeclared", "", ""), ("world", "", "")),
        ("From: Torland To: WW", ("undeclared", "", ""), ("world", "", "")),
        ("GB  → WW, EU", ("country", "GB", ""), ("world", "", "")),
        ("NL⟶WW, BE", ("country", "NL", ""), ("world", "BE", "")),
        ("IT -> IN", ("country", "IT", ""), ("country", "IN", "")),
        ("United States → United States, Canada", ("country", "US", ""), ("country", "CA,US", "")),
        ("Ships worldwide from Spain", ("country", "ES", ""), ("world", "", "")),
        ("USA to USA", ("country", "US", ""), ("country", "US", "")),
        ("Versand aus Deutschland nach Europa", ("country", "DE", ""), ("region", "", "")),
        ("Verzending vanuit Nederland naar België", ("country", "NL", ""), ("country", "BE", "")),
        ("From the hills To the sea", ("unparseable", "", ""), ("unparseable", "", "")),
    ],
)
def test_a_claim_that_glues_both_directions_is_taken_apart(text, origin, destination):
    assert said(normalise_ship_from(text)) == origin
    assert said(normalise_ship_to(text)) == destination


def test_codes_of_two_letters_count_alone_only_where_the_market_writes_codes():
    for code in ("IT", "NO", "ME", "IN", "PL", "SG"):
        assert said(normalise_ship_from(code)) == ("unparseable", "", "")
        assert said(normalise_ship_from(code, CODES)) == ("country", code, "")
    for word in ("it", "No", "Me", "in"):
        assert normalise_ship_from(word, CODES).countries == ()
    assert said(normalise_ship_from("NA", CODES)) == ("undeclared", "", "")


def test_the_name_of_the_market_itself_declares_nothing():
    assert said(normalise_ship_from("Souk", CODES)) == ("undeclared", "", "")
    assert said(normalise_ship_from("Souk")) == ("unparseable", "", "")


def test_an_excluded_region_is_kept_as_a_region():
    shipping = normalise_ship_to("Worldwide (except: US/Scandinavia)")
    assert (shipping.excluded, shipping.regions, shipping.excluded_regions) == (("US",), (), ("Scandinavia",))


def test_none_and_an_empty_text_are_undeclared():
    assert normalise_ship_from(None).ship_class is ShipClass.UNDECLARED
    assert normalise_ship_to("").ship_class is ShipClass.UNDECLARED


def test_words_left_aside_lower_the_confidence():
    assert normalise_ship_from("Portugal").confidence == 1.0
    assert normalise_ship_from("my garden, Portugal").confidence < 1.0
    assert normalise_ship_from("Amsterdam").confidence < 1.0


def test_a_list_of_every_country_in_english_is_read_whole():
    names = [country_name(code) for code in country_codes() if code != "AQ"]
    assert len(names) > 240
    assert normalise_ship_to(", ".join(names)).countries == tuple(sorted(set(country_codes()) - {"AQ"}))
    excluded = normalise_ship_to("Worldwide except " + ", ".join(names))
    assert (excluded.countries, len(excluded.excluded)) == ((), len(names))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_of_a_country_gives_that_country_or_nothing(language):
    missed = []
    for code in country_codes():
        got = normalise_ship_from(country_name(code, language))
        if code == "AQ":
            assert got.regions == ("Antarctica",)
        elif got.countries != (code,):
            assert got.countries == (), f"{country_name(code, language)} gave {got.countries}"
            missed.append(country_name(code, language))
    assert all(" ".join(words_of(name)) in AMBIGUOUS for name in missed), missed


def test_the_committed_table_of_names_is_what_babel_gives():
    rows = [line.split("\t") for line in countries_text().splitlines() if not line.startswith("#")]
    assert {row[0]: row[2] for row in rows[1:]} == {code: country_name(code) for code in country_codes()}


def test_no_name_stands_for_two_countries_and_no_word_for_two_things():
    meanings = defaultdict(set)
    for table, column in (("aliases.tsv", 2), ("regions.tsv", 1), ("aliases_terms.tsv", 1)):
        lines = files("torwatch.normalise").joinpath("data", table).read_text(encoding="utf-8").splitlines()
        rows = [line.split("\t") for line in lines if not line.startswith("#")][1:]
        for row in rows:
            if row[0] != "typo":
                for name in row[column].split(";"):
                    meanings[" ".join(words_of(name))].add((table, row[0]))
    for code in country_codes():
        if code != "AQ":
            for language in LANGUAGES:
                meanings[" ".join(words_of(country_name(code, language)))].add(("aliases.tsv", code))
    assert len(meanings) > 3000
    assert {name for name, found in meanings.items() if len(found) > 1} <= AMBIGUOUS
    assert "" not in meanings


def test_the_tables_hold_countries_and_regions_that_exist():
    tables = gazetteer()
    assert len(tables.entries) > 5000
    roles = Counter(entry.role for entry in tables.entries.values())
    assert roles["country"] > 2000
    assert tables.entries["worldwide"] == Entry("world")
    assert not AMBIGUOUS & set(tables.entries)
    assert {entry.code for entry in tables.entries.values() if entry.role == "country"} <= tables.alpha2
    assert {entry.code for entry in tables.entries.values() if entry.role == "region"} <= set(region_codes())


def test_a_country_is_named_in_the_language_asked_for():
    assert (country_name("NL"), country_name("nl", "nl"), country_name("DE", "fr"), country_name("DE", "ja")) == (
        "Netherlands",
        "Nederland",
        "Allemagne",
        "Germany",
    )
    assert country_name("??") == "??"


def test_membership_of_a_region_can_depend_on_the_day():
    assert region_contains("EU", "NL")
    assert not region_contains("EU", "GB")
    assert region_contains("EU", "GB", dt.date(2013, 1, 1))
    assert not region_contains("EU", "HR", dt.date(2012, 6, 1))
    assert region_contains("EU", "HR")
    assert not region_contains("Atlantis", "NL")
    assert not region_contains("Europe", "AU")


@given(st.text())
def test_no_text_raises(text):
    for normalise in (normalise_ship_from, normalise_ship_to):
        shipping = normalise(text)
        assert 0 <= shipping.confidence <= 1
        assert not set(shipping.countries) & set(shipping.excluded)


@given(claims, st.sampled_from([MarketFacts(), CODES]))
def test_no_mixture_of_known_words_names_what_it_rules_out(text, facts):
    codes = set(country_codes())
    for normalise in (normalise_ship_from, normalise_ship_to):
        shipping = normalise(text, facts)
        assert set(shipping.countries) | set(shipping.excluded) <= codes
        assert not set(shipping.countries) & set(shipping.excluded)
        assert shipping.countries == tuple(sorted(set(shipping.countries)))
        assert normalise(text, facts) == shipping


@given(
    st.lists(st.sampled_from(sorted(set(country_codes()) - {"AQ", "GE"})), min_size=1, max_size=8, unique=True),
    st.sampled_from([", ", " / ", " | ", "; ", "\n", " + "]),
)
def test_a_list_of_names_gives_its_codes_and_what_was_written_back_gives_them_again(codes, separator):
    text = separator.join(country_name(code) for code in codes)
    once = normalise_ship_to(text)
    assert once.countries == tuple(sorted(codes))
    assert normalise_ship_to(", ".join(country_name(code) for code in once.countries)).countries == once.countries


@pytest.mark.parametrize("piece", ["(", "a.", "U.S.", "& ", "except ", "Korea, ", "🇩", "\u200b", "from to ", "united states ", "\ue000ab"])
def test_a_long_hostile_claim_takes_bounded_time(piece):
    started = time.process_time()
    for normalise in (normalise_ship_from, normalise_ship_to):
        normalise(piece * (LONGEST_CLAIM // len(piece)))
    assert time.process_time() - started < 5
    assert normalise_ship_to("x" * (LONGEST_CLAIM + 1)).method == "too long"


@pytest.mark.parametrize(
    ("text", "countries"),
    [
        ("Germany<br>Austria", ("AT", "DE")),
        ("Kun Norge", ("NO",)),
        ("Tylko Polska", ("PL",)),
        ("France métropolitaine", ("FR",)),
        ("USA and its territories", ("US",)),
        ("中国", ("CN",)),
        ("Eesti", ("EE",)),
        ("Oesterreich", ("AT",)),
        ("Atlanta, Georgia", ("US",)),
        ("Vienna, VA", ("AT",)),
    ],
)
def test_markup_native_names_and_words_around_a_country_leave_it_readable(text, countries):
    assert normalise_ship_to(text).countries == countries


@pytest.mark.parametrize("text", ["See my profile", "check my profile", "Ask before ordering", "see T&C", "siehe Profil"])
def test_where_to_look_instead_declares_nothing(text):
    assert normalise_ship_to(text).ship_class is ShipClass.UNDECLARED


def test_a_numbered_list_is_a_list_and_four_codes_are_one_in_spite_of_a_doubt():
    assert normalise_ship_to("1. USA 2. Canada").countries == ("CA", "US")
    assert normalise_ship_to("AF, AL, DZ, AD, AO").countries == ("AD", "AL", "AO", "DZ")


@pytest.mark.parametrize(
    ("text", "ship_class", "countries"),
    [
        ("France métropolitaine + DOM-TOM", "country", ("FR",)),
        ("DOM only", "unparseable", ()),
        ("US 48 states", "country", ("US",)),
        ("No PO box USA", "country", ("US",)),
        ("Toute l'Europe", "region", ()),
    ],
)
def test_what_looks_like_a_code_or_a_ruling_out_is_read_for_what_sellers_mean(text, ship_class, countries):
    got = normalise_ship_to(text, MarketFacts(name="souk"))
    assert (got.ship_class, got.countries) == (ShipClass(ship_class), countries)
