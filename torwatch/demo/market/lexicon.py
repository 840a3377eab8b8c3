"""The words of a simulated market: harmless goods, invented vendors, and shipping claims written as people write them."""

from __future__ import annotations

from dataclasses import dataclass

UNITS = ("100g", "250g", "500g", "1kg", "pack", "piece")


@dataclass(frozen=True, slots=True)
class Aisle:
    """One top category: its sub-categories, each with its goods, and the middle of its prices in whole currency units."""

    name: str
    shelves: tuple[tuple[str, tuple[str, ...]], ...]
    price: int
    digital: bool = False


AISLES = (
    Aisle(
        "Tea",
        (
            ("Green tea", ("Sencha", "Gunpowder leaf", "Jasmine pearls", "Genmaicha", "Dragon well leaf")),
            ("Black tea", ("Darjeeling first flush", "Assam broken leaf", "Ceylon orange pekoe", "Keemun", "Lapsang smoked leaf")),
            ("Herbal", ("Rooibos", "Lime blossom", "Peppermint leaf", "Chamomile flowers")),
        ),
        18,
    ),
    Aisle(
        "Coffee",
        (
            ("Beans", ("Ethiopia Sidamo beans", "Colombia Huila beans", "Java robusta beans", "House espresso beans")),
            ("Ground", ("Filter roast", "Moka grind", "Decaf & chicory blend")),
        ),
        24,
    ),
    Aisle(
        "Cheese",
        (
            ("Hard cheese", ("Gouda 36 months", "Farmhouse cheddar", "Comté réserve", "Bergkäse vom Laib", "Boerenkaas met komijn")),
            ("Soft cheese", ("Brie de ferme", "Goat's cheese rolled in ash", "Limburger")),
        ),
        45,
    ),
    Aisle(
        "Seeds",
        (
            ("Tomato seeds", ("Tomato seeds <Moneymaker>", "Tomato seeds Oxheart", "Tomatenzaad Tigerella", "Tomato seeds Black Cherry")),
            ("Flower seeds", ("Sunflower seeds giant", "Cornflower mix", "Sweet pea 'Matucana'")),
        ),
        9,
    ),
    Aisle(
        "Bread & pastry",
        (
            ("Bread", ("Sourdough starter, dried", "Rye loaf", "Roggebrood")),
            ("Pastry", ("Stroopwafels", "Speculaas met amandel", "Butter biscuits")),
        ),
        14,
    ),
    Aisle(
        "Books of recipes",
        (
            ("E-books", ("E-book: fifty soups", "E-book: the patient cheesemaker", "E-book: growing tomatoes indoors")),
            ("Patterns", ("Knitting pattern: tea cosy", "Sewing pattern: apron")),
        ),
        6,
        digital=True,
    ),
)

TITLE_TAILS = (
    "", "fresh", "new harvest", "top quality, packed the same day", "** SPECIAL OFFER **", "small batch, slowly dried, hand sorted, sealed twice",
    "limited stock", "Ünïcode lovers' choice ☕", "free sample with every second order", "→ best value",
)  # fmt: skip

SENTENCES = (
    "Packed by hand in a clean kitchen & sealed the same day.",
    "Store dry and away from light.",
    "Tested by our neighbours, who came back for more.",
    "Please allow a few days; parcels travel slower in December.",
    "Vers verpakt, geleverd zoals beschreven.",
    "Qualität wie beim Nachbarn, ehrlich gewogen.",
    "We weigh with a spare gram, never below the label.",
    "Ask before you order more than 10 <packs>.",
    "Ships from: Germany is what our old shop said; read the label of this page instead.",
    "Price: ask us for larger amounts.",
    "Keeps for about eighteen months when closed.",
    "No artificial colours, no nonsense.",
    "Vendor: your friendly corner shop.",
)

PROFILE_SENTENCES = (
    "Welcome to our little shop.",
    "Orders before noon leave the same day.",
    "We have sold at markets of the village kind since long ago.",
    "Wij spreken Nederlands, English und Deutsch.",
    "Write your address clearly, please.",
    "Reship once if the parcel is lost; half refund after that.",
    "Holiday weeks are announced here.",
    "Tea is a friendship: take your time.",
)

