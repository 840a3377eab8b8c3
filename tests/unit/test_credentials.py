"""Secrets that systemd hands over are found by name, and only where they are."""

from __future__ import annotations

from torwatch.credentials import ALERTS, find_credential


def test_a_credential_is_found_only_where_systemd_put_it(tmp_path):
    assert find_credential(ALERTS, {}) is None
    assert find_credential(ALERTS, {"CREDENTIALS_DIRECTORY": str(tmp_path)}) is None
    (tmp_path / "torwatch.alerts").touch()
    assert find_credential(ALERTS, {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == tmp_path / "torwatch.alerts"
