"""What datasette adds: every canned query and every chart of the dashboards over its own server, times the same SQL in the sqlite3 shell.

Both give JSON of the same rows: as many as datasette gives out, so that the shell is not charged for rows that a browser never gets. Where the
machine has no `sqlite3`, Python's sqlite3 runs the same SQL, and the table says so.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from contextlib import closing
from pathlib import Path

import bench_answer as year

from torwatch.charting import all_charts
from torwatch.report.datasette_command import SETTINGS
from torwatch.report.queries import QUERIES
from torwatch.store.database import open_store

BAR = 1.5
REPEATS = 5
ROWS = SETTINGS["max_returned_rows"]
LIMIT_SECONDS = SETTINGS["sql_time_limit_ms"] / 1000
SHELL = shutil.which("sqlite3")
LISTINGS = int(os.environ.get("TORWATCH_BENCH_LISTINGS", "50000"))  # of each market
ENRICH = f"""
UPDATE snapshot SET listings = {LISTINGS} * 9 / 10, announced_listings = {LISTINGS};
UPDATE listing SET vendor = 'v' || (id % {year.VENDORS}), listing_type = 'Physical', standing = NOT (id % 10 = 3),
  claimed_origin = CASE ship_from WHEN 'Netherlands' THEN 'NL' WHEN 'Germany' THEN 'DE' WHEN 'United States' THEN 'US' ELSE 'undeclared' END,
  substance_group = CASE category WHEN 'Drugs > Cannabis' THEN 'cannabis-flower' WHEN 'Drugs > Cocaine' THEN 'cocaine'
                                  WHEN 'Drugs > Pills' THEN 'ecstasy-pills' ELSE 'unknown' END;
UPDATE listing SET ship_from = 'somewhere nice' WHERE id % 500 = 0;
UPDATE listing SET ship_to = 'all over' WHERE id % 700 = 0;
INSERT INTO origin SELECT id, 'somewhere nice', '', 'unparseable', 0, 't', 0, '1' FROM market;
INSERT INTO destination SELECT id, 'all over', '', 'unparseable', 0, 't', 0, '1' FROM market;
INSERT INTO vendor_handle SELECT id, iif(id % 4, key || market_id, key), name, first_snapshot_id FROM vendor;
INSERT INTO vendor_key (vendor_id, fingerprint, key_id, revoked, first_snapshot_id)
  SELECT id, printf('%040X', id % 1200), printf('%016X', id % 1200), 0, first_snapshot_id FROM vendor WHERE id % 5 = 0;
INSERT INTO target (market_id, parser, every_seconds, added_at, changed_at) SELECT id, 'souk', 604800, '', '' FROM market;
INSERT INTO mirror (target_id, host, port, scheme, added_at) SELECT id, printf('%055dd.onion', id), 80, 'http', '' FROM target;
INSERT INTO mirror_visit (mirror_id, at, source, outcome, elapsed_ms, verdict)
  WITH RECURSIVE hour (n) AS (SELECT 0 UNION ALL SELECT n + 6 FROM hour WHERE n < 24 * 364)
  SELECT mirror.id, strftime('%Y-%m-%dT%H:%M:%S+00:00', '2025-01-06', n || ' hours'), 'probe', iif(n % 90 < 6, 'timeout_connect', 'ok'), 900,
         iif(n % 90 < 6, 'down', 'up') FROM hour JOIN mirror;
UPDATE spell SET opened_snapshot_id = opened_snapshot_id + {year.MARKETS} * (entity_id % 40) WHERE entity = 'vendor';
UPDATE spell SET last_seen_snapshot_id = opened_snapshot_id + {year.MARKETS} * (entity_id % 7),
  first_missed_snapshot_id = opened_snapshot_id + {year.MARKETS} * (entity_id % 7 + 1) WHERE entity = 'vendor' AND entity_id % 3 = 0;
INSERT INTO failure (snapshot_id, path, kind, outcome, reason)
  WITH RECURSIVE page (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM page WHERE n < 40)
  SELECT snapshot.id, '/listing/' || n, 'listing', 'stalled', 'no bytes for 60 s' FROM snapshot JOIN page;
