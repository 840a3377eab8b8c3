"""A closed onion on real tor, from the command line: the key missing, wrong, right and taken back, and found nowhere but in its file."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import logging
import os
import threading

import planted
import pytest
import structlog

from torwatch.cli import main
from torwatch.config import load_config
from torwatch.daemon import open_daemon
from torwatch.demo.market import ENGINES, EPOCH, MarketServer, SimulatedClock
from torwatch.logs import set_up_logs

# A throw-away x25519 key of a client that is not known.
OTHER_PRIVATE = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")


def base32(raw):
    return base64.b32encode(raw).decode().rstrip("=")


class Desk:
    """A data folder, a closed market, and an analyst at the command line; tor is attached to."""

    def __init__(self, network, stack, folder, monkeypatch, capsys, log):
        self.network, self.folder, self.capsys, self.log = network, folder, capsys, log
        engine = ENGINES["souk"]()
        self.server = stack.enter_context(MarketServer(engine.world(5, listings=6), engine, SimulatedClock(EPOCH)))
        self.onion = network.add_onion(target_port=self.server.port, client_auth_public=base32(planted.CLIENT_KEY_PUBLIC)).address
        stack.callback(network.remove_onion, self.onion)
        config = folder / "torwatch.toml"
        config.write_text(
            f"data_directory = 'data'\n{network.attach_section}[crawl]\nseconds_per_request = 0\n",
            encoding="utf-8",
        )
        monkeypatch.setenv("TORWATCH_CONFIG", str(config))
        self.said = []

    def run(self, *words, code=0):
        with pytest.raises(SystemExit) as left:
            main(list(map(str, words)))
        said = self.capsys.readouterr()
        self.said.append(said.out + said.err)
        assert code is None or left.value.code == code, self.said[-1]
        return said.out

    def key_file(self, text):
        path = self.folder / "client.key"
        path.write_text(text, encoding="ascii")
        return path

    def probe(self, code=0):
        return json.loads(self.run("target", "probe", "closed", "--json", code=code))[0]

    def held_by_tor(self):
        with self.network.nodes["client"].control() as connection:
            return self.onion.removesuffix(".onion") in "\n".join(connection.ask("ONION_CLIENT_AUTH_VIEW").lines)


@pytest.fixture
def desk(network, tmp_path, monkeypatch, capsys):
    log = io.StringIO()
    set_up_logs("debug", "json", log)
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        with contextlib.ExitStack() as stack:
            yield Desk(network, stack, tmp_path, monkeypatch, capsys, log)
    finally:
        structlog.reset_defaults()
        logging.getLogger().setLevel(logging.WARNING)


@contextlib.contextmanager
def running_daemon():
    def load():
        return load_config(None, os.environ)

    with open_daemon(load(), load_config=load) as daemon:
        thread = threading.Thread(target=daemon.run)
        thread.start()
        try:
            yield daemon
        finally:
            daemon.stop.set()
            thread.join()


def test_a_key_missing_is_told_from_a_wrong_one_and_the_right_one_opens_the_market_until_it_is_taken_back(desk):
    desk.run("add", desk.onion, "--market", "closed", "--parser", "souk", "--legal-basis", "simulation")
    missing = desk.probe(code=1)
    assert (missing["outcome"], missing["verdict"]) == ("onion_needs_key", "unknown")
    assert "none is set for it: give it with --client-auth-key-file" in missing["reason"]
    desk.run("target", "edit", "closed", "--client-auth-key-file", desk.key_file(base32(OTHER_PRIVATE)))
    wrong = desk.probe(code=1)
    assert (wrong["outcome"], wrong["verdict"]) == ("onion_bad_key", "unknown")
    assert "does not accept the client key" in wrong["reason"]
    line = f"{desk.onion.removesuffix('.onion')}:descriptor:x25519:{planted.CLIENT_KEY}\n"
    desk.run("target", "edit", "closed", "--client-auth-key-file", desk.key_file(line))
    assert desk.probe()["outcome"] == "ok"
    assert json.loads(desk.run("target", "show", "closed", "--json"))["client_keys"] == [f"http://{desk.onion}"]
    assert not desk.held_by_tor()  # each command took back what it had given to the tor of others
    desk.run("target", "remove", "closed", "--yes")
    assert not list((desk.folder / "data" / "client_keys").iterdir())


def test_a_daemon_that_runs_gets_the_key_at_once_and_gives_it_back(desk):
    desk.run("add", desk.onion, "--market", "closed", "--parser", "souk", "--every", "3650d", "--legal-basis", "simulation")
    desk.run("target", "pause", "closed")
    with running_daemon():
        assert desk.probe(code=1)["outcome"] == "onion_needs_key"
        desk.run("target", "edit", "closed", "--client-auth-key-file", desk.key_file(planted.CLIENT_KEY))
        assert desk.probe()["outcome"] == "ok"
        assert desk.held_by_tor()
        desk.run("target", "edit", "closed", "--forget-client-auth-key")
        desk.probe(code=None)  # whether tor still knows the way in, from before, is its own affair
        assert not desk.held_by_tor()


def test_the_key_is_found_nowhere_but_in_its_file(desk):
    key = desk.key_file(planted.CLIENT_KEY)
    desk.run("add", desk.onion, "--market", "closed", "--client-auth-key-file", key, "--legal-basis", "simulation")
    key.unlink()
    desk.run("snapshot", "now", "closed")
    desk.run("target", "show", "closed")
    desk.run("config", "show")
    desk.run("doctor", code=None)
    desk.run("export", "--output", desk.folder / "export")
    assert desk.server.requests
    assert planted.found_in(desk.folder, kept_at=()) == list((desk.folder / "data" / "client_keys").iterdir())
    assert not planted.tells(desk.log.getvalue() + "".join(desk.said))
