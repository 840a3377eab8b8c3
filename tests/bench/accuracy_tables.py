"""The tables that `make accuracy` prints: levels, lower bounds, shares, sales, advice, refusals, and the bars that were missed."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table


def show(lines, sales, rhythms, rules, missed, seeds, *, looks) -> None:
    """Print the tables: levels, lower bounds, shares, sales, refusals, and the bars that were missed."""
    console = Console(width=None if sys.stdout.isatty() else 170, highlight=False)
    whole, percent = "{:,.0f}".format, _percent
    levels = _table("Levels (of the first seed; how often over all seeds)", "market", "regime", "method", "level", "95 %", "truth", "coverage",
                    "holds truth", "within 6 %", "mean / truth")  # fmt: skip
    shares = _table("Dutch share (truth: the one from which the generator draws)", "market", "regime", "share", "95 %", "truth", "holds truth",
                    "this market only: 95 %", "its truth", "holds it")  # fmt: skip
    bounds = _table(
        f"Ever listed in the last {looks} looks: Chao2, lower bound", "market", "regime", "at least", "truth", "below the truth"
    )
    for line in lines:
        name = (line["market"], line["regime"])
        level, refused = line.get("level"), line.get("refused")
        if level:
            limits = f"{whole(level['low'])}\u2013{whole(level['high'])}"
            levels.add_row(*name, level["method"], whole(level["estimate"]), limits, whole(level["truth"]), percent(level["coverage"]),
                           percent(level["holds"]), percent(level["near"]), f"{level['mean_of_truth']:.3f}")  # fmt: skip
        if refused:
            levels.add_row(*name, refused["method"], f"refused in {refused['seeds']}: {refused['reason']}")
        if bound := line.get("ever_at_least"):
            bounds.add_row(*name, whole(bound["estimate"]), whole(bound["truth"]), percent(bound["below_truth"]))
        share, finite = line["share"], line["share_of_this_market_only"]
        limits, narrow = (f"{percent(one['low'])}\u2013{percent(one['high'])}" for one in (share, finite))
        shares.add_row(*name, percent(share["estimate"]), limits, percent(share["truth"]), percent(share["holds"]),
                       narrow, percent(finite["truth"]), percent(finite["holds"]))  # fmt: skip
    sold = _table("Sales from feedback", "market", "floor", "range", "orders made", "holds")
    for line in sales:
        one = line["sales"]
        limits = f"{whole(one['low'])}\u2013{whole(one['high'])}"
        sold.add_row(line["market"], whole(one["estimate"]), limits, whole(one["truth"]), percent(one["holds"]))
    refusals_table = _table("Rules of refusal, provoked", "rule", "refused", "reason")
    for rule, found in rules.items():
        refusals_table.add_row(rule, "yes" if found else "NO", found["reason"] if found else "")
    for table in (levels, bounds, shares, sold, _advice(rhythms), refusals_table):
        console.print(table)
    for what in missed:
        console.print(f"MISSED: {what}")
    console.print(f"{seeds} seeds; {'every bar is held' if not missed else f'{len(missed)} bars missed'}")


def _advice(rhythms) -> Table:
    advice = _table("Advice by the lives that weekly looks measured: share of all listings seen at best", "market", "looks every", "said", "truth",
                    "within 2 % points")  # fmt: skip
    for line in rhythms:
        for one in line["rhythms"]:
            cells = (f"{one['every_days']:.1f} days", _percent(one["said"]), _percent(one["truth"]), _percent(line["near"]))
            advice.add_row(line["market"], *cells)
    return advice


def _percent(share) -> str:
    return f"{share:.1%}"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
