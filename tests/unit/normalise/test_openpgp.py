"""Keys are read from what pages show, also where the page harmed the armour; what is no key gives none."""

from __future__ import annotations

import datetime as dt

import pytest
from pysequoia import Tsk

from torwatch.normalise.openpgp import fold_handle, read_keys


@pytest.fixture(scope="module")
def key():
    return Tsk.generate("Leafhouse <leaf@example.org>").extract_certificate()


def test_a_block_gives_fingerprint_key_id_times_and_user_id(key):
    (read,) = read_keys(f"my key:\n{key}\nthanks")
    assert read.fingerprint == key.fingerprint.upper()
    assert read.key_id == read.fingerprint[-16:]
    assert read.created.tzinfo == dt.UTC
    assert abs(read.created - dt.datetime.now(dt.UTC)) < dt.timedelta(hours=1)
    assert read.expires == key.expiration
    assert not read.revoked
    assert read.user_id == "Leafhouse <leaf@example.org>"


def test_indented_armour_and_a_lost_empty_line_are_mended(key):
    harmed = "\n".join("   " + line for line in str(key).splitlines() if line)
    assert [read.fingerprint for read in read_keys(harmed)] == [key.fingerprint.upper()]


def test_the_same_key_twice_is_one_and_two_keys_are_two(key):
    other = Tsk.generate("Other").extract_certificate()
    assert len(read_keys(f"{key}\n{key}\n{other}")) == 2


@pytest.mark.parametrize("text", ["", "no key", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nrubbish\n-----END PGP PUBLIC KEY BLOCK-----"])
def test_what_is_no_key_gives_none(text):
    assert read_keys(text) == ()


def test_a_key_cut_off_in_the_middle_gives_none(key):
    lines = str(key).splitlines()
    assert read_keys("\n".join([*lines[:8], lines[-1]])) == ()


@pytest.mark.parametrize(
    ("name", "handle"), [("Leaf House", "leafhouse"), ("LEAF-house_", "leafhouse"), ("\uff2ceafHouse", "leafhouse"), ("x!", ""), ("…", "")]
)
def test_handles_are_compared_without_case_signs_and_width(name, handle):
    assert fold_handle(name) == handle
