"""The answer: extent and share of one country, with what each figure rests on; composes store, measure and report.

Every section is a count over the temporary table `scope` (report/answer_sql.py), made once for each answer.
"""

from __future__ import annotations

import collections
import datetime as dt
import json
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torwatch.errors import TorwatchError, UsageError
from torwatch.measure.abundance import chao2, count_occasions, coverage
from torwatch.measure.estimate import Estimate, Refusal
from torwatch.measure.sales import sales_range
from torwatch.measure.share import share_intervals
from torwatch.normalise.country import country_codes, country_name, region_codes, region_contains
from torwatch.report import answer_sql as sql
from torwatch.report.baselines import BASELINES
from torwatch.report.document import Cell, Document, Section, show_cell
from torwatch.store.captures import capture_histories

if TYPE_CHECKING:
    from torwatch.store.database import Store

LAST_OCCASIONS = 4  # looks that the coverage gauge uses: one window, not the market's whole life
MOVERS = 10
LEAST_PRICES = 3


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a country (ISO 3166-1 alpha-2), a period in aware UTC, and the language of the answer."""

    country: str
    since: dt.datetime
    until: dt.datetime
    language: str = "en"
    seed: int = 1

    def say(self, english: str, dutch: str) -> str:
        """The text in the language of the answer."""
        return dutch if self.language == "nl" else english

    @property
    def parameters(self) -> dict[str, str]:
        """What the SQL binds."""
        regions = [region for region in region_codes() if region_contains(region, self.country, self.until.date())]
        stamps = {"since": self.since.isoformat(timespec="seconds"), "until": self.until.isoformat(timespec="seconds")}
        return {"country": self.country, "regions": json.dumps(regions), **stamps}


def check_country(text: str) -> str:
    """The ISO code, in capitals. Raises UsageError for anything else."""
    code = text.strip().upper()
    if code not in country_codes():
        raise UsageError(f"{text!r} is no ISO 3166-1 alpha-2 country code: use two letters, for instance NL")
    return code


def write_answer(store: Store, question: Question) -> Document:
    """Count and estimate everything that the answer prints. Raises TorwatchError when the extra [analysis] is missing."""
    try:
        import numpy  # noqa: F401, ICN001, PLC0415 - an extra: a daemon without it stays small
    except ImportError as error:
        raise TorwatchError("the answer needs numpy: install torwatch with its extra, pip install 'torwatch[analysis]'") from error
    asking = _Asking(store, question)
    store.rows("DROP TABLE IF EXISTS temp.scope")
    store.rows(f"CREATE TEMP TABLE scope AS {sql.SCOPE}", question.parameters)
    store.rows("CREATE INDEX temp.scope_id ON scope (id)")
    store.rows("ANALYZE temp.scope")
    try:
        sections = (
            *_shares(asking),
            _extent(asking),
            _destinations(asking),
            *_vendors(asking),
            _sales(asking),
            *_trends(asking),
            *_goods(asking),
            _dutch(asking),
            _scams(asking),
            _prices(asking),
            *_basis(asking),
            _baselines(asking),
        )
    finally:
        store.rows("DROP TABLE IF EXISTS temp.scope")
    say, name = question.say, country_name(question.country, question.language)
    period = f"{question.since.date()} \u2013 {question.until.date()}"
    lead = (
        say(
            "Origins are what vendors claim, not what is proven. Lead with the share; a level is a floor.",
            "Herkomst is wat verkopers beweren, niet wat bewezen is. Het aandeel gaat voor; een niveau is een ondergrens.",
        ),
    )
    title = say(f"{name} on the markets watched", f"{name} op de gevolgde markten")
    return Document(title, question.language, period, lead, sections, question.parameters)


@dataclass(frozen=True, slots=True)
class _Asking:
    store: Store
    question: Question

    def rows(self, text: str) -> list[Any]:
        names = {"country", "since", "until"}
        return self.store.rows(text, {name: self.question.parameters[name] for name in names})

    def section(
        self, key: str, english: str, dutch: str, columns: tuple[str, ...], rows: list[tuple[Cell, ...]], text: str, note: str = ""
    ) -> Section:
        reason = (
            ""
            if rows
            else self.question.say("Not printed: nothing was seen in this period.", "Niet vermeld: in deze periode is niets gezien.")
        )
        return Section(key, self.question.say(english, dutch), columns, tuple(rows), note, reason, sql.standalone(text))


def _shares(asking: _Asking) -> list[Section]:
    import numpy  # noqa: ICN001, PLC0415 - an extra: a daemon without it stays small

    say = asking.question.say
    found = asking.rows(sql.VENDOR_COUNTS)
    categories = sorted({row["category"] for row in found if row["drug"]})
    labels = [say("physical drugs", "fysieke drugs"), say("all goods", "alle waar"), *categories]
    vendors: dict[tuple[int, int], int] = {}
    for row in found:
        vendors.setdefault((row["market_id"], row["vendor_id"]), len(vendors))
    table = numpy.zeros((len(vendors), len(labels), 5))
    for row in found:
        counts = (row["only_here"], row["weight"], row["declared"], row["perhaps"], row["every"])
        place = vendors[row["market_id"], row["vendor_id"]]
        table[place, 1] += counts
        if row["drug"]:
            table[place, 0] += counts
            table[place, 2 + categories.index(row["category"])] += counts
    columns: tuple[str, ...] = (
        say("goods", "waar"),
        say("listings", "aanbiedingen"),
        say("low", "laag"),
        say("declared", "opgegeven"),
        say("high", "hoog"),
    )
    columns += (say("95 % of declared", "95 % van opgegeven"), say("% declaring", "% met opgave"))
    rows: list[tuple[Cell, ...]] = []
    reasons: dict[str, None] = {}
    intervals = share_intervals(table, [market for market, _ in vendors], numpy.random.default_rng(asking.question.seed)) if vendors else []
    for at, bounds in enumerate(intervals):
        every, declared = int(table[:, at, 4].sum()), float(table[:, at, 2].sum())
        if not every:
            continue
        values = [round(100 * bound.value, 2) if isinstance(bound, Estimate) else None for bound in bounds]
        middle = bounds[1]
        limits = f"{_percent(middle.low, asking)}\u2013{_percent(middle.high, asking)}" if isinstance(middle, Estimate) else None
        reasons |= {bound.reason: None for bound in bounds if isinstance(bound, Refusal)}
        rows.append((labels[at], every, *values, limits, round(100 * declared / every, 2)))
    note = say(
        "Per cent. Low: only this country; declared: of those that name a country; high: with undeclared, world and regions that hold it."
        " Limits: 1,000 draws of whole vendors within their market.",
        "Procent. Laag: alleen dit land; opgegeven: van wie een land noemt; hoog: met onbekend, wereld en streken waar het in ligt."
        " Grenzen: 1.000 trekkingen van hele verkopers binnen hun markt.",
    )
    if reasons:
        note += " " + say("Left out: ", "Weggelaten: ") + "; ".join(reasons) + "."
    return [asking.section("share", "Share in three bounds", "Aandeel in drie grenzen", columns, rows, sql.VENDOR_COUNTS, note)]


def _percent(share: float | None, asking: _Asking) -> str:
    return show_cell(round(100 * (share or 0.0), 2), asking.question.language)


def _extent(asking: _Asking) -> Section:
    say = asking.question.say
    here = asking.question.country
    columns: tuple[str, ...] = (
        say("category", "soort"),
        say("standing", "staand"),
        say("ever", "ooit"),
        f"{here} {say('standing', 'staand')}",
    )
    columns += (f"{here} {say('ever', 'ooit')}", f"{here} {say('vendors', 'verkopers')}")
    fields = ("category", "standing", "ever", "standing_here", "ever_here", "vendors_here")
    rows: list[tuple[Cell, ...]] = [tuple(row[field] for field in fields) for row in asking.rows(sql.EXTENT)]
    note = say(
        "Listings seen: a floor. 'Unmapped' could not be placed.", "Geziene aanbiedingen: een ondergrens. 'Unmapped' is niet geplaatst."
    )
    return asking.section("extent", "Extent by category", "Omvang per soort", columns, rows, sql.EXTENT, note)


def _destinations(asking: _Asking) -> Section:
    say, found = asking.question.say, asking.rows(sql.DESTINATIONS)
    counts = {row["destination"]: row["listings"] for row in found}
    explicit = ("AU", "NZ", "world")
    rows: list[tuple[Cell, ...]] = []
    if counts:
        rows = [(name, counts.get(name, 0)) for name in explicit]
        rows += [(name, number) for name, number in counts.items() if name not in explicit][:MOVERS]
    columns = (say("ships to", "verzendt naar"), say("listings", "aanbiedingen"))
    return asking.section("destinations", "Claimed destinations", "Opgegeven bestemmingen", columns, rows, sql.DESTINATIONS)


def _vendors(asking: _Asking) -> list[Section]:
    say, found = asking.question.say, asking.rows(sql.CONCENTRATION)
    total = sum(row["listings"] for row in found)
    accounts = {row["vendor_id"] for row in found}
    linked: int | None = None
    if asking.store.value("SELECT 1 FROM sqlite_master WHERE name = 'vendor_link'"):
        root = {account: account for account in accounts}
        for one, other in asking.store.rows("SELECT vendor_id, other_vendor_id FROM vendor_link WHERE evidence = 'pgp'"):
            if one in root and other in root:
                old, new = root[one], root[other]
                root = {account: new if value == old else value for account, value in root.items()}
        linked = len(set(root.values()))
    columns = (say("measure", "maat"), say("number", "aantal"))
    rows: list[tuple[Cell, ...]] = []
    if found:
        top = round(100 * sum(row["listings"] for row in found[:MOVERS]) / total, 2)
        rows = [
            (say("sellers, accounts of one key linked", "verkopers, rekeningen met één sleutel samen"), linked),
            (say("accounts, unlinked", "rekeningen, los geteld"), len(accounts)),
            (say("% of listings by the top 10", "% van aanbod door de eerste 10"), top),
        ]
    note = say("Keys can be copied by impersonators.", "Sleutels kunnen door bedriegers zijn overgenomen.")
    if linked is None:
        note = say("Linked sellers are not printed: no keys were compared.", "Gekoppelde verkopers niet vermeld: geen sleutels vergeleken.")
    movers = sorted((row for row in found if row["fresh"]), key=lambda row: (-row["fresh"], row["vendor"]))[:MOVERS]
    moving: list[tuple[Cell, ...]] = [(row["vendor"], row["market"], row["fresh"], row["listings"]) for row in movers]
    names = (say("vendor", "verkoper"), say("market", "markt"), say("new", "nieuw"), say("standing", "staand"))
    return [
        asking.section("vendors", "Vendors and concentration", "Verkopers en concentratie", columns, rows, sql.CONCENTRATION, note),
        asking.section("movers", "Top movers: most new listings", "Grootste stijgers: meeste nieuwe", names, moving, sql.CONCENTRATION),
    ]


def _sales(asking: _Asking) -> Section:
    say = asking.question.say
    rows: list[tuple[Cell, ...]] = []
    for row in asking.rows(sql.SALES):
        figure = sales_range(row["feedback"])
        if isinstance(figure, Estimate):
            rows.append((row["category"], row["feedback"], round(figure.low or 0), round(figure.high or 0), row["vendors"]))
    columns = (say("category", "soort"), say("floor", "ondergrens"), say("from", "van"), say("to", "tot"), say("vendors", "verkopers"))
    note = say(
        "Orders. One feedback an order is the floor; feedback covers 71\u201388 % of sales (Kruithof et al. 2016).",
        "Bestellingen. Eén beoordeling per bestelling is de ondergrens; 71\u201388 % wordt beoordeeld (Kruithof e.a. 2016).",
    )
    return asking.section("sales", "Sales floor and range", "Verkopen: ondergrens en bereik", columns, rows, sql.SALES, note)


def _trends(asking: _Asking) -> list[Section]:
    say, question = asking.question.say, asking.question
    spells = asking.rows(sql.TREND)
    markets = {row["market_id"]: (row["first"], row["last"]) for row in asking.rows(sql.SNAPSHOTS) if row["complete"] or row["partial"]}
    if not markets:
        return [asking.section("trend", "Trend", "Verloop", (), [], sql.TREND)]
    first, last = (dt.date.fromisoformat(edge[:10]) for edge in (min(a for a, _ in markets.values()), max(b for _, b in markets.values())))
    weeks = [last - dt.timedelta(days=7 * back) for back in range((last - first).days // 7, -1, -1)]
    edge_in, edge_out = (first + dt.timedelta(days=7)).isoformat(), (last - dt.timedelta(days=7)).isoformat()
    panel = {market for market, (begun, ended) in markets.items() if begun[:10] <= edge_in and ended[:10] >= edge_out}
    months = [week for week, after in zip(weeks, [*weeks[1:], None], strict=True) if after is None or after.month != week.month]
    sections = []
    for key, english, dutch, days in (
        ("week", "Trend by week", "Verloop per week", weeks),
        ("month", "Trend by month", "Verloop per maand", months),
    ):
        rows: list[tuple[Cell, ...]] = []
        for day in days:
            row: list[Cell] = [day.isoformat()]
            for among in (set(markets), panel):
                stood = [
                    s
                    for s in spells
                    if s["market_id"] in among and s["opened"] <= day.isoformat() and (s["missed"] or "9") > day.isoformat()
                ]
                here, declared = sum(s["here"] for s in stood), sum(s["declared"] for s in stood)
                row += [round(here, 2), round(100 * here / declared, 2) if declared else None]
            moved = [
                sign for at, sign in ((0, "+"), (1, "\u2212")) for ends in markets.values() if _in_week(ends[at], day, at, first, last)
            ]
            rows.append((*row, "".join(moved)))
        columns = (say("to", "tot"), f"{question.country}, {say('all', 'alle')}", "%", f"{question.country}, panel", "%", "+/\u2212")
        note = say(
            f"Standing listings and share of declared; all {len(markets)} markets, and the panel of {len(panel)} watched throughout;"
            " + a market came, \u2212 one went.",
            f"Staand aanbod en aandeel van opgegeven; alle {len(markets)} markten, en het panel van {len(panel)} die steeds gevolgd zijn;"
            " + markt erbij, \u2212 markt weg.",
        )
        sections.append(asking.section(f"trend_{key}", english, dutch, columns, rows, sql.TREND, note))
    return sections


def _in_week(stamp: str, day: dt.date, at: int, first: dt.date, last: dt.date) -> bool:
    when = dt.date.fromisoformat(stamp[:10])
    return day - dt.timedelta(days=7) < when <= day and (
        when > first + dt.timedelta(days=7) if at == 0 else when < last - dt.timedelta(days=7)
    )


def _goods(asking: _Asking) -> list[Section]:
    say = asking.question.say
    sizes = ("", "\u2264 1", "1\u201310", "10\u2013100", "100\u20131000", "> 1000")
    amounts: list[tuple[Cell, ...]] = [(r["category"], r["unit"], sizes[r["size"]], r["listings"]) for r in asking.rows(sql.AMOUNTS)]
    variety = asking.rows(sql.VARIETY)[0]
    columns = (say("category", "soort"), say("unit", "eenheid"), say("amount", "hoeveelheid"), say("listings", "aanbiedingen"))
    kinds: list[tuple[Cell, ...]] = [(variety["here"], variety["everywhere"])] if variety["everywhere"] else []
    names = (asking.question.country, say("everywhere", "overal"))
    return [
        asking.section("order_sizes", "Order sizes", "Grootte van bestellingen", columns, amounts, sql.AMOUNTS),
        asking.section("variety", "Distinct substance groups", "Verschillende stofgroepen", names, kinds, sql.VARIETY),
    ]


def _dutch(asking: _Asking) -> Section:
    say, here = asking.question.say, asking.question.country
    language = asking.rows(sql.DUTCH_WORDS)[0]
    rows: list[tuple[Cell, ...]] = [
        (f"{here} \u2192 {here}", asking.rows(sql.AT_HOME)[0]["listings"]),
        (say("titles with Dutch words, all origins", "titels met Nederlandse woorden, alle herkomst"), language["listings"]),
        (f"{say('of these from', 'waarvan uit')} {here}", language["here"]),
    ]
    columns = (say("offers", "aanbod"), say("listings", "aanbiedingen"))
    return asking.section(
        "at_home", "Offers at home and in Dutch", "Aanbod binnenslands en in het Nederlands", columns, rows, sql.DUTCH_WORDS
    )


def _scams(asking: _Asking) -> Section:
    say = asking.question.say
    row = asking.rows(sql.SCAMS)[0]
    rows: list[tuple[Cell, ...]] = [
        (say("feedback read", "gelezen beoordelingen"), row["feedback"]),
        (say("that speaks of non-delivery or scam", "die van niet leveren of oplichting spreekt"), row["complaints"]),
        (say("pages that looked like phishing checks", "pagina's als phishing-controle"), row["phishing"]),
        (say("markets closed", "gesloten markten"), row["closed"]),
    ]
    columns = (say("claim", "bewering"), say("number", "aantal"))
    note = say(
        "Claims only. Vendor bans are not printed: no page states them as such.",
        "Slechts beweringen. Uitgesloten verkopers niet vermeld: geen pagina zegt het.",
    )
    return asking.section("scams", "Scam indicators", "Aanwijzingen van oplichting", columns, rows, sql.SCAMS, note)


def _prices(asking: _Asking) -> Section:
    say = asking.question.say
    groups: dict[tuple[str, str], tuple[list[float], list[float]]] = collections.defaultdict(lambda: ([], []))
    for row in asking.rows(sql.PRICES):
        groups[row["substance_group"], row["currency"]][row["here"]].append(row["price"])
    rows: list[tuple[Cell, ...]] = []
    for (group, currency), (rest, here) in groups.items():
        if len(here) >= LEAST_PRICES:
            other = round(statistics.median(rest), 2) if len(rest) >= LEAST_PRICES else None
            rows.append((group, currency, round(statistics.median(here), 2), len(here), other, len(rest)))
    columns = (say("substance", "stof"), say("currency", "munt"), asking.question.country, "n", say("elsewhere", "elders"), "n")
    note = say("Median price per gram; fewer than 3 prices are not printed.", "Mediaan per gram; minder dan 3 prijzen worden niet vermeld.")
    return asking.section("prices", "Price per gram", "Prijs per gram", columns, rows, sql.PRICES, note)


def _basis(asking: _Asking) -> list[Section]:
    say, found = asking.question.say, asking.rows(sql.SNAPSHOTS)
    counted: list[tuple[Cell, ...]] = [
        (r["market"], r["complete"], r["partial"], r["failed"], r["held"], r["pages"], float(r["megabytes"])) for r in found
    ]
    columns: tuple[str, ...] = (say("market", "markt"), say("complete", "volledig"), say("partial", "deels"), say("failed", "mislukt"))
    columns += (say("held", "wacht"), say("pages", "pagina's"), "MB")
    frame = asking.rows(sql.FRAME)[0]
    note = say(
        f"{frame['watched']} of {frame['known']} known markets were watched.",
        f"{frame['watched']} van {frame['known']} bekende markten zijn gevolgd.",
    )
    gauges = [_coverage(asking, row["market"], row["market_id"]) for row in found]
    names = (
        say("market", "markt"),
        say("looks", "keren"),
        say("seen", "gezien"),
        say("coverage, %", "dekking, %"),
        say("at least", "minstens"),
    )
    parsers: list[tuple[Cell, ...]] = [(r["market"], r["parser"], r["version"], r["since"]) for r in asking.rows(sql.PARSERS)]
    heads = (say("market", "markt"), say("parser", "lezer"), say("version", "versie"), say("since", "sinds"))
    why = say(
        "Good\u2013Turing, and Chao2 as the lower bound of ever listed, over the last looks; a dash: too few looks.",
        "Good\u2013Turing, en Chao2 als ondergrens van ooit aangeboden, over de laatste keren; een streep: te weinig keren.",
    )
    return [
        asking.section("snapshots", "Snapshots and frame", "Opnamen en kader", columns, counted, sql.SNAPSHOTS, note),
        asking.section("coverage", "Coverage", "Dekking", names, gauges, sql.SNAPSHOTS, why),
        asking.section("parsers", "Parser versions", "Versies van de lezers", heads, parsers, sql.PARSERS),
    ]


def _coverage(asking: _Asking, name: str, market_id: int) -> tuple[Cell, ...]:
    question = asking.question
    starts = asking.store.rows(
        "SELECT started_at FROM snapshot WHERE market_id = ? AND state IN ('complete', 'partial') AND started_at BETWEEN ? AND ?"
        " ORDER BY id DESC LIMIT ?",
        (market_id, question.parameters["since"], question.parameters["until"], LAST_OCCASIONS),
    )
    if not starts:
        return name, 0, None, None, None
    since = dt.datetime.fromisoformat(starts[-1][0])
    histories = capture_histories(asking.store, market_id, "listing", since=since, until=question.until)
    counted = count_occasions(histories.seen.values(), len(histories.occasions))
    gauge, bound = coverage(counted), chao2(counted)
    shown = round(100 * gauge.value, 2) if isinstance(gauge, Estimate) else None
    return name, len(histories.occasions), len(histories.seen), shown, round(bound.value) if isinstance(bound, Estimate) else None


def _baselines(asking: _Asking) -> Section:
    say = asking.question.say
    columns = (say("period", "periode"), say("source", "bron"), say("measure", "maat"), say("Netherlands", "Nederland"))
    return Section("baselines", say("What others measured", "Wat anderen maten"), columns, BASELINES)
