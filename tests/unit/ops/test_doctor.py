"""The doctor: each fault is found and comes with what to do."""

from __future__ import annotations

import datetime as dt

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


@pytest.mark.parametrize(("known", "level"), [(None, "ok"), (NOW, "ok"), (NOW + dt.timedelta(days=1), "fail")])
def test_a_clock_before_what_was_stored_is_wrong(known, level):
    assert doctor.check_clock(NOW, known).level == level


@pytest.mark.parametrize(("little", "full", "level"), [(0, 0, "ok"), (2**62, 0, "warn"), (2**62, 2**62, "fail")])
def test_a_disk_is_judged_by_what_is_free(tmp_path, little, full, level):
    assert doctor.check_disk(tmp_path / "not" / "there", little_bytes=little, full_bytes=full).level == level


def test_units_of_another_version_or_missing_ones_are_told(tmp_path):
    expected = {"torwatch.service": "new", "torwatch-backup.timer": "new"}
    assert doctor.check_units(tmp_path, expected).level == "ok"
    (tmp_path / "torwatch.service").write_text("new", encoding="utf-8")
    found = doctor.check_units(tmp_path, expected)
    assert (found.level, found.what.split()[0]) == ("warn", "torwatch-backup.timer")
    (tmp_path / "torwatch-backup.timer").write_text("old", encoding="utf-8")
    assert doctor.check_units(tmp_path, expected).level == "warn"
    (tmp_path / "torwatch-backup.timer").write_text("new", encoding="utf-8")
    assert doctor.check_units(tmp_path, expected).level == "ok"


def test_proxy_variables_are_told():
    assert doctor.check_proxies(frozenset({"HTTPS_PROXY"})).level == "warn"
    assert doctor.check_proxies(frozenset()).level == "ok"


@pytest.mark.parametrize(
    ("facts", "levels"),
    [
        ({}, ["ok", "ok", "ok"]),
        ({"version": "0.4.7.16"}, ["warn", "ok", "ok"]),
        ({"version": "0.4.5.1"}, ["fail", "ok", "ok"]),
        ({"joined": False, "problem": "clock is wrong"}, ["ok", "fail", "ok"]),
        ({"advice": "SocksPort 9050 ExtendedErrors"}, ["ok", "ok", "warn"]),
        ({"advice": "SocksPort 9050 ExtendedErrors", "isolates": False}, ["ok", "ok", "fail"]),
    ],
)
def test_an_attached_tor_is_judged_by_version_network_and_socks_port(facts, levels):
    findings = doctor.check_attached_tor(**{"version": "0.4.8.1", "problem": "", "advice": "", "joined": True, "isolates": True} | facts)
    assert [found.level for found in findings] == levels
    assert all(found.remedy for found in findings if found.level != "ok")


def test_our_own_tor_is_judged_by_what_the_daemon_says():
    assert doctor.check_running_tor("ready", "").level == "ok"
    assert doctor.check_running_tor("down", "no answer").what == "no answer"


def test_a_trial_that_leaks_or_asks_for_another_name_fails():
    assert doctor.check_trial([], "a.onion", "a.onion").level == "ok"
    assert doctor.check_trial(["the name a.onion was looked up here"], "a.onion", "a.onion").level == "fail"
    assert doctor.check_trial([], "", "a.onion").level == "fail"
