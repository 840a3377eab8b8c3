"""The log: structlog events with stable snake_case names, as JSON lines for a journal or readable on a terminal.

Import this module only where a command logs; `torwatch --version` does without it.
"""

from __future__ import annotations

import contextlib
import logging
import re
import unicodedata
from typing import TYPE_CHECKING, Any, TextIO

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

REDACTED = "[redacted]"
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_SECRET_NAME = re.compile(
    r"(?:^|[_\W])(?:set_?)?(?:cookie|passw(?:or)?d|passphrase|secret|key|token|authori[sz]ation)s?(?:$|[_\W])", re.IGNORECASE
)
_CREDENTIAL = re.compile(
    r'((?:SOCKS_USERNAME|SOCKS_PASSWORD|PASSWORD|AUTHCOOKIE)=)(?:"[^"]*"|\S+)', re.IGNORECASE
)  # in tor's own lines, which stem repeats
_KEPT_IN_EXCEPTIONS = frozenset("\n\t")


class LibraryHandler(logging.Handler):
    """Hands what libraries log (stem, urllib3, warcio) on as `library_message` events."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record's text under one event name, so that the names of events stay ours."""
        level = record.levelname.lower() if record.levelname.lower() in LEVELS else "error"
        try:
            text = _CREDENTIAL.sub(rf"\1{REDACTED}", record.getMessage())
            getattr(structlog.get_logger(), level)("library_message", library=record.name, text=text)
        except Exception:  # noqa: BLE001 - a log that cannot be written must not end the library's thread (logging's own contract)
            self.handleError(record)


def set_up_logs(level: str, form: str, stream: TextIO) -> None:
    """Send every event of `level` and above to the stream; `form` is json, console or auto (console on a terminal).

    Levels are debug, info, warning, error. What libraries log comes along from warning on.
    """
    on_terminal = stream.isatty()
    console = form == "console" or (form == "auto" and on_terminal)
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=on_terminal, exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact_secrets,
            show_control_characters,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    lowest = max(LEVELS[level], logging.WARNING)
    root.handlers = [handler for handler in root.handlers if not isinstance(handler, LibraryHandler)] + [LibraryHandler(lowest)]
    root.setLevel(lowest)  # a library that gives its own logger a level, as stem does, is held back by the handler
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings name whole addresses, which may hold tokens of a lent session


@contextlib.contextmanager
def warnings_on(stream: TextIO) -> Iterator[None]:
    """Send warnings and errors of one command to the stream, for people; what it prints for scripts stays clean."""
    before = structlog.get_config()
    set_up_logs("warning", "console", stream)
    try:
        yield
    finally:
        structlog.configure(**before)


def redact_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace every value whose name says cookie, password, key, token or authorization, at any depth; bodies become their size."""
    return {name: _redact(name, value) for name, value in event.items()}


def _redact(name: str, value: object) -> object:
    if _SECRET_NAME.search(name):
        return REDACTED
    if isinstance(value, dict):
        return {inner: _redact(str(inner), item) for inner, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redact("", item) for item in value]
    return f"<{len(value)} bytes>" if isinstance(value, (bytes, bytearray)) else value


def show_control_characters(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape what a terminal would obey or hide (control, bidi, zero-width), so that no page can write our log."""
    return {name: _show(value, _KEPT_IN_EXCEPTIONS if name == "exception" else frozenset()) for name, value in event.items()}


def _show(value: object, kept: frozenset[str]) -> object:
    if isinstance(value, str):
        return value if value.isprintable() else "".join(_escape(character, kept) for character in value)
    if isinstance(value, dict):
        return {_show(str(name), kept): _show(item, kept) for name, item in value.items()}
    if isinstance(value, list):
        return [_show(item, kept) for item in value]
    return value if value is None or isinstance(value, (bool, int, float)) else _show(str(value), kept)


def _escape(character: str, kept: frozenset[str]) -> str:
    if character in kept or unicodedata.category(character)[0] not in "CZ" or character == " ":
        return character
    if unicodedata.category(character) == "Zs":  # odd spaces are harmless and are part of what a page said
        return character
    return character.encode("unicode_escape").decode("ascii")
