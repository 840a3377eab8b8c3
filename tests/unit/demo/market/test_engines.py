"""The engines against the parsers: what the pages show is the truth, all of it, and nothing else."""

import datetime as dt
import functools

import pytest

from torwatch.demo.market import ENGINES, EPOCH, MarketView, Visit, diff_truth, remember, replay_truth, state_of
from torwatch.demo.market.engine import LISTINGS_PER_PAGE, cut
from torwatch.model import Outcome, PageKind
from torwatch.normalise.price import normalise_price
from torwatch.normalise.shipping import normalise_ship_from
from torwatch.parsing.parse_page import parse_bytes
from torwatch.parsing.registry import load_parser

VISIT = Visit(serial=11, nonce="00112233445566778899aabbccddeeff")
NOW = EPOCH + dt.timedelta(days=20)
DATES = {"bazaar": "%d/%m/%Y", "souk": "%B %d, %Y"}
FEEDBACK_DATES = {"bazaar": "%d/%m/%Y %H:%M", "souk": "%b %d, %Y %H:%M"}
MONEY = {"bazaar": "${}", "souk": "EUR {}"}

pytestmark = pytest.mark.parametrize("name", sorted(ENGINES))


def make(name, at=NOW, **options):
    engine = ENGINES[name]()
    return engine, MarketView(engine.world(3, **{"listings": 120} | options).truth(at))


@functools.cache
def parser_of(name):
    return load_parser(name)


def parse(name, body, path=""):
    return parse_bytes(parser_of(name), body.encode(), path=path, content_type="text/html; charset=utf-8", fetched_at=NOW)


def crawl(name, engine, view):
    """Walk from the front page along the parser's links, as a crawl does."""
    queue, seen, pages = ["/"], {"/"}, {}
    while queue:
        path = queue.pop()
        pages[path] = parse(name, engine.render(view, path, VISIT).body, path)
        for link in pages[path].links:
            if link.path not in seen:
                seen.add(link.path)
                queue.append(link.path)
    return pages


def test_the_same_clock_and_visit_give_the_same_bytes(name):
    (engine, view), (other_engine, other_view) = make(name), make(name)
    paths = engine.all_paths(view)
    assert len(paths) > 130
    for path in paths:
        assert engine.render(view, path, VISIT) == other_engine.render(other_view, path, VISIT)


def test_every_request_differs_in_nonce_clock_rate_and_views_only(name):
    engine, view = make(name)
    path = engine.aisle_path(1)
    one, other = (engine.render(view, path, Visit(serial, f"{serial:032x}")).body for serial in (12, 13))
    assert one != other
    first, second = parse(name, one, path), parse(name, other, path)
    for before, after in zip(first.listings, second.listings, strict=True):
        assert before.views != after.views
        assert (before.key, before.title, before.price_raw, before.ship_from_raw, before.vendor) == (
            after.key,
            after.title,
            after.price_raw,
            after.ship_from_raw,
            after.vendor,
        )
    assert first.info.rates != second.info.rates


def test_every_listing_page_shows_the_truth(name):
    engine, view = make(name, listings=200)
    assert view.truth.listings
    for key, truth in view.truth.listings.items():
        path = engine.listing_path(key)
        parsed = parse(name, engine.render(view, path, VISIT).body, path)
        assert (parsed.outcome, parsed.kind, parsed.unmatched) == (Outcome.OK, PageKind.LISTING, ()), parsed.reason
        (listing,) = parsed.listings
        assert (listing.key, listing.title, listing.vendor, listing.category) == (key, truth.title, truth.vendor, truth.category)
        assert (listing.vendor_key or listing.vendor) == truth.vendor_key
        assert listing.price_raw == f"{MONEY[name].format(engine.amount(truth.price))}/{truth.unit}"
        assert (listing.ship_from_raw, listing.ship_to_raw, listing.escrow_raw) == (truth.ship_from_raw, truth.ship_to_raw, truth.escrow)
        assert listing.description == truth.description
        assert listing.listing_type == truth.listing_type
        assert (listing.created_raw or listing.sold_since_raw) == truth.created.strftime(DATES[name])
        assert listing.sales == truth.sold
        assert listing.stock_raw == ("Unlimited" if truth.stock is None else str(truth.stock))


