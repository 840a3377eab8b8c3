"""The network is closed in tests, but for this machine; and what a test measured is told, whichever process ran it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

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


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_figure_that_a_test_tells_stands_at_the_end_of_the_run(checkout, tmp_path, workers):
    (tmp_path / "test_tea.py").write_text("def test_tea(tell_figure):\n    tell_figure('tea: 80 degrees')\n", encoding="ascii")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "conftest",
        "-n",
        workers,
        "--rootdir",
        tmp_path,
        "--basetemp",
        tmp_path / "base",
        tmp_path,
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment | {"PYTHONPATH": str(checkout / "tests")}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\ntea: 80 degrees\n" in done.stdout
