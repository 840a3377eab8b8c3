"""What may befall the machine while the daemon crawls over real tor: it goes on, or says one clear line; no page is lost or stored twice."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from torwatch.demo.control import ControlConnection
from torwatch.tor.settings import cookie_file

pytestmark = pytest.mark.fault

KILLED_WALK = Path(__file__).parents[1] / "integration" / "killed_walk.py"
IN_NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-euc"]
TMPFS_MEGABYTES = 64
RATE = 0.15  # seconds a request: a snapshot of a small market takes long enough to be struck


def mounts_allowed():
    """Whether this machine lets us mount a small file system of our own."""
    return subprocess.run([*IN_NAMESPACE, "mount -t tmpfs tmpfs /mnt"], capture_output=True, check=False).returncode == 0


class ControlRelay(socketserver.ThreadingUnixStreamServer):
    """A control socket before another: its connections can be cut, and none be let in for a while."""

    daemon_threads = True

    def __init__(self, path, upstream):
        self.upstream, self.shut, self.open_ones = str(upstream), False, []
        super().__init__(str(path), ControlRelayed)

    def cut(self):
        self.shut = True
        for one in self.open_ones:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request, client_address):
        """A connection that was cut is what is wanted."""


class ControlRelayed(socketserver.BaseRequestHandler):
    def handle(self):
        if self.server.shut:
            return
        with socket.socket(socket.AF_UNIX) as upstream:
            upstream.connect(self.server.upstream)
            self.server.open_ones += [self.request, upstream]
            back = threading.Thread(target=self.pump, args=(upstream, self.request), daemon=True)
            back.start()
            self.pump(self.request, upstream)
            back.join()

    @staticmethod
    def pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def small_disk(directory):
    """A mount namespace with a tmpfs on directory/data: (what stands before a command in it, the root as seen from here)."""
    where = directory / "data"
    where.mkdir()
    script = f"mount -t tmpfs -o size={TMPFS_MEGABYTES}m tmpfs {shlex.quote(str(where))}; echo ready; exec sleep infinity"
    with subprocess.Popen([*IN_NAMESPACE, script], stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout.readline() == "ready\n"
            yield ["nsenter", f"--target={holder.pid}", "--user", "--mount", "--preserve-credentials"], f"/proc/{holder.pid}/root"
        finally:
            holder.kill()


@pytest.fixture(scope="module")
def beset(a_watch, network, directory, tmp_path_factory):
    """A daemon attached to a tor of the network, with a control socket that can be lost, a clock that can be set and a disk that can be full."""
    folder = tmp_path_factory.mktemp("beset")
    with contextlib.ExitStack() as stack:
        mounted = mounts_allowed()
        prefix, root = stack.enter_context(small_disk(folder)) if mounted else ((), "/")
        relay = stack.enter_context(ControlRelay(directory / "relay.sock", network.client_control_socket))
        thread = threading.Thread(target=relay.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(relay.shutdown)
        watch = stack.enter_context(a_watch(folder, prefix=prefix, root=root))
        watch.configure(tor=f"mode = 'attach'\ncontrol = '{directory / 'relay.sock'}'\nsocks = '127.0.0.1:{network.socks_port}'")
        watch.relay, watch.mounted = relay, mounted
        watch.give_a_clock()
        watch.start()
        yield watch
        assert watch.stop()[0] == 0


def under_way(watch, name):
    """A further market, struck while its first snapshot is under way."""
    watch.add_market(name, seconds_per_request=RATE)
    watch.wait_until_under_way(name)


def made_whole(watch, name, seconds=60):
    """The market's one snapshot ended complete after all; gives what was lost."""
    watch.run("target", "edit", name, "--seconds-per-request", 0)
    watch.wait_until_complete(name, seconds=seconds)
    return watch.losses(name)


def told(watch, name):
    """The events of a name in the daemon's log, none of which is a traceback."""
    assert "Traceback" not in watch.log_path.read_text(encoding="utf-8")
    return [event for event in watch.events() if event["event"] == name]


@pytest.mark.soak
def test_a_control_socket_that_is_lost_stops_no_walk_and_is_found_again(beset, record_fault):
    under_way(beset, "teahouse")
    beset.relay.cut()
    try:
        lost = beset.wait_for(lambda: told(beset, "tor_not_mended"), 20)
        assert "\n" not in lost[0]["error"]
        done = beset.rows("SELECT count(outcome) FROM visit")[0][0]
        beset.wait_for(
            lambda: beset.rows("SELECT count(outcome) FROM visit")[0][0] > done or beset.snapshots("teahouse")[-1][1] == "complete"
        )
    finally:
        beset.relay.shut = False
    beset.wait_for_event("tor_mended", 20)
    record_fault(
        "over tor: control socket lost",
        "one line a turn; the walk goes on meanwhile, and tor is found again",
        made_whole(beset, "teahouse"),
    )


