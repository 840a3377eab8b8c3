"""A signed list of mirrors is taken only with a good signature, says who signed, and warns of addresses that are not on it."""

from __future__ import annotations

import datetime as dt
import json

import pysequoia
import pytest

from torwatch.cli import main
from torwatch.store.database import open_store
from torwatch.store.targets import add_target, find_target
from torwatch.tor.address import onion_host

NOW = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
# RFC 8032, public keys of the tests: points of the curve, as tor wants them.
KEYS = (
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
)
KNOWN, NEW, STRANGER = (onion_host(bytes.fromhex(key)) for key in KEYS)


def key_pair(name):
    secret = pysequoia.Tsk.generate(name)
    return secret, bytes(secret.extract_certificate())


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("TORWATCH_CONFIG", raising=False)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "data"))
    with open_store(tmp_path / "data" / "torwatch.db") as store:
        add_target(store, "teahouse", [(KNOWN, 80, "http"), (STRANGER, 80, "http")], parser="souk", every_seconds=60, now=NOW)

    def run_it(*arguments):
        with pytest.raises(SystemExit) as left:
            main(["target", "import-mirrors", *map(str, arguments)])
        said = capsys.readouterr()
        return left.value.code, said.out, said.err

    return run_it


@pytest.fixture
def signed(tmp_path):
    secret, public = key_pair("Teahouse <tea@example.com>")
    (tmp_path / "key.asc").write_bytes(public)
    text = f"Our mirrors:\nhttp://{KNOWN}/\n{NEW}\n".encode()
    (tmp_path / "list.txt").write_bytes(pysequoia.sign(secret.signer(), text, mode=pysequoia.SignatureMode.CLEAR))
    return tmp_path


def mirrors(tmp_path):
    with open_store(tmp_path / "data" / "torwatch.db") as store:
        return {mirror.host for mirror in find_target(store, "teahouse").mirrors}


def test_a_list_with_a_good_signature_adds_its_mirrors_and_warns_of_strangers(run, signed):
    code, said, warned = run(signed / "list.txt", "--key", signed / "key.asc")
    assert code == 0
    assert "Teahouse <tea@example.com>" in said
    assert STRANGER in warned
    assert mirrors(signed) == {KNOWN, NEW, STRANGER}
    with open_store(signed / "data" / "torwatch.db") as store:
        facts = json.loads(store.value("SELECT detail FROM event WHERE kind = 'mirrors_imported'"))
    assert facts["added"] == [NEW]
    assert facts["not_on_list"] == [STRANGER]
    assert len(facts["signed_by"]) >= 40


def test_addresses_that_are_not_on_the_signed_list_are_marked_and_new_ones_warned_of(run, signed, capsys):
    def command(*words):
        with pytest.raises(SystemExit):
            main(["target", *words])
        return capsys.readouterr()

    run(signed / "list.txt", "--key", signed / "key.asc")
    assert json.loads(command("show", "teahouse", "--json").out)["not_on_signed_list"] == [STRANGER]
    assert command("show", "teahouse").out.count("not on the list that the market signed: may be a phishing copy") == 1
    fresh = onion_host(bytes(range(7, 39)))
    assert f"Warning: {fresh} is not on the list" in command("edit", "teahouse", "--add-mirror", fresh).err
    assert "Warning" not in command("edit", "teahouse", "--remove-mirror", fresh).err


def test_a_list_changed_after_signing_is_refused_in_one_line(run, signed):
    path = signed / "list.txt"
    path.write_bytes(path.read_bytes().replace(b"Our mirrors", b"Our new mirrors"))
    code, _, said = run(path, "--key", signed / "key.asc")
    assert code == 2
    assert "no good signature" in said
    assert len(said.splitlines()) == 1
    assert mirrors(signed) == {KNOWN, STRANGER}


def test_another_key_and_files_that_are_none_are_refused(run, signed):
    (signed / "other.asc").write_bytes(key_pair("Mallory <m@example.com>")[1])
    for file, key in (("list.txt", "other.asc"), ("list.txt", "list.txt"), ("key.asc", "key.asc")):
        code, _, said = run(signed / file, "--key", signed / key)
        assert code == 2
        assert len(said.splitlines()) == 1
    assert mirrors(signed) == {KNOWN, STRANGER}


def test_an_address_outside_the_signed_text_is_not_taken(run, signed):
    path = signed / "list.txt"
    path.write_bytes(f"http://{STRANGER.replace('a', 'b')}/\n".encode() + path.read_bytes())
    run(path, "--key", signed / "key.asc", "--market", "teahouse")
    assert mirrors(signed) <= {KNOWN, NEW, STRANGER}
