"""The daemon: opens what a walk needs, takes every snapshot that comes due, and does what commands ask of it."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import structlog

from torwatch.assembly import keyring_of, open_tools, utc_now, visiting_hours, walk_settings
from torwatch.attendance import Attendance, leave_pulse
from torwatch.caretaker import Caretaker
from torwatch.claims import rules_of
from torwatch.closing import finish_closings
from torwatch.crawl.schedule import choose_due
from torwatch.errands import ERRANDS, finish_request
from torwatch.errors import StoreError, TorwatchError
from torwatch.ledger import open_journaled
from torwatch.lending import take_over_sessions
from torwatch.normalise.price import normalise_price
from torwatch.ops.heartbeat import Heartbeat
from torwatch.ops.status import Pulse
from torwatch.overview import due_of
from torwatch.parsing.registry import Parser, load_parser
from torwatch.rests import Rests
from torwatch.store.database import writer_lock
from torwatch.store.sessions import waits_for_session
from torwatch.store.spending import agreed_with
from torwatch.store.targets import Target, find_target, list_targets, stamp
from torwatch.walk.snapshot import take_snapshot

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

    from torwatch.config import Config
    from torwatch.equipment import Progress, Tools
    from torwatch.store.snapshots import Ending, Snapshot

LOOP_SECONDS = 0.5
ATTENDANCE_SECONDS = 30.0
STOP_SECONDS = 3.0  # what a stop waits for threads; what they had not committed is fetched again
MESSAGE_CHARACTERS = 200

log = structlog.get_logger()


def snapshot_target(
    tools: Tools,
    config: Config,
    target: Target,
    *,
    stop: threading.Event,
    progress: Callable[[Progress], None] = lambda _: None,
    second_pass: float | None = None,
) -> tuple[Snapshot, Ending | None]:
    """Take or resume a snapshot of one target with the configuration's settings; `second_pass` of a new one instead of the target's own share."""
    target = target if second_pass is None else replace(target, second_pass=second_pass)
    parser: Parser = load_parser(target.parser, config.parsing.directories)
    rules = rules_of(parser.market, normalise_price)
    return take_snapshot(tools, target, parser, rules, walk_settings(config), stop=stop, progress=progress)


def finish_what_was_cut_off(tools: Tools, config: Config) -> None:
    """Finish the ends of snapshots that a kill cut off; what cannot be finished now is told and waits for the market's next snapshot."""
    try:
        finish_closings(tools, lambda parser: load_parser(parser, config.parsing.directories).market)
    except TorwatchError as error:
        log.error("closing_not_finished", error=str(error))  # noqa: TRY400 - one clear line: these are known faults


@dataclass(slots=True)
class Job:
    """One snapshot under way in its thread."""

    target: Target
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    request_id: int | None = None
    second_pass: float | None = None