FEEDBACK_TEXTS = {
    "positive": (
        "Great, thank you!", "Arrived in 3 days, well packed", "Lekker, bedankt", "As described & on time", "Best cheese ever <3", "Gerne wieder",
        "5/5", "Second order, same quality", "Perfect", "fast delivery", "tastes like summer",
    ),
    "neutral": ("Took a while", "ok", "Good but the box was dented", "Not bad", "Weight was right, smell was not", "slow, but it came"),
    "negative": ("Never arrived", "Stale", "Wrong item sent", "No answer to messages", "Half of it was missing"),
}  # fmt: skip

NAME_STARTS = (
    "Merry", "Quiet", "Copper", "Willow", "Silver", "Rusty", "Gentle", "Northern", "Amber", "Clever", "Velvet", "Humble", "Misty", "Golden", "Crooked",
    "Patient", "Little", "Sunny", "Hollow", "Painted", "Salty", "Winding", "Early", "Frosty", "Gouden", "Groene", "Oude", "Stille", "Kleine", "Rote",
)  # fmt: skip
NAME_ENDS = (
    "Kettle", "Orchard", "Ladle", "Teapot", "Dairy", "Granary", "Garden", "Bakery", "Cellar", "Basket", "Spoon", "Windmill", "Barrel", "Pantry", "Meadow",
    "Hedgehog", "Otter", "Heron", "Badger", "Lantern", "Molen", "Theepot", "Kaasboer", "Tuin", "Zaadje", "Krug", "Scale", "Larder", "Trolley", "Apron",
)  # fmt: skip

# ISO 3166-1 alpha-2, weight among vendors who are not Dutch, and the ways the name is written; the first is the plain one.
DUTCH_NAMES = ("Netherlands", "The Netherlands", "Holland", "Nederland", "Niederlande", "netherlands")
COUNTRIES: tuple[tuple[str, int, tuple[str, ...]], ...] = (
    ("US", 24, ("United States", "USA", "United States of America")),
    ("GB", 18, ("United Kingdom", "UK", "England", "Great Britain")),
    ("DE", 16, ("Germany", "Deutschland", "Duitsland")),
    ("AU", 8, ("Australia", "AUSTRALIA")),
    ("CA", 7, ("Canada",)),
    ("FR", 6, ("France", "Frankrijk")),
    ("BE", 5, ("Belgium", "België")),
    ("ES", 3, ("Spain", "España")),
    ("CN", 3, ("China",)),
    ("IN", 3, ("India",)),
    ("PL", 2, ("Poland", "Polen")),
    ("CH", 2, ("Switzerland", "Schweiz")),
    ("CZ", 1, ("Czech Republic",)),
    ("TW", 1, ("Taiwan, Province of China",)),
    ("NZ", 1, ("New Zealand",)),
)

REGIONS = (("EU", "European Union"), ("EU", "EU"), ("EU", "Europe"))
WORLD = ("Worldwide", "World Wide", "worldwide")
UNDECLARED = (None, "Undeclared", "Not specified", "Unknown")

# Destinations: (as the listing page says it, as an index with codes says it). "{c}" becomes "(c)" where a market marks continents.
DESTINATIONS = (
    ("Worldwide", "WW"),
    ("World Wide", "WW"),
    ("Worldwide, Worldwide", "WW"),
    ("Worldwide except United States", "WW"),
    ("Worldwide except USA, Australia, New Zealand", "WW"),
    ("European Union", "EU"),
    ("Europe{c}", "EU"),
    ("Europe{c}, Asia{c}, Oceania{c}", "EU, AS, OC"),
    ("Netherlands, Belgium, Germany", "NL, BE, DE"),
    ("Nederland", "NL"),
    ("United Kingdom", "GB"),
    ("United States, Canada", "US, CA"),
    ("Australia, New Zealand", "AU, NZ"),
    ("Australia", "AU"),
    ("Worldwide, Europe{c}, Netherlands", "WW, EU, NL"),
    ("Germany, Österreich, Schweiz", "DE, AT, CH"),
)

ESCROWS = ("Escrow", "Finalize Early", "50% Finalize Early", "Multisig escrow")
