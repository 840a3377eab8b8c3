"""One long-lived control connection to tor through stem, with a deadline on every call.

stem's `msg()` waits for ever when tor hangs; here each call runs in a thread of its own and a missed deadline gives the connection up.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import socket
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Never, TypeVar

import stem
import stem.connection
import stem.control
import tenacity

from torwatch.errors import TorError
from torwatch.tor.diagnosis import EVENT_NAMES, DiagnosisLog
from torwatch.tor.status import Bootstrap, read_bootstrap

if TYPE_CHECKING:
    from collections.abc import Callable

Endpoint = Path | tuple[str, int]
Result = TypeVar("Result")

DEADLINE_SECONDS: Final = 10.0
NEWNYM_INTERVAL_SECONDS: Final = 10.0  # tor's own limit: a sooner one is put off, and several become one
RECONNECT_ATTEMPTS: Final = 5
RECONNECT_WAIT_SECONDS: Final = (0.1, 2.0)  # first and longest pause


class Control:
    """The control connection; constructing it does no I/O. Safe to use from several threads."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        password: str | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
        diagnosis: DiagnosisLog | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._endpoint = endpoint
        self._password = password
        self._deadline_seconds = deadline_seconds
        self._diagnosis = diagnosis
        self._sleep = sleep
        self._clock = clock
        self._now = now
        self._lock = threading.Lock()
        self._controller: Any = None
        self._newnym_at = -math.inf  # on the clock: when tor executed, or will execute, the last one

    def connect(self) -> None:
        """Connect and authenticate, once; TorError says in one line what stood in the way and what mends it."""
        self.close()
        place = _describe(self._endpoint)
        _probe(self._endpoint, self._deadline_seconds)
        controller = within(self._deadline_seconds, lambda: _open(self._endpoint), f"connecting to {place}")
        try:
            within(self._deadline_seconds, lambda: self._authenticate(controller, place), f"authenticating to {place}")
        except BaseException:
            _discard(controller)
            raise
        with self._lock:
            self._controller = controller

    def reconnect(self) -> None:
        """Connect again with growing pauses; raises the last TorError when five attempts failed, or at once when tor hangs."""
        first, longest = RECONNECT_WAIT_SECONDS
        tenacity.Retrying(
            stop=tenacity.stop_after_attempt(RECONNECT_ATTEMPTS),
            wait=tenacity.wait_exponential(multiplier=first, max=longest),
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, TorError) and not isinstance(error, DeadlineError)),
            sleep=self._sleep,
            reraise=True,
        )(self.connect)

    def close(self) -> None:
        """Give the connection up; tor itself runs on."""
        with self._lock:
            controller, self._controller = self._controller, None
        if controller is not None:
            _discard(controller)

    def is_alive(self) -> bool:
        """Whether the connection stands, as far as is known without asking tor."""
        controller = self._controller
        return controller is not None and bool(controller.is_alive())

    def ping(self) -> None:
        """Ask tor for a sign of life; TorError when none comes within the deadline."""
        self.get_info("process/pid")

    def get_info(self, key: str) -> str:
        """Return `GETINFO key`."""
        return str(self._call(f"GETINFO {key}", lambda controller: controller.get_info(key)))

    def get_conf(self, key: str) -> tuple[str, ...]:
        """Return every value of a torrc option, none for one that is not set."""
        return tuple(str(value) for value in self._call(f"GETCONF {key}", lambda controller: controller.get_conf(key, multiple=True)))

    def set_conf(self, key: str, value: str) -> None:
        """Set one torrc option; TorError where tor refuses it."""
        self._call(f"SETCONF {key}", lambda controller: controller.set_conf(key, value))

    def bootstrap(self) -> Bootstrap:
        """Return how far tor has come."""
        return read_bootstrap(self.get_info("status/bootstrap-phase"))

    def circuit_established(self) -> bool:
        """Whether tor believes that it can build circuits."""
        return self.get_info("status/circuit-established") == "1"

    def new_identity(self) -> dt.datetime:
        """Ask for new circuits (NEWNYM) and return when tor does or did that: at once, or ten seconds after the last time.

        A request that waits already is not repeated. To keep two targets apart use SOCKS identities, not this.
        """
        with self._lock:
            tick = self._clock()
            pending = self._newnym_at > tick
            due = self._newnym_at if pending else max(tick, self._newnym_at + NEWNYM_INTERVAL_SECONDS)
        if not pending:
            self._call("SIGNAL NEWNYM", lambda controller: controller.signal(stem.Signal.NEWNYM))
            with self._lock:
                self._newnym_at = due
        return self._now() + dt.timedelta(seconds=max(0.0, due - tick))

    def add_client_key(self, onion: str, private_key: str) -> None:
        """Give tor the x25519 key (base64) for an onion that admits only known clients; kept in tor's memory only, in place of one before it."""
        label = onion.removesuffix(".onion")
        response = self._call(
            "ONION_CLIENT_AUTH_ADD", lambda controller: controller.msg(f"ONION_CLIENT_AUTH_ADD {label} x25519:{private_key}")
        )
        code = next(iter(response.content()))[0]  # is_ok() knows 250 only; 251 is a key that was replaced
        if not str(code).startswith("2"):
            said = _one_line(str(response).replace(private_key, "…"))  # tor repeats a private key that it refuses
            raise TorError(f"tor does not take the client key for {onion}: {said}")

    def remove_client_key(self, onion: str) -> None:
        """Take the key for an onion from tor, if it has one."""
        label = onion.removesuffix(".onion")
        self._call("ONION_CLIENT_AUTH_REMOVE", lambda controller: controller.msg(f"ONION_CLIENT_AUTH_REMOVE {label}"))

    def _authenticate(self, controller: Any, place: str) -> None:
        try:
            controller.authenticate(password=self._password)
        except stem.connection.UnreadableCookieFile as error:
            raise TorError(f"{place}: the control cookie cannot be read; add the user to tor's group, or set a control password") from error
        except stem.connection.MissingPassword as error:
            raise TorError(f"{place}: tor wants a control password; set tor.control_password_file") from error
        except (stem.connection.PasswordAuthFailed, stem.connection.CookieAuthFailed) as error:
            what = "cookie" if isinstance(error, stem.connection.CookieAuthFailed) else "password"
            raise TorError(f"{place}: tor refused the control {what}; compare it with that of the tor that runs") from error
        except stem.connection.AuthenticationFailure as error:
            raise TorError(
                f"{place}: tor does not let torwatch in ({_one_line(error)}); set CookieAuthentication 1 in its torrc"
            ) from error
        controller.set_caching(False)  # else an answer may outlive the tor that gave it
        if self._diagnosis is not None:
            controller.add_event_listener(self._diagnosis.record, *EVENT_NAMES)

    def _call(self, what: str, ask: Callable[[Any], Result]) -> Result:
        with self._lock:
            controller = self._controller
        if controller is None or not controller.is_alive():
            raise TorError(f"the control connection to {_describe(self._endpoint)} is lost ({what})")
        try:
            return within(self._deadline_seconds, lambda: ask(controller), what)
        except DeadlineError:
            # stem's reply queue is out of step from here on: a late answer would be taken for that of the next call.
            with self._lock:
                if self._controller is controller:
                    self._controller = None
            _discard(controller)
            raise


