"""Client keys are read in tor's forms, kept for this user only, and never shown."""

import base64
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torwatch.errors import UsageError
from torwatch.tor.address import onion_host
from torwatch.tor.client_keys import drop_client_key, key_path, parse_client_keys, read_client_keys, save_client_key

RAW = bytes(range(32))
KEY = base64.b64encode(RAW).decode()
BASE32 = base64.b32encode(RAW).decode().rstrip("=")
TEA, COFFEE = onion_host(RAW), onion_host(bytes(range(1, 33)))


def line(host, key=BASE32):
    return f"{host.removesuffix('.onion')}:descriptor:x25519:{key}\n"


@pytest.mark.parametrize(
    "text", [KEY, KEY.rstrip("="), BASE32, BASE32.lower(), f"x25519:{BASE32}", f"  {BASE32}\n\n", f"# of May\n{line(TEA)}"]
)
def test_a_key_is_taken_in_the_forms_that_tor_writes(text):
    assert parse_client_keys(text, [TEA]) == {TEA: KEY}


def test_a_bare_key_is_that_of_every_address_and_a_line_that_of_its_own():
    assert parse_client_keys(BASE32, [TEA, COFFEE]) == {TEA: KEY, COFFEE: KEY}
    assert parse_client_keys(line(COFFEE), [TEA, COFFEE]) == {COFFEE: KEY}
    assert parse_client_keys(line(TEA) + line(COFFEE)) == {TEA: KEY, COFFEE: KEY}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "there is no client key in it"),
        ("# only words\n", "there is no client key in it"),
        ("secret", "not an x25519 private key"),
        ("A" * 43, "not an x25519 private key"),  # zeros: tor takes no such key
        ("8" * 52, "not an x25519 private key"),
        ("é" * 43, "not an x25519 private key"),
        (base64.b64encode(RAW[:-1]).decode(), "not an x25519 private key"),
        (line(COFFEE), "which is none of the addresses"),
        (line(TEA[:-8] + "aa.onion"), "wrong checksum|onion version"),
        (f"descriptor:x25519:{BASE32}", "the public half"),
        (f"{BASE32}\n{BASE32}", "2 keys that name no onion"),
        (f"one:two:{BASE32}", "line 1 holds no client key"),
    ],
)
def test_anything_else_is_refused_in_one_line_without_showing_the_key(text, why):
    with pytest.raises(UsageError, match=why) as caught:
        parse_client_keys(text, [TEA])
    assert "\n" not in str(caught.value)
    assert BASE32 not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_for_any_onions_names_each():
    with pytest.raises(UsageError, match="line 1 holds no client key"):
        parse_client_keys(BASE32)


@given(st.binary(min_size=32, max_size=32).filter(any))
def test_what_is_kept_is_read_again(tmp_path_factory, raw):
    folder, key = tmp_path_factory.mktemp("keys"), base64.b64encode(raw).decode()
    save_client_key(folder, TEA, key)
    assert read_client_keys(folder) == ({TEA: key}, ())


def test_a_kept_key_is_for_its_owner_only_in_the_form_that_tor_reads(tmp_path):
    folder = tmp_path / "client_keys"
    save_client_key(folder, TEA, KEY)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(key_path(folder, TEA).stat().st_mode) == 0o600
    assert key_path(folder, TEA).read_text() == line(TEA)
    assert drop_client_key(folder, TEA)
    assert not drop_client_key(folder, TEA)
    assert read_client_keys(folder) == ({}, ())


def test_a_faulty_file_is_told_and_the_others_are_read(tmp_path):
    save_client_key(tmp_path, TEA, KEY)
    save_client_key(tmp_path, COFFEE, KEY)
    key_path(tmp_path, TEA).chmod(0o644)
    (tmp_path / f"{onion_host(bytes(range(2, 34)))}.auth_private").write_bytes(b"\xff\x00")
    keys, faults = read_client_keys(tmp_path)
    assert keys == {COFFEE: KEY}
    assert len(faults) == 2
    assert any("others can read it: chmod 600" in fault for fault in faults)


def test_keys_of_a_credential_are_read_and_a_kept_one_goes_before_them(tmp_path):
    credential = tmp_path / "torwatch.client_keys"
    other = base64.b32encode(bytes(range(1, 33))).decode().rstrip("=")
    credential.write_text(line(TEA, other) + line(COFFEE), encoding="ascii")
    save_client_key(tmp_path / "client_keys", TEA, KEY)
    assert read_client_keys(tmp_path / "client_keys", credential) == ({TEA: KEY, COFFEE: KEY}, ())
