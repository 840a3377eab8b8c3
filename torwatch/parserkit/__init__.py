"""The parser kit: all that a parser imports. docs/parsers.md shows how a parser is written with it."""

from torwatch.model import Evidence, Feedback, Link, Listing, Outcome, PageInfo, PageKind, Parsed, Record, Source, Vendor
from torwatch.parserkit.fields import Fields, Values, fold_label
from torwatch.parserkit.market import CONTENT, KindSpec, Market
from torwatch.parserkit.obstacles import LayoutChanged, Obstacle, ObstacleRule, obstacle
from torwatch.parserkit.page import Page, local_path, open_page
from torwatch.parserkit.rows import Rows, Single
from torwatch.parserkit.rules import Beside, Column, Const, Count, Each, Extra, First, Has, Keys, Lines, Split
from torwatch.parserkit.selectors import find
from torwatch.parserkit.text import armour, collapse, is_hidden, is_shown, lines, number, text
from torwatch.parserkit.values import read_flag

__all__ = [
    "CONTENT", "Beside", "Column", "Const", "Count", "Each", "Evidence", "Extra", "Feedback", "Fields", "First", "Has", "Keys", "KindSpec",
    "LayoutChanged", "Lines", "Link", "Listing", "Market", "Obstacle", "ObstacleRule", "Outcome", "Page", "PageInfo", "PageKind", "Parsed", "Record",
    "Rows", "Single", "Source", "Split", "Values", "Vendor", "armour", "collapse", "find", "fold_label", "is_hidden", "is_shown", "lines", "local_path",
    "number", "obstacle", "open_page", "read_flag", "text",
]  # fmt: skip
