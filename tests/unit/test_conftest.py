"""The network is closed in tests, but for this machine."""

from __future__ import annotations

import socket

import pytest
import pytest_socket


def test_nothing_beyond_this_machine_can_be_reached():
    with socket.socket() as client, pytest.raises(pytest_socket.SocketConnectBlockedError):
        client.connect(("192.0.2.1", 80))


def test_loopback_can_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_unix_sockets_can_be_reached(tmp_path):
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "socket"))
        server.listen()
        client.connect(str(tmp_path / "socket"))


def test_the_saved_pages_are_a_folder(corpus):
    assert corpus.is_dir()
