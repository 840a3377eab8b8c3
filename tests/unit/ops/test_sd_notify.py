"""The service manager's protocol, heard by a real socket."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

import pytest

from torwatch.ops.sd_notify import Notifier, take_notifier


@pytest.fixture
def manager():
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        address = str(Path(folder) / "notify")
        listener.bind(address)
        listener.settimeout(5)
        yield address, lambda: listener.recv(1000).decode()


def test_states_come_one_a_line(manager):
    address, hear = manager
    assert Notifier(address).send("READY=1", "STATUS=well")
    assert hear() == "READY=1\nSTATUS=well"


def test_a_reload_says_since_when(manager):
    address, hear = manager
    Notifier(address).send_reloading()
    assert hear().startswith("RELOADING=1\nMONOTONIC_USEC=")


def test_where_nobody_listens_nothing_is_sent_and_nothing_breaks(tmp_path):
    assert not Notifier().send("READY=1")
    assert not Notifier(str(tmp_path / "absent")).send("READY=1")


def test_what_the_daemon_starts_cannot_speak_in_its_name(manager):
    address, _ = manager
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "PATH": "kept"}
    assert take_notifier(environment).address == address
    assert environment == {"PATH": "kept"}
