"""The caretaker looks after tor beside the daemon's loop, one look at a time, and tells what it found."""

from __future__ import annotations

import threading

import pytest

from torwatch.caretaker import Caretaker
from torwatch.errors import TorError


class Hanging:
    """A tor that answers once it is let, and then says what it was given to say."""

    def __init__(self, problem=""):
        self.let = threading.Event()
        self.problem = problem
        self.asked = 0

    def ensure(self):
        self.asked += 1
        assert self.let.wait(5)
        if self.problem:
            raise TorError(self.problem)
        return True


class Keyring:
    handed, fresh = 0, False

    def differs(self):
        return self.fresh

    def hand_over(self):
        self.handed += 1
        self.fresh = False


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr("torwatch.caretaker.LOOK_SECONDS", 0.0)


@pytest.mark.parametrize("problem", ["", "tor did not answer within 10 s"])
def test_a_tor_that_hangs_holds_nobody_up_and_is_asked_by_one_look_only(at_once, problem):
    tor, keyring, told, heard = Hanging(problem), Keyring(), [], threading.Event()
    caretaker = Caretaker(tor, keyring, lambda said: (told.append(said), heard.set()))
    for _ in range(3):
        caretaker.turn()
    assert (tor.asked, keyring.handed, told) == (1, 0, [])
    tor.let.set()
    assert heard.wait(5)
    assert told == [problem]


def test_tor_is_not_looked_after_before_its_time_and_given_keys_at_once_when_they_differ():
    tor, keyring = Hanging(), Keyring()
    caretaker = Caretaker(tor, keyring, lambda _: None)
    caretaker.turn()
    assert (tor.asked, keyring.handed) == (0, 0)
    keyring.fresh = True
    caretaker.turn()
    caretaker.turn()
    assert (tor.asked, keyring.handed) == (0, 1)


def test_a_key_that_tor_may_have_refused_is_given_again_after_each_look(at_once):
    tor, keyring = Hanging(), Keyring()
    tor.let.set()
    Caretaker(tor, keyring, lambda _: None).look()
    assert keyring.handed == 1
