"""Credentials: secrets that systemd hands to a service, and those that torwatch keeps itself, in files that its user alone can read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

COOKIES: Final = "torwatch.cookies"  # a browser's export, of any number of targets
ALERTS: Final = "torwatch.alerts"  # addresses to tell, one a line
CLIENT_KEYS: Final = "torwatch.client_keys"  # lines as in tor's .auth_private files
CONTROL_PASSWORD: Final = "torwatch.control_password"  # noqa: S105 - the name of a file
NAMES: Final = (COOKIES, ALERTS, CLIENT_KEYS, CONTROL_PASSWORD)


def find_credential(name: str, environ: Mapping[str, str]) -> Path | None:
    """The file of a credential; None where the service was given none."""
    folder = environ.get("CREDENTIALS_DIRECTORY")
    path = Path(folder) / name if folder else None
    return path if path is not None and path.is_file() else None


def write_secret(path: Path, text: str) -> None:
    """Write a file that this user alone can read, all or nothing, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w", encoding="utf-8") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    fresh.replace(path)
