"""The tables that `make accuracy` prints, 80 columns wide: levels, lower bounds, shares, sales, advice, refusals, and the bars that were missed."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

WIDTH = 80
TEXTS = {"watched", "market", "method", "rule", "refused", "reason"}


def show(lines, sales, rhythms, rules, missed, seeds, *, looks) -> None:
    """Print the tables; figures are of the first seed, "holds" and "near" of all seeds."""
    console = Console(width=WIDTH, highlight=False)
    for table in (*_levels(lines), _bounds(lines, looks), *_shares(lines), _sales(sales), _advice(rhythms), _refusals(rules)):
        console.print(table)
    for what in missed:
        console.print(f"MISSED: {what}")
    console.print(f"{seeds} seeds; {'every bar is held' if not missed else f'{len(missed)} bars missed'}")


def _levels(lines) -> tuple[Table, Table, Table]:
    levels = _table("Levels", "watched", "level", "95 %", "truth", "coverage")
    methods = _table("Levels over all seeds: holds the truth, within 6 % of it, mean / truth", "watched", "method", "holds", "near", "mean")
    refused = _table("Levels refused, in how many of the seeds", "watched", "method", "in", "reason")
    for line in lines:
        if level := line.get("level"):
            covered = _percent(level["coverage"])
            levels.add_row(_watched(line), _whole(level["estimate"]), _limits(level, _whole), _whole(level["truth"]), covered)
            held, near, mean = _percent(level["holds"]), _percent(level["near"]), f"{level['mean_of_truth']:.3f}"
            methods.add_row(_watched(line), level["method"], held, near, mean)
        if no := line.get("refused"):
            refused.add_row(_watched(line), no["method"], str(no["seeds"]), no["reason"])
    return levels, methods, refused


def _bounds(lines, looks) -> Table:
    bounds = _table(f"Ever listed in the last {looks} looks: lower bound", "watched", "at least", "truth", "below the truth")
    for line in lines:
        if bound := line.get("ever_at_least"):
            bounds.add_row(_watched(line), _whole(bound["estimate"]), _whole(bound["truth"]), _percent(bound["below_truth"]))
    return bounds


def _shares(lines) -> tuple[Table, Table]:
    shares = _table("Dutch share (truth: the one from which the generator draws)", "watched", "share", "95 %", "truth", "holds")
    narrow = _table("Dutch share of this market only", "watched", "share", "95 %", "truth", "holds")
    for line in lines:
        for table, share in ((shares, line["share"]), (narrow, line["share_of_this_market_only"])):
            figures = (_percent(share["estimate"]), _limits(share, _percent), _percent(share["truth"]), _percent(share["holds"]))
            table.add_row(_watched(line), *figures)
    return shares, narrow


def _sales(sales) -> Table:
    sold = _table("Sales from feedback", "market", "floor", "range", "orders made", "holds")
    for line in sales:
        one = line["sales"]
        sold.add_row(line["market"], _whole(one["estimate"]), _limits(one, _whole), _whole(one["truth"]), _percent(one["holds"]))
    return sold


def _advice(rhythms) -> Table:
    title = "Advice: listings seen at best, by lives measured weekly"
    advice = _table(title, "market", "looks every", "said", "truth", "within 2 % points")
    for line in rhythms:
        for one in line["rhythms"]:
            cells = (f"{one['every_days']:.1f} days", _percent(one["said"]), _percent(one["truth"]), _percent(line["near"]))
            advice.add_row(line["market"], *cells)
    return advice


def _refusals(rules) -> Table:
    refusals = _table("Rules of refusal, provoked", "rule", "refused", "reason")
    for rule, found in rules.items():
        refusals.add_row(rule, "yes" if found else "NO", found["reason"] if found else "")
    return refusals


def _watched(line) -> str:
    return f"{line['market']}: {line['regime']}"


def _whole(number) -> str:
    return f"{number:,.0f}"


def _percent(share) -> str:
    return f"{share:.1%}"


def _limits(one, say) -> str:
    return f"{say(one['low'])}\u2013{say(one['high'])}"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=f"\n{title}", title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", justify="left" if column in TEXTS else "right")
    return table
