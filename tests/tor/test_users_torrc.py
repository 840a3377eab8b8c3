"""A user's own torrc lines on real tor: a bandwidth cap and bridges pass through, and an onion behind proofs of work is reached."""

from __future__ import annotations

import contextlib
import subprocess
import time

import pytest
import requests

from torwatch.tor.service import open_tor
from torwatch.tor.settings import TorSettings

PAGE_END = "</html>"


def fetch(service, host, seconds=60):
    """The page at an onion, asked for until it comes."""
    user, password = service.credentials("test")
    give_up = time.monotonic() + seconds
    while True:
        with requests.Session() as session, contextlib.suppress(requests.ConnectionError):
            session.trust_env = False
            session.proxies = {"http": "socks5h://{}:{}@{}:{}".format(user, password, *service.socks_address)}
            return session.get(f"http://{host}/", timeout=30).text
        assert time.monotonic() < give_up


def test_bridges_and_a_bandwidth_cap_of_the_configuration_are_what_tor_uses(network, tmp_path, onion_server):
    bridge = network.nodes["relay1"]
    fingerprint = (bridge.directory / "fingerprint").read_text(encoding="ascii").split()[1]
    with bridge.control() as control:
        [port] = [line.rpartition(":")[2].strip('"') for line in control.ask("GETINFO net/listeners/or").lines if "127.0.0.1" in line]
    lines = (
        ("UseBridges", "1"),
        ("Bridge", f"127.0.0.1:{port} {fingerprint}"),
        ("BandwidthRate", "200 KBytes"),
        ("BandwidthBurst", "400 KBytes"),
    )
    settings = TorSettings(data_directory=tmp_path / "tor", extra_options=(*network.torrc_options, *lines), bootstrap_timeout_seconds=60)
    with open_tor(settings) as service:
        control = service._known_control()  # noqa: SLF001 - what tor made of the lines
        assert control.get_conf("BandwidthRate") == ("204800",)
        assert control.get_conf("BandwidthBurst") == ("409600",)
        assert fetch(service, onion_server.onion.address).endswith(PAGE_END)
        guards = control.get_info("entry-guards")
        assert f"${fingerprint}" in guards
        assert all(fingerprint in line for line in guards.splitlines() if " up" in line)  # nothing but the bridge is used


def test_an_onion_that_asks_for_proofs_of_work_is_reached(network, tor, page_port):
    modules = subprocess.run(["tor", "--list-modules"], capture_output=True, text=True, check=True).stdout
    if "pow: yes" not in modules:
        pytest.skip("this tor has no module pow; `torwatch doctor` says so")
    with network.nodes["service"].control() as control:
        reply = control.ask(
            f"ADD_ONION NEW:ED25519-V3 Flags=Detach PoWDefensesEnabled=1 PoWQueueRate=1 PoWQueueBurst=1 Port=80,127.0.0.1:{page_port}"
        )
    host = next(line.removeprefix("ServiceID=") for line in reply.lines if line.startswith("ServiceID=")) + ".onion"
    try:
        assert fetch(tor, host).endswith(PAGE_END)
    finally:
        network.remove_onion(host)
