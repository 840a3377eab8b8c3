"""`torwatch systemd install` writes what systemd needs, below any root."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from torwatch.cli import torwatch
from torwatch.errors import UsageError
from torwatch.ops.service_units import SERVICES, TIMERS


@pytest.fixture
def install(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    monkeypatch.delenv("TORWATCH_CONFIG", raising=False)
    options = ["systemd", "install", "--root", str(tmp_path)]
    return lambda *arguments: CliRunner().invoke(torwatch, [*options, *arguments], catch_exceptions=False)


def test_the_system_gets_units_user_folders_and_a_configuration(install, tmp_path):
    said = install("--program", "/opt/torwatch/bin/torwatch")
    assert "systemctl enable --now torwatch.service" in said.output
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {
        *(f"etc/systemd/system/{name}" for name in (*SERVICES, *TIMERS)),
        "etc/sysusers.d/torwatch.conf",
        "etc/tmpfiles.d/torwatch.conf",
        "etc/torwatch/config.toml",
    }
    assert "ExecStart=/opt/torwatch/bin/torwatch run\n" in (tmp_path / "etc/systemd/system/torwatch.service").read_text(encoding="utf-8")


def test_a_configuration_that_is_there_stays(install, tmp_path):
    kept = tmp_path / "etc/torwatch/config.toml"
    kept.parent.mkdir(parents=True)
    kept.write_text("# mine\n", encoding="utf-8")
    install("--program", "/opt/torwatch/bin/torwatch")
    assert kept.read_text(encoding="utf-8") == "# mine\n"


def test_a_dry_run_writes_nothing(install, tmp_path):
    said = install("--dry-run", "--program", "/opt/torwatch/bin/torwatch", "--tor", "attach")
    assert "IPAddressDeny=any" in said.output
    assert list(tmp_path.iterdir()) == []


def test_a_users_units_go_to_that_users_folder(install, tmp_path):
    install("--user", "--program", "/opt/torwatch/bin/torwatch")
    written = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {*SERVICES, *TIMERS}


@pytest.mark.parametrize("program", ["/run/user/1/venv/bin/torwatch", "/opt/with space/torwatch"])
def test_a_program_that_services_cannot_start_is_refused(install, program):
    with pytest.raises(UsageError, match="install torwatch"):
        install("--program", program)
