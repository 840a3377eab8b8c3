"""Each SOCKS code that can be provoked on purpose, provoked on real Tor; the codes themselves come from PySocks as they do in a fetch."""

import base64
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time

import pytest
import socks

from torwatch.demo.control import ControlConnection
from torwatch.demo.onion import offer
from torwatch.errors import TorError
from torwatch.model import Outcome
from torwatch.tor.address import onion_host
from torwatch.tor.reasons import explain
from torwatch.tor.service import TorService, open_tor
from torwatch.tor.settings import TorSettings, cookie_file

# RFC 8032, test 1: a public key that is a point of the curve, as tor wants it, and that no service here has.
NEVER_PUBLISHED = onion_host(bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
# Throw-away x25519 keys: the pair of a client that is known, and the private key of one that is not.
KNOWN_PRIVATE = "e88dc0eb479d939597c7bf29ca343bca3ab6ccd92bece8463e897f881763a04c"
KNOWN_PUBLIC = "2022df95d85b396de6030a52a83385c03e40611a5b3730ae23018a7199891802"
OTHER_PRIVATE = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
PAGE_END = b"</html>"


def connect(service, host, port=80, identity="test"):
    """A TCP connection through SOCKS, as requests makes it; the caller closes it."""
    user, password = service.credentials(identity)
    connection = socks.socksocket()
    connection.set_proxy(socks.SOCKS5, *service.socks_address, rdns=True, username=user, password=password)
    connection.settimeout(service.socks_timeout_seconds + 30)
    try:
        connection.connect((host, port))
    except BaseException:
        connection.close()
        raise
    return connection


def fetch(service, host):
    with contextlib.closing(connect(service, host)) as connection:
        connection.sendall(f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(4096), b""))


def code_of(service, host, port=80, identity="test"):
    """The SOCKS code of a connection that must fail."""
    with pytest.raises(socks.GeneralProxyError) as caught:
        connect(service, host, port, identity)
    assert isinstance(caught.value.socket_err, socks.SOCKS5Error)
    return int(caught.value.socket_err.msg.split(":")[0], 16)


def outcome_of(service, code):
    return explain(code, extended_errors=service.extended_errors)[0]


def base32(hexadecimal):
    return base64.b32encode(bytes.fromhex(hexadecimal)).decode().rstrip("=")


def base64_of(hexadecimal):
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def service_tor(network, directory):
    """A second tor that offers onions and may be killed without harm to others: yields (process, offer)."""
    settings = TorSettings(data_directory=directory, extra_options=network.torrc_options, bootstrap_timeout_seconds=60)
    with open_tor(settings) as service:
        socket_path = next(directory.glob("control-*.sock"))
        with ControlConnection("service", socket_path, cookie_file(directory), timeout_seconds=30) as control:
            yield (
                service,
                lambda target_port: (
                    offer(
                        control, target_port=target_port, virtual_port=80, private_key=None, client_auth_public=None, timeout_seconds=60
                    ).address
                ),
            )


def test_an_onion_that_is_up_is_fetched_through_our_own_tor(tor, onion_server):
    onion = onion_server.onion
    assert fetch(tor, onion.address).endswith(PAGE_END)
    assert fetch(tor, f"www.{onion.address.upper()}").endswith(PAGE_END)


def test_an_onion_without_a_descriptor_is_not_found(tor):
    code = code_of(tor, NEVER_PUBLISHED)
    assert code == 0xF0
    assert outcome_of(tor, code) is Outcome.ONION_NOT_FOUND
    give_up = time.monotonic() + 5
    while not (known := tor.diagnosis.about(NEVER_PUBLISHED)):
        assert time.monotonic() < give_up
        time.sleep(0.02)
    assert any("NOT_FOUND" in entry.text or "RESOLVEFAILED" in entry.text for entry in known)


def test_an_onion_whose_tor_hangs_is_ambiguous_and_one_whose_tor_died_is_unreachable(network, tor, page_port, directory):
    with service_tor(network, directory / "service") as (service, add_onion):
        address = add_onion(page_port)
        assert fetch(tor, address).endswith(PAGE_END)
        os.kill(service.process_id, signal.SIGSTOP)
        code = code_of(tor, address, identity="while it hangs")
        assert code == 0x06
        assert outcome_of(tor, code) is Outcome.TIMEOUT_CONNECT
        os.kill(service.process_id, signal.SIGKILL)
        # The introduction points need a while to notice (1 to 45 s were seen): until then it looks as if the onion hung.
        codes = [code]
        give_up = time.monotonic() + 120
        while codes[-1] != 0xF2:
            assert time.monotonic() < give_up, codes
            codes.append(code_of(tor, address, identity=f"after its death {len(codes)}"))
    assert set(codes) <= {0x01, 0x06, 0xF2}
    assert outcome_of(tor, codes[-1]) is Outcome.ONION_UNREACHABLE


