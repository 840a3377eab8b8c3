"""What Prometheus reads is well formed, complete, and rules over it fire when they should."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import subprocess
import urllib.request

import pytest

from torwatch.ops.metrics import SNAPSHOT_STATES, Metrics, alert_rules
from torwatch.ops.status import Pulse, SessionStatus, TargetStatus, judge_status

NOW = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian's package prometheus)")


def a_status(**changes):
    at = NOW.isoformat(timespec="seconds")
    facts = {
        "now": NOW,
        "locked": True,
        "pulse": Pulse(at, 1, "ready", "", ("souk",)),
        "targets": (
            TargetStatus("souk", "active", 3, "partial", "", at, at, 40, 0.5),
            TargetStatus('tea"house\n\\', "active", None, None, "", None, at, None, None),
            TargetStatus("gone", "removed", 1, "failed", "", at, None, None, None),
        ),
        "holds": 2,
        "sessions": (SessionStatus("souk", "good", at),),
        "forgetting": False,
        "disk_free_bytes": 10**10,
        "database_bytes": 4096,
    }
    return judge_status(**facts | changes)


@pytest.fixture
def metrics():
    found = Metrics("0.1.0")
    found.update(a_status())
    return found


def test_every_figure_of_the_status_is_there(metrics):
    lines = metrics.text().splitlines()
    for line in (
        'torwatch_info{version="0.1.0"} 1.0',
        'torwatch_state{torwatch_state="warning"} 1.0',
        'torwatch_tor_state{torwatch_tor_state="ready"} 1.0',
        'torwatch_tor_state{torwatch_tor_state="down"} 0.0',
        "torwatch_snapshots_running 1.0",
        "torwatch_holds 2.0",
        "torwatch_disk_free_bytes 1e+10",
        "torwatch_database_bytes 4096.0",
        'torwatch_target_state{market="souk",torwatch_target_state="active"} 1.0',
        'torwatch_last_snapshot_state{market="souk",torwatch_last_snapshot_state="partial"} 1.0',
        'torwatch_listings{market="souk"} 40.0',
        'torwatch_coverage_ratio{market="souk"} 0.5',
        'torwatch_session_state{market="souk",torwatch_session_state="good"} 1.0',
        f'torwatch_session_expected_end_timestamp_seconds{{market="souk"}} {NOW.timestamp()}',
    ):
        assert any(same_figure(line, one) for one in lines), line
    assert not any("gone" in line for line in lines)


def same_figure(wanted, line):
    name, _, value = wanted.rpartition(" ")
    found, _, figure = line.rpartition(" ")
    return name == found and float(value) == pytest.approx(float(figure))


def test_of_the_states_of_a_target_exactly_one_holds(metrics):
    held = re.findall(
        r'^torwatch_last_snapshot_state\{market="souk",torwatch_last_snapshot_state="(\w+)"\} ([\d.]+)$', metrics.text(), re.MULTILINE
    )
    assert {state for state, _ in held} == set(SNAPSHOT_STATES)
    assert sum(float(value) for _, value in held) == 1


def test_a_hostile_name_stays_within_its_label(metrics):
    assert r'market="tea\"house\n\\"' in metrics.text()


def test_nothing_is_given_before_the_first_status():
    assert Metrics("0.1.0").text() == ""


def test_the_text_file_is_replaced_whole_and_others_may_read_it(metrics, tmp_path):
    path = tmp_path / "torwatch.prom"
    metrics.write(path)
    first = path.read_text()
    metrics.update(a_status(holds=5))
    metrics.write(path)
    assert "torwatch_holds 5.0" in path.read_text() != first
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_the_port_answers_on_this_machine_only(metrics):
    server = metrics.listen(0)
    try:
        host, port = server.server_address[:2]
        assert host == "127.0.0.1"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            assert b"torwatch_holds 2.0" in answer.read()
    finally:
        server.shutdown()
        server.server_close()


@needs_promtool
def test_promtool_finds_no_fault_in_the_figures(metrics):
    found = subprocess.run(["promtool", "check", "metrics"], input=metrics.text(), capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


@needs_promtool
def test_promtool_finds_no_fault_in_the_rules(tmp_path):
    path = tmp_path / "torwatch.rules.yml"
    path.write_text(alert_rules())
    found = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert "9 rules found" in found.stdout


FIRING = {
    "TorwatchTorDown": ('torwatch_tor_state{torwatch_tor_state="down"}', "1+0x200"),
    "TorwatchDiskNearlyFull": ("torwatch_disk_free_bytes", "4e9+0x200"),
    "TorwatchHold": ("torwatch_holds", "1+0x200"),
    "TorwatchSnapshotFailed": ('torwatch_last_snapshot_state{market="souk",torwatch_last_snapshot_state="failed"}', "1+0x2000"),
    "TorwatchSnapshotLate": ('torwatch_next_snapshot_timestamp_seconds{market="souk"}', "0+0x2000"),
    "TorwatchCoverageLow": ('torwatch_coverage_ratio{market="souk"}', "0.5+0x200"),
    "TorwatchSessionLost": ('torwatch_session_state{market="souk",torwatch_session_state="lost"}', "1+0x200"),
    "TorwatchSessionEnds": ('torwatch_session_expected_end_timestamp_seconds{market="souk"}', "170000+0x200"),
    "TorwatchSilent": ("torwatch_updated_timestamp_seconds", "0+0x200"),
}
TIMES = {"TorwatchSnapshotFailed": "25h", "TorwatchSnapshotLate": "26h"}


@needs_promtool
def test_every_rule_fires_on_its_state(tmp_path):
    assert set(re.findall(r"alert: (\w+)", alert_rules())) == set(FIRING)
    (tmp_path / "torwatch.rules.yml").write_text(alert_rules())
    cases = [a_case(name, series, values) for name, (series, values) in FIRING.items()]
    (tmp_path / "test.yml").write_text("rule_files: [torwatch.rules.yml]\nevaluation_interval: 1m\ntests:\n" + "".join(cases))
    found = subprocess.run(["promtool", "test", "rules", "test.yml"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def a_case(name, series, values):
    fresh = "" if name == "TorwatchSilent" else "      - {series: torwatch_updated_timestamp_seconds, values: '0+60x2000'}\n"
    return (
        f"  - interval: 1m\n    input_series:\n{fresh}      - {{series: '{series}', values: '{values}'}}\n"
        f"    promql_expr_test:\n      - expr: count(ALERTS{{alertstate='firing', alertname='{name}'}})\n"
        f"        eval_time: {TIMES.get(name, '90m')}\n        exp_samples: [{{labels: '{{}}', value: 1}}]\n"
        f"      - expr: count(ALERTS{{alertstate='firing'}})\n"
        f"        eval_time: {TIMES.get(name, '90m')}\n        exp_samples: [{{labels: '{{}}', value: 1}}]\n"
    )
