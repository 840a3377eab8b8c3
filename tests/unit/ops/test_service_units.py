"""The systemd units: right, closed as far as they can be, and every line explained."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from torwatch.cli import COMMANDS
from torwatch.credentials import NAMES
from torwatch.ops.service_units import SERVICES, TIMERS, Machine, hidden_from_services, render_files, render_units

MOST_EXPOSURE = 1.2
PROGRAM = Path("/usr/bin/true")
VARIANTS = ["own", "attach"]
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


@pytest.fixture(params=VARIANTS)
def variant(request, tmp_path):
    for name, text in render_units(Machine(PROGRAM, request.param)).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return request.param, tmp_path


def services(machine):
    return [text for name, text in render_units(machine).items() if name in SERVICES]


@needs_systemd
def test_systemd_finds_no_fault_in_any_unit(variant):
    _, folder = variant
    found = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *(str(folder / name) for name in (*SERVICES, *TIMERS))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("name", SERVICES)
def test_no_service_is_more_exposed_than_allowed(variant, name, tell_figure):
    tor, folder = variant
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(folder / name)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    figure = re.search(r"Overall exposure level for \S+: ([\d.]+)", found.stdout)
    assert figure, found.stderr
    tell_figure(f"exposure of {name}, tor {tor}: {figure[1]} (at most {MOST_EXPOSURE})")
    assert float(figure[1]) <= MOST_EXPOSURE


@pytest.mark.parametrize("tor", VARIANTS)
@pytest.mark.parametrize("user_manager", [False, True])
def test_every_placeholder_is_filled(tor, user_manager):
    for text in render_files(Machine(PROGRAM, tor, user_manager=user_manager), home=Path("/nowhere")).values():
        assert re.findall(r"@[A-Z_]+@", text) == []


def test_every_hardening_line_says_when_to_loosen_it():
    for text in services(Machine(PROGRAM)):
        hardening = text.partition("# --- What this service may not do.")[2].partition("[Install]")[0]
        comment = ""
        for line in hardening.splitlines()[1:]:
            if line.startswith("#"):
                comment += line
                continue
            if line:
                assert re.search(r"[Ll]oosen|[Aa]dd |Set it|[Ss]et it|raise|Allow", comment), line
            following = hardening.partition(line + "\n")[2]
            if following.startswith("#") or not line:
                comment = ""


def test_only_the_report_whose_charts_are_compiled_may_have_memory_that_is_writable_and_executable():
    units = render_units(Machine(PROGRAM))
    loose = {name for name, text in units.items() if name.endswith(".service") and "\nMemoryDenyWriteExecute=yes\n" not in text}
    assert loose == {"torwatch-answer.service"}


def test_a_daemon_on_the_systems_tor_talks_to_this_machine_only():
    lines = render_units(Machine(PROGRAM, "attach"))["torwatch.service"].splitlines()
    assert "IPAddressDeny=any" in lines
    assert [line for line in lines if line.startswith("IPAddressAllow=")] == ["IPAddressAllow=localhost"]


def test_datasette_talks_to_this_machine_only_in_both_variants():
    for tor in VARIANTS:
        assert "IPAddressDeny=any" in render_units(Machine(PROGRAM, tor))["torwatch-datasette.service"].splitlines()


def test_a_users_units_need_no_privileges():
    for text in services(Machine(PROGRAM, user_manager=True)):
        keys = re.findall(r"^(\w+)=", text, re.MULTILINE)
        assert "NoNewPrivileges" in keys
        assert "SystemCallFilter" in keys
        assert not {"User", "Group", "ProtectSystem", "CapabilityBoundingSet", "IPAddressDeny", "LoadCredential"} & set(keys)


def test_the_units_start_commands_that_exist():
    for text in services(Machine(PROGRAM)):
        started = re.findall(r"^ExecStart=\S+ (\w+)", text, re.MULTILINE)
        assert started
        assert set(started) <= set(COMMANDS)


@pytest.mark.parametrize(("path", "hidden"), [("/run/user/1/venv/bin/torwatch", True), ("/opt/torwatch/bin/torwatch", False)])
def test_a_program_in_a_folder_of_its_user_is_hidden_from_services(path, hidden):
    assert hidden_from_services(Path(path)) is hidden


@needs_systemd
def test_systemd_understands_when_each_timer_runs():
    texts = render_units(Machine(PROGRAM))
    for name in TIMERS:
        (when,) = re.findall(r"^OnCalendar=(.+)$", texts[name], re.MULTILINE)
        found = subprocess.run(["systemd-analyze", "calendar", when], capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stderr


def test_every_timer_starts_a_service_that_is_there_and_makes_up_for_lost_time():
    texts = render_units(Machine(PROGRAM))
    for name in TIMERS:
        assert name.replace(".timer", ".service") in SERVICES
        assert "Persistent=true" in texts[name].splitlines()


def test_the_daemon_is_handed_every_credential_and_the_others_none():
    texts = render_units(Machine(PROGRAM))
    handed = {name: set(re.findall(r"^LoadCredential=(\S+)$", text, re.MULTILINE)) for name, text in texts.items()}
    assert handed.pop("torwatch.service") == set(NAMES)
    assert not any(handed.values())
