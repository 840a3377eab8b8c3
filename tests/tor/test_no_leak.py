"""Nothing leaves but through tor's SOCKS port: watched by strace and counted by nftables, while markets lure and tor goes down."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
IN_NAMESPACE = ["unshare", "--user", "--map-root-user", "--net", "sh", str(HERE / "way_out.sh")]
# The control socket of our tor, and the socket by which the parser processes are started.
OWN_SOCKETS = re.compile(r'unix "[^"]*/(?:tor/control-[\d-]+\.sock|pymp-\w+/listener-\w+)"')


def what_is_missing():
    """Why the watching cannot be done here, "" when it can."""
    missing = [name for name in ("unshare", "ip", "nft", "strace") if shutil.which(name) is None]
    if missing:
        return f"needs {', '.join(missing)}: sudo apt-get install util-linux iproute2 nftables strace"
    tried = subprocess.run(
        [*IN_NAMESPACE, "strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False
    )
    return "" if tried.returncode == 0 else f"needs namespaces, nftables and ptrace, refused here: {tried.stderr.strip()[:200]}"


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What was seen of each thing done: {what: line of no_leak.py}."""
    if reason := what_is_missing():
        pytest.skip(reason)
    command = [*IN_NAMESPACE, sys.executable, str(HERE / "no_leak.py"), str(tmp_path_factory.mktemp("no-leak"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return {line["what"]: line for line in map(json.loads, done.stdout.splitlines())}


def test_a_full_crawl_sends_nothing_but_to_tor_whatever_lures_it_and_whether_tor_is_up_or_down(seen):
    crawl = seen["crawl"]
    assert crawl["pages"] > 50
    assert min(crawl["struck"].values()) > 0, "no page lured"
    assert crawl["left_without_tor"] == 1, "a snapshot was under way while tor was down"
    assert crawl["after_tor"] <= 4, "only what was under way when tor was killed reached the market"
    to_tor = {f"inet 127.0.0.1:{port}" for port in crawl["socks"]}
    assert len(to_tor) == 2, "one SOCKS port before tor was killed, one after"
    strange = {place for place in crawl["sent"]["torwatch"] if place not in to_tor and not OWN_SOCKETS.fullmatch(place)}
    assert strange == set()
    assert to_tor <= set(crawl["sent"]["torwatch"])


def test_no_packet_takes_the_way_out_and_no_name_is_asked_for(seen):
    assert seen["crawl"]["packets"] == {"away": 0, "names": 0}
    assert all(place.startswith(("inet 127.0.0.1:", "family AF_NETLINK")) for place in seen["crawl"]["sent"]["tor"])


def test_the_watch_sees_a_torwatch_that_resolves_names_itself(seen):
    careless = seen["names resolved here"]
    assert any(place.endswith(":53") or "nscd" in place for place in careless["sent"]["torwatch"])
    assert careless["packets"]["names"] > 0


def test_the_watch_sees_a_connection_past_tor(seen):
    straight = seen["a connection past tor"]
    assert straight["sent"]["torwatch"] == ["inet 192.0.2.1:80"]
    assert straight["packets"]["away"] > 0
