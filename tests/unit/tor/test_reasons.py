import pytest

from torwatch.model import GOOD_OUTCOMES, Outcome
from torwatch.tor.reasons import SOCKS_REASONS, explain


def test_every_code_of_tor_and_of_socks_has_one_line():
    assert set(SOCKS_REASONS) == {*range(0xF0, 0xF8), *range(1, 9)}
    for outcome, diagnosis in SOCKS_REASONS.values():
        assert outcome not in GOOD_OUTCOMES
        assert diagnosis.isprintable()
        assert diagnosis


@pytest.mark.parametrize("code", [*range(9), 0xF0, 0xF6, 0xFF])
def test_without_extended_errors_nothing_is_guessed(code):
    outcome, diagnosis = explain(code, extended_errors=False)
    assert outcome is Outcome.ONION_UNKNOWN
    assert "ExtendedErrors is off" in diagnosis


def test_a_code_is_shown_beside_its_meaning():
    assert explain(0xF0, extended_errors=True)[0] is Outcome.ONION_NOT_FOUND
    assert explain(0xF0, extended_errors=True)[1].startswith("SOCKS 0xf0: descriptor not found")


def test_an_unheard_of_code_is_unknown():
    assert explain(0xEE, extended_errors=True) == (Outcome.ONION_UNKNOWN, "SOCKS 0xee: a code that torwatch does not know")


def test_a_hung_onion_and_a_dead_network_are_not_told_apart():
    outcome, diagnosis = explain(0x06, extended_errors=True)
    assert outcome is Outcome.TIMEOUT_CONNECT
    assert "or our own Tor network" in diagnosis


def test_the_mapping_cannot_be_changed_in_passing():
    with pytest.raises(TypeError):
        SOCKS_REASONS[0xF0] = (Outcome.OK, "")
