import datetime as dt
import socket
import threading
import time

import pytest
import stem

from torwatch.errors import TorError
from torwatch.tor.control import RECONNECT_ATTEMPTS, Control, DeadlineError, within

KEY = bytes(range(32))


def test_a_call_that_does_not_end_is_given_up_at_its_deadline():
    released = threading.Event()
    began = time.monotonic()
    with pytest.raises(DeadlineError, match=r"tor did not answer within 0\.05 s \(GETINFO x\)"):
        within(0.05, released.wait, "GETINFO x")
    assert time.monotonic() - began < 2
    released.set()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (stem.SocketClosed("gone"), "control connection broke"),
        (stem.OperationFailed(message="Unrecognized key"), "tor refused GETINFO x: Unrecognized key"),
        (ConnectionResetError(104, "reset"), "tor refused GETINFO x"),
        (ValueError("two\nlines"), "two lines"),
    ],
)
def test_a_fault_of_the_library_becomes_one_line_of_ours(fault, message):
    def fail():
        raise fault

    with pytest.raises(TorError, match=message) as caught:
        within(5, fail, "GETINFO x")
    assert caught.value.__cause__ is fault


def test_a_fault_of_our_own_is_not_disguised():
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0, "GETINFO x")


def test_a_socket_that_does_not_exist_is_named_with_the_remedy(tmp_path):
    with pytest.raises(TorError, match=r"control socket .*/control does not exist: is tor running"):
        Control(tmp_path / "control").connect()


def test_a_control_port_where_nothing_listens_is_named_with_the_remedy():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        with pytest.raises(TorError, match=f"nothing listens at control port 127.0.0.1:{port}: is tor running"):
            Control(("127.0.0.1", port)).connect()


def test_something_that_is_not_tor_gives_one_line(tmp_path):
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        began = time.monotonic()
        with pytest.raises(TorError, match=r"tor did not answer within 0\.1 s"):
            Control(path, deadline_seconds=0.1).connect()
        assert time.monotonic() - began < 3


def test_reconnecting_waits_longer_each_time_and_then_gives_up(tmp_path):
    pauses = []
    control = Control(tmp_path / "control", sleep=pauses.append)
    with pytest.raises(TorError, match="does not exist"):
        control.reconnect()
    assert len(pauses) == RECONNECT_ATTEMPTS - 1
    assert pauses == sorted(pauses)
    assert pauses[-1] > pauses[0] > 0


def test_a_call_without_a_connection_is_refused_at_once(tmp_path):
    control = Control(tmp_path / "control")
    assert not control.is_alive()
    for call in (control.ping, control.bootstrap, control.new_identity, lambda: control.add_client_key("x.onion", "A" * 43)):
        with pytest.raises(TorError, match="is lost"):
            call()


class RememberingController:
    """What `Control` needs of stem to send a signal: real tor is in tests/tor, here the clock is what matters."""

    def __init__(self):
        self.signals = []

    def is_alive(self):
        return True

    def signal(self, name):
        self.signals.append(name)


def test_newnym_is_sent_at_most_every_ten_seconds_and_the_answer_says_when_it_happens(tmp_path):
    tick = 100.0
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    control = Control(tmp_path / "control", clock=lambda: tick, now=lambda: start + dt.timedelta(seconds=tick))
    controller = control._controller = RememberingController()  # noqa: SLF001 - no tor in a unit test

    def seconds_until_done():
        return (control.new_identity() - start).total_seconds() - tick

    assert seconds_until_done() == 0
    tick = 103.0
    assert seconds_until_done() == 7  # tor puts it off
    tick = 104.0
    assert seconds_until_done() == 6  # the one that waits serves this request too
    assert len(controller.signals) == 2
    tick = 115.0
    assert seconds_until_done() == 5
    tick = 130.0
    assert seconds_until_done() == 0
    assert len(controller.signals) == 4
