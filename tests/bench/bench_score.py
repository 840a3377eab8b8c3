"""The score against the saved pages and strings, as a user gets it from the command line, beside the bars of the parsers' issue."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PAGE_BARS = {
    "kind": 100, "obstacle": 100, "listing": 99, "title": 99, "vendor": 99, "price": 99, "currency": 99, "price_unit": 99, "category": 99,
    "ship_from_raw": 100, "ship_to_raw": 99, "vendor page": 98, "feedback": 98,
}  # fmt: skip
EXTRA_MAXIMUM = 0.5
STRING_BARS = {  # (right % of distinct strings, right % by count, wrong % at most)
    "ship-from": (96, 99, 0), "ship-to": (96, 99, 0), "price": (99.5, None, None), "quantity": (88, None, 3), "substance": (92, None, None),
    "substance, title alone": (80, None, None), "substances_named": (None, None, None),
}  # fmt: skip
GROUP_BAR = 90  # recall and precision of the groups that are named
NAMED_GROUPS = ("nps", "precursor", "ghb", "gbl", "grow", "seeds", "prescription", "medicine", "weapons")


def bench_score_of_the_saved_pages_and_strings(checkout):
    corpus = Path(os.environ.get("TORWATCH_CORPUS") or checkout.parent / "shared" / "corpus")
    script = corpus / "score.py"
    if not script.is_file():
        sys.stdout.write("\nscore: skipped, no saved pages (TORWATCH_CORPUS is not set and ../shared/corpus is not there)\n")
        pytest.skip("no saved pages")
    command = Path(sys.executable).with_name("torwatch")
    done = subprocess.run(
        [sys.executable, script, "--corpus", corpus, "--torwatch", str(command), "--show", "0", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:]
    report = json.loads(done.stdout)
    missed = [*pages_table(report), *strings_table(report), *groups_table(report)]
    sys.stdout.write("\n" + "".join(f"MISSED  {line}\n" for line in missed) + ("" if missed else "every bar holds\n"))
    assert not missed


def pages_table(report):
    """Print a market a line; a value under its bar is marked. Gives what missed."""
    missed = []
    names = {
        "ship_from_raw": "from",
        "ship_to_raw": "to",
        "vendor page": "v.page",
        "price_unit": "unit",
        "currency": "curr.",
        "category": "categ.",
        "obstacle": "obst.",
        "feedback": "feedb.",
    }
    lines = [f"\n{'pages, % right':22}" + "".join(f"{names.get(field, field):>8}" for field in PAGE_BARS) + f"{'extra':>8}{'no ans.':>8}"]
    lines.append(f"{'bar':22}" + "".join(f"{bar:8}" for bar in PAGE_BARS.values()) + f"{EXTRA_MAXIMUM:8}{0:8}")
    for market, row in sorted(report["pages"].items()):
        cells = ""
        for field, bar in PAGE_BARS.items():
            value = row.get(field)
            low = value is not None and value < bar
            cells += f"{'-' if value is None else f'{value:g}':>7}" + ("!" if low else " ")
            missed += [f"{market}: {field} {value:g} %, the bar is {bar} %"] if low else []
        extra, silent = row.get("extra %") or 0, row.get("no answer") or 0
        missed += [f"{market}: {extra:g} % extra listings, the bar is {EXTRA_MAXIMUM} %"] if extra > EXTRA_MAXIMUM else []
        missed += [f"{market}: {silent} pages without an answer"] if silent else []
        lines.append(f"{market:22}{cells}{extra:7g}{'!' if extra > EXTRA_MAXIMUM else ' '}{silent:7}{'!' if silent else ' '}")
    sys.stdout.write("\n".join(lines) + "\n")
    return missed


def strings_table(report):
    """Print a kind of string a line. Gives what missed."""
    missed = []
    sys.stdout.write(f"\n{'strings':24}{'rows':>7}{'right %':>9}{'bar':>6}{'by count':>10}{'bar':>6}{'wrong %':>9}{'bar':>6}\n")
    for kind, row in report["strings"].items():
        right_bar, count_bar, wrong_bar = STRING_BARS.get(kind, (None, None, None))
        cells = ""
        for value, bar, low in (
            (row["right %"], right_bar, True),
            (row["right % by count"], count_bar, True),
            (row["wrong %"], wrong_bar, False),
        ):
            bad = bar is not None and (value is None or (value < bar if low else value > bar))
            cells += f"{'-' if value is None else f'{value:g}':>8}{'!' if bad else ' '}{'' if bar is None else f'{bar:g}':>6}"
            missed += [f"{kind}: {value} %, the bar is {bar} %{'' if low else ' wrong at most'}"] if bad else []
        missed += [f"{kind}: {row['no answer']} strings without an answer"] if row["no answer"] else []
        sys.stdout.write(f"{kind:24}{row['rows']:7}{cells}\n")
    return missed


def groups_table(report):
    """Print the groups of substances of the larger table; those that the issue names have a bar. Gives what missed."""
    missed = []
    sys.stdout.write(f"\n{'group':24}{'rows':>7}{'recall %':>10}{'precision %':>13}   bar {GROUP_BAR} for the named ones\n")
    for group, row in sorted(report.get("substance groups", {}).items()):
        named = any(group.startswith(name) for name in NAMED_GROUPS)
        bad = named and min(row["recall %"] or 0, row["precision %"] or 0) < GROUP_BAR
        missed += [f"{group}: recall {row['recall %']} %, precision {row['precision %']} %, the bar is {GROUP_BAR} %"] if bad else []
        sys.stdout.write(
            f"{group:24}{row['rows']:7}{row['recall %'] or 0:10g}{row['precision %'] or 0:13g}{' !' if bad else ' *' if named else ''}\n"
        )
    return missed
