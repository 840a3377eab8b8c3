"""The private network itself: it comes up, serves a page, survives faults, and leaves nothing behind."""

from __future__ import annotations

import base64
import datetime as dt
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from torwatch.demo.control import ControlConnection
from torwatch.demo.network import PrivateNetwork, quick_loopback_available, quick_loopback_command
from torwatch.demo.network_directory import NetworkDirectory
from torwatch.demo.ports import HeldPorts
from torwatch.errors import TorError

LEFT_ALIVE = """
import sys, threading, time
from torwatch.demo.network import PrivateNetwork

def open_and_stay():
    with PrivateNetwork(relays=3) as network:
        network.pause("relay1")
        print(network.client_control_socket.parent, *(node.pid for node in network.nodes.values()), flush=True)
        time.sleep(300)

threading.Thread(target=open_and_stay).start()
"""


def alive(pid: int) -> bool:
    """Whether a process is there and is not merely waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(pids: list[int], seconds: float) -> list[int]:
    """The pids that are still alive after at most so many seconds."""
    deadline = time.monotonic() + seconds
    while (left := [pid for pid in pids if alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def pids_of(network: PrivateNetwork) -> list[int]:
    return [node.pid for node in network.nodes.values()]


@pytest.fixture(scope="module")
def small_network():
    """A second network beside the session's, whose nodes may be killed."""
    with PrivateNetwork(relays=3) as opened:
        yield opened


def test_a_page_is_fetched_through_socks(network, onion_server, fetch_page):
    answer = fetch_page(network, onion_server.url)
    assert answer.status_code == 200
    assert answer.content == onion_server.page


def test_the_default_network_has_an_authority_four_relays_a_client_and_a_service(network):
    assert sorted(network.nodes) == ["authority", "client", "relay1", "relay2", "relay3", "relay4", "service"]


def test_every_listener_is_on_loopback_or_a_unix_socket(network):
    for node in network.nodes.values():
        with node.control() as control:
            for kind in ("socks", "or", "dir", "control"):
                listeners = control.value(f"net/listeners/{kind}")
                assert all(one.startswith(('"127.0.0.1:', '"unix:')) for one in listeners.split()), listeners


def test_no_node_knows_a_public_authority(network):
    options = dict(network.torrc_options)
    assert "127.0.0.1" in options["DirAuthority"]
    with network.nodes["client"].control() as control:
        assert control.ask("GETCONF DirAuthority").lines == (f"DirAuthority={options['DirAuthority']}",)


def test_a_given_private_key_gives_the_same_address(network, page_port):
    first = network.add_onion(target_port=page_port)
    network.remove_onion(first.address)
    assert network.add_onion(target_port=page_port, private_key=first.private_key) == first
    network.remove_onion(first.address)


def test_a_private_key_is_not_shown_in_a_representation(onion_server):
    assert "ED25519" not in repr(onion_server.onion)


def test_onions_added_from_several_threads_are_all_reachable_at_once(network, page_port, fetch_page):
    with ThreadPoolExecutor(max_workers=4) as pool:
        onions = list(pool.map(lambda _number: network.add_onion(target_port=page_port), range(4)))
        answers = list(pool.map(lambda onion: fetch_page(network, f"http://{onion.address}/", user=onion.address[:8]), onions))
    assert len({onion.address for onion in onions}) == 4
    assert [answer.status_code for answer in answers] == [200] * 4
    for onion in onions:
        network.remove_onion(onion.address)


def test_a_service_that_needs_a_key_does_not_answer_without_it(network, page_port, fetch_page):
    someone_else = base64.b32encode(bytes(range(1, 33))).decode().rstrip("=")  # any x25519 public key (all zeros makes tor abort)
    onion = network.add_onion(target_port=page_port, client_auth_public=someone_else)
    with pytest.raises(requests.ConnectionError, match="0xf4"):
        fetch_page(network, f"http://{onion.address}/")
    network.remove_onion(onion.address)


