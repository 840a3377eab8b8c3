"""The watchdog is fed only while everything makes progress."""

from __future__ import annotations

import pytest

from torwatch.errors import StoreError
from torwatch.ops.heartbeat import BEAT_SECONDS, CONTROL_SILENCE_SECONDS, Heartbeat
from torwatch.ops.sd_notify import Notifier


class Recorder(Notifier):
    """A notifier whose messages are kept."""

    def __init__(self):
        super().__init__()
        self.sent = []

    def send(self, *states):
        self.sent.append(states)
        return True


@pytest.fixture
def time():
    return [0.0]


@pytest.fixture
def heartbeat(time):
    return Heartbeat(Recorder(), clock=lambda: time[0])


def well():
    return None


def test_a_turn_that_went_well_feeds_the_watchdog(heartbeat):
    assert heartbeat.beat(well, "2 snapshots under way")
    assert heartbeat.notifier.sent == [("WATCHDOG=1", "STATUS=2 snapshots under way")]


def test_it_is_fed_now_and_then_and_not_at_every_turn(heartbeat, time):
    assert [heartbeat.beat(well, ""), heartbeat.beat(well, "")] == [True, False]
    time[0] += BEAT_SECONDS
    assert heartbeat.beat(well, "")


def test_a_writer_that_cannot_write_feeds_nothing(heartbeat):
    def broken():
        raise StoreError("the disk is full")

    with pytest.raises(StoreError):
        heartbeat.beat(broken, "")
    assert heartbeat.notifier.sent == []


def test_a_control_connection_that_is_silent_too_long_feeds_nothing_until_it_answers(heartbeat, time):
    time[0] = CONTROL_SILENCE_SECONDS + 1
    assert not heartbeat.beat(well, "")
    heartbeat.control_answered()
    assert heartbeat.beat(well, "")
