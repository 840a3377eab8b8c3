"""What several of these tests ask for: the machine's side of a message that goes through Tor."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("socks_port", Path(__file__).with_name("socks_port.py"))
socks_port = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(socks_port)


@pytest.fixture
def open_socks_port():
    """Open a SOCKS port that leads everybody to one port of this machine and notes whom it was asked for."""
    return socks_port.open_socks_port


@pytest.fixture
def open_web_service():
    """Open a web service that keeps what it is sent; gives (port, bodies)."""
    return socks_port.open_web_service
