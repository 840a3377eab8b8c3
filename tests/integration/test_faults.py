"""Faults of the machine: each is provoked for real; afterwards every page is there once, and the history is that of an undisturbed run."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import os
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from torwatch.archive.index import read_index
from torwatch.archive.reader import read_page
from torwatch.errors import TorwatchError
from torwatch.store.database import open_store, writer_lock

pytestmark = pytest.mark.fault

CHILD = Path(__file__).with_name("killed_walk.py")
HISTORY = ("change", "spell", "listing", "vendor", "feedback", "counter", "snapshot", "pages", "fill", "origin")
IN_NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-euc"]


def mounts_allowed():
    """Whether this machine lets us mount a small file system of our own."""
    tried = subprocess.run([*IN_NAMESPACE, "mount -t tmpfs tmpfs /mnt"], capture_output=True, check=False)
    return tried.returncode == 0


needs_mounts = pytest.mark.skipif(not mounts_allowed(), reason="needs unprivileged user namespaces, to mount a small tmpfs")


def child_command(watch, point="", call=1):
    return [sys.executable, str(CHILD), str(watch.config.data_directory), str(watch.tools.tor.socks_address[1]), point, str(call)]


def run_child(watch, point="", call=1):
    return subprocess.run(child_command(watch, point, call), capture_output=True, text=True, timeout=120, check=False)


def losses(watch, wanted):
    """How many rows and archived pages are missing or there twice, compared with the history of an undisturbed run."""
    with open_store(watch.config.database_path) as watch.store:
        found = watch.dump()
    lost = sum(len(set(wanted[name]) ^ set(found[name])) + abs(len(wanted[name]) - len(found[name])) for name in HISTORY)
    with contextlib.closing(sqlite3.connect(watch.config.database_path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    archive = watch.config.archive_directory / "souk"
    entries = [entry for entry in read_index(archive / "00000001.cdxj") if entry.offset is not None]
    assert len(entries) > 30
    lost += len(entries) - len({entry.url for entry in entries})
    return lost + sum(read_page(archive / entry.filename, entry.offset).url != entry.url for entry in entries)


@pytest.fixture(scope="module")
def undisturbed():
    """The history that an undisturbed run makes of the frozen market: the same for every test, so it is made once."""
    return {}


@pytest.fixture
def market(watched, undisturbed):
    """A frozen market and the history that an undisturbed run makes of it, thrown away again."""
    watch = watched("souk", listings=30, still=True)
    if not undisturbed:
        assert run_child(watch).stdout == "complete"
        undisturbed.update(watch.dump())
        watch.begin_again()
    watch.store.close()
    return watch, undisturbed


def test_what_a_power_loss_takes_from_the_archive_no_row_refers_to(market, record_fault):
    watch, wanted = market
    for point, call in (("page_commit", 3), ("before_warc_flush", 4), ("after_warc_flush", 5)):
        assert run_child(watch, point, call).returncode == -signal.SIGKILL
        (warc,) = watch.config.archive_directory.glob("*/*.warc.gz")
        os.truncate(warc, int((watch.config.data_directory / "archive.synced").read_text(encoding="ascii")))
    done = run_child(watch)
    assert done.stdout == "complete", done.stderr
    record_fault(
        "power loss: archive bytes not yet on the disk are gone, three times", "each start resumes; complete", losses(watch, wanted)
    )


def run_on_small_disk(watch, first, then):
    """Run the walk on a tmpfs of its own: it must fail in one line after `first`, and end after `then`; gives the line."""
    data, kept = watch.config.data_directory, watch.config.data_directory.with_name("kept")
    walk = shlex.join(child_command(watch))
    # the source of the mount's content is read through a second name: the tmpfs hides the folder itself
    copied = shlex.quote(str(data.with_name("copied")))
    shutil.copytree(data, data.with_name("copied"))
    where = shlex.quote(str(data))
    script = (
        f"mount -t tmpfs -o size=64m tmpfs {where}; cp -a {copied}/. {where}/; {first.format(where=where)}; "
        f"if {walk}; then exit 9; fi; {then.format(where=where)}; {walk}; cp -a {where} {shlex.quote(str(kept))}"
    )
    done = subprocess.run([*IN_NAMESPACE, script], capture_output=True, text=True, timeout=170, check=False)
    assert (done.returncode, done.stdout) == (0, "complete"), done.stderr
    shutil.rmtree(data)
    kept.rename(data)
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    return line


@needs_mounts
@pytest.mark.parametrize("spare_kilobytes", [40, 200])
def test_a_full_disk_is_one_line_and_the_walk_goes_on_once_there_is_space(market, record_fault, spare_kilobytes):
    watch, wanted = market
    used = sum(path.stat().st_size for path in watch.config.data_directory.rglob("*")) // 1024
    line = run_on_small_disk(watch, f"mount -o remount,size={used + 64 + spare_kilobytes}k {{where}}", "mount -o remount,size=64m {where}")
    assert "free some space" in line
    record_fault(f"disk full {spare_kilobytes} kB into a snapshot", "one line: free some space; complete afterwards", losses(watch, wanted))


@needs_mounts
def test_a_read_only_file_system_is_one_line(market, record_fault):
    watch, wanted = market
    line = run_on_small_disk(watch, "mount -o remount,ro {where}", "mount -o remount,rw {where}")
    assert str(watch.config.data_directory) in line
    record_fault("read-only file system", "one line that names the file; complete once it can be written", losses(watch, wanted))


@pytest.mark.parametrize("seconds", [3, pytest.param(30, marks=pytest.mark.soak)])
def test_a_database_locked_by_another_process_is_waited_for(market, record_fault, seconds):
    watch, wanted = market
    with subprocess.Popen(child_command(watch), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        with contextlib.closing(sqlite3.connect(watch.config.database_path, timeout=60, isolation_level=None)) as other:
            while not other.execute("SELECT count(*) FROM visit WHERE outcome IS NOT NULL").fetchone()[0]:
                assert child.poll() is None, child.stderr.read()
            other.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            other.execute("ROLLBACK")
        output, errors = child.communicate(timeout=120)
    assert output == "complete", errors
    record_fault(f"database locked by another process for {seconds} s", "waited for; complete", losses(watch, wanted))


def stopped_midway(watch, pages=8):
    """Take some pages of a snapshot and stop."""
    stop = threading.Event()
    _, ending = watch.look(stop=stop, progress=lambda progress: stop.set() if progress.done >= pages else None)
    assert ending is None


@pytest.fixture
def opened(market):
    """The same, for walks within this process."""
    watch, wanted = market
    watch.begin_again()
    return watch, wanted


@pytest.mark.parametrize(("words", "step"), [("back by a day", dt.timedelta(days=-1)), ("forward by a day", dt.timedelta(days=1))])
def test_a_clock_that_jumps_within_a_snapshot_costs_no_page(opened, record_fault, words, step):
    watch, _ = opened
    stopped_midway(watch)
    done = watch.store.value("SELECT count(*) FROM visit WHERE outcome = 'ok'")
    real = watch.tools.now
    watch.tools = replace(watch.tools, now=lambda: real() + step)
    _, ending = watch.look()
    assert (ending.state, ending.reason) == ("complete", "")
    assert watch.store.value("SELECT count(*) FROM snapshot") == 1
    entries = [entry for entry in read_index(watch.config.archive_directory / "souk" / "00000001.cdxj") if entry.offset is not None]
    standing = len(watch.world.truth(watch.clock()).listings)
    lost = len(entries) - len({entry.url for entry in entries}) + abs(watch.store.value("SELECT count(*) FROM listing") - standing)
    assert done >= 8
    record_fault(f"clock set {words} within a snapshot", "the same snapshot goes on; complete", lost)


class Beheaded:
    """The parser workers, every one of which is killed just before it is asked for the pages numbered in KILLED_AT."""

    KILLED_AT = frozenset({5, 15, 25})

    def __init__(self, workers):
        self.workers = workers
        self.asked = itertools.count(1)
        self.killed = set()
        self.one_at_a_time = (
            threading.Lock()
        )  # while one thread looks for its worker another may come to the next number: one death would count for both

    def parse(self, *arguments, **given):
        if next(self.asked) in self.KILLED_AT:
            with self.one_at_a_time:
                before, give_up = len(self.killed), time.monotonic() + 30
                while len(self.killed) == before and time.monotonic() < give_up:  # a worker may just be starting in another thread
                    self.kill()
        return self.workers.parse(*arguments, **given)

    def recognise(self, *arguments, **given):
        return self.workers.recognise(*arguments, **given)

    def kill(self):
        """What the out-of-memory killer does: SIGKILL."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                if is_worker(stat) and int(stat.parent.name) not in self.killed:
                    os.kill(int(stat.parent.name), signal.SIGKILL)
                    self.killed.add(int(stat.parent.name))


