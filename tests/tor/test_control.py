import base64
import contextlib
import dataclasses
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from planted import CONTROL_PASSWORD

from torwatch.errors import TorError
from torwatch.tor import process as process_module
from torwatch.tor.control import Control
from torwatch.tor.process import OwnTor
from torwatch.tor.service import TorService, open_tor
from torwatch.tor.settings import TorSettings

# An authority that nothing answers for: such a tor opens its ports and stays at 5 %, and cannot talk to anybody.
NOWHERE = (("TestingTorNetwork", "1"), ("DirAuthority", f"nowhere orport=1 v3ident={'A' * 40} 127.0.0.1:1 {'B' * 40}"))
ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
CLIENT_KEY = base64.b64encode(bytes(range(32))).decode()
OTHER_KEY = base64.b64encode(bytes(range(1, 33))).decode()
QUIET = (("GeoIPFile", "/dev/null"), ("GeoIPv6File", "/dev/null"))


@pytest.fixture
def directory():
    """A folder whose sockets stay below the length limit of a unix socket."""
    with tempfile.TemporaryDirectory(prefix="torwatch-test-") as path:
        yield Path(path)


@pytest.fixture
def settings(directory):
    return TorSettings(data_directory=directory / "tor", extra_options=NOWHERE + QUIET, control_deadline_seconds=2)


@pytest.fixture
def lonely(settings):
    """A tor of our own that reaches nobody."""
    service = TorService(settings)
    try:
        service.start()
        yield service
    finally:
        service.stop()


@contextlib.contextmanager
def system_tor(directory, *lines, cookie=True):
    """A tor that is not ours: what `attach` meets; yields its control socket once it listens."""
    directory.mkdir(mode=0o700)
    control = directory / "control"
    torrc = [
        f"DataDirectory {directory}/data",
        f"ControlSocket {control}",
        f"CookieAuthentication {int(cookie)}",
        *(f"{name} {value}" for name, value in QUIET),
        *lines,
    ]
    (directory / "torrc").write_text("\n".join(torrc) + "\n", encoding="ascii")
    command = ["tor", "--defaults-torrc", os.devnull, "-f", str(directory / "torrc"), "__OwningControllerProcess", str(os.getpid())]
    # Owned by this test run, but not controlled: stem must not take ownership, which the first closed connection would end.
    command[-1] = f"0{command[-1]}"
    with (directory / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_for(lambda: "Bootstrapped 0%" in (directory / "log").read_text())
            yield control
        finally:
            process.kill()


def wait_for(condition, seconds=20):
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.02)


def attached(control, **settings):
    return TorService(TorSettings(mode="attach", control=str(control), control_deadline_seconds=5, **settings))


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_our_own_tor_serves_socks_with_reasons_and_ends_with_its_context(lonely):
    status = lonely.status()
    assert status.alive
    assert status.version.startswith("0.4.")
    assert not status.ready
    assert lonely.extended_errors
    assert lonely.isolates_socks_auth
    assert lonely.advice == ""
    assert lonely.socks_timeout_seconds == 60
    socket.create_connection(lonely.socks_address, timeout=5).close()
    pid = lonely.process_id
    lonely.stop()
    assert is_gone(pid)
    assert not lonely.status().alive


def test_a_tor_that_answers_needs_no_mending(lonely):
    pid = lonely.process_id
    assert lonely.ensure() is False
    assert lonely.process_id == pid


def switch_network(service, value):
    """Over a control connection of its own, as an operator would."""
    control = Control(next(service.settings.data_directory.glob("control-*.sock")))
    control.connect()
    control.set_conf("DisableNetwork", value)
    control.close()


def test_a_network_that_was_switched_off_is_told_and_its_new_port_is_found_once_it_is_on_again(lonely):
    switch_network(lonely, "1")
    with pytest.raises(TorError, match="network is switched off"):
        lonely.ensure()
    switch_network(lonely, "0")
    lonely.ensure()
    socket.create_connection(lonely.socks_address, timeout=5).close()
    assert lonely.ensure() is False


