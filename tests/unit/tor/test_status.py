import datetime as dt

from torwatch.tor.status import Bootstrap, TorStatus, read_bootstrap

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def test_progress_is_read():
    phase = 'NOTICE BOOTSTRAP PROGRESS=75 TAG=enough_dirinfo SUMMARY="Loaded enough directory info to build circuits"'
    assert read_bootstrap(phase) == Bootstrap(75, "Loaded enough directory info to build circuits")


def test_the_reason_why_it_does_not_get_on_is_read():
    phase = (
        'WARN BOOTSTRAP PROGRESS=5 TAG=conn SUMMARY="Connecting to a relay" WARNING="Connection \\"refused\\"" '
        'REASON=CONNECTREFUSED COUNT=4 RECOMMENDATION=warn HOSTID="AA" HOSTADDR="127.0.0.1:1"'
    )
    assert read_bootstrap(phase).warning == 'Connection \\"refused\\"'


def test_an_answer_that_cannot_be_read_is_no_progress():
    assert read_bootstrap("") == Bootstrap(0, "")


def test_tor_is_ready_only_with_a_circuit():
    assert TorStatus("own", NOW, alive=True, bootstrap_percent=100, circuit_established=True).ready
    assert not TorStatus("own", NOW, alive=True, bootstrap_percent=100).ready
    assert not TorStatus("own", NOW, alive=True, bootstrap_percent=95, circuit_established=True).ready
    assert not TorStatus("own", NOW).ready
