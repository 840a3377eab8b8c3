"""The keyring brings tor what is kept now, and what is no good keeps nobody from working."""

import base64

from structlog.testing import capture_logs

from torwatch.errors import TorError
from torwatch.keyring import Keyring
from torwatch.tor.address import onion_host
from torwatch.tor.client_keys import drop_client_key, key_path, save_client_key

KEY = base64.b64encode(bytes(range(32))).decode()
TEA = onion_host(bytes(range(32)))


class Tor:
    def __init__(self):
        self.keys, self.problem = None, None

    def use_client_keys(self, keys):
        if self.problem:
            raise TorError(self.problem)
        self.keys = dict(keys)


def test_tor_holds_what_is_kept_at_the_moment(tmp_path):
    tor = Tor()
    keyring = Keyring(tor, tmp_path, None)
    keyring.hand_over()
    assert tor.keys == {}
    assert not keyring.differs()
    save_client_key(tmp_path, TEA, KEY)
    assert keyring.differs()
    keyring.hand_over()
    assert tor.keys == {TEA: KEY}
    assert not keyring.differs()
    drop_client_key(tmp_path, TEA)
    assert keyring.differs()
    keyring.hand_over()
    assert tor.keys == {}


def test_a_fault_is_told_once_and_raises_nothing(tmp_path):
    tor = Tor()
    keyring = Keyring(tor, tmp_path, None)
    save_client_key(tmp_path, TEA, KEY)
    key_path(tmp_path, TEA).chmod(0o644)
    tor.problem = "tor does not answer"
    with capture_logs() as logs:
        keyring.hand_over()
        keyring.hand_over()
    assert sorted(line["event"] for line in logs) == ["client_auth_refused"] * 2
    assert all(KEY not in str(line) for line in logs)