def test_a_full_disk_is_one_line_and_the_daemon_goes_on_once_there_is_space(beset, record_fault):
    if not beset.mounted:
        pytest.skip("needs unprivileged user namespaces, to mount a small tmpfs")
    under_way(beset, "coffeehouse")
    filler = beset.data / "filler"
    with filler.open("wb", buffering=0) as sink, contextlib.suppress(OSError):
        while True:
            sink.write(bytes(4096))
    interrupted = beset.wait_for(lambda: told(beset, "snapshot_interrupted"), 40)
    filler.unlink()
    assert "free some space" in interrupted[-1]["error"]
    record_fault(
        "over tor: disk full within a snapshot",
        "one line: free some space; the daemon lives and goes on once there is some",
        made_whole(beset, "coffeehouse"),
    )


@pytest.mark.parametrize("seconds", [3, pytest.param(30, marks=pytest.mark.soak)])
def test_a_database_locked_by_another_process_is_waited_for(beset, record_fault, seconds):
    name = f"locked_{seconds}"
    under_way(beset, name)
    # a lock is of one view of the file: the other process is in the daemon's namespace, too
    other = (
        "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None); c.execute('BEGIN IMMEDIATE');"
        " print('locked', flush=True); time.sleep(float(sys.argv[2])); c.execute('ROLLBACK')"
    )
    database = beset.directory / "data" / "torwatch.db"
    subprocess.run([*beset.prefix, sys.executable, "-c", other, database, str(seconds)], check=True, stdout=subprocess.DEVNULL)
    lost = made_whole(beset, name)
    assert not [event for event in told(beset, "snapshot_interrupted") if event["market"] == name]
    record_fault(f"over tor: database locked by another process for {seconds} s", "waited for; complete", lost)


@pytest.mark.parametrize(
    ("words", "offset"), [("back by a day", "-86400"), pytest.param("forward by a day", "86400", marks=pytest.mark.soak)]
)
def test_a_clock_that_is_set_costs_no_page_and_no_second_snapshot(beset, record_fault, words, offset):
    name = words.replace(" ", "_")
    under_way(beset, name)
    beset.set_clock(offset)
    try:
        lost = made_whole(beset, name)
        (row,) = beset.rows("SELECT julianday(ended_at) - julianday(started_at) FROM snapshot ORDER BY id DESC LIMIT 1")
        assert abs(row[0] - int(offset) / 86_400) < 0.01
    finally:
        beset.set_clock(0)
    record_fault(f"over tor: clock set {words} within a snapshot", "the same snapshot goes on; complete", lost)


def control_of(watch):
    """A connection to the control socket of the daemon's own tor."""
    folder = watch.directory / "data" / "tor"
    return ControlConnection("daemon's tor", next(folder.glob("control-*.sock")), cookie_file(folder), timeout_seconds=30)


@pytest.mark.soak
def test_a_network_that_is_gone_is_one_line_and_the_snapshot_goes_on_once_it_is_back(watch, record_fault):
    under_way_alone(watch)
    with control_of(watch) as control:
        control.ask("SETCONF DisableNetwork=1")
        try:
            interrupted = watch.wait_for(lambda: told(watch, "snapshot_interrupted"), 40)
            assert "\n" not in interrupted[0]["error"]
        finally:
            control.ask("SETCONF DisableNetwork=0")
    lost = made_whole(watch, "teahouse")
    assert watch.stop()[0] == 0
    record_fault("over tor: tor's network switched off within a snapshot", "one line; the snapshot goes on once it is back", lost)


def under_way_alone(watch):
    watch.add_market("teahouse", seconds_per_request=RATE)
    watch.start()
    watch.wait_until_under_way("teahouse")


@pytest.mark.soak
def test_relays_that_hang_for_a_while_leave_the_snapshot_to_go_on(watch, network, record_fault):
    under_way_alone(watch)
    relays = [name for name in network.nodes if name.startswith("relay")]
    for name in relays:
        network.pause(name)
    try:
        time.sleep(60)
    finally:
        for name in relays:
            network.resume(name)
    lost = made_whole(watch, "teahouse", seconds=180)
    assert watch.stop()[0] == 0
    record_fault("over tor: every relay hangs for a minute within a snapshot", "the snapshot goes on once they are back", lost)


@pytest.mark.soak
def test_what_a_power_loss_takes_from_the_archive_no_row_refers_to(a_watch, network, tmp_path, record_fault):
    with a_watch(tmp_path) as watch:
        watch.add_market("souk", listings=30)
        directory = tmp_path / "data"
        (directory / "torwatch.toml").write_text(
            network.attach_section,
            encoding="utf-8",
        )
        for point, call in (("page_commit", 3), ("before_warc_flush", 4), ("after_warc_flush", 5)):
            assert walk(directory, point, call).returncode == -signal.SIGKILL
            (warc,) = (directory / "archive").glob("*/*.warc.gz")
            os.truncate(warc, int((directory / "archive.synced").read_text(encoding="ascii")))
        done = walk(directory)
        assert done.stdout == "complete", done.stderr
        record_fault(
            "over tor: power loss, archive bytes not yet on the disk are gone, three times",
            "each start resumes; complete",
            watch.losses("souk"),
        )


def walk(directory, point="", call=1):
    command = [sys.executable, str(KILLED_WALK), str(directory), "tor", point, str(call)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
