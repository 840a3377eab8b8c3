"""A SOCKS port that notes where it was asked to go and leads everybody to one server of this machine, for tests of what goes through Tor."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer


class SocksPort:
    """Where it listens, and whom it was asked for: (user, host, port)."""

    def __init__(self):
        self.asked = []
        self.port = 0


@contextlib.contextmanager
def open_socks_port(lead_to):
    """A SOCKS5 port with user names, as tor's; every connection ends at `lead_to`."""
    record = SocksPort()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            stream = self.request.makefile("rb")
            _, methods = stream.read(2)
            offered = stream.read(methods)
            user = ""
            if 2 in offered:
                self.request.sendall(b"\x05\x02")
                stream.read(1)
                user = stream.read(stream.read(1)[0]).decode()
                stream.read(stream.read(1)[0])
                self.request.sendall(b"\x01\x00")
            else:
                self.request.sendall(b"\x05\x00")
            _, _, _, kind = stream.read(4)
            host = stream.read(stream.read(1)[0]).decode() if kind == 3 else socket.inet_ntoa(stream.read(4))
            port = int.from_bytes(stream.read(2), "big")
            record.asked.append((user, host, port))
            with socket.create_connection(("127.0.0.1", lead_to)) as server:
                self.request.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
                threading.Thread(target=pump, args=(server, self.request), daemon=True).start()
                pump(self.request, server)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        record.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield record
        finally:
            server.shutdown()


def pump(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def open_web_service(status=200):
    """A web service that keeps the bodies it was sent; gives (port, bodies)."""
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1], bodies
        finally:
            server.shutdown()
