import pytest

from torwatch.tor.listeners import choose_listener, read_listeners


def test_a_tor_without_a_socks_line_listens_on_its_default_port_without_reasons():
    (listener,) = read_listeners('"127.0.0.1:9050"', [])
    assert (listener.host, listener.port) == ("127.0.0.1", 9050)
    assert not listener.extended_errors
    assert listener.isolates_socks_auth
    assert listener.advice == "SocksPort 9050 ExtendedErrors"


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("9150", "SocksPort 9150 ExtendedErrors"),
        ("127.0.0.1:9150 IPv6Traffic", "SocksPort 127.0.0.1:9150 IPv6Traffic ExtendedErrors"),
        ("9150 ExtendedErrors", ""),
        ("9150 extendederrors IsolateDestAddr", ""),
        ("localhost:9150 ExtendedErrors", ""),
        ("9150 NoIsolateSOCKSAuth ExtendedErrors", "SocksPort 9150 ExtendedErrors"),
        ("auto", "SocksPort auto ExtendedErrors"),
        ("auto ExtendedErrors", ""),
    ],
)
def test_the_advice_is_the_line_of_the_torrc_mended(line, advice):
    (listener,) = read_listeners('"127.0.0.1:9150"', [line])
    assert listener.advice == advice
    assert listener.extended_errors == ("extendederrors" in line.lower())


def test_a_unix_socket_is_left_out_because_pysocks_cannot_use_it():
    listeners = read_listeners('"unix:/run/tor/socks" "127.0.0.1:9050"', ["unix:/run/tor/socks ExtendedErrors", "9050"])
    assert [one.port for one in listeners] == [9050]
    assert not listeners[0].extended_errors


def test_the_port_that_gives_reasons_is_chosen_unless_another_is_asked_for():
    listeners = read_listeners('"127.0.0.1:9050" "127.0.0.1:9052"', ["9050", "9052 ExtendedErrors"])
    assert choose_listener(listeners, None).port == 9052
    assert choose_listener(listeners, ("localhost", 9050)).port == 9050
    assert choose_listener(listeners, ("127.0.0.1", 9999)) is None
    assert choose_listener((), None) is None


def test_a_port_open_on_all_addresses_is_reached_on_loopback():
    listeners = read_listeners('"0.0.0.0:9050" "[::]:9051"', ["0.0.0.0:9050 ExtendedErrors", "[::]:9051"])
    assert [(one.host, one.port, one.extended_errors) for one in listeners] == [("127.0.0.1", 9050, True), ("::1", 9051, False)]