class DeadlineError(TorError):
    """Tor did not answer a control call in time: it hangs, or the machine does."""


def within(deadline_seconds: float, work: Callable[[], Result], what: str) -> Result:
    """Run `work` in a thread and return its result; DeadlineError after the deadline, TorError for stem's own faults."""
    outcome: Future[Result] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001 - handed over to the caller, not dropped
            outcome.set_exception(error)

    threading.Thread(target=run, name=f"tor-control: {what}", daemon=True).start()
    try:
        return outcome.result(deadline_seconds)
    except TimeoutError as error:
        raise DeadlineError(f"tor did not answer within {deadline_seconds:g} s ({what})") from error
    except stem.SocketError as error:
        raise TorError(f"the control connection broke ({what}: {_one_line(error)})") from error
    except (stem.ControllerError, OSError, ValueError) as error:
        raise TorError(f"tor refused {what}: {_one_line(error)}") from error


def _open(endpoint: Endpoint) -> Any:
    if isinstance(endpoint, Path):
        return stem.control.Controller.from_socket_file(str(endpoint))
    return stem.control.Controller.from_port(*endpoint)


def _probe(endpoint: Endpoint, deadline_seconds: float) -> None:
    """Connect once without stem, whose failed connect leaks its socket and hides the reason."""
    place = _describe(endpoint)
    remedy = "is tor running, and is this the ControlPort or ControlSocket of its torrc?"
    with socket.socket(
        socket.AF_UNIX if isinstance(endpoint, Path) else socket.AF_INET6 if ":" in endpoint[0] else socket.AF_INET
    ) as probe:
        probe.settimeout(deadline_seconds)
        try:
            probe.connect(str(endpoint) if isinstance(endpoint, Path) else endpoint)
        except FileNotFoundError as error:
            raise TorError(f"{place} does not exist: {remedy}") from error
        except PermissionError as error:
            raise TorError(f"{place} may not be opened by this user: add it to the group that owns the socket") from error
        except ConnectionRefusedError as error:
            raise TorError(f"nothing listens at {place}: {remedy}") from error
        except OSError as error:
            raise TorError(f"{place} cannot be reached ({error.strerror or error}): {remedy}") from error


def _discard(controller: Any) -> None:
    controller.connect = _refuse  # stem connects again, and hangs again, when its authentication is cut off
    with contextlib.suppress(TorError):
        within(1.0, controller.close, "closing")


def _refuse() -> Never:
    raise stem.SocketClosed("given up")


def _describe(endpoint: Endpoint) -> str:
    return f"control socket {endpoint}" if isinstance(endpoint, Path) else f"control port {endpoint[0]}:{endpoint[1]}"


def _one_line(error: BaseException | str) -> str:
    return " ".join(str(error).split())[:200]