def test_every_vendor_page_shows_the_truth(name):
    engine, view = make(name)
    assert view.truth.vendors
    for key, truth in view.truth.vendors.items():
        path = engine.vendor_path(truth)
        parsed = parse(name, engine.render(view, path, VISIT).body, path)
        assert (parsed.outcome, parsed.kind, parsed.unmatched) == (Outcome.OK, PageKind.VENDOR, ()), parsed.reason
        (vendor,) = parsed.vendors
        assert (vendor.name, vendor.key or vendor.name) == (truth.name, key)
        assert vendor.member_since_raw == truth.member_since.strftime(DATES[name])
        assert (vendor.ship_from_raw, vendor.ship_to_raw) == (truth.ship_from_raw, truth.ship_to_raw)
        assert (vendor.profile, vendor.fe_enabled, vendor.pgp_keys) == (truth.profile, truth.fe_enabled, (truth.pgp_key,))
        assert (vendor.sales, vendor.vendor_level) == (truth.sales, str(truth.level))


def test_the_feedback_pages_show_all_feedback_and_no_more(name):
    engine, view = make(name)
    shown = []
    for truth in view.truth.vendors.values():
        pages = cut(len(view.feedback(truth)), 20, 1).pages
        for page in range(1, pages + 1):
            path = engine.feedback_path(truth, page)
            parsed = parse(name, engine.render(view, path, VISIT).body, path)
            assert (parsed.outcome, parsed.kind) == (Outcome.OK, PageKind.FEEDBACK), parsed.reason
            assert (parsed.info.total, parsed.info.pages) == (len(view.feedback(truth)), pages)
            assert {entry.vendor_key or entry.vendor for entry in parsed.feedback} <= {truth.key}
            shown += [(e.vendor, e.listing_key, e.product, e.buyer, e.text, e.rating, e.price_text, e.date_raw) for e in parsed.feedback]
    expected = [
        (
            e.vendor,
            e.listing_key,
            e.product,
            e.buyer,
            e.text,
            e.rating,
            MONEY[name].format(engine.amount(e.price)),
            e.at.strftime(FEEDBACK_DATES[name]),
        )
        for e in view.truth.feedback.values()
    ]
    assert expected
    assert sorted(shown) == sorted(expected)


def test_the_index_shows_every_listing_once_beside_the_promoted_repeats(name):
    engine, view = make(name, listings=400)
    keys, promoted = [], set()
    for number in range(1, 7):
        total = len(view.aisle(number))
        for page in range(1, cut(total, LISTINGS_PER_PAGE, 1).pages + 1):
            path = engine.aisle_path(number, page)
            parsed = parse(name, engine.render(view, path, VISIT).body, path)
            assert (parsed.info.page_number, parsed.info.pages, parsed.info.total) == (page, cut(total, LISTINGS_PER_PAGE, 1).pages, total)
            keys += [listing.key for listing in parsed.listings if not listing.promoted]
            promoted |= {listing.key for listing in parsed.listings if listing.promoted}
            for listing in parsed.listings:
                truth = view.truth.listings[listing.key]
                assert truth.title.startswith(listing.title)
                assert (listing.vendor, listing.category) == (truth.vendor, truth.category)
                assert listing.price_raw == f"{MONEY[name].format(engine.amount(truth.price))}/{truth.unit}"
    assert sorted(keys) == sorted(view.truth.listings)
    assert promoted


