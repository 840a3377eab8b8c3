"""Credentials: secrets that systemd hands to a service as files of its own, instead of files in the data folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

COOKIES: Final = "torwatch.cookies"  # a browser's export, of any number of targets
ALERTS: Final = "torwatch.alerts"  # addresses to tell, one a line
CONTROL_PASSWORD: Final = "torwatch.control_password"  # noqa: S105 - the name of a file
NAMES: Final = (COOKIES, ALERTS, CONTROL_PASSWORD)


def find_credential(name: str, environ: Mapping[str, str]) -> Path | None:
    """The file of a credential; None where the service was given none."""
    folder = environ.get("CREDENTIALS_DIRECTORY")
    path = Path(folder) / name if folder else None
    return path if path is not None and path.is_file() else None