def test_our_own_tor_killed_is_started_again(lonely):
    pid = lonely.process_id
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not lonely.status().alive)
    assert lonely.ensure() is True
    assert lonely.process_id not in {None, pid}
    assert lonely.status().alive
    socket.create_connection(lonely.socks_address, timeout=5).close()


def test_a_lost_control_connection_is_made_again_and_tor_lives_on(lonely):
    pid = lonely.process_id
    lonely._control.close()  # noqa: SLF001 - as when the connection breaks
    assert not lonely.status().alive
    assert lonely.ensure() is True
    assert lonely.status().alive
    assert lonely.process_id == pid


def test_a_hung_tor_costs_no_more_than_the_deadline_and_is_replaced(lonely):
    pid = lonely.process_id
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(TorError, match="tor did not answer within 2 s"):
        lonely.new_identity()
    assert time.monotonic() - began < 4
    assert lonely.ensure() is True
    assert lonely.process_id != pid
    assert is_gone(pid)
    assert lonely.status().alive


def test_a_tor_that_does_not_start_again_is_left_alone_for_a_while(directory, settings):
    tick = 0.0
    service = TorService(settings, clock=lambda: tick)
    try:
        service.start()
        pid = service.process_id
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: service.process_id is None)
        shutil.rmtree(directory / "tor")
        (directory / "tor").write_text("in the way", encoding="ascii")
        with pytest.raises(TorError, match="cannot be written"):
            service.ensure()
        with pytest.raises(TorError, match=r"failed to start 1 times in a row; the next attempt is in 1 s"):
            service.ensure()
        (directory / "tor").unlink()
        tick += 1.0
        assert service.ensure() is True
    finally:
        service.stop()


def test_two_requests_for_a_new_identity_in_a_row_do_not_hang(lonely):
    began = time.monotonic()
    first, second, third = lonely.new_identity(), lonely.new_identity(), lonely.new_identity()
    assert time.monotonic() - began < 2
    assert 9 <= (second - first).total_seconds() <= 10.5
    assert abs((third - second).total_seconds()) < 1


def keys_held_by(service):
    viewed = service._control._call("ONION_CLIENT_AUTH_VIEW", lambda controller: controller.msg("ONION_CLIENT_AUTH_VIEW"))  # noqa: SLF001 - torwatch never asks for private keys
    return str(viewed)


def test_client_keys_survive_a_restart_of_tor_and_are_taken_back(lonely):
    lonely.use_client_keys({ONION: CLIENT_KEY})
    lonely.use_client_keys({ONION: CLIENT_KEY})  # a second time is no fault
    os.kill(lonely.process_id, signal.SIGKILL)
    wait_for(lambda: lonely.process_id is None)
    lonely.ensure()
    assert ONION.removesuffix(".onion") in keys_held_by(lonely)
    lonely.use_client_keys({ONION: OTHER_KEY})
    assert OTHER_KEY in keys_held_by(lonely)
    assert CLIENT_KEY not in keys_held_by(lonely)
    lonely.use_client_keys({})
    assert ONION.removesuffix(".onion") not in keys_held_by(lonely)


def test_a_key_for_what_is_no_onion_is_refused_by_tor_in_one_line_and_the_others_are_taken(lonely):
    with pytest.raises(TorError, match=r"does not take the client key for abc\.onion"):
        lonely.use_client_keys({"abc.onion": CLIENT_KEY, ONION: CLIENT_KEY})
    assert ONION.removesuffix(".onion") in keys_held_by(lonely)


def test_a_private_key_that_tor_refuses_is_not_repeated(lonely):
    zeros = "A" * 43 + "="
    with pytest.raises(TorError, match="does not take the client key") as caught:
        lonely.use_client_keys({ONION: zeros})
    assert zeros not in str(caught.value)


def test_a_tor_attached_to_keeps_no_client_key_of_ours(directory):
    with system_tor(directory / "system", "SocksPort 127.0.0.1:auto ExtendedErrors", *(" ".join(line) for line in NOWHERE)) as control:
        service = attached(control)
        service.start()
        service.use_client_keys({ONION: CLIENT_KEY})
        assert ONION.removesuffix(".onion") in keys_held_by(service)
        service.stop()
        service = attached(control)
        service.start()
        assert ONION.removesuffix(".onion") not in keys_held_by(service)
        service.stop()


