"""An invented market that changes a little from look to look, and a database that takes snapshots of it, for the benches of the store."""

from __future__ import annotations

import csv
import datetime as dt
import random
import sys
import time

from torwatch.model import Source
from torwatch.store import diff, staging
from torwatch.store.database import open_store
from torwatch.store.entities import LISTING, VENDOR
from torwatch.store.snapshots import begin_snapshot
from torwatch.store.staging import EntityRow, StagedPage
from torwatch.store.targets import add_target

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
ONION = "a" * 55 + "d.onion"
CHANGED_SHARE = 0.01
SHOWN = ("title", "vendor", "category", "price", "currency", "ship_from", "ship_to")
COVERAGE = {
    "listing": {Source.DETAIL: frozenset(SHOWN), Source.INDEX: frozenset(SHOWN)},
    "vendor": {Source.INDEX: frozenset({"name"})},
}


def say(line=""):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def timed(work):
    """(result, seconds)."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def held(what, figure, bar=None, unit="times", *, at_least=None):
    """Print a figure against its bar, the most (or least) that it may be where there is one, and fail where it is missed."""
    missed = (bar is not None and figure > bar) or (at_least is not None and figure < at_least)
    told = f" (at most {bar:,})" if bar is not None else f" (at least {at_least:,})" if at_least is not None else ""
    say(f"{what}: {figure:,.2f} {unit}{told}{': MISSED' if missed else ''}")
    assert not missed, what


class Market:
    """An invented market whose listings change a little from look to look."""

    def __init__(self, size):
        self.rng = random.Random(size)
        self.next_key = 1000 + size
        self.rows = {
            str(1000 + number): {
                "title": f"Loose leaf tea no {number} {self.rng.choice(('fine', 'strong', 'green'))} 100 g",
                "vendor": f"house{number % max(1, size // 25)}",
                "category": "Goods > Tea",
                "price": f"{self.rng.randrange(500, 9999) / 100:.2f}",
                "currency": "EUR",
                "ship_from": self.rng.choice(("Netherlands", "Germany", None)),
                "ship_to": "Worldwide",
            }
            for number in range(size)
        }

    def step(self, share=CHANGED_SHARE):
        """Change the price of a share of the listings; gives how many."""
        return self._change(share, lambda row: {"price": f"{float(row['price']) + 0.01:.2f}"})

    def retitle(self, share=CHANGED_SHARE):
        """Change a word in the title of a share of the listings; gives how many."""
        return self._change(share, lambda row: {"title": row["title"].replace("leaf", "blend" if "leaf" in row["title"] else "leaf")})

    def view(self):
        """One more view of every listing; gives how many."""
        return self._change(1, lambda row: {"views": row.get("views", 0) + 1})

    def cheapen(self):
        """Change the price of every listing; gives how many."""
        return self.step(1)

    def rest(self):
        """Change nothing."""
        return 0

    def turn_over(self, share=CHANGED_SHARE):
        """Take a share of the listings away and offer as many new ones."""
        for key in self.rng.sample(sorted(self.rows), int(len(self.rows) * share)):
            self.rows[str(self.next_key)] = self.rows.pop(key)
            self.next_key += 1

    def write_csv(self, path):
        """Write what it shows as a CSV file."""
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, ("key", *SHOWN))
            writer.writeheader()
            writer.writerows({"key": key, **values} for key, values in self.rows.items())

    def _change(self, share, fields):
        chosen = self.rng.sample(sorted(self.rows), int(len(self.rows) * share))
        for key in chosen:
            self.rows[key] = self.rows[key] | fields(self.rows[key])
        return len(chosen)


class Import:
    """A database that takes snapshots, with the time of staging and of the diff apart."""

    def __init__(self, path):
        self.store = open_store(path)
        self.target = add_target(self.store, "bench", [(ONION, 80, "http")], parser="souk", every_seconds=604800, now=NOON)
        self.week = 0

    def stage(self, rows, sources=(Source.INDEX,)):
        """Begin a snapshot and stage its rows as each source tells them; gives its number."""
        now = NOON + dt.timedelta(weeks=self.week)
        self.week += 1
        snapshot = begin_snapshot(
            self.store, self.target, mirror_id=self.target.mirrors[0].id, parser_digest="0", torwatch_version="bench", now=now
        )
        page = StagedPage(tuple(EntityRow(key, source, values, f"/l/{key}") for key, values in rows.items() for source in sources))
        with self.store.write() as connection:
            staging.stage_pages(connection, snapshot.id, [page])
        return snapshot.id

    def settle(self, snapshot_id, *, complete=True):
        """Diff what was staged, clear it and commit."""
        with self.store.write() as connection:
            for entity in (VENDOR, LISTING):
                diff.diff_entity(
                    connection, entity, snapshot=snapshot_id, market=1, coverage=COVERAGE[entity.name], complete=complete, confirm_misses=2
                )
            diff.link_vendors(connection, snapshot=snapshot_id, market=1)
            state = "complete" if complete else "partial"
            connection.execute("UPDATE snapshot SET state = ? WHERE id = ?", (state, snapshot_id))
            staging.clear(connection, snapshot_id)

    def take(self, rows):
        """One whole snapshot; gives its number."""
        snapshot_id = self.stage(rows)
        self.settle(snapshot_id)
        return snapshot_id

    def search_bytes(self):
        """Bytes of the search index alone."""
        return self.store.value("SELECT sum(length(block)) FROM listing_search_data")

    def used_bytes(self):
        """Bytes in use, free pages not counted."""
        pages, free, size = (self.store.value(f"PRAGMA {name}") for name in ("page_count", "freelist_count", "page_size"))
        return (pages - free) * size
