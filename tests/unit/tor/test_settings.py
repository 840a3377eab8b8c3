from pathlib import Path

import pytest

from torwatch.errors import ConfigError
from torwatch.tor.settings import TorSettings, compose_torrc, parse_endpoint, render_torrc


def compose(*extra, directory="/var/lib/torwatch/tor"):
    return compose_torrc(TorSettings(data_directory=Path(directory), extra_options=extra), Path("/run/x.sock"), 123)


def test_our_own_tor_is_a_client_for_onions_only_that_says_why_one_did_not_answer():
    text = render_torrc(compose().start)
    assert "SocksPort 127.0.0.1:auto ExtendedErrors IsolateSOCKSAuth OnionTrafficOnly\n" in text
    for line in ("ClientOnly 1", "AvoidDiskWrites 1", "SafeLogging 1", "SocksTimeout 60", "CookieAuthentication 1"):
        assert f"{line}\n" in text
    assert "Padding" not in text


def test_the_owner_is_written_so_that_tor_understands_and_stem_does_not():
    assert ("__OwningControllerProcess", "0123") in compose().start


def test_network_stays_off_until_torwatch_listens():
    torrc = compose()
    assert ("DisableNetwork", "1") in torrc.start
    assert torrc.runtime == (("DisableNetwork", "0"),)


def test_bridges_pass_through_in_order_and_after_our_own_lines():
    extra = (("UseBridges", "1"), ("Bridge", "192.0.2.1:443 " + "A" * 40), ("Bridge", "192.0.2.2:443 " + "B" * 40))
    assert compose(*extra).start[-3:] == extra


def test_a_line_of_the_operator_replaces_ours():
    start = compose(("safelogging", "0")).start
    assert [value for name, value in start if name.lower() == "safelogging"] == ["0"]


def test_an_optional_line_of_the_operator_is_not_set_a_second_time():
    assert compose(("DormantTimeoutEnabled", "1")).optional == ()


@pytest.mark.parametrize("name", ["SocksPort", "+SocksPort", "controlport", "__OwningControllerProcess", "DataDirectory"])
def test_a_line_that_would_take_tor_out_of_our_hands_is_refused(name):
    with pytest.raises(ConfigError, match="set by torwatch itself"):
        compose((name, "1"))


def test_all_faulty_lines_are_named_at_once():
    with pytest.raises(ConfigError) as caught:
        compose(("SocksPort", "1"), ("Two words", "1"), ("Bridge", "a\nControlPort 1"))
    assert len(caught.value.faults) == 3
    assert "\n" not in str(caught.value)


def test_a_folder_with_a_hash_or_quote_in_its_name_is_quoted():
    assert 'DataDirectory "/tmp/a #1 \\"b\\""\n' in render_torrc(compose(directory='/tmp/a #1 "b"').start)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/run/tor/control", Path("/run/tor/control")),
        ("unix:/run/tor/control", Path("/run/tor/control")),
        ("127.0.0.1:9051", ("127.0.0.1", 9051)),
        ("9051", ("127.0.0.1", 9051)),
        ("[::1]:9051", ("::1", 9051)),
    ],
)
def test_a_control_port_is_a_path_or_host_and_port(text, expected):
    assert parse_endpoint(text) == expected


def test_a_control_port_that_is_neither_is_refused():
    with pytest.raises(ConfigError, match="neither a socket path nor host:port"):
        parse_endpoint("run/tor")


def test_a_password_is_not_in_the_repr():
    assert "secret" not in repr(TorSettings(control_password="secret"))
