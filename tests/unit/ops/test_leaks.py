"""Whatever leaves another way than allowed is seen."""

from __future__ import annotations

import contextlib
import socket

from torwatch.ops.leaks import watch_sockets


def test_a_look_up_and_a_packet_elsewhere_are_seen_and_the_allowed_way_is_not():
    with socket.create_server(("127.0.0.1", 0)) as allowed, socket.create_server(("127.0.0.1", 0)) as other:
        with watch_sockets(allowed.getsockname()) as watcher:
            socket.create_connection(allowed.getsockname()).close()
            assert watcher.leaks == []
            socket.create_connection(other.getsockname()).close()
            with contextlib.suppress(OSError):
                socket.getaddrinfo("market.invalid", 80)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
                datagram.sendto(b"", ("127.0.0.1", 9))
        port = other.getsockname()[1]
        assert watcher.leaks == [
            f"a socket went to 127.0.0.1 port {port}",
            "the name market.invalid was looked up here",
            "a socket went to 127.0.0.1 port 9",
        ]
        socket.create_connection(other.getsockname()).close()
        assert len(watcher.leaks) == 3