def test_a_private_key_that_is_none_is_refused_in_one_line(network):
    with pytest.raises(TorError, match=r"^tor node service refused ADD_ONION: 5\d\d [^\n]*$"):
        network.add_onion(target_port=80, private_key="ED25519-V3:cheese")


def test_a_call_to_a_paused_tor_ends_at_its_deadline(network):
    network.pause("service")
    try:
        begun = time.monotonic()
        with (
            pytest.raises(TorError, match="tor node service does not work: no answer in time"),
            network.nodes["service"].control(timeout_seconds=0.3),
        ):
            pytest.fail("a stopped process has answered")
        assert time.monotonic() - begun < 5
    finally:
        network.resume("service")
    with network.nodes["service"].control() as control:
        assert control.value("version").startswith("0.")


def test_a_killed_service_comes_back_with_its_address(small_network, page_port, fetch_page):
    onion = small_network.add_onion(target_port=page_port)
    small_network.kill("service")
    assert not small_network.nodes["service"].is_running
    small_network.restart("service")
    assert small_network.add_onion(target_port=page_port, private_key=onion.private_key).address == onion.address
    assert fetch_page(small_network, f"http://{onion.address}/").status_code == 200


def test_a_killed_relay_and_a_killed_client_come_back(small_network, page_port, fetch_page):
    for name in ("relay1", "client"):
        small_network.kill(name)
        small_network.restart(name)
    onion = small_network.add_onion(target_port=page_port)  # a former one may have had its introduction points on the relay that was killed
    assert fetch_page(small_network, f"http://{onion.address}/").status_code == 200


def test_an_unknown_node_is_named_in_one_line(network):
    with pytest.raises(TorError, match="has no node 'relay9', only authority, relay1"):
        network.pause("relay9")


def test_two_networks_at_once_do_not_meet(network, small_network, onion_server, page_port, fetch_page):
    onion = small_network.add_onion(target_port=page_port)
    assert fetch_page(small_network, f"http://{onion.address}/").content == onion_server.page
    assert fetch_page(network, onion_server.url).content == onion_server.page
    with pytest.raises(requests.ConnectionError, match="0xf0"):
        fetch_page(network, f"http://{onion.address}/")


def test_a_kept_directory_is_locked_and_starts_warm_with_its_keys(tmp_path, page_port, fetch_page):
    directory = tmp_path / "a kept #network"
    heard = []
    with PrivateNetwork(relays=3, directory=directory, progress=lambda message, fraction: heard.append((fraction, message))) as cold:
        assert not cold.was_warm
        authority = dict(cold.torrc_options)["DirAuthority"]
        with pytest.raises(TorError, match=r"in use by another network: .*a kept #network"), PrivateNetwork(relays=3, directory=directory):
            pytest.fail("one directory was used twice")
        pids, runtime = pids_of(cold), cold.client_control_socket.parent
    assert wait_until_gone(pids, 0) == []
    assert not runtime.exists()
    assert heard == sorted(heard, key=lambda one: one[0])
    assert heard[-1] == (1.0, "ready")
    with PrivateNetwork(relays=3, directory=directory) as warm:
        assert warm.was_warm
        assert dict(warm.torrc_options)["DirAuthority"] == authority
        onion = warm.add_onion(target_port=page_port)
        assert fetch_page(warm, f"http://{onion.address}/").status_code == 200
    now = dt.datetime.now(dt.UTC)
    kept = NetworkDirectory(directory)
    assert kept.warm_layout(3, now) is not None
    assert kept.warm_layout(4, now) is None
    assert kept.warm_layout(3, now + dt.timedelta(hours=2)) is None
    kept.clear()
    assert kept.warm_layout(3, now) is None


def test_a_kill_of_the_parent_leaves_no_process_and_no_directory_though_a_node_is_paused():
    parent = subprocess.Popen([sys.executable, "-c", LEFT_ALIVE], stdout=subprocess.PIPE, text=True)
    with parent:
        runtime, *pids = parent.stdout.readline().split()
        begun = time.monotonic()
        parent.kill()
    pids = [int(pid) for pid in pids]
    try:
        assert len(pids) == 6
        assert wait_until_gone(pids, 20) == []
        assert time.monotonic() - begun < 20
        deadline = time.monotonic() + 5
        while Path(runtime).exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not Path(runtime).exists()
    finally:
        for pid in wait_until_gone(pids, 0):
            os.kill(pid, signal.SIGKILL)


