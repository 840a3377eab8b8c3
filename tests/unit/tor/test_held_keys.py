"""What a tor holds of client keys follows what is wanted, and is given again to a tor that was started again."""

import pytest

from torwatch.errors import TorError
from torwatch.tor.held_keys import HeldKeys


class Control:
    """Remembers what tor was asked; real tor is in tests/tor."""

    def __init__(self, refused=()):
        self.asked, self.refused = [], refused

    def add_client_key(self, onion, key):
        self.asked.append(("add", onion, key))
        if onion in self.refused:
            raise TorError(f"no key for {onion}")

    def remove_client_key(self, onion):
        self.asked.append(("remove", onion))


def test_only_what_differs_is_asked_of_tor():
    held, control = HeldKeys(), Control()
    held.update(control, {"tea": "1", "coffee": "2"})
    held.update(control, {"tea": "1", "coffee": "2"})
    assert control.asked == [("add", "tea", "1"), ("add", "coffee", "2")]
    control.asked.clear()
    held.update(control, {"coffee": "3"})
    assert control.asked == [("remove", "tea"), ("add", "coffee", "3")]


def test_a_new_tor_is_given_them_again():
    held, fresh = HeldKeys(), Control()
    held.update(Control(), {"tea": "1"})
    held.give_again(fresh)
    assert fresh.asked == [("add", "tea", "1")]


def test_a_key_that_tor_refuses_does_not_keep_the_others_out():
    held, control = HeldKeys(), Control(refused=("tea",))
    with pytest.raises(TorError, match="no key for tea"):
        held.update(control, {"tea": "1", "coffee": "2"})
    assert ("add", "coffee", "2") in control.asked
    held.give_again(fresh := Control())
    assert fresh.asked == [("add", "coffee", "2")]
