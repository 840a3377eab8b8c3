"""The watcher of deadlines shuts the sockets of late pages and no other, and leaves with its crawl."""

from __future__ import annotations

import socket
import threading
import time

from torwatch.crawl.deadline import DeadlineAdapter


class Waiting:
    """A connection on which nothing comes."""

    def __init__(self):
        self.sock, self.peer = socket.socketpair()

    def read(self):
        """b"" once the socket was shut."""
        with self.sock, self.peer:
            self.sock.settimeout(5)
            return self.sock.recv(1)


def wait_for_a_page(adapter, seconds, gone):
    """Begin a page that does not come; notes in `gone` after how many seconds it was given up."""
    connection, started = Waiting(), time.monotonic()
    with adapter.cut_off_after(seconds):
        adapter.waits_on(connection)
        assert connection.read() == b""
    gone[seconds] = time.monotonic() - started


def test_each_page_is_cut_off_at_its_own_deadline():
    adapter, gone = DeadlineAdapter(connections=3), {}
    pages = [threading.Thread(target=wait_for_a_page, args=(adapter, seconds, gone)) for seconds in (0.6, 0.2, 0.4)]
    for page in pages:
        page.start()
    for page in pages:
        page.join()
    adapter.close()
    assert sorted(gone) == [0.2, 0.4, 0.6]
    for seconds, took in gone.items():
        assert seconds <= took < seconds + 0.15


def test_a_page_that_came_in_time_leaves_its_connection_open():
    adapter, connection = DeadlineAdapter(connections=1), Waiting()
    with adapter.cut_off_after(0.1):
        adapter.waits_on(connection)
    time.sleep(0.2)
    connection.peer.sendall(b"x")
    assert connection.read() == b"x"
    adapter.close()


def test_the_watcher_leaves_when_the_adapter_is_closed():
    adapter = DeadlineAdapter(connections=1)
    with adapter.cut_off_after(60):
        (watcher,) = (thread for thread in threading.enumerate() if thread.name == "page-deadlines")
    adapter.close()
    watcher.join(1)
    assert not watcher.is_alive()


def test_acknowledging_outlives_a_connection_that_is_gone():
    adapter, connection = DeadlineAdapter(connections=1), Waiting()
    adapter.acknowledge()
    with adapter.cut_off_after(5):
        adapter.waits_on(connection)
        connection.sock.close()
        connection.peer.close()
        adapter.acknowledge()
    adapter.close()
