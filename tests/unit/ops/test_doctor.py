"""The doctor: each fault is found and comes with what to do."""

from __future__ import annotations

import datetime as dt
import socket

import pytest

from torwatch.ops import doctor

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)


def tor_that_says(folder, version, modules="pow: yes"):
    program = folder / "tor"
    program.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "{version}" || echo "{modules}"\n', encoding="utf-8")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize(
    ("version", "modules", "level"),
    [
        ("Tor version 0.4.9.11.", "pow: yes", "ok"),
        ("Tor version 0.4.7.16.", "pow: no", "warn"),
        ("Tor version 0.3.5.1.", "pow: no", "fail"),
        ("hello", "", "fail"),
    ],
)
def test_a_tor_is_judged_by_its_version_and_modules(tmp_path, version, modules, level):
    assert doctor.check_tor_program(tor_that_says(tmp_path, version, modules)).level == level


def test_an_absent_tor_fails_with_the_package_to_install(tmp_path):
    found = doctor.check_tor_program(str(tmp_path / "absent"))
    assert (found.level, "apt-get install tor" in found.remedy) == ("fail", True)


@pytest.mark.parametrize(("mode", "level"), [(0o700, "ok"), (0o755, "warn")])
def test_a_data_folder_open_to_others_is_told(tmp_path, mode, level):
    tmp_path.chmod(mode)
    assert doctor.check_data_directory(tmp_path).level == level


def test_a_port_where_nobody_listens_fails_and_one_that_answers_is_ok():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"127.0.0.1:{listener.getsockname()[1]}"
        assert doctor.check_endpoint("tor SOCKS", endpoint, "start it").level == "ok"
    found = doctor.check_endpoint("tor SOCKS", endpoint, "start it")
    assert (found.level, found.remedy) == ("fail", "start it")


@pytest.mark.parametrize(("known", "level"), [(None, "ok"), (NOW, "ok"), (NOW + dt.timedelta(days=1), "fail")])
def test_a_clock_before_what_was_stored_is_wrong(known, level):
    assert doctor.check_clock(NOW, known).level == level


@pytest.mark.parametrize(("little", "full", "level"), [(0, 0, "ok"), (2**62, 0, "warn"), (2**62, 2**62, "fail")])
def test_a_disk_is_judged_by_what_is_free(tmp_path, little, full, level):
    assert doctor.check_disk(tmp_path / "not" / "there", little_bytes=little, full_bytes=full).level == level


def test_a_unit_of_another_version_is_told(tmp_path):
    unit = tmp_path / "torwatch.service"
    assert doctor.check_unit(unit, "new").level == "ok"
    unit.write_text("old", encoding="utf-8")
    assert doctor.check_unit(unit, "new").level == "warn"
    assert doctor.check_unit(unit, "old").level == "ok"


def test_proxy_variables_are_told():
    assert doctor.check_leaks(frozenset({"HTTPS_PROXY"})).level == "warn"
    assert doctor.check_leaks(frozenset()).level == "ok"
