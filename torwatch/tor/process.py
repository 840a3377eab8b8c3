"""A tor process of our own: started, watched and stopped by torwatch, gone when torwatch is gone."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from torwatch.errors import TorError
from torwatch.tor.settings import Torrc, TorSettings, compose_torrc, render_torrc

if TYPE_CHECKING:
    from collections.abc import Callable

START_TIMEOUT_SECONDS: Final = 30.0  # from exec to an open control socket; measured: 0.02 s
LOCK_TIMEOUT_SECONDS: Final = 25.0  # an orphan of a killed torwatch notices within 15 s that its owner is gone
STOP_TIMEOUT_SECONDS: Final = 3.0  # a client tor ends at once on SIGTERM
POLL_SECONDS: Final = 0.02
SOCKET_PATH_LIMIT_BYTES: Final = 100  # sun_path holds 108 with its end
LOG_TAIL_BYTES: Final = 20_000
_COMPLAINT: Final = re.compile(r"\[(?:warn|err)\] (.*)")
_EMPTY_COMPLAINTS: Final = ("Reading config failed", "set_options(): Bug", "You are running Tor as root", "Fixing permissions on directory")
_LOCKED: Final = ("No, it's still there", "another Tor process is running with the same data directory")
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9_./+-]+")  # what tor's ControlSocket line can hold
_counter = itertools.count(1)


class OwnTor:
    """A tor process; constructing it does no I/O, `start` and `stop` may alternate."""

    def __init__(
        self,
        settings: TorSettings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
    ) -> None:
        self._settings = settings
        self._sleep = sleep
        self._clock = clock
        self._lock_timeout_seconds = lock_timeout_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._cleanup = contextlib.ExitStack()
        self.control_path: Path | None = None
        self.torrc: Torrc | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def log_path(self) -> Path:
        """Tor's own log of this start; the one before it ends in `.1`."""
        return self._settings.data_directory / "tor.log"

    @property
    def pid(self) -> int | None:
        """The process, while it lives."""
        return self._process.pid if self._process is not None and self.is_alive() else None

    def is_alive(self) -> bool:
        """Whether the process runs (it may hang all the same: ask its control port)."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start tor with its network still off, and return when its control socket answers.

        Raises TorError: no tor binary, data directory not usable or locked, a torrc line that tor refuses, a port that is taken.
        """
        self.stop()
        binary = shutil.which(os.path.expanduser(self._settings.binary))  # noqa: PTH111 - a Path would lose the "./" that which() needs
        if binary is None:
            raise TorError(
                f"no tor program {self._settings.binary!r} found: install tor (apt-get install tor) or set tor.binary to its path"
            )
        directory = self._settings.data_directory
        self._prepare(directory)
        give_up = self._clock() + self._lock_timeout_seconds
        while True:
            try:
                self._start_once(binary, directory)
            except _DirectoryLockedError as error:
                self.stop()
                if self._clock() >= give_up:
                    raise TorError(f"another tor uses the data directory {directory}: stop it, or set another directory") from error
            except BaseException:
                self.stop()
                raise
            else:
                return

    def stop(self) -> None:
        """End the process and wait for it: SIGTERM, then SIGKILL; nothing happens when it is gone."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.send_signal(signal.SIGCONT)  # one that was stopped heeds nothing else
            try:
                process.wait(STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.control_path = None
        self._cleanup.close()

    def kill(self) -> None:
        """End a process that hangs, for which SIGTERM is too polite."""
        if self._process is not None:
            self._process.kill()
        self.stop()

    def complaint(self) -> str:
        """Return the last warning or error in tor's log that says something, "" where there is none."""
        return last_complaint(self._read_log())

    def _prepare(self, directory: Path) -> None:
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=directory):
                pass
            if self.log_path.exists():
                self.log_path.replace(self.log_path.with_suffix(".log.1"))
            for stale in directory.glob("control-*.sock"):
                stale.unlink(missing_ok=True)
        except OSError as error:
            raise TorError(
                f"tor's data directory {directory} cannot be written ({error.strerror}): give it to the user torwatch runs as"
            ) from error

    def _start_once(self, binary: str, directory: Path) -> None:
        # A name of its own for each start: an orphan of an earlier torwatch must not be mistaken for the new process.
        control_path = directory.absolute() / f"control-{os.getpid()}-{next(_counter)}.sock"
        if len(os.fsencode(control_path)) > SOCKET_PATH_LIMIT_BYTES or not _PLAIN_PATH.fullmatch(str(control_path)):
            control_path = Path(self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="torwatch-"))) / "control.sock"
        self._cleanup.callback(_remove, control_path)
        self.torrc = compose_torrc(self._settings, control_path, os.getpid())
        torrc_path = directory / "torrc"
        torrc_path.write_text(render_torrc(self.torrc.start), encoding="utf-8")
        torrc_path.chmod(0o600)  # bridge lines are secrets
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [binary, "--defaults-torrc", os.devnull, "-f", str(torrc_path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,  # Ctrl-C in a terminal is for torwatch, which then stops tor in its own time
            )
        self._wait_for_control(control_path, directory)
        self.control_path = control_path

    def _wait_for_control(self, control_path: Path, directory: Path) -> None:
        # The socket opens before tor tries the lock of its directory, and "Bootstrapped 0%" comes after it.
        give_up = self._clock() + START_TIMEOUT_SECONDS
        while True:
            alive = self.is_alive()
            log = self._read_log()
            if alive and "Bootstrapped 0%" in log and _answers(control_path):
                return
            locked = any(text in log for text in _LOCKED)
            if not alive and locked:
                raise _DirectoryLockedError(directory)
            if not alive:
                raise TorError(f"tor ended at once: {last_complaint(log) or 'it said nothing'} (its log: {self.log_path})")
            if not locked and self._clock() >= give_up:
                raise TorError(f"tor opened no control socket within {START_TIMEOUT_SECONDS:.0f} s (its log: {self.log_path})")
            self._sleep(POLL_SECONDS)

    def _read_log(self) -> str:
        try:
            with self.log_path.open("rb") as log:
                log.seek(max(0, self.log_path.stat().st_size - LOG_TAIL_BYTES))
                return log.read().decode("utf-8", "replace")
        except OSError:
            return ""


class _DirectoryLockedError(Exception):
    """Another tor holds the lock of the data directory; it may be an orphan that is about to end."""


def last_complaint(log: str) -> str:
    """Return the last warning or error of a tor log that names a cause, "" where there is none."""
    complaints = [str(text).strip() for text in _COMPLAINT.findall(log)]
    return next((text for text in reversed(complaints) if not text.startswith(_EMPTY_COMPLAINTS)), "")


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