def test_progress_is_shown_and_a_network_that_cannot_be_joined_is_told_with_the_reason(settings):
    seen = []
    with (
        pytest.raises(TorError, match=r"did not join the network within 0\.5 s, it stands at \d+ % .*: check this machine's network"),
        open_tor(dataclasses.replace(settings, bootstrap_timeout_seconds=0.5), progress=lambda *step: seen.append(step)),
    ):
        pytest.fail("there is no network to join")
    assert seen
    assert all(0 <= percent < 100 and summary for percent, summary in seen)
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("NoSuchOption", "1"), "tor ended at once: .*Unknown option 'NoSuchOption'"),
        (("SocksTimeout", "soon"), "tor ended at once: .*Could not parse SocksTimeout"),
    ],
)
def test_a_torrc_line_that_tor_refuses_is_told_in_its_own_words(settings, option, message):
    with pytest.raises(TorError, match=message) as caught:
        TorService(dataclasses.replace(settings, extra_options=(*settings.extra_options, option))).start()
    assert "\n" not in str(caught.value)


def test_a_port_that_is_taken_is_told(settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        option = ("DNSPort", f"127.0.0.1:{taken.getsockname()[1]}")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.bind(taken.getsockname())
            service = TorService(dataclasses.replace(settings, extra_options=(*settings.extra_options, option)))
            with pytest.raises(TorError, match=r"[Ff]ailed to bind"):
                service.start()
    assert service.process_id is None


def test_an_older_tor_that_lacks_an_optional_line_runs_without_it(settings, monkeypatch):
    compose = process_module.compose_torrc

    def of_the_future(*args):
        return dataclasses.replace(compose(*args), optional=(("AnOptionOfTheFuture", "1"),))

    monkeypatch.setattr(process_module, "compose_torrc", of_the_future)
    service = TorService(settings)
    try:
        service.start()
        assert service.refused_options == ("AnOptionOfTheFuture",)
        assert service.status().alive
    finally:
        service.stop()


def test_a_data_directory_in_use_is_told_and_the_tor_in_it_is_left_alone(lonely, settings):
    second = OwnTor(settings, lock_timeout_seconds=0)
    with pytest.raises(TorError, match="another tor uses the data directory"):
        second.start()
    assert second.pid is None
    assert lonely.status().alive


def test_a_long_path_does_not_break_the_control_socket(directory, settings):
    deep = directory / ("x" * 60) / ("y" * 60) / "tor"
    with OwnTor(dataclasses.replace(settings, data_directory=deep)) as tor:
        folder = tor.control_path.parent
        assert folder != deep
    assert not folder.exists()


def test_a_folder_with_odd_characters_in_its_name_works(directory, settings):
    service = TorService(dataclasses.replace(settings, data_directory=directory / 'a #1 "b" ü'))
    try:
        service.start()
        assert service.status().alive
    finally:
        service.stop()


def test_attaching_to_a_tor_without_extended_errors_gives_the_line_that_mends_it(directory):
    with system_tor(directory / "system", "SocksPort 127.0.0.1:auto IPv6Traffic", *(" ".join(line) for line in NOWHERE)) as control:
        service = attached(control)
        service.start()
        try:
            assert not service.extended_errors
            assert service.isolates_socks_auth
            assert service.advice == "SocksPort 127.0.0.1:auto IPv6Traffic ExtendedErrors"
            assert service.socks_timeout_seconds == 120
            assert service.status().mode == "attach"
            assert service.process_id is None
        finally:
            service.stop()
        Control(control).connect()  # letting go did not end it


def test_attaching_finds_the_port_that_gives_reasons_among_several(directory):
    lines = ["SocksPort 127.0.0.1:auto ExtendedErrors", f"SocksPort unix:{directory}/system/socks", *(" ".join(line) for line in NOWHERE)]
    with system_tor(directory / "system", *lines) as control:
        service = attached(control)
        service.start()
        assert service.extended_errors
        assert service.advice == ""
        socket.create_connection(service.socks_address, timeout=5).close()
        service.stop()


def test_attaching_to_a_tor_without_a_socks_port_is_refused_with_the_line_it_needs(directory):
    wanted = "add the line 'SocksPort 9050 ExtendedErrors' to its torrc"
    with system_tor(directory / "system", "SocksPort 0", "DisableNetwork 1") as control, pytest.raises(TorError, match=wanted):
        attached(control).start()


def test_an_attached_tor_that_goes_away_and_comes_back_is_connected_to_again(directory):
    lines = ["SocksPort 127.0.0.1:auto ExtendedErrors", *(" ".join(line) for line in NOWHERE)]
    pauses = []
    with contextlib.ExitStack() as stack:
        control = stack.enter_context(system_tor(directory / "system", *lines))
        service = TorService(TorSettings(mode="attach", control=str(control)), sleep=pauses.append)
        service.start()
        stack.close()
        (directory / "system" / "control").unlink(missing_ok=True)
        wait_for(lambda: not service.status().alive)
        with pytest.raises(TorError, match="does not exist"):
            service.ensure()
        assert len(pauses) == 4
        shutil.rmtree(directory / "system")
        stack.enter_context(system_tor(directory / "system", *lines))
        assert service.ensure() is True
        assert service.status().alive
        service.stop()


def test_a_wrong_cookie_is_told_in_one_line(directory):
    with system_tor(directory / "system", "SocksPort 0", "DisableNetwork 1") as control:
        (directory / "system/data/control_auth_cookie").write_bytes(bytes(32))
        with pytest.raises(TorError, match="tor refused the control cookie; compare it"):
            attached(control).start()


def test_a_cookie_that_cannot_be_read_is_told_with_the_remedy(directory):
    with system_tor(directory / "system", "SocksPort 0", "DisableNetwork 1") as control:
        (directory / "system/data/control_auth_cookie").unlink()
        with pytest.raises(TorError, match="control cookie cannot be read; add the user to tor's group"):
            attached(control).start()


def test_a_control_password_is_asked_for_refused_and_accepted(directory):
    hashed = subprocess.run(
        ["tor", "--quiet", "--hash-password", CONTROL_PASSWORD], capture_output=True, text=True, check=True
    ).stdout.split()[-1]
    with system_tor(directory / "system", f"HashedControlPassword {hashed}", "SocksPort auto", cookie=False) as control:
        with pytest.raises(TorError, match=r"wants a control password; set tor\.control_password_file"):
            attached(control).start()
        with pytest.raises(TorError, match="refused the control password") as caught:
            attached(control, control_password="wrong").start()
        assert "wrong" not in str(caught.value)
        service = attached(control, control_password=CONTROL_PASSWORD)
        service.start()
        service.stop()


def test_a_missing_control_socket_is_told_in_one_line(directory):
    with (
        pytest.raises(TorError, match=r"control socket .*/control does not exist: is tor running"),
        open_tor(attached(directory / "control").settings),
    ):
        pytest.fail("there is no tor to attach to")


def test_our_own_tor_joins_the_private_network_and_knows_it(network, directory):
    seen = []
    settings = TorSettings(data_directory=directory / "tor", extra_options=network.torrc_options, bootstrap_timeout_seconds=60)
    with open_tor(settings, progress=lambda percent, _summary: seen.append(percent)) as service:
        assert service.status().ready
        pid = service.process_id
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: service.process_id is None)
        assert service.ensure() is True
        service.wait_until_ready(60)
        assert service.status().ready
        assert service.process_id != pid
    assert seen[-1] == 100
    assert seen == sorted(seen)
    assert service.process_id is None


def test_attaching_to_the_client_of_the_private_network_finds_reasons_and_isolation(network):
    with open_tor(TorSettings(mode="attach", control=str(network.client_control_socket))) as service:
        assert service.status().ready
        assert service.socks_address == ("127.0.0.1", network.socks_port)
        assert service.extended_errors
        assert service.isolates_socks_auth
        assert service.advice == ""
