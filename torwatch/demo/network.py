"""A whole Tor network on loopback: one authority, relays, a client and a tor that offers onion services, as a context manager.

    with PrivateNetwork() as network:
        onion = network.add_onion(target_port=8080)
        # fetch http://{onion.address}/ through socks5h://127.0.0.1:{network.socks_port}

It is ready after about 7 s, or 1 s when `directory` holds the network of a former run whose consensus is still valid. Nothing leaves the machine: every
listener is a unix socket or on 127.0.0.1, no relay is an exit, and the only authority any node knows is the network's own. No process
is left when the context ends, nor when this process is killed (see `guardian`).
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from torwatch.demo import torrc
from torwatch.demo.bootstrap import Startup, start_again, start_cold, start_warm
from torwatch.demo.guardian import Guardian
from torwatch.demo.network_directory import Layout, NetworkDirectory
from torwatch.demo.onion import OnionService, offer
from torwatch.demo.ports import HeldPorts
from torwatch.demo.quick_loopback import quick_loopback_available, quick_loopback_command
from torwatch.demo.tor_binary import TorBinary, find_tor, make_authority
from torwatch.demo.tor_node import NodeDiedError, TorNode
from torwatch.errors import TorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["OnionService", "PrivateNetwork", "quick_loopback_available", "quick_loopback_command"]

FEWEST_RELAYS = 3  # with 1 + 2 routers no onion circuit was ever built
_ATTEMPTS = 3
_STOP_SECONDS = 2.0
_LONGEST_SOCKET_PATH_BYTES = 107  # sun_path holds 108 with its final zero


class PrivateNetwork:
    """A Tor network of its own; entering starts it and waits until it can be used, leaving ends every process.

    `directory` keeps the keys and the consensus for a warm start (without it everything is in a temporary directory and removed); it may be used by
    one network at a time. `progress` is told a message and a fraction from 0 to 1. `client=False` leaves out the client tor, for those who bring
    their own with `torrc_options`. `scheduler="KIST"` is tor's own default, with a latency like that of the real network. Faults are TorError, in one line.
    """

    def __init__(
        self,
        relays: int = 4,
        directory: Path | None = None,
        progress: Callable[[str, float], None] | None = None,
        client: bool = True,  # noqa: FBT001, FBT002 - named by every caller; positional use reads badly but harms nothing
        *,
        timeout_seconds: float = 90,
        scheduler: str = torrc.QUICK_SCHEDULER,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        if relays < FEWEST_RELAYS:
            raise TorError(f"a private network needs at least {FEWEST_RELAYS} relays beside the authority, not {relays}")
        self._relays = relays
        self._directory = directory
        self._progress = progress or (lambda _message, _fraction: None)
        self._with_client = client
        self._timeout_seconds = timeout_seconds
        self._scheduler = scheduler
        self._clock = clock
        self._layout: Layout | None = None
        self._nodes: dict[str, TorNode] = {}
        self._guardian: Guardian | None = None
        self._binary: TorBinary | None = None
        self._exit = ExitStack()
        self.was_warm = False

    def __enter__(self) -> Self:
        self._binary = find_tor()
        with ExitStack() as stack:
            runtime = Path(tempfile.mkdtemp(prefix="torwatch-"))
            stack.callback(shutil.rmtree, runtime, ignore_errors=True)
            if len(str(runtime / "authority.sock").encode()) > _LONGEST_SOCKET_PATH_BYTES:
                raise TorError(
                    f"the temporary directory's path is too long for a unix socket, set TMPDIR to a shorter one: {runtime.parent}"
                )
            kept = NetworkDirectory(runtime / "network" if self._directory is None else self._directory.absolute())
            lock = stack.enter_context(kept.locked())
            self._guardian = stack.enter_context(Guardian(runtime, lock))
            ports = stack.enter_context(HeldPorts())
            stack.callback(self._stop)
            self._boot(runtime, kept, ports)
            self._exit = stack.pop_all()
        self._progress("ready", 1.0)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._exit.close()

    @property
    def nodes(self) -> Mapping[str, TorNode]:
        """The nodes by name: `authority`, `relay1` …, `service` and, unless left out, `client`."""
        return MappingProxyType(self._nodes)

    @property
    def socks_port(self) -> int:
        """The client's SOCKS port on 127.0.0.1, with ExtendedErrors and isolation by user name."""
        self._node("client")
        return self._open_layout().socks_port

    @property
    def client_control_socket(self) -> Path:
        """The client's control socket; authentication by cookie, which stem finds by itself."""
        return self._node("client").control_socket

    @property
    def torrc_options(self) -> tuple[tuple[str, str], ...]:
        """What any further client tor needs in its configuration to be of this network."""
        return torrc.joining(self._open_layout().authority, self._scheduler)

    @property
    def attach_section(self) -> str:
        """The lines of torwatch's configuration that attach it to the client."""
        return f"[tor]\nmode = 'attach'\ncontrol = '{self.client_control_socket}'\nsocks = '127.0.0.1:{self.socks_port}'\n"

    def add_onion(
        self,
        target_port: int,
        virtual_port: int = 80,
        private_key: str | None = None,
        client_auth_public: str | None = None,
        *,
        timeout_seconds: float = 60,
    ) -> OnionService:
        """Offer what listens on 127.0.0.1:`target_port` as an onion service and wait until it can be fetched (about 1.5 s).

        `private_key` (`ED25519-V3:…`) gives a former service its address again; `client_auth_public` (x25519, base32 without `=`) lets only the
        holder of the private half in. May be called from several threads at once.
        """
        with self._node("service").control() as control:
            return offer(
                control,
                target_port=target_port,
                virtual_port=virtual_port,
                private_key=private_key,
                client_auth_public=client_auth_public,
                timeout_seconds=timeout_seconds,
            )

    def remove_onion(self, address: str) -> None:
        """Stop offering a service (clients notice only after about a minute: its descriptor stays where it was uploaded)."""
        with self._node("service").control() as control:
            control.ask(f"DEL_ONION {address.removesuffix('.onion')}")

    def pause(self, name: str) -> None:
        """Let a node hang (SIGSTOP)."""
        self._node(name).pause()

    def resume(self, name: str) -> None:
        """Let a paused node go on (SIGCONT)."""
        self._node(name).resume()

    def kill(self, name: str) -> None:
        """Kill a node (SIGKILL); onion services of `service` are gone with it."""
        self._node(name).kill()

    def restart(self, name: str) -> None:
        """Start a killed node again on its old ports and wait until it takes part; onion services must be added anew."""
        node = self._node(name)
        if node.is_running:
            node.kill()
        start_again(self._startup([node]), node)

    def _boot(self, runtime: Path, kept: NetworkDirectory, ports: HeldPorts) -> None:
        """Start warm if that can be, else cold, with other ports when one was taken meanwhile."""
        layout = kept.warm_layout(self._relays, self._clock())
        if layout is not None and self._started_warm(layout, runtime, kept, ports):
            return
        for attempt in range(1, _ATTEMPTS + 1):
            self._progress("making keys", 0.0)
            kept.clear()
            try:
                self._layout = self._new_layout(kept, ports)
                self._make_nodes(self._layout, runtime, kept)
                start_cold(self._startup())
            except NodeDiedError as error:
                self._stop()
                ports.close()
                if not error.bind_failed or attempt == _ATTEMPTS:
                    raise
            else:
                kept.keep(self._layout)
                return

    def _started_warm(self, layout: Layout, runtime: Path, kept: NetworkDirectory, ports: HeldPorts) -> bool:
        """Try the network that is kept; whatever is wrong with it, a cold start mends."""
        try:
            ports.hold(layout.ports)
        except OSError:
            return False
        self._layout = layout
        self._make_nodes(layout, runtime, kept)
        try:
            start_warm(self._startup(timeout_seconds=self._timeout_seconds / 3))
        except TorError:
            self._stop()
            ports.close()
            return False
        self.was_warm = True
        return True

    def _new_layout(self, kept: NetworkDirectory, ports: HeldPorts) -> Layout:
        try:
            or_port, dir_port, socks_port, *relay_ports = ports.hold([0] * (3 + self._relays))
        except OSError as error:
            raise TorError(f"no free port on 127.0.0.1: {error.strerror}") from error
        authority = make_authority(self._the_binary(), kept.nodes / "authority", or_port, dir_port)
        return Layout(self._relays, tuple(relay_ports), socks_port, authority)

    def _make_nodes(self, layout: Layout, runtime: Path, kept: NetworkDirectory) -> None:
        resolver = runtime / "resolv.conf"
        resolver.write_text("nameserver 127.0.0.1\n", encoding="ascii")
        joining = torrc.joining(layout.authority, self._scheduler)
        first_vote_seconds = (int(time.time()) - 30) % torrc.INITIAL_VOTING_INTERVAL_SECONDS  # not before it is called
        roles = {
            "authority": (
                *torrc.relay("authority", layout.authority.or_port, resolver),
                *torrc.authority(layout.authority.dir_port, first_vote_seconds),
            )
        }
        roles |= {f"relay{number}": torrc.relay(f"relay{number}", port, resolver) for number, port in enumerate(layout.relay_or_ports, 1)}
        roles["service"] = torrc.client(0)
        if self._with_client:
            roles["client"] = torrc.client(layout.socks_port)
        self._nodes = {
            name: TorNode(name, (*joining, *options), directory=kept.nodes / name, runtime_directory=runtime)
            for name, options in roles.items()
        }

    def _startup(self, watched: Sequence[TorNode] | None = None, *, timeout_seconds: float | None = None) -> Startup:
        if self._guardian is None:
            raise TorError("the private network is not open")
        clients = tuple(self._nodes[name] for name in ("client", "service") if name in self._nodes)
        relays = tuple(node for name, node in self._nodes.items() if name.startswith("relay"))
        return Startup(
            authority=self._nodes["authority"],
            relays=relays,
            clients=clients,
            watched=tuple(self._nodes.values()) if watched is None else watched,
            binary=self._the_binary(),
            guardian=self._guardian,
            progress=self._progress,
            deadline=time.monotonic() + (self._timeout_seconds if timeout_seconds is None else timeout_seconds),
        )

    def _stop(self) -> None:
        """End every node: all are asked first, then waited for."""
        for node in self._nodes.values():
            node.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        for node in self._nodes.values():
            node.wait(max(deadline - time.monotonic(), 0.01))

    def _node(self, name: str) -> TorNode:
        try:
            return self._nodes[name]
        except KeyError:
            raise TorError(f"the private network has no node {name!r}, only {', '.join(self._nodes) or 'none: it is not open'}") from None

    def _open_layout(self) -> Layout:
        if self._layout is None:
            raise TorError("the private network is not open")
        return self._layout

    def _the_binary(self) -> TorBinary:
        if self._binary is None:
            raise TorError("the private network is not open")
        return self._binary
