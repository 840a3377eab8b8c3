"""The faults of torwatch itself; what a visit to a market can meet is an Outcome, not an error."""

from __future__ import annotations


class TorwatchError(Exception):
    """Base of all: the message is one line that says what is wrong and what to do."""

    exit_code = 1


class UsageError(TorwatchError):
    """The user asked for something that cannot be: a bad address, an unknown parser, a duplicate target."""

    exit_code = 2


class ConfigError(UsageError):
    """The configuration cannot be used; `faults` holds one `path: what is wrong` a fault."""

    def __init__(self, message: str, faults: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.faults = faults


class TorError(TorwatchError):
    """Tor is absent, did not start, or its control port does not answer."""


class StoreError(TorwatchError):
    """The database cannot be opened, is of a newer version, is locked, or the disk is full."""


class ArchiveError(TorwatchError):
    """The archive cannot be written or read."""


class ParserError(TorwatchError):
    """A parser cannot be loaded, or broke its contract."""
