"""The tor that torwatch fetches through: its own or the system's, kept alive, with what a fetch must know of it."""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets
import threading
import time
from typing import TYPE_CHECKING, Final

from torwatch.errors import TorError
from torwatch.tor.control import Control, DeadlineError
from torwatch.tor.diagnosis import DiagnosisLog
from torwatch.tor.held_keys import HeldKeys
from torwatch.tor.identity import derive_credentials
from torwatch.tor.listeners import SocksListener, choose_listener, read_listeners
from torwatch.tor.process import OwnTor
from torwatch.tor.settings import parse_endpoint
from torwatch.tor.status import JOINED_PERCENT, Bootstrap, TorStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torwatch.tor.settings import TorSettings

POLL_SECONDS: Final = 0.1
LET_GO_SECONDS: Final = 0.5  # what the end waits for a call under way
RESTART_WAIT_SECONDS: Final = (1.0, 60.0)  # pause after the first failed start, longest pause; doubled each time
DEFAULT_SOCKS_TIMEOUT_SECONDS: Final = 120  # tor's own


class TorService:
    """Tor, own or attached; made by `open_tor`. Safe to use from several threads."""

    def __init__(
        self,
        settings: TorSettings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        secret: bytes | None = None,
    ) -> None:
        self.settings = settings
        self.diagnosis = DiagnosisLog(now)
        self._sleep, self._clock, self._now = sleep, clock, now
        self._secret = secrets.token_bytes(32) if secret is None else secret
        self._lock = threading.RLock()
        self._process = OwnTor(settings, sleep=sleep, clock=clock) if settings.mode == "own" else None
        self._control: Control | None = None
        self._listener: SocksListener | None = None
        self._since, self.version = now(), ""
        self._keys, self._failures, self._next_start = HeldKeys(), 0, clock()
        self.socks_timeout_seconds = settings.socks_timeout_seconds  # as tor has it; a fetch's connect timeout must be longer
        self.refused_options: tuple[str, ...] = ()  # optional torrc lines that this tor is too old for

    @property
    def socks_address(self) -> tuple[str, int]:
        """Where tor serves SOCKS; may be another port after `ensure` returned True."""
        return self._known_listener().host, self._known_listener().port

    @property
    def extended_errors(self) -> bool:
        """Whether a SOCKS code says why an onion did not answer."""
        return self._known_listener().extended_errors

    @property
    def isolates_socks_auth(self) -> bool:
        """Whether targets get circuits of their own."""
        return self._known_listener().isolates_socks_auth

    @property
    def advice(self) -> str:
        """The torrc line that would mend the SOCKS port, "" where nothing is to be mended."""
        return self._known_listener().advice

    @property
    def process_id(self) -> int | None:
        """Our own tor's process, None when attached or dead."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start or attach, and find the SOCKS port; TorError in one line where that fails. Does not wait for the network."""
        self._stopping = False
        with self._lock:
            if self._process is not None:
                self._start_own(self._process)
            else:
                self._control = self._new_control()
                self._control.connect()
                self._settle(self._control)

    def stop(self) -> None:
        """Let go of tor: our own process ends, one attached to keeps no client key of ours."""
        self._stopping = True
        if self._lock.acquire(timeout=LET_GO_SECONDS):
            self._lock.release()
        elif self._control is not None:
            self._control.close()  # a call waits for a tor that hangs: without its connection it ends at once
        with self._lock:
            if self._control is not None:
                with contextlib.suppress(TorError):  # it may be gone, and its keys with it
                    self.use_client_keys({})
                self._control.close()
            if self._process is not None:
                self._process.stop()

    def ensure(self) -> bool:
        """See to it that tor answers: own tor dead or hung → started again, control lost → connected again with growing pauses.

        Returns whether something had to be mended: open sessions are worthless then, and `socks_address` may have changed.
        Raises TorError when tor cannot be had now; own tor that fails to start is tried again after 1, 2, 4 … 60 s.
        """
        with self._lock:
            running = self._process is None or self._process.is_alive()
            control = self._control
            if control is not None and running:
                try:
                    control.ping()
                except DeadlineError:  # it hangs, and would not let us in again
                    if self._process is None:
                        raise
                    self._process.kill()
                except TorError:
                    if self._stopping:
                        raise
                    if self._reconnect(control):
                        return True
                else:
                    return self._follow_listener(control)
            self._restart()
            return True

    def wait_until_ready(self, timeout_seconds: float, progress: Callable[[int, str], None] | None = None) -> None:
        """Wait until tor has joined the network; `progress` gets per cent and summary at each change.

        Raises TorError after `timeout_seconds`, with tor's own reason, or at once when tor dies.
        """
        give_up = self._clock() + timeout_seconds
        shown = Bootstrap(-1, "")
        while True:
            control = self._known_control()
            try:
                step = control.bootstrap()
                established = step.percent == JOINED_PERCENT and control.circuit_established()
            except TorError as error:
                raise TorError(f"tor ended while it joined the network: {self._complaint() or error}") from error
            if progress is not None and (step.percent, step.summary) != (shown.percent, shown.summary):
                progress(step.percent, step.summary)
            shown = step
            if established:
                return
            if self._clock() >= give_up:
                reason = step.warning or self._complaint() or "no reason given"
                raise TorError(
                    f"tor did not join the network within {timeout_seconds:g} s, it stands at {step.percent} % ({step.summary}; {reason}): "
                    "check this machine's network and clock, or set bridges"
                )
            self._sleep(POLL_SECONDS)

    def status(self) -> TorStatus:
        """Return how tor is; never raises, a tor that does not answer is `alive=False` with the problem."""
        try:
            control = self._known_control()
            step, established, version = control.bootstrap(), control.circuit_established(), control.get_info("version").split()[0]
        except TorError as error:
            return TorStatus(mode=self.settings.mode, since=self._since, problem=str(error))
        return TorStatus(
            mode=self.settings.mode,
            since=self._since,
            alive=True,
            version=version,
            bootstrap_percent=step.percent,
            bootstrap_summary=step.summary,
            circuit_established=established,
            problem=step.warning,
        )

    def credentials(self, identity: str) -> tuple[str, str]:
        """Return the SOCKS user and password of an identity: the same while this service lives, others the next time."""
        return derive_credentials(identity, self._secret)

    def new_identity(self) -> dt.datetime:
        """Ask for new circuits; returns when tor does that, at most ten seconds from now."""
        return self._known_control().new_identity()

    def use_client_keys(self, keys: Mapping[str, str]) -> None:
        """Let tor hold these keys of closed onions (onion → base64) and none that it was given before; TorError where it refuses one."""
        with self._lock:
            self._keys.update(self._known_control(), keys)

    def _start_own(self, process: OwnTor) -> None:
        if self._control is not None:
            self._control.close()
        process.start()
        control = self._control = self._new_control()
        try:
            control.connect()
            self._configure(process, control)
            self._settle(control)
        except TorError as error:
            complaint = process.complaint()
            died = not process.is_alive()
            process.stop()
            raise TorError(f"tor ended while it started: {complaint}" if died and complaint else str(error)) from error

    def _configure(self, process: OwnTor, control: Control) -> None:
        if process.torrc is None:  # only before the first start
            return
        refused = []
        for name, value in process.torrc.optional:
            try:
                control.set_conf(name, value)
            except TorError:
                if not control.is_alive():
                    raise
                refused.append(name)
        self.refused_options = tuple(refused)
        for name, value in process.torrc.runtime:
            control.set_conf(name, value)

    def _settle(self, control: Control) -> None:
        """Read what a fetch must know, and give tor what it forgot."""
        lines = control.get_conf("SocksPort")
        open_ports = read_listeners(control.get_info("net/listeners/socks"), lines)
        listener = choose_listener(open_ports, self.settings.socks)
        if listener is None and self.settings.socks is None:
            raise TorError("this tor has no open TCP SOCKS port: add the line 'SocksPort 9050 ExtendedErrors' to its torrc and reload it")
        # An address that tor does not know itself may be a forwarded port: usable, but nothing is known of its flags.
        self._listener = listener or SocksListener(*(self.settings.socks or ("", 0)))
        timeout = control.get_conf("SocksTimeout")
        self.socks_timeout_seconds = int(timeout[0]) if timeout and timeout[0].isdigit() else DEFAULT_SOCKS_TIMEOUT_SECONDS
        self._keys.give_again(control)
        self._since, self.version = self._now(), control.get_info("version").split()[0]

    def _follow_listener(self, control: Control) -> bool:
        """Find the SOCKS port again: own tor opens another one when its network was switched off and on. Returns whether it had moved."""
        known = self._known_listener()
        if self.settings.socks is not None:
            return False
        open_ports = read_listeners(control.get_info("net/listeners/socks"), [])
        if any((one.host, one.port) == (known.host, known.port) for one in open_ports):
            return False
        if not open_ports and control.get_conf("DisableNetwork") == ("1",):
            raise TorError("tor's network is switched off (DisableNetwork 1): torwatch goes on once it is switched on")
        self._settle(control)
        return True

    def _reconnect(self, control: Control) -> bool:
        try:
            control.reconnect()
            self._settle(control)
        except TorError:
            if self._process is None:
                raise
            self._process.kill()
            return False
        return True

    def _restart(self) -> None:
        if self._stopping:
            raise TorError("tor is not started again: torwatch is about to end")
        tick = self._clock()
        if tick < self._next_start:
            raise TorError(f"tor failed to start {self._failures} times in a row; the next attempt is in {self._next_start - tick:.0f} s")
        try:
            self.start()
        except TorError:
            first, longest = RESTART_WAIT_SECONDS
            self._next_start = tick + min(longest, first * 2.0**self._failures)
            self._failures = min(self._failures + 1, 10)
            raise
        self._failures = 0

    def _new_control(self) -> Control:
        own = self._process
        endpoint = own.control_path if own is not None and own.control_path is not None else parse_endpoint(self.settings.control)
        return Control(
            endpoint,
            password=self.settings.control_password if own is None else None,
            deadline_seconds=self.settings.control_deadline_seconds,
            diagnosis=self.diagnosis,
            sleep=self._sleep,
            clock=self._clock,
            now=self._now,
        )

    def _known_control(self) -> Control:
        control = self._control
        if control is None:
            raise TorError("tor is not started")
        return control

    def _known_listener(self) -> SocksListener:
        listener = self._listener
        if listener is None:
            raise TorError("tor is not started")
        return listener

    def _complaint(self) -> str:
        return self._process.complaint() if self._process is not None else ""


@contextlib.contextmanager
def open_tor(
    settings: TorSettings,
    *,
    progress: Callable[[int, str], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> Iterator[TorService]:
    """Start or attach to tor and yield the service once it has joined the network; at the end our own process is gone.

    Raises TorError, one line with the remedy, when tor is absent, refuses its configuration or control, or does not join in time.
    """
    service = TorService(settings, sleep=sleep, clock=clock, now=now)
    try:
        service.start()
        service.wait_until_ready(settings.bootstrap_timeout_seconds, progress)
        yield service
    finally:
        service.stop()
