"""The daemon on real tor, as a process of its own: what comes due, what commands ask, and what may befall it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import planted
import pytest

from torwatch.caretaker import LOOK_SECONDS

STOP_SECONDS = 5.0  # what `torwatch run` promises


@pytest.fixture(scope="module")
def running(a_watch, tmp_path_factory):
    """A daemon that has seen one market already, for tests that leave it running."""
    with a_watch(tmp_path_factory.mktemp("daemon")) as opened:
        opened.add_market("teahouse")
        opened.start()
        opened.wait_until_complete("teahouse")
        yield opened
        code, seconds = opened.stop()
        assert (code, seconds < STOP_SECONDS) == (0, True)
        opened.wait_until_gone(1)


def test_a_due_target_is_taken_without_being_asked(running):
    running.assert_equal_to_the_truth("teahouse")
    done = running.wait_for_event("snapshot_done")
    assert (done["market"], done["state"]) == ("teahouse", "complete")
    assert done["new"] > 5


def test_a_target_added_meanwhile_is_picked_up_without_a_restart(running):
    running.add_market("coffeehouse", "bazaar")
    running.wait_until_complete("coffeehouse")
    running.assert_equal_to_the_truth("coffeehouse")


def test_a_pause_stops_a_snapshot_and_a_resume_goes_on_with_it(running):
    running.add_market("cheeseshop", seconds_per_request=0.4)
    running.wait_until_under_way("cheeseshop")
    running.run("target", "pause", "cheeseshop")
    running.wait_for_event("snapshot_stopped")
    asked = len(running.servers["cheeseshop"].requests)
    time.sleep(1.0)
    assert len(running.servers["cheeseshop"].requests) == asked
    running.run("target", "edit", "cheeseshop", "--seconds-per-request", 0)
    running.run("target", "resume", "cheeseshop")
    running.wait_until_complete("cheeseshop")
    running.assert_equal_to_the_truth("cheeseshop")


def test_snapshot_now_is_done_by_the_daemon_that_holds_the_database(running):
    before = len(running.snapshots("teahouse"))
    done = running.run("snapshot", "now", "teahouse", "--json")
    assert done.stderr == "The daemon is running: it does this for us.\n"
    assert json.loads(done.stdout)["state"] == "complete"
    assert len(running.snapshots("teahouse")) == before + 1
    assert running.rows("SELECT kind, state FROM request ORDER BY id DESC LIMIT 1") == [("snapshot", "done")]


def test_a_probe_is_done_by_the_daemon_that_holds_the_database(running):
    done = running.run("target", "probe", "teahouse", "--json")
    (line,) = json.loads(done.stdout)
    assert (line["outcome"], line["status"]) == ("ok", 200)


def test_sighup_takes_a_changed_configuration_and_refuses_a_faulty_one(running):
    running.configure("pages_per_snapshot = 3")
    running.daemon.send_signal(signal.SIGHUP)
    running.wait_for_event("config_reloaded")
    running.run("snapshot", "now", "teahouse")
    assert "budget of 3 pages" in running.snapshots("teahouse")[-1][2]
    running.configure("pages_per_snapshot = -1")
    running.daemon.send_signal(signal.SIGHUP)
    refused = running.wait_for_event("config_refused")
    assert "crawl.pages_per_snapshot" in str(refused["faults"])
    running.configure()  # on the disk only: the daemon has not been told
    running.run("snapshot", "now", "teahouse")
    assert "budget of 3 pages" in running.snapshots("teahouse")[-1][2]
    running.daemon.send_signal(signal.SIGHUP)
    running.wait_for(lambda: sum(event["event"] == "config_reloaded" for event in running.events()) == 2)


def test_a_second_daemon_on_the_same_database_is_refused_in_one_line(running):
    said = running.run("run", code=1).stderr
    assert "another torwatch writes to" in said
    assert len(said.splitlines()) == 1


def test_sigterm_ends_it_in_time_and_the_next_start_goes_on_where_it_was(watch):
    watch.add_market("teahouse", seconds_per_request=0.3)
    watch.start()
    watch.wait_until_under_way("teahouse")
    code, seconds = watch.stop()
    assert code == 0
    assert seconds < STOP_SECONDS
    watch.wait_until_gone(1)
    ((first, state, _),) = watch.snapshots("teahouse")
    assert state == "running"
    watch.run("target", "edit", "teahouse", "--seconds-per-request", 0)
    watch.start()
    watch.wait_until_complete("teahouse")
    assert watch.snapshots("teahouse")[0][0] == first
    watch.assert_equal_to_the_truth("teahouse")
    assert watch.stop()[0] == 0  # else its tor would be waited for, which finds out in a quarter of a minute


@pytest.mark.fault
def test_a_daemon_that_was_killed_goes_on_where_it_was(watch, record_fault):
    watch.add_market("teahouse", seconds_per_request=0.3)
    watch.start()
    watch.wait_until_under_way("teahouse")
    watch.kill()
    ((first, state, _),) = watch.snapshots("teahouse")
    assert state == "running"
    watch.run("target", "edit", "teahouse", "--seconds-per-request", 0)
    watch.start()
    watch.wait_until_complete("teahouse", seconds=60)
    assert watch.snapshots("teahouse")[0][0] == first
    assert watch.stop()[0] == 0
    record_fault("over tor: SIGKILL of the daemon", "the next start goes on where it was; complete", watch.losses("teahouse"))
    watch.wait_until_gone(watch.ORPHAN_SECONDS)


@pytest.mark.fault
def test_a_tor_that_was_killed_is_started_again_and_the_snapshot_goes_on(watch, record_fault):
    watch.add_market("teahouse", seconds_per_request=0.3)
    watch.start()
    watch.wait_until_under_way("teahouse")
    first = watch.tor_process()
    assert first
    os.kill(first, signal.SIGKILL)
    watch.wait_for(lambda: watch.tor_process() not in {0, first})
    watch.wait_until_complete("teahouse", seconds=60)
    assert watch.stop()[0] == 0
    record_fault("over tor: SIGKILL of our own tor", "started again, the snapshot goes on; complete", watch.losses("teahouse"))
    watch.wait_until_gone(1)


def test_a_tor_that_hangs_is_replaced_and_neither_holds_up_the_daemon_nor_is_laid_on_the_market(watch):
    watch.add_market("teahouse", seconds_per_request=0.3)
    watch.start()
    watch.wait_until_under_way("teahouse")
    first = watch.tor_process()
    os.kill(first, signal.SIGSTOP)
    time.sleep(LOOK_SECONDS + 0.5)  # now a control call waits for its deadline
    watch.daemon.send_signal(signal.SIGHUP)
    watch.wait_for_event("config_reloaded", seconds=3)
    watch.wait_for_event("tor_mended")
    assert watch.tor_process() not in {0, first}
    watch.wait_until_complete("teahouse", seconds=60)
    watch.assert_equal_to_the_truth("teahouse")
    assert watch.rows("SELECT count(*) FROM failure") == [(0,)]
    assert watch.stop()[0] == 0
    watch.wait_until_gone(1)


@pytest.mark.soak
def test_sigterm_ends_it_in_time_though_its_tor_hangs(watch):
    watch.start()
    os.kill(watch.tor_process(), signal.SIGSTOP)
    time.sleep(LOOK_SECONDS + 0.5)  # as above
    code, seconds = watch.stop()
    assert code == 0
    assert seconds < STOP_SECONDS
    watch.wait_until_gone(1)


def test_a_daemon_whose_tor_is_on_its_way_says_so_and_ends_in_one_line_when_it_does_not_arrive(watch):
    nobody = f"DirAuthority nowhere orport=1 v3ident={'A' * 40} 127.0.0.1:1 {'B' * 40}"
    watch.configure(tor=f"bootstrap_timeout = '5s'\ntorrc = ['TestingTorNetwork 1', '{nobody}']")
    watch.add_market("teahouse")
    with subprocess.Popen(watch.command("run"), stderr=subprocess.PIPE, text=True) as daemon:
        watch.wait_for((watch.directory / "data" / "pulse.json").exists, 30)
        told = json.loads(watch.run("status", "--json", code=3).stdout)
        assert (told["daemon"], told["pulse"]["tor"], [one["level"] for one in told["problems"]]) == ("running", "starting", ["warning"])
        said = daemon.communicate(timeout=60)[1].splitlines()
    assert daemon.returncode == 1
    assert json.loads(said[0])["event"] == "daemon_starting"
    assert said[-1].startswith("Error: tor did not join the network within 5 s")
    assert json.loads(watch.run("status", "--json", code=4).stdout)["daemon"] == "stopped"


def test_an_archive_that_cannot_be_written_is_one_line_and_the_snapshot_is_taken_up_again(watch):
    watch.add_market("teahouse")
    archive = watch.directory / "data" / "archive" / "teahouse"  # the archive's folder itself holds the journal since the target was added
    archive.write_text("in the way", encoding="utf-8")
    said = watch.run("snapshot", "now", "teahouse", code=1).stderr
    assert "archive" in said
    assert len(said.splitlines()) == 1
    archive.unlink()
    watch.run("snapshot", "now", "teahouse")
    assert [state for _, state, _ in watch.snapshots("teahouse")] == ["complete"]
    watch.assert_equal_to_the_truth("teahouse")


def test_an_alert_that_cannot_be_told_is_tried_again_and_holds_up_no_snapshot(watch):
    file = watch.directory / "destinations"
    file.write_text(f"json://{'a' * 55}d.onion/\njson://127.0.0.1:1/\n", encoding="ascii")
    file.chmod(0o600)
    watch.configure("[alerts]\ndestinations = 'destinations'\ndisk_below = '1000000GB'")
    watch.add_market("teahouse", seconds_per_request=0.1)
    watch.start()
    watch.wait_until_complete("teahouse")
    watch.assert_equal_to_the_truth("teahouse")
    watch.wait_for(lambda: len({event["destination"] for event in watch.events() if event["event"] == "alert_not_sent"}) == 2, 60)
    assert watch.rows("SELECT count(*) FROM alert WHERE rule = 'disk'") == [(1,)]
    assert watch.stop()[0] == 0


def test_what_was_lent_in_secret_is_in_no_command_line_environment_log_or_file_of_a_running_daemon(watch):
    for name, text in (
        ("destinations", f"json://user:{planted.ALERT_PASSWORD}@127.0.0.1:1/\n"),
        ("cookies.txt", f"# Netscape HTTP Cookie File\n{{host}}\tFALSE\t/\tFALSE\t0\tsid\t{planted.COOKIE}\n"),
        ("client.key", planted.CLIENT_KEY),
    ):
        (watch.directory / name).write_text(text, encoding="ascii")
        (watch.directory / name).chmod(0o600)
    watch.configure("[alerts]\ndestinations = 'destinations'\ndisk_below = '1000000GB'\n[log]\nlevel = 'debug'")
    watch.add_market("teahouse", seconds_per_request=0.2)
    cookies = watch.directory / "cookies.txt"
    (host,) = watch.rows("SELECT host FROM mirror")[0]
    cookies.write_text(cookies.read_text(encoding="ascii").format(host=host), encoding="ascii")
    watch.run("session", "import", "teahouse", cookies)
    watch.run("target", "edit", "teahouse", "--client-auth-key-file", watch.directory / "client.key")
    watch.start()
    shown = {}

    def look():
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError):
                parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
                environment = (process / "environ").read_bytes()
                if parent == watch.daemon.pid or f"{watch.MARK}={watch.mark}".encode() in environment:
                    shown[process.name] = (process / "cmdline").read_text() + environment.decode(errors="replace")
        return any(event["event"] == "alert_not_sent" for event in watch.events())

    watch.wait_for(look, 60)
    watch.wait_until_complete("teahouse")
    assert watch.stop()[0] == 0
    assert len(shown) > 3  # the daemon, its tor, a worker, at least
    assert [process for process, said in shown.items() if planted.tells(said)] == []
    assert {"torwatch.db", "daemon-1.log"} <= {path.name for path in watch.directory.rglob("*")}
    assert planted.found_in(watch.directory) == []
    served = watch.servers["teahouse"].requests
    assert any(planted.COOKIE in request.cookie for request in served)  # it was lent, and used


CYCLES = 50


@pytest.mark.soak
@pytest.mark.fault
@pytest.mark.timeout(900)
def test_fifty_kills_of_daemon_worker_and_tor_in_turn_lose_nothing(watch, record_fault):
    watch.add_market("souk", listings=400, seconds_per_request=0.25)
    watch.start()
    killed = {"daemon": 0, "worker": 0, "tor": 0}
    for cycle in range(CYCLES):
        done = pages_done(watch)
        watch.wait_for(lambda before=done: pages_done(watch) > before + 1, 60)
        victim = tuple(killed)[cycle % 3]
        if victim == "daemon":
            watch.kill()
            watch.start()
        elif victim == "tor":
            os.kill(watch.wait_for(watch.tor_process), signal.SIGKILL)
        else:
            os.kill(watch.wait_for(watch.parser_worker), signal.SIGKILL)
        killed[victim] += 1
    assert sum(killed.values()) == CYCLES
    assert [state for _, state, _ in watch.snapshots("souk")] == ["running"]  # each of them struck within the one snapshot
    watch.wait_until_complete("souk", seconds=180)
    assert watch.stop()[0] == 0
    record_fault(
        f"SIGKILL of daemon, parser worker and tor in turn, {CYCLES} times", "each goes on where it was; complete", watch.losses("souk")
    )


def pages_done(watch):
    return watch.rows("SELECT count(outcome) FROM visit")[0][0]