"""


def load_serving(checkout):
    spec = importlib.util.spec_from_file_location("bench_serving", Path(checkout) / "tests" / "integration" / "test_serve.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def questions():
    """(name, sql, parameters) of every canned query, and of every chart as the dashboard asks it first."""
    day = (year.BEGIN + dt.timedelta(weeks=year.WEEKS - 2)).date().isoformat()
    given = {
        "country": "NL",
        "day": day,
        "snapshot": "300",
        "vendor": "v7",
        "group": "cocaine",
        "text": "fine goods",
        "since": "",
        "until": "",
    }
    for query in QUERIES:
        asked = given | ({"country": "AU"} if query.name == "listings_to" else {})
        yield query.name, query.sql, {name: asked[name] for name in re.findall(r":(\w+)", query.sql)}
    for chart in all_charts(dt.datetime.now(dt.UTC).date()):
        yield f"chart_{chart.name}", chart.sql, {name: given[name] for name in re.findall(r":(country|since|until)\b", chart.sql)}


def ask_datasette(address, name, parameters):
    """(seconds, rows) of a canned query as JSON; fails where datasette cuts it off for its time."""
    path = f"{address}/torwatch/{name}.json?{urllib.parse.urlencode(parameters | {'_shape': 'array'})}"
    start = time.perf_counter()
    with urllib.request.urlopen(path, timeout=2 * LIMIT_SECONDS) as answer:
        body = answer.read()
    return time.perf_counter() - start, json.loads(body)


def ask_shell(database, sql, parameters):
    """(seconds, rows) of the same SQL, cut at the rows that datasette gives out, in the shell (else in Python's sqlite3)."""
    limited = f"SELECT * FROM ({sql.strip().rstrip(';')}) LIMIT {ROWS}"
    if SHELL is None:
        start = time.perf_counter()
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            body = json.dumps([dict(row) for row in connection.execute(limited, parameters)])
        return time.perf_counter() - start, json.loads(body)
    script = "".join(f".parameter set :{name} {quoted(value)}\n" for name, value in parameters.items()) + f".mode json\n{limited};\n"
    start = time.perf_counter()
    done = subprocess.run([SHELL, "-readonly", str(database)], input=script, capture_output=True, text=True, check=True, timeout=300)
    seconds = time.perf_counter() - start
    assert not done.stderr, done.stderr
    return seconds, json.loads(done.stdout or "[]")


def quoted(value):
    """A text for the shell: SQL quotes inside the shell's own."""
    text = value.replace("'", "''")
    return f"\"'{text}'\""


def bench_canned_queries_and_dashboards(tmp_path, request):
    serving, database = load_serving(request.config.rootpath), tmp_path / "torwatch.db"
    year.build(database, LISTINGS)
    with open_store(database) as store, store.write() as connection:
        for statement in filter(str.strip, ENRICH.split(";\n")):
            connection.execute(statement)
    lines, missed, empty = [], [], []
    with serving.a_datasette(tmp_path) as address:
        for name, sql, parameters in questions():
            served, bare = [], []
            for _ in range(REPEATS):
                seconds, rows = ask_datasette(address, name, parameters)
                served.append(seconds)
                seconds, expected = ask_shell(database, sql, parameters)
                bare.append(seconds)
                if min(served) > 2 and len(served) > 1:
                    break
            assert len(rows) == len(expected), name
            empty += [] if rows else [name]
            ratio = min(served) / min(bare)
            lines.append(f"  {name:<40} {len(rows):>5} {1000 * min(bare):>9.1f} {1000 * min(served):>9.1f} {ratio:>6.2f}")
            missed += [name] if ratio > BAR else []
    head = (
        f"datasette against {'the sqlite3 shell' if SHELL else 'Python sqlite3, no shell here'}: {year.WEEKS} weeks, {year.MARKETS} markets"
    )
    sys.stdout.write(
        f"\n{head} with {LISTINGS} listings each; the best of {REPEATS}, bar {BAR}, each within {LIMIT_SECONDS:.0f} s\n"
        f"  {'query':<40} {'rows':>5} {'shell ms':>9} {'served ms':>9} {'times':>6}\n" + "\n".join(lines) + "\n"
    )
    assert (empty, missed) == ([], [])