def test_the_bazaar_shows_codes_on_its_index_and_the_souk_nothing(name):
    engine, view = make(name)
    path = engine.aisle_path(1)
    for listing in parse(name, engine.render(view, path, VISIT).body, path).listings:
        truth = view.truth.listings[listing.key]
        codes = truth.codes_raw.split(" → ") if name == "bazaar" else ["", ""]
        assert [listing.ship_from_raw or "", listing.ship_to_raw or ""] == codes


def test_the_souk_cuts_its_titles_at_fifty_characters(name):
    engine, view = make(name, listings=400)
    path = engine.aisle_path(1)
    longest = max(len(listing.title) for listing in parse(name, engine.render(view, path, VISIT).body, path).listings)
    assert longest <= 50 if name == "souk" else longest > 50


def test_a_crawl_along_the_links_finds_every_page_and_nothing_but_pages(name):
    engine, view = make(name, listings=300)
    pages = crawl(name, engine, view)
    assert set(pages) == set(engine.all_paths(view))
    assert {parsed.outcome for parsed in pages.values()} == {Outcome.OK}
    assert {listing.key for parsed in pages.values() for listing in parsed.listings} == set(view.truth.listings)
    assert {vendor.name for parsed in pages.values() for vendor in parsed.vendors} == {v.name for v in view.truth.vendors.values()}


def observe(name, pages):
    """What a perfect observer writes down of parsed pages, by the names of the truth's claims."""
    facts, state = parser_of(name).market.facts, {}
    for parsed in pages.values():
        for one in parsed.listings if parsed.kind is PageKind.LISTING else ():
            price = normalise_price(one.price_raw, facts)
            state["listing", one.key] = {
                "title": one.title,
                "vendor": one.vendor_key or one.vendor,
                "category": " > ".join(one.category),
                "price": price.amount,
                "currency": price.currency,
                "price_unit": price.unit,
                "listing_type": one.listing_type,
                "ship_from": one.ship_from_raw,
                "ship_to": one.ship_to_raw,
                "escrow": one.escrow_raw,
                "description": one.description,
            }
        for one in parsed.vendors:
            state["vendor", one.key or one.name] = {
                "name": one.name,
                "member_since": dt.datetime.strptime(one.member_since_raw, DATES[name]).date().isoformat(),  # noqa: DTZ007 - a date has no zone
                "ship_from": one.ship_from_raw,
                "ship_to": one.ship_to_raw,
                "profile": one.profile,
                "fe_enabled": str(int(one.fe_enabled)),
                "pgp": "".join(one.pgp_keys),
            }
    return state


def test_an_observer_over_weeks_has_the_truth_and_its_changes_to_the_letter(name):
    engine = ENGINES[name]()
    world, known, before, state = engine.world(9, listings=60), None, None, {}
    for week in range(4):
        truth = world.truth(EPOCH + dt.timedelta(weeks=week))
        observed = observe(name, crawl(name, engine, MarketView(truth)))
        rows = diff_truth(before, truth, known=known, entities=("listing", "vendor"))
        assert rows
        state = replay_truth(state, rows, archive=state_of(known))
        assert observed == state
        known, before = remember(known, truth), truth


def test_claimed_countries_are_read_as_they_were_meant(name):
    engine, view = make(name, listings=400)
    facts = parser_of(name).market.facts
    physical = [entry for entry in view.truth.listings.values() if entry.listing_type == "Physical"]
    assert physical
    for entry in physical:
        read = normalise_ship_from(entry.ship_from_raw, facts)
        assert (read.ship_class, read.countries) == (entry.origin_class, (entry.origin,) if entry.origin else ()), entry.ship_from_raw
        if engine.name == "bazaar":
            code = normalise_ship_from(entry.codes_raw.partition(" \N{RIGHTWARDS ARROW} ")[0], facts)
            assert (code.ship_class, code.countries) == (read.ship_class, read.countries), entry.codes_raw


