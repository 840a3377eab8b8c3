"""What the tables of targets, mirrors and the crawl hold, in words for datasette and the schema's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CRAWL_TABLES: Mapping[str, Mapping[str, Any]] = {
    "target": {
        "description": "Markets watched: parser, rhythm and legal basis.",
        "columns": {
            "second_pass": "own share of pages that a second pass draws; empty: that of the configuration",
            "requests_per_day": "own budget of requests a day (UTC), 0: none; empty: that of the configuration",
            "bytes_per_day": "own budget of bytes a day (UTC), 0: none; empty: that of the configuration",
        },
    },
    "mirror": {"description": "Onion addresses of a target.", "label_column": "host"},
    "mirror_visit": {
        "description": "Every visit to a mirror: what it met and what that says about the address.",
        "sort_desc": "id",
        "facets": ["source", "outcome", "verdict"],
        "columns": {
            "source": "snapshot: a whole walk; probe: one page, asked for by a person (canary: not used, canaries are in canary_visit)",
            "verdict": "up: the address answered; down: it did not while our own network worked; unknown: it may be our own network, tor or key",
        },
    },
    "canary_visit": {
        "description": "Every time a canary onion of the configuration was asked whether our own Tor network works: before a silence is called a market's.",
        "sort_desc": "id",
        "facets": ["host", "outcome", "answered"],
        "columns": {
            "host": "the canary",
            "answered": "1: it was reached, our network works; 0: it was not",
            "outcome": "what it met",
        },
    },
    "second_pass_list": {
        "description": "From which range of pages the second pass of a snapshot was drawn: one row a list.",
        "columns": {
            "scope": "the path of its pages, {page} for the number",
            "pages": "pages that the list announced",
            "drawn": "pages drawn from them",
            "announced_snapshot_id": "the snapshot that read the announcement: an earlier one where the first pass of this one read none",
        },
    },
    "second_pass_page": {
        "description": "The pages of second passes: drawn at random from what lists announce, independent of the first pass; no part of the history.",
        "facets": ["outcome"],
        "columns": {
            "scope": "the list: the path of its pages, {page} for the number",
            "page": "number within the list",
            "path": "what was asked for, in another sort order where the market offers one",
            "moment": "share of the first pass (0 to 1) at which its turn comes",
            "outcome": "what the page met; empty: not asked for yet, or never",
            "size": "listings in its rows, promoted ones left out",
            "ids": "those that the history knows, as a packed set of ids",
            "strays": "keys of those that only second passes saw",
            "received_bytes": "bytes of the page",
        },
    },
}