class Daemon:
    """The loop: plans from stored state twice a second, so that every change made by a command is seen without a restart."""

    def __init__(self, config: Config, tools: Tools, *, load_config: Callable[[], Config], heartbeat: Heartbeat | None = None) -> None:
        self.config = config
        self.tools = tools
        self.load_config = load_config
        self.heartbeat = heartbeat or Heartbeat()
        self.stop = threading.Event()
        self.reload = threading.Event()
        self.jobs: dict[int, Job] = {}
        self.rests, self.attendance = Rests(tools.store), Attendance(tools)
        self.caretaker = Caretaker(tools.tor, keyring_of(config, tools.tor), self.tell_of_tor)
        self._next_round = time.monotonic()

    def run(self) -> None:
        """Run until `stop` is set; then let the walks commit what they hold and leave."""
        log.info("daemon_started", database=str(self.config.database_path))
        threading.Thread(target=finish_what_was_cut_off, args=(self.tools, self.config), name="cut-off-ends", daemon=True).start()
        self.write_pulse()
        self.attendance.open_metrics(self.config)
        self.heartbeat.notifier.send("READY=1", "STATUS=tor is ready")
        try:
            while not self.stop.wait(LOOP_SECONDS):
                try:
                    self.turn()
                    self.heartbeat.beat(self.prove_writer, f"{len(self.jobs)} snapshots under way")
                except TorwatchError as error:
                    log.error("daemon_turn_failed", error=str(error))  # noqa: TRY400 - one clear line, no traceback: these are known faults
        finally:
            self.heartbeat.notifier.send("STOPPING=1")
            self.attendance.close()
            for job in self.jobs.values():
                job.stop.set()
            deadline = time.monotonic() + STOP_SECONDS
            for job in self.jobs.values():
                if job.thread is not None:
                    job.thread.join(timeout=max(0.0, deadline - time.monotonic()))
            log.info("daemon_stopped", unfinished=len(self.jobs))

    def turn(self) -> None:
        """One turn of the loop."""
        if self.reload.is_set():
            self.reload.clear()
            self.reload_config()
        self.caretaker.turn()
        targets = {target.id: target for target in list_targets(self.tools.store)}
        self.reap(targets)
        self.answer_requests()
        self.begin_due(targets)
        if time.monotonic() >= self._next_round:
            self._next_round = time.monotonic() + ATTENDANCE_SECONDS
            self.attendance.begin_round(self.config, self.jobs.copy)

    def tell_of_tor(self, problem: str) -> None:
        """Note how tor was found: "" when it answers."""
        if not problem:
            self.heartbeat.control_answered()
        self.write_pulse(problem)

    def begin_due(self, targets: dict[int, Target]) -> None:
        """Begin the snapshots that are due, as far as there are places and the hours allow."""
        now, schedule = self.tools.now(), self.config.schedule
        free_places = self.config.crawl.targets_at_once - len(self.jobs)
        if free_places <= 0:
            return
        due = [
            (target.id, due_of(self.tools.store, target.id, target.every_seconds, target.added_at, jitter=schedule.jitter, now=now))
            for target in targets.values()
            if target.state == "active"
            and target.id not in self.jobs
            and not self.rests.hold(target.id, now)
            and not waits_for_session(self.tools.store, target.id)
        ]
        for target_id in choose_due(due, now, free_places, visiting_hours(self.config)):
            self.begin(targets[target_id])

    def reload_config(self) -> None:
        """Take the configuration anew; a faulty one is refused and the old one stays."""
        self.heartbeat.notifier.send_reloading()
        try:
            self.config = self.load_config()
            log.info("config_reloaded")
        except TorwatchError as error:
            log.error("config_refused", error=str(error), faults=getattr(error, "faults", ()))  # noqa: TRY400 - as above
        self.heartbeat.notifier.send("READY=1")

    def write_pulse(self, tor_problem: str = "") -> None:
        """Leave for `torwatch status` how the daemon is."""
        walking = tuple(sorted(job.target.market for job in list(self.jobs.values())))
        leave_pulse(self.config, Pulse(stamp(self.tools.now()), os.getpid(), "down" if tor_problem else "ready", tor_problem, walking))

    def prove_writer(self) -> None:
        """Begin and end a transaction that writes nothing: raises StoreError, or waits, when nobody could write."""
        with self.tools.store.write():
            pass

    def reap(self, targets: dict[int, Target]) -> None:
        """Forget jobs that are over; stop those whose target was paused or removed, and those that the hours no longer allow."""
        hours = visiting_hours(self.config)
        shut = hours is not None and not hours.hold(self.tools.now())
        for target_id, job in list(self.jobs.items()):
            known = targets.get(target_id)
            if job.request_id is None and (shut or known is None or known.state != "active"):
                job.stop.set()
            if job.thread is not None and not job.thread.is_alive():
                del self.jobs[target_id]

    def begin(self, target: Target, request_id: int | None = None, second_pass: float | None = None) -> None:
        """Start the snapshot of a target in a thread of its own."""
        job = Job(target, request_id=request_id, second_pass=second_pass)
        job.thread = threading.Thread(target=self.work, args=(job,), name=f"snapshot-{target.market}", daemon=True)
        self.jobs[target.id] = job
        job.thread.start()

    def work(self, job: Job) -> None:
        """Take one snapshot; the one place where any fault is caught, logged and counted."""
        market = job.target.market
        log.info("snapshot_started", market=market)
        result: dict[str, Any]
        try:
            snapshot, ending = snapshot_target(self.tools, self.config, job.target, stop=job.stop, second_pass=job.second_pass)
        except TorwatchError as error:
            log.error("snapshot_interrupted", market=market, error=str(error))  # noqa: TRY400 - known faults need no traceback
            result = {"error": str(error)[:MESSAGE_CHARACTERS]}
            self.leave_alone(job.target, result["error"])
        except Exception as error:
            log.exception("snapshot_crashed", market=market)
            result = {"error": f"{type(error).__name__}: {error}"[:MESSAGE_CHARACTERS]}
            self.leave_alone(job.target, result["error"])
        else:
            self.rests.end(job.target.id)
            result = {"snapshot": snapshot.id, "state": ending.state if ending else "running"}
            if ending is None:
                log.info("snapshot_stopped", market=market, snapshot=snapshot.id)
            else:
                met = ending.listings
                counts = {"new": met.new, "changed": met.changed, "gone": met.gone + met.missed}
                log.info("snapshot_done", market=market, snapshot=snapshot.id, state=ending.state, reason=ending.reason, **counts)
        if job.request_id is not None:
            finish_request(self.tools.store, job.request_id, result)

    def leave_alone(self, target: Target, why: str) -> None:
        """Let a target rest after a fault; a command may begin its snapshot all the same."""
        self.rests.add(target.id, why, agreed_with(target, self.config.crawl).seconds_per_request, self.tools.now())

    def answer_requests(self) -> None:
        """Do what commands queued: a snapshot as a job, an errand in a thread of its own."""
        for row in self.tools.store.rows("SELECT id, kind, arguments FROM request WHERE state = 'queued' ORDER BY id"):
            arguments = json.loads(row["arguments"])
            if row["kind"] == "snapshot":
                self.begin_requested(row["id"], arguments)
                continue
            with self.tools.store.write() as connection:
                connection.execute("UPDATE request SET state = 'running' WHERE id = ?", (row["id"],))
            threading.Thread(target=self.run_errand, args=(row["id"], row["kind"], arguments), name=row["kind"], daemon=True).start()

    def begin_requested(self, request_id: int, arguments: dict[str, Any]) -> None:
        """Begin the snapshot that a command asked for, as soon as its target is free."""
        try:
            target = find_target(self.tools.store, arguments["target"])
        except TorwatchError as error:
            finish_request(self.tools.store, request_id, {"error": str(error)})
            return
        if target.id not in self.jobs:
            with self.tools.store.write() as connection:
                connection.execute("UPDATE request SET state = 'running' WHERE id = ?", (request_id,))
            self.begin(target, request_id=request_id, second_pass=arguments.get("second_pass"))

    def run_errand(self, request_id: int, kind: str, arguments: dict[str, Any]) -> None:
        """Run one errand and answer its request, whatever comes of it: somebody waits."""
        try:
            answer = ERRANDS[kind](self.tools, self.config, arguments)
        except TorwatchError as error:
            answer = {"error": str(error)}
        except Exception as error:
            log.exception("errand_crashed", kind=kind)
            answer = {"error": f"{type(error).__name__}: {error}"[:MESSAGE_CHARACTERS]}
        finish_request(self.tools.store, request_id, answer)