def test_a_vanished_listing_is_gone_and_not_a_change_of_layout(name):
    engine, view = make(name)
    for path in (engine.listing_path("1"), engine.listing_path("99999999")):
        page = engine.render(view, path, VISIT)
        assert parse(name, page.body, path).outcome is Outcome.GONE
        assert page.status == (404 if name == "souk" else 200)


def test_pages_past_the_last_are_verified_to_be_empty(name):
    engine, view = make(name)
    path = engine.aisle_path(1, 999)
    parsed = parse(name, engine.render(view, path, VISIT).body, path)
    assert (parsed.outcome, parsed.listings) == (Outcome.OK, ())


def test_every_sort_order_holds_the_same_listings(name):
    engine, view = make(name)
    orders = {}
    for sort in ("new", "old", "price_asc", "price_desc"):
        orders[sort] = []
        for page in range(1, cut(len(view.aisle(2)), LISTINGS_PER_PAGE, 1).pages + 1):
            path = engine.aisle_path(2, page, sort)
            parsed = parse(name, engine.render(view, path, VISIT).body, path)
            assert parsed.kind is PageKind.LISTING_INDEX
            orders[sort] += [listing.key for listing in parsed.listings if not listing.promoted]
    assert orders["old"] == orders["new"][::-1]
    assert orders["price_asc"] == orders["price_desc"][::-1]
    assert len({tuple(sorted(keys)) for keys in orders.values()}) == 1


def test_newest_first_shifts_pages_as_listings_arrive(name):
    engine, view = make(name, at=EPOCH, listings=300)
    _, later = make(name, at=EPOCH + dt.timedelta(days=3), listings=300)
    path = engine.aisle_path(2)
    before, after = (parse(name, engine.render(seen, path, VISIT).body, path).listings for seen in (view, later))
    assert [listing.key for listing in before] != [listing.key for listing in after]


def test_a_redesign_is_a_change_of_layout_on_every_page_with_records(name):
    engine, view = make(name)
    kinds = set()
    for path in engine.all_paths(view):
        body = engine.render(view, path, VISIT).body
        before = parse(name, body, path)
        for old, new in engine.redesign:
            body = body.replace(old, new)
        after = parse(name, body, path)
        if before.listings or before.vendors or before.feedback:
            kinds.add(before.kind)
            assert after.outcome is Outcome.LAYOUT_CHANGED, path
        assert (after.listings, after.vendors, after.feedback) == ((), (), ())
    assert kinds == {PageKind.LISTING_INDEX, PageKind.LISTING, PageKind.VENDOR, PageKind.FEEDBACK}


def test_a_moved_label_loses_ship_from_and_nothing_else(name):
    engine, view = make(name)
    lost = 0
    for key in view.truth.listings:
        path = engine.listing_path(key)
        body = engine.render(view, path, VISIT).body
        before = parse(name, body, path).listings[0]
        for old, new in engine.relabel:
            body = body.replace(old, new)
        after = parse(name, body, path)
        assert after.outcome is Outcome.OK
        assert after.listings[0].ship_from_raw is None
        assert (after.listings[0].title, after.listings[0].price_raw, after.listings[0].ship_to_raw) == (
            before.title,
            before.price_raw,
            before.ship_to_raw,
        )
        lost += before.ship_from_raw is not None
    assert lost > 50


def test_a_decimal_comma_can_be_asked_for(name):
    engine, view = ENGINES[name](decimal=","), make(name)[1]
    dear = max(view.truth.listings.values(), key=lambda listing: listing.price)
    body = engine.render(view, engine.listing_path(dear.key), VISIT).body
    assert f"{dear.price:,.2f}".translate(str.maketrans(",.", ".,")) in body


def test_text_that_looks_like_markup_is_escaped(name):
    engine, view = make(name, listings=400)
    odd = next(entry for entry in view.truth.listings.values() if "<" in entry.title)
    body = engine.render(view, engine.listing_path(odd.key), VISIT).body
    assert odd.title not in body
    assert parse(name, body, engine.listing_path(odd.key)).listings[0].title == odd.title
