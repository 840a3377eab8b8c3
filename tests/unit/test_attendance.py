"""What the daemon does beside its walks never harms them."""

from __future__ import annotations

import dataclasses
import socket
import threading
import urllib.request

import pytest

from torwatch.assembly import offline_tools
from torwatch.attendance import Attendance
from torwatch.config import Config
from torwatch.errors import ConfigError
from torwatch.store.database import open_store


@pytest.fixture
def tools(tmp_path):
    config = Config.model_validate({"data_directory": str(tmp_path)})
    with open_store(tmp_path / "torwatch.db") as store, offline_tools(config, store) as found:
        yield found


def a_config(folder, **sections):
    return Config.model_validate({"data_directory": str(folder), **sections})


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_figures_are_given_in_a_file_and_on_a_port(tools, tmp_path):
    port = free_port()
    config = a_config(tmp_path, metrics={"textfile": str(tmp_path / "torwatch.prom"), "port": port})
    attendance = Attendance(tools)
    attendance.open_metrics(config)
    try:
        attendance.make_round(config, ())
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            assert b"torwatch_holds 0.0" in answer.read()
        assert "torwatch_holds 0.0" in (tmp_path / "torwatch.prom").read_text()
    finally:
        attendance.close()


def test_a_port_that_is_taken_is_one_clear_line(tools, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(ConfigError, match=f"metrics.port {port} cannot be used"):
            Attendance(tools).open_metrics(a_config(tmp_path, metrics={"port": port}))


def test_a_file_that_cannot_be_written_stops_nothing(tools, tmp_path, capsys):
    config = a_config(tmp_path, metrics={"textfile": str(tmp_path / "absent" / "torwatch.prom")})
    attendance = Attendance(tools)
    attendance.open_metrics(config)
    attendance.make_round(config, ())
    assert "metrics_not_written" in capsys.readouterr().out


def test_any_fault_of_a_round_is_logged_and_stays_there(tools, tmp_path, capsys):
    broken = dataclasses.replace(tools, now=lambda: 1 / 0)
    Attendance(broken).make_round(a_config(tmp_path), ())
    assert "attendance_crashed" in capsys.readouterr().out


def test_destinations_that_cannot_be_read_are_one_line_a_round(tools, tmp_path, capsys):
    Attendance(tools).make_round(a_config(tmp_path, alerts={"destinations": str(tmp_path / "absent")}), ())
    said = capsys.readouterr().out
    assert "attendance_failed" in said
    assert "cannot be read" in said


def test_one_round_at_a_time(tools, tmp_path):
    began, leave, rounds = threading.Event(), threading.Event(), []

    class Slow(Attendance):
        def make_round(self, _, busy_targets):
            rounds.append(busy_targets)
            began.set()
            leave.wait(10)

    attendance = Slow(tools)
    attendance.begin_round(a_config(tmp_path), lambda: {1})
    assert began.wait(10)
    attendance.begin_round(a_config(tmp_path), lambda: {2})
    leave.set()
    assert rounds == [{1}]