def test_parser_workers_that_the_kernel_kills_cost_no_page(opened, record_fault):
    watch, _ = opened
    workers = Beheaded(watch.tools.workers)
    watch.tools = replace(watch.tools, workers=workers)
    _, ending = watch.look()
    assert len(workers.killed) == len(Beheaded.KILLED_AT)
    assert (ending.state, ending.reason) == ("complete", "")
    lost = watch.store.value("SELECT count(*) FROM failure") + abs(
        watch.store.value("SELECT count(*) FROM listing") - len(watch.world.truth(watch.clock()).listings)
    )
    record_fault("out of memory: the kernel kills parser workers, three times", "replaced, the page parsed again; complete", lost)


def is_worker(stat):
    """Whether this is a process forked by the forkserver of this very process."""
    parent = int(stat.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    if parent in {0, 1, os.getpid()}:
        return False
    status = Path(f"/proc/{parent}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    command = Path(f"/proc/{parent}/cmdline").read_bytes()
    return int(status[1]) == os.getpid() and b"forkserver" in command


def test_a_way_out_that_is_gone_leaves_the_snapshot_to_be_resumed(opened, relay, record_fault):
    watch, _ = opened
    stopped_midway(watch)
    tor = watch.tools.tor
    with relay(watch.server.port) as gone:
        shut = gone.server_address
    watch.tools = replace(watch.tools, tor=type(tor)(shut))
    with pytest.raises(TorwatchError, match="refuses every connection: check"):
        watch.look()
    watch.tools = replace(watch.tools, tor=tor)
    _, ending = watch.look()
    assert (ending.state, ending.reason) == ("complete", "")
    lost = abs(watch.store.value("SELECT count(*) FROM listing") - len(watch.world.truth(watch.clock()).listings))
    record_fault("Tor's SOCKS port shut", "one line: check tor.socks; resumed and complete once it is open", lost)


def test_a_second_writer_on_one_database_is_refused(opened, record_fault):
    watch, _ = opened
    with writer_lock(watch.config.database_path) as first, writer_lock(watch.config.database_path) as second:
        assert (first, second) == (True, False)
    record_fault("two daemons on one database", "the second is refused in one line", 0)


@needs_mounts
def test_a_backup_on_a_full_disk_is_one_line_and_leaves_no_half_of_it(opened, record_fault):
    watch, _ = opened
    stopped_midway(watch)
    backups = watch.config.data_directory / "backups"
    backups.mkdir()
    environment = os.environ | {"STATE_DIRECTORY": str(watch.config.data_directory)}
    environment.pop("TORWATCH_CONFIG", None)
    where = shlex.quote(str(backups))
    command = shlex.join([sys.executable, "-m", "torwatch", "db", "backup"])
    script = f"mount -t tmpfs -o size=64k tmpfs {where}; {command} && exit 9; ls -A {where}"
    done = subprocess.run([*IN_NAMESPACE, script], capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error:")]
    assert "check its folder and the free space" in line
    assert watch.store.value("PRAGMA integrity_check") == "ok"
    _, ending = watch.look()
    record_fault("disk full within a backup", "one line: check the free space; no half backup is left", int(ending.state != "complete"))
