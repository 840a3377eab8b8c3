"""What most of these tests ask for: a database of their own."""

from __future__ import annotations

import pytest

from torwatch.store.database import open_store


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "torwatch.db") as opened:
        yield opened
