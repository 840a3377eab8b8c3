"""The attendance: what the daemon does beside its walks, in a thread of its own: alerts kept and told, figures given out."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import structlog

from torwatch import __version__
from torwatch.alerting import notice, tell
from torwatch.assembly import visiting_hours
from torwatch.errors import ConfigError, TorwatchError
from torwatch.ops.status import Pulse, write_pulse
from torwatch.overview import PULSE_NAME, gather_status

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from torwatch.config import Config
    from torwatch.equipment import Tools
    from torwatch.ops.status import Status

log = structlog.get_logger()


def leave_pulse(config: Config, pulse: Pulse) -> None:
    """Leave a pulse for `torwatch status`; a disk that takes none is told and does not stop the work."""
    try:
        write_pulse(config.data_directory / PULSE_NAME, pulse)
    except OSError as error:
        log.warning("pulse_not_written", error=error.strerror)


class Attendance:
    """One round at a time, whatever a round meets: a service that hangs or a full disk must not touch a walk."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self._thread: threading.Thread | None = None
        self._metrics: Any = None
        self._server: Any = None

    def open_metrics(self, config: Config) -> None:
        """Begin to give out figures as configured. Raises ConfigError when the extra is missing or the port is taken."""
        if config.metrics.textfile is None and not config.metrics.port:
            return
        try:
            from torwatch.ops.metrics import Metrics  # noqa: PLC0415 - an extra that need not be installed
        except ImportError as error:
            raise ConfigError(
                "metrics need the extra [metrics]: pip install 'torwatch[metrics]', or empty metrics.textfile and metrics.port"
            ) from error
        self._metrics = Metrics(__version__)
        if config.metrics.port:
            try:
                self._server = self._metrics.listen(config.metrics.port)
            except OSError as error:
                raise ConfigError(f"metrics.port {config.metrics.port} cannot be used: {error.strerror}; choose another one") from error

    def close(self) -> None:
        """Stop giving out figures; a round under way ends with the process."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def begin_round(self, config: Config, busy_targets: Callable[[], Collection[int]]) -> None:
        """Begin a round in its thread unless the last one is still under way."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self.make_round, args=(config, busy_targets()), name="attendance", daemon=True)
            self._thread.start()

    def make_round(self, config: Config, busy_targets: Collection[int]) -> None:
        """Give out figures, keep what is new, tell what is due; any fault is logged, and the next round tries again."""
        try:
            now = self.tools.now()
            status = gather_status(
                self.tools.store, config.data_directory, jitter=config.schedule.jitter, now=now, hours=visiting_hours(config)
            )
            self.give_figures(config, status)
            notice(self.tools.store, config, status, now=now, busy_targets=busy_targets)
            tell(self.tools, config)
        except TorwatchError as error:
            log.error("attendance_failed", error=str(error))  # noqa: TRY400 - one clear line, no traceback: these are known faults
        except Exception:
            log.exception("attendance_crashed")

    def give_figures(self, config: Config, status: Status) -> None:
        """Take the metrics anew and write the text file; a file that cannot be written is told and stops nothing."""
        if self._metrics is None:
            return
        self._metrics.update(status)
        if config.metrics.textfile is not None:
            try:
                self._metrics.write(config.metrics.textfile)
            except OSError as error:
                log.warning("metrics_not_written", file=str(config.metrics.textfile), error=error.strerror)
