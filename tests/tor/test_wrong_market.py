"""Over real tor: an address that leads to another market is told by a probe, shown with the target, and left by a walk for the next one."""

from __future__ import annotations

import contextlib
import json

import pytest

from torwatch.cli import main
from torwatch.demo.market import ENGINES, EPOCH, MarketServer, SimulatedClock


def test_an_address_of_another_market_is_flagged_shown_and_not_crawled(network, tmp_path, monkeypatch, capsys):
    def run(*words):
        with pytest.raises(SystemExit) as left:
            main(list(words))
        said = capsys.readouterr()
        return left.value.code, said.out, said.err

    with contextlib.ExitStack() as stack:
        onions, servers = [], []
        for seed, name in enumerate(("bazaar", "souk"), 5):
            engine = ENGINES[name]()
            servers.append(stack.enter_context(MarketServer(engine.world(seed, listings=6), engine, SimulatedClock(EPOCH))))
            onions.append(network.add_onion(target_port=servers[-1].port).address)
            stack.callback(network.remove_onion, onions[-1])
        (tmp_path / "torwatch.toml").write_text(
            f"data_directory = 'data'\n{network.attach_section}[crawl]\nseconds_per_request = 0\n",
            encoding="utf-8",
        )
        monkeypatch.setenv("TORWATCH_CONFIG", str(tmp_path / "torwatch.toml"))
        assert run("add", *onions, "--market", "souk", "--legal-basis", "simulation")[0] == 0
        code, said, error = run("snapshot", "now", "souk", "--json")
        assert code == 0, error
        assert json.loads(said)["state"] == "complete"
        assert [request.target for request in servers[0].requests] == ["/"]
        code, said, _ = run("target", "probe", "souk", "--json")
        assert code == 0  # the other address answers
        stranger, good = json.loads(said)
        assert (stranger["outcome"], stranger["verdict"]) == ("wrong_market", "unknown")
        assert "serves the front page of bazaar, not of souk" in stranger["reason"]
        assert (good["outcome"], good["verdict"]) == ("ok", "up")
        assert "!" in run("target", "show", "souk")[1]
        assert len(servers[0].requests) == 2
