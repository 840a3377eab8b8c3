"""One tor process of the private network: its files, its life, the faults it can be given."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

from torwatch.demo.control import ControlConnection
from torwatch.demo.torrc import Options, own_files, rendered
from torwatch.errors import TorError

if TYPE_CHECKING:
    from pathlib import Path

    from torwatch.demo.guardian import Guardian
    from torwatch.demo.tor_binary import TorBinary

_LOG_LINES_SHOWN = 4


class NodeDiedError(TorError):
    """A tor ended by itself; `bind_failed` when one of its ports was taken by somebody else."""

    def __init__(self, message: str, *, bind_failed: bool) -> None:
        super().__init__(message)
        self.bind_failed = bind_failed


class TorNode:
    """A node by its name (`authority`, `relay1` …, `client`, `service`), with its data in `directory` and its sockets in `runtime_directory`."""

    def __init__(self, name: str, options: Options, *, directory: Path, runtime_directory: Path) -> None:
        self.name = name
        self.directory = directory
        self.control_socket = runtime_directory / f"{name}.sock"
        self.log_path = directory / "tor.log"
        self._cookie = runtime_directory / f"{name}.cookie"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._paused = False

    @property
    def pid(self) -> int:
        """The process id; TorError before the first start."""
        return self._started().pid

    @property
    def was_started(self) -> bool:
        """Whether the process was ever started, running or not."""
        return self._process is not None

    @property
    def is_running(self) -> bool:
        """Whether the process is there, paused or not."""
        return self._process is not None and self._process.poll() is None

    def start(self, binary: TorBinary, guardian: Guardian) -> None:
        """Start the process without waiting for it; it dies with the guardian, and the guardian with us."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        torrc = self.directory / "torrc"
        options = (*own_files(self.directory, self.control_socket, self._cookie), *self._options)
        torrc.write_text(rendered(options, binary.known_options), encoding="utf-8")
        command = [
            *(str(binary.tor), "--defaults-torrc", "/dev/null", "-f", str(torrc)),
            "--hush",  # not --quiet: a fault in the configuration, found before the log is open, must reach the log file
            *("__OwningControllerProcess", str(guardian.pid)),
        ]
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd="/", start_new_session=True
            )
        self._paused = False
        guardian.watch(self._process.pid)

    def control(self, *, timeout_seconds: float = 10) -> ControlConnection:
        """Return a new control connection, to be entered as a context."""
        return ControlConnection(self.name, self.control_socket, self._cookie, timeout_seconds=timeout_seconds)

    def pause(self) -> None:
        """Stop the process as a hung one is (SIGSTOP): its connections stay open and nothing answers."""
        self._started().send_signal(signal.SIGSTOP)
        self._paused = True

    def resume(self) -> None:
        """Let a paused process go on."""
        self._started().send_signal(signal.SIGCONT)
        self._paused = False

    def kill(self) -> None:
        """Kill the process (SIGKILL) and wait until it is gone."""
        process = self._started()
        process.kill()
        process.wait()

    def terminate(self) -> None:
        """Ask the process to end, without waiting; a paused one cannot hear and is killed."""
        if self.is_running:
            self._started().send_signal(signal.SIGKILL if self._paused else signal.SIGTERM)

    def wait(self, timeout_seconds: float) -> None:
        """Wait for the process to end, and kill it when it does not."""
        if self._process is None:
            return
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def check_alive(self) -> None:
        """Raise NodeDiedError with the last lines of the log when the process has ended."""
        if not self.is_running:
            log = self.last_log_lines()
            raise NodeDiedError(f"tor node {self.name} ended by itself: {log}", bind_failed="Address already in use" in log)

    def last_log_lines(self) -> str:
        """Return the end of the log as one line."""
        try:
            lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        telling = [line for line in lines if "New control connection opened" not in line]  # our own polling
        return " | ".join(telling[-_LOG_LINES_SHOWN:]) or "its log is empty"

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise TorError(f"tor node {self.name} was never started")
        return self._process
