"""Targets from the command line: added, listed, shown, edited, paused, resumed, removed and taken up again."""

from __future__ import annotations

import base64
import contextlib
import json
import sqlite3
import stat

import pytest

from torwatch.cli import main
from torwatch.tor.address import onion_host

TEA = onion_host(bytes(range(32)))
MIRROR = onion_host(bytes(range(1, 33)))
THIRD = onion_host(bytes(range(2, 34)))


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command that must succeed; gives what it printed."""
    for name in ("TORWATCH_CONFIG", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)

    def run_it(*arguments):
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in arguments])
        said = capsys.readouterr()
        assert left.value.code == 0, said.err
        return said.out

    return run_it


@pytest.fixture
def tea(run):
    run("add", TEA, "--market", "teahouse", "--parser", "souk", "--every", "3d", "--note", "green", "--legal-basis", "case 12/345")
    return "teahouse"


def shown(run, name="teahouse"):
    return json.loads(run("target", "show", name, "--json"))


def test_a_target_is_stored_as_it_was_given(run, tea):
    target = shown(run)
    assert target["mirrors"] == [f"http://{TEA}"]
    expected = {"market": "teahouse", "parser": "souk", "every_seconds": 259200, "state": "active", "note": "green"}
    assert {name: target[name] for name in expected} == expected
    assert target["legal_basis"] == "case 12/345"
    assert target["snapshots"] == []


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (f"http://www.{TEA.upper()}/login?next=%2F#top", f"http://{TEA}"),
        (f"https://{TEA}/", f"https://{TEA}"),
        (f"{TEA}:8080", f"http://{TEA}:8080"),
        (f"  {TEA}.  ", f"http://{TEA}"),
        (TEA.removesuffix(".onion"), f"http://{TEA}"),
    ],
)
def test_an_address_is_taken_as_people_paste_it(run, given, stored):
    run("add", given, "--market", "teahouse", "--parser", "souk")
    assert shown(run)["mirrors"] == [stored]


def test_without_a_parser_the_one_called_as_the_market_is_taken(run):
    run("add", TEA, "--market", "souk")
    assert shown(run, "souk")["parser"] == "souk"


def test_without_an_interval_that_of_the_configuration_is_taken(run, tmp_path):
    (tmp_path / "mine.toml").write_text("[schedule]\nevery = '12h'\n", encoding="utf-8")
    run("--config", "mine.toml", "add", TEA, "--market", "souk")
    assert shown(run, "souk")["every_seconds"] == 43200


def test_a_missing_legal_basis_is_pointed_out(run):
    assert "No legal basis is noted yet" in run("add", TEA, "--market", "souk")


def test_several_mirrors_come_and_go(run, tea):
    run("target", "edit", tea, "--add-mirror", MIRROR, "--add-mirror", THIRD)
    assert len(shown(run)["mirrors"]) == 3
    run("target", "edit", tea, "--remove-mirror", TEA)
    assert shown(run)["mirrors"] == [f"http://{MIRROR}", f"http://{THIRD}"]


def test_a_target_is_found_by_market_number_and_address(run, tea):
    for name in ("teahouse", "TEAHOUSE", "1", TEA, f"http://{TEA}/"):
        assert shown(run, name)["market"] == "teahouse"


def test_an_edit_changes_what_is_named_and_nothing_else(run, tea):
    before = shown(run)
    run("target", "edit", tea, "--every", "12h", "--parser", "bazaar", "--seconds-per-request", "9", "--legal-basis", "case 1/2")
    changed = {"every_seconds": 43200, "parser": "bazaar", "seconds_per_request": 9.0, "legal_basis": "case 1/2"}
    changed["agreed"] = before["agreed"] | {"seconds_per_request": 9.0}
    assert shown(run) == before | changed


def test_pause_and_resume(run, tea):
    assert run("target", "pause", tea) == "Paused teahouse.\n"
    assert shown(run)["state"] == "paused"
    run("target", "resume", tea)
    assert shown(run)["state"] == "active"


def test_a_removed_target_leaves_the_list_frees_its_address_and_can_be_taken_up_again(run, tea):
    run("target", "remove", tea, "--yes", "--why", "mandate ended")
    assert "No market is watched yet" in run("target", "list")
    assert "teahouse" in run("target", "list", "--all")
    run("add", TEA, "--market", "coffeehouse", "--parser", "souk")
    run("add", MIRROR, "--market", "teahouse", "--parser", "souk")
    assert {target["market"] for target in json.loads(run("target", "list", "--json"))} == {"teahouse", "coffeehouse"}
    assert shown(run)["id"] == 1


def test_lists_are_json_when_asked_even_when_empty(run):
    assert json.loads(run("target", "list", "--json")) == []
    assert json.loads(run("market", "list", "--json")) == []
    assert json.loads(run("snapshot", "list", "--json")) == []


def test_markets_that_are_not_watched_are_known_too(run, tea):
    run("market", "add", "valhalla", "--opened", "2013-10", "--closed", "2019-05", "--source", "Europol 2019", "--alias", "silkkitie")
    listed = {market["name"]: market for market in json.loads(run("market", "list", "--json"))}
    assert listed["valhalla"]["watched"] is None
    assert listed["valhalla"]["aliases"] == ["silkkitie"]
    assert listed["teahouse"]["watched"] == "active"


def test_a_table_fits_a_terminal_of_80_columns(run, tea):
    run("market", "add", "valhalla", "--source", "a very long source that goes on and on, with a date and a page and a place " * 2)
    for command in (("target", "list"), ("target", "show", tea), ("market", "list")):
        lines = run(*command).splitlines()
        assert lines
        assert max(map(len, lines)) <= 80, command


def test_hostile_words_of_a_note_do_not_reach_the_terminal(run, tea):
    run("target", "edit", tea, "--note", "red\x1b[31m \N{RIGHT-TO-LEFT OVERRIDE}txt")
    out = run("target", "show", tea)
    assert "\x1b" not in out
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in out


def test_every_change_leaves_an_event(run, tea, tmp_path):
    run("target", "pause", tea)
    run("target", "edit", tea, "--note", "x")
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "torwatch.db")) as connection:
        kinds = [kind for (kind,) in connection.execute("SELECT kind FROM event ORDER BY id")]
    assert kinds == ["target_added", "target_paused", "target_edited"]


def test_client_keys_are_kept_with_a_target_changed_and_forgotten(run, tea, tmp_path):
    kept = tmp_path / "data" / "client_keys"
    first, second = (base64.b32encode(bytes(range(start, start + 32))).decode().rstrip("=") for start in (0, 1))
    bare, private = tmp_path / "bare.key", tmp_path / "mirror.auth_private"
    bare.write_text(first, encoding="ascii")
    private.write_text(f"{MIRROR.removesuffix('.onion')}:descriptor:x25519:{second}\n", encoding="ascii")
    said = run("target", "edit", tea, "--add-mirror", MIRROR, "--client-auth-key-file", bare)
    assert f"A client key is kept for {MIRROR}" in said
    assert f"Delete {bare} now" in said
    run("target", "edit", tea, "--client-auth-key-file", private)
    assert first in (kept / f"{TEA}.auth_private").read_text()
    assert second in (kept / f"{MIRROR}.auth_private").read_text()
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept.iterdir()} == {0o600}
    assert shown(run)["client_keys"] == [f"http://{TEA}", f"http://{MIRROR}"]
    run("target", "edit", tea, "--remove-mirror", MIRROR)
    assert [path.name for path in kept.iterdir()] == [f"{TEA}.auth_private"]
    assert "is deleted" in run("target", "edit", tea, "--forget-client-auth-key")
    assert not list(kept.iterdir())
    run("target", "edit", tea, "--client-auth-key-file", bare)
    assert "its client keys are deleted" in run("target", "remove", tea, "--yes")
    assert not list(kept.iterdir())


def test_a_refused_key_or_address_keeps_the_keys_as_they_were(run, tea, tmp_path, capsys):
    kept = tmp_path / "data" / "client_keys"
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text(base64.b32encode(bytes(range(32))).decode().rstrip("="), encoding="ascii")
    bad.write_bytes(b"\xff\xfe\x00")
    other = tmp_path / "other"
    other.write_text(base64.b32encode(bytes(range(1, 33))).decode().rstrip("="), encoding="ascii")
    run("target", "edit", tea, "--client-auth-key-file", good)
    before = {path.name: path.read_text() for path in kept.iterdir()}
    for words in (
        ("target", "edit", tea, "--client-auth-key-file", bad),
        ("target", "edit", tea, "--client-auth-key-file", other, "--add-mirror", TEA),
        ("target", "edit", tea, "--client-auth-key-file", other, "--forget-client-auth-key"),
        ("add", THIRD, "--market", "teahouse", "--parser", "souk", "--client-auth-key-file", other),
        ("add", THIRD, "--market", "new", "--parser", "none_such", "--client-auth-key-file", other),
    ):
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        said = capsys.readouterr().err
        assert left.value.code == 2, said
        assert len(said.strip().splitlines()) == 1
        assert {path.name: path.read_text() for path in kept.iterdir()} == before
