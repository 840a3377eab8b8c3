"""Builders for tests of the kit: a page from a piece of HTML."""

from __future__ import annotations

import datetime as dt

import pytest

from torwatch.parserkit import Market, open_page

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def build_page(html, market=None, *, path="", whole=True, **given):
    """Open a page; a fragment is wrapped into a whole document unless `whole` is False."""
    body = html.encode() if isinstance(html, str) else html
    if whole and b"<html" not in body:
        body = b"<html><head><title>Tea Bazaar</title></head><body>" + body + b"</body></html>"
    return open_page(market or Market("tea_bazaar"), body, path=path, fetched_at=NOON, **given)


@pytest.fixture(scope="session")
def page_of():
    return build_page