def test_an_interrupt_while_it_comes_up_leaves_no_process_and_no_directory():
    def interrupt(_message: str, fraction: float) -> None:
        if fraction > 0.4:
            raise KeyboardInterrupt

    network = PrivateNetwork(relays=3, client=False, progress=interrupt)
    with pytest.raises(KeyboardInterrupt), network:
        pytest.fail("it was not interrupted")
    with pytest.raises(TorError, match="has no node 'client'"):
        _ = network.socks_port
    assert len(network.nodes) == 5
    assert wait_until_gone(pids_of(network), 0) == []
    assert not network.nodes["service"].control_socket.parent.exists()


def test_without_tor_one_line_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TorError, match=r"^tor is not installed \(not found on PATH\): apt-get install tor$"), PrivateNetwork():
        pytest.fail("a network without tor")


def test_a_tor_that_ends_at_once_is_told_with_its_last_words(monkeypatch, tmp_path):
    broken = tmp_path / "tor"
    real = subprocess.run(["sh", "-c", "command -v tor"], capture_output=True, text=True, check=True).stdout.strip()
    broken.write_text(f'#!/bin/sh\ncase "$*" in *--list-*) exec {real} "$@";; esac\necho "the kettle is cold"\nexit 1\n')
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with tempfile.TemporaryDirectory() as temporary:
        monkeypatch.setattr(tempfile, "tempdir", temporary)
        with pytest.raises(TorError, match=r"^tor node \w+ ended by itself: the kettle is cold$"), PrivateNetwork(relays=3):
            pytest.fail("a network of broken tors")
        assert list(Path(temporary).iterdir()) == []


def test_a_temporary_directory_with_too_long_a_path_is_refused_in_one_line(monkeypatch, tmp_path):
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with pytest.raises(TorError, match="too long for a unix socket, set TMPDIR"), PrivateNetwork(relays=3):
        pytest.fail("a socket path beyond the limit")
    assert list(deep.iterdir()) == []


def test_somebody_elses_directory_is_not_cleared(tmp_path):
    (tmp_path / "nodes").mkdir()
    (tmp_path / "nodes" / "recipes.txt").touch()
    with pytest.raises(TorError, match="is not of a private network"), PrivateNetwork(directory=tmp_path):
        pytest.fail("a directory of somebody else was used")
    assert (tmp_path / "nodes" / "recipes.txt").exists()


def test_too_few_relays_are_refused():
    with pytest.raises(TorError, match="at least 3 relays"):
        PrivateNetwork(relays=2)


def test_a_held_port_can_be_listened_on_by_tor_and_is_given_to_nobody_else():
    with HeldPorts() as ports:
        held = set(ports.hold([0] * 50))
        assert len(held) == 50
        with HeldPorts() as others:
            assert not held & set(others.hold([0] * 50))
        with socket.socket() as listener, HeldPorts() as late:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as tor does
            listener.bind(("127.0.0.1", min(held)))
            listener.listen()
            with pytest.raises(OSError, match="in use"):
                late.hold([min(held)])


def test_a_control_socket_that_is_not_there_is_one_line(tmp_path):
    connection = ControlConnection("relay1", tmp_path / "none.sock", tmp_path / "none.cookie")
    with pytest.raises(TorError, match="tor node relay1 does not work: No such file"), connection:
        pytest.fail("connected to nothing")


def test_the_quick_loopback_has_no_way_out():
    if not quick_loopback_available():
        pytest.skip("network namespaces are not to be had here")
    try_outside = "import socket; socket.create_connection(('192.0.2.1', 80), 5)"
    tried = subprocess.run(quick_loopback_command([sys.executable, "-c", try_outside]), capture_output=True, text=True, check=False)
    assert "Network is unreachable" in tried.stderr
