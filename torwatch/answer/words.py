"""Names that come from data, in English and Dutch: categories, substance groups, places, and what is no place."""

from __future__ import annotations

from torwatch.normalise.country import country_codes, country_name
from torwatch.report.document import Label

# Always told of, seen or not: the letter of 2012 names them.
NAMED = ("NPS", "precursors", "GHB/GBL", "cultivation supplies", "cannabis seeds", "medicines", "weapons")
DUTCH_CATEGORIES = {
    "cannabis": "cannabis",
    "MDMA/ecstasy": "MDMA/ecstasy",
    "amphetamines": "amfetaminen",
    "cocaine": "cocaïne",
    "opioids": "opioïden",
    "benzodiazepines": "benzodiazepinen",
    "psychedelics": "psychedelica",
    "dissociatives": "dissociatieven",
    "GHB/GBL": "GHB/GBL",
    "NPS": "NPS",
    "medicines": "geneesmiddelen",
    "steroids": "steroïden",
    "precursors": "precursoren",
    "cultivation supplies": "kweekbenodigdheden",
    "cannabis seeds": "cannabiszaden",
    "weapons": "wapens",
    "fraud and digital": "fraude en digitaal",
    "counterfeit": "vervalsingen",
    "other": "overig",
    "unmapped": "niet geplaatst",
}
DUTCH_GROUPS = {
    "cannabis-flower": "wiet",
    "hash": "hasj",
    "concentrates": "concentraten",
    "edibles": "eetwaar met cannabis",
    "mdma": "mdma",
    "ecstasy-pills": "xtc-pillen",
    "amphetamine": "amfetamine",
    "methamphetamine": "methamfetamine",
    "cocaine": "cocaïne",
    "crack": "crack",
    "heroin": "heroïne",
    "opioids-pharma": "opioïden (medisch)",
    "fentanyl-analogue": "fentanyl-analoog",
    "benzodiazepine": "benzodiazepine",
    "lsd": "lsd",
    "psilocybin": "psilocybine",
    "dmt": "dmt",
    "ketamine": "ketamine",
    "ghb-gbl": "ghb/gbl",
    "nps-cannabinoid": "nps: cannabinoïde",
    "nps-cathinone": "nps: cathinon",
    "nps-phenethylamine": "nps: fenethylamine",
    "nps-other": "nps: overig",
    "prescription-other": "geneesmiddel overig",
    "steroids": "steroïden",
    "precursor": "precursor",
    "grow-supplies": "kweekbenodigdheden",
    "seeds": "zaden",
    "weapons": "wapens",
    "fraud-digital": "fraude, digitaal",
    "counterfeit": "vervalsing",
    "other": "overig",
    "none": "geen",
    "unknown": "onbekend",
}
DUTCH_CLASSES = {
    "world": "wereldwijd",
    "undeclared": "niet opgegeven",
    "unparseable": "niet leesbaar",
    "digital": "digitaal",
    "region": "streek",
    "country": "land",
}
DUTCH_REGIONS = {
    "EEA": "EER",
    "Europe": "Europa",
    "Western Europe": "West-Europa",
    "Eastern Europe": "Oost-Europa",
    "Northern Europe": "Noord-Europa",
    "Southern Europe": "Zuid-Europa",
    "Central Europe": "Midden-Europa",
    "Scandinavia": "Scandinavië",
    "Nordics": "Noordse landen",
    "Baltics": "Baltische staten",
    "Balkans": "Balkan",
    "British Isles": "Britse eilanden",
    "Channel Islands": "Kanaaleilanden",
    "Iberia": "Iberië",
    "Asia": "Azië",
    "South-East Asia": "Zuidoost-Azië",
    "East Asia": "Oost-Azië",
    "South Asia": "Zuid-Azië",
    "Central Asia": "Centraal-Azië",
    "Middle East": "Midden-Oosten",
    "Gulf": "Golfstaten",
    "Africa": "Afrika",
    "North Africa": "Noord-Afrika",
    "West Africa": "West-Afrika",
    "East Africa": "Oost-Afrika",
    "Southern Africa": "Zuidelijk Afrika",
    "North America": "Noord-Amerika",
    "Central America": "Midden-Amerika",
    "South America": "Zuid-Amerika",
    "Latin America": "Latijns-Amerika",
    "Americas": "Amerika",
    "Caribbean": "Caraïben",
    "Oceania": "Oceanië",
    "Asia-Pacific": "Azië en Stille Oceaan",
    "Australasia": "Australazië",
    "CIS": "GOS",
    "Eurasia": "Eurazië",
    "Commonwealth": "Gemenebest",
} | {region: region for region in ("EU", "Schengen", "Benelux", "DACH", "Antarctica")}
ENGLISH_CLASSES = {"world": "worldwide", "undeclared": "not declared", "unparseable": "not understood"}

DUTCH_METHODS = {
    "Chapman, two passes": "Chapman, twee gangen",
    "Schnabel, Chapman-modified": "Schnabel, naar Chapman",
    "Schumacher-Eschmeyer": "Schumacher-Eschmeyer",
    "Chao2, lower bound": "Chao2, ondergrens",
    "Good-Turing coverage": "dekking naar Good-Turing",
}


def method_name(method: str, language: str) -> Label:
    """An estimator, as it is printed."""
    return Label(method, DUTCH_METHODS.get(method, method) if language == "nl" else method)


def category_name(category: str, language: str) -> Label:
    """A category of the answer, as it is printed."""
    return Label(category, DUTCH_CATEGORIES.get(category, category) if language == "nl" else category)


def group_name(group: str, language: str) -> Label:
    """A substance group, as it is printed."""
    return Label(group, DUTCH_GROUPS.get(group, group) if language == "nl" else group)


def place_name(code: str, language: str) -> Label:
    """A country by its code with its name; a region or what is no place, as it is printed."""
    if code in country_codes():
        return Label(code, f"{code} {country_name(code, language)}")
    words = DUTCH_CLASSES | DUTCH_REGIONS if language == "nl" else ENGLISH_CLASSES
    return Label(code, words.get(code, code))