@contextlib.contextmanager
def open_daemon(
    config: Config,
    *,
    load_config: Callable[[], Config],
    tor_progress: Callable[[int, str], None] | None = None,
    heartbeat: Heartbeat | None = None,
    now: Callable[[], dt.datetime] = utc_now,
) -> Iterator[Daemon]:
    """Everything the daemon works with, under the writer lock; `now`: its clock. Raises StoreError when another one holds the lock."""
    heartbeat = heartbeat or Heartbeat()

    def tell_how_far(percent: int, summary: str) -> None:
        if percent:  # a tor that never answers is told by the error alone
            log.info("daemon_starting", database=str(config.database_path), tor=config.tor.mode, percent=percent, summary=summary)
        leave_pulse(config, Pulse(stamp(now()), os.getpid(), "starting", f"{percent} %", ()))
        heartbeat.notifier.send(f"STATUS=tor joins the network: {percent} %, {summary}")
        if tor_progress is not None:
            tor_progress(percent, summary)

    with contextlib.ExitStack() as stack:
        if not stack.enter_context(writer_lock(config.database_path)):
            raise StoreError(f"another torwatch writes to {config.database_path} already: stop it first, or use another data_directory")
        store = stack.enter_context(open_journaled(config.database_path, config.archive_directory))
        with store.write() as connection:  # what a daemon that died had begun for a command will never be answered by it
            connection.execute("UPDATE request SET state = 'queued' WHERE state = 'running'")
        tell_how_far(0, "starting")
        tools = stack.enter_context(open_tools(config, store, tor_progress=tell_how_far, now=now))
        take_over_sessions(store, config.sessions_directory, tools.session_credential, now=tools.now())
        yield Daemon(config, tools, load_config=load_config, heartbeat=heartbeat)
