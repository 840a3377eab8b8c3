"""One private Tor network for all tests of this folder, and a page served on it."""

from __future__ import annotations

import http.server
import importlib.util
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from torwatch.demo.network import OnionService, PrivateNetwork
from torwatch.tor.service import open_tor
from torwatch.tor.settings import TorSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torwatch.tor.service import TorService

HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("serving", Path(__file__).parents[1] / "serving.py")
serving = importlib.util.module_from_spec(spec)
spec.loader.exec_module(serving)
PAGE = b"<html><title>Tea &amp; cheese</title></html>"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.tor)


class PageHandler(http.server.BaseHTTPRequestHandler):
    """Answers every path with the same page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextmanager
def served(handler: type[http.server.BaseHTTPRequestHandler] = PageHandler) -> Iterator[int]:
    """Serve on a free loopback port, given back, until the context ends."""
    with serving.serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)) as server:
        yield server.server_port


@dataclass(frozen=True, slots=True)
class OnionServer:
    """A page behind an onion address of the session's network."""

    onion: OnionService
    port: int
    page: bytes = PAGE

    @property
    def url(self) -> str:
        return f"http://{self.onion.address}/"


def fetch(network: PrivateNetwork, url: str, *, user: str = "test", timeout_seconds: float = 60) -> requests.Response:
    """Fetch through the client's SOCKS port, as an identity of its own."""
    with requests.Session() as session:
        session.trust_env = False
        session.proxies = {"http": f"socks5h://{user}:x@127.0.0.1:{network.socks_port}"}
        return session.get(url, timeout=timeout_seconds)


@pytest.fixture(scope="session")
def network() -> Iterator[PrivateNetwork]:
    """The session's network: tests that kill or pause its nodes put them right again, or open one of their own."""
    with PrivateNetwork() as opened:
        yield opened


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """A folder of a module's own; short, for the path of a control socket has a limit."""
    with tempfile.TemporaryDirectory(prefix="torwatch-test-") as path:
        yield Path(path)


@pytest.fixture(scope="module")
def tor(network: PrivateNetwork, directory: Path) -> Iterator[TorService]:
    """A tor of torwatch's own in the session's network, one a module."""
    settings = TorSettings(
        data_directory=directory / "tor", extra_options=network.torrc_options, socks_timeout_seconds=4, bootstrap_timeout_seconds=60
    )
    with open_tor(settings) as service:
        yield service


@pytest.fixture(scope="session")
def page_port() -> Iterator[int]:
    """The loopback port of a web server with one page."""
    with served() as port:
        yield port


@pytest.fixture(scope="session")
def onion_server(network: PrivateNetwork, page_port: int) -> OnionServer:
    """The page as an onion service of the session's network."""
    return OnionServer(network.add_onion(target_port=page_port), page_port)


@pytest.fixture(scope="session")
def fetch_page():
    """The function `fetch`, for tests in other modules (test folders are no packages, so nothing can be imported from here)."""
    return fetch


@pytest.fixture(scope="session")
def a_watch(network: PrivateNetwork):
    """Give the function (directory, …) that opens a data folder with a daemon over the session's network (watched_daemon.py)."""
    spec = importlib.util.spec_from_file_location("watched_daemon", HERE / "watched_daemon.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return partial(module.a_watch, network)


@pytest.fixture
def watch(a_watch, tmp_path: Path):
    """One such folder, for a test that begins with nothing."""
    with a_watch(tmp_path) as opened:
        yield opened
