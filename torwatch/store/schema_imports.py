"""The tables' change for data that others measured: a snapshot says whether it was crawled or imported."""

from __future__ import annotations

IMPORTS = "ALTER TABLE snapshot ADD COLUMN source TEXT NOT NULL DEFAULT 'crawl' CHECK (source IN ('crawl', 'import'))"