def test_an_onion_for_known_clients_needs_a_key_and_refuses_a_wrong_one(network, tor, page_port):
    onion = network.add_onion(target_port=page_port, client_auth_public=base32(KNOWN_PUBLIC))
    assert (code := code_of(tor, onion.address)) == 0xF4
    assert outcome_of(tor, code) is Outcome.ONION_NEEDS_KEY
    tor.use_client_keys({onion.address: base64_of(OTHER_PRIVATE)})
    assert (code := code_of(tor, onion.address)) == 0xF5
    assert outcome_of(tor, code) is Outcome.ONION_BAD_KEY


def test_an_onion_for_known_clients_lets_the_right_key_in(network, tor, page_port):
    onion = network.add_onion(target_port=page_port, client_auth_public=base32(KNOWN_PUBLIC))
    tor.use_client_keys({onion.address: base64_of(KNOWN_PRIVATE)})
    assert fetch(tor, onion.address).endswith(PAGE_END)


@pytest.mark.parametrize("host", [f"{'a' * 55}d.onion", "aaaaaaaaaaaaaaaa.onion", "short.onion"])
def test_a_bad_address_is_called_bad(tor, host):
    code = code_of(tor, host)
    assert code == 0xF6
    assert outcome_of(tor, code) is Outcome.ONION_BAD_ADDRESS


def test_a_dead_web_server_behind_a_living_onion_is_told_from_a_dead_onion(network, tor):
    onion = network.add_onion(target_port=closed_port())
    code = code_of(tor, onion.address)
    assert code == 0x01
    assert outcome_of(tor, code) is Outcome.ONION_REFUSED


def test_a_port_that_the_onion_does_not_offer_is_told(tor, onion_server):
    onion = onion_server.onion
    code = code_of(tor, onion.address, port=8081)
    assert code == 0x05
    assert outcome_of(tor, code) is Outcome.ONION_REFUSED


def test_our_own_tor_connects_to_nothing_but_onions(tor):
    began = time.monotonic()
    code = code_of(tor, "example.com")
    assert time.monotonic() - began < 3
    assert outcome_of(tor, code) is Outcome.ONION_UNKNOWN


def test_targets_get_circuits_of_their_own(tor, onion_server):
    onion = onion_server.onion
    used = set()
    for identity in ("tea market", "coffee market"):
        with contextlib.closing(connect(tor, onion.address, identity=identity)):
            status = tor._known_control().get_info("stream-status")  # noqa: SLF001 - which circuit a stream is on is no concern of torwatch's
            used |= {line.split()[2] for line in status.splitlines() if onion.address in line and "SUCCEEDED" in line}
    assert len(used) == 2


def test_without_extended_errors_the_reason_is_unknown_and_never_guessed(network, directory):
    folder = directory / "plain"
    folder.mkdir(mode=0o700)
    options = {
        "DataDirectory": f"{folder}/data",
        "ControlSocket": f"{folder}/control",
        "CookieAuthentication": "1",
        "SocksPort": "127.0.0.1:auto",
        **dict(network.torrc_options),
    }
    (folder / "torrc").write_text("".join(f"{name} {value}\n" for name, value in options.items()), encoding="utf-8")
    command = [
        "tor",
        "--quiet",
        "--defaults-torrc",
        os.devnull,
        "-f",
        str(folder / "torrc"),
        "__OwningControllerProcess",
        f"0{os.getpid()}",
    ]
    with subprocess.Popen(command) as process:
        try:
            attach = TorSettings(mode="attach", control=f"{folder}/control", bootstrap_timeout_seconds=60)
            give_up = time.monotonic() + 20
            while True:
                probe = TorService(attach)
                with contextlib.suppress(TorError):
                    probe.start()
                    probe.stop()
                    break
                assert time.monotonic() < give_up
                time.sleep(0.05)
            with open_tor(attach) as service:
                assert not service.extended_errors
                assert service.advice == "SocksPort 127.0.0.1:auto ExtendedErrors"
                code = code_of(service, NEVER_PUBLISHED)
                assert outcome_of(service, code) is Outcome.ONION_UNKNOWN
        finally:
            process.kill()
    shutil.rmtree(folder)
