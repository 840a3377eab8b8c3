"""The configuration file as it stands: which one is read, its TOML, and the few keys that a quick look needs.

Nothing here loads pydantic: a look (`torwatch status`, once a minute from a monitor) does not check the whole file, the daemon does.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from torwatch.errors import ConfigError
from torwatch.units import parse_hours

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

SYSTEM_CONFIG = Path("/etc/torwatch/config.toml")
DATABASE_NAME = "torwatch.db"  # in the data directory
DEFAULT_JITTER = 0.1


class Glance(NamedTuple):
    """What a quick look takes from the configuration."""

    data_directory: Path
    jitter: float
    hours: tuple[dt.time, dt.time] | None  # in which markets are visited; None: any


def find_config(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Say which file is read: the one named, else $TORWATCH_CONFIG, else the system's where it exists, else none."""
    if path is not None:
        return path
    if environ.get("TORWATCH_CONFIG"):
        return Path(environ["TORWATCH_CONFIG"])
    return SYSTEM_CONFIG if SYSTEM_CONFIG.exists() else None


def read_document(file: Path) -> dict[str, Any]:
    """Read the TOML file as it stands; ConfigError when it cannot be read or is no TOML."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8").removeprefix("\ufeff"))  # some editors put a mark before the first word
    except OSError as error:
        raise ConfigError(f"the configuration file {file} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the configuration file {file} is not UTF-8 (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the configuration file {file} is not TOML: {error}") from error


def default_data_directory(environ: Mapping[str, str]) -> Path:
    """Say where data goes when the file does not: systemd's state folder, else the user's data folder."""
    if environ.get("STATE_DIRECTORY"):
        return Path(environ["STATE_DIRECTORY"].partition(":")[0])
    if environ.get("XDG_DATA_HOME"):
        return Path(environ["XDG_DATA_HOME"]) / "torwatch"
    return Path("~/.local/share/torwatch")


def base_directory(file: Path | None) -> Path:
    """The folder that relative paths of the configuration are relative to: its file's, else the present one."""
    return file.absolute().parent if file else Path.cwd()


def resolve_path(path: Path, base: Path, environ: Mapping[str, str]) -> Path:
    """Give a path of the configuration in full; ~ is the home of $HOME. Raises ConfigError where that is not set."""
    if path.parts[:1] == ("~",):
        if not environ.get("HOME"):
            raise ConfigError(f"{path} cannot be found: HOME is not set; set data_directory in the configuration")
        path = Path(environ["HOME"]).joinpath(*path.parts[1:])
    return base / path


def glance_at_config(path: Path | None, environ: Mapping[str, str]) -> Glance | None:
    """Take the keys of Glance without checking the others; None when one of them is not plainly right, so that `load_config` says why.

    Raises ConfigError as `read_document` does.
    """
    file = find_config(path, environ)
    document = read_document(file) if file else {}
    schedule = document.get("schedule", {})
    folder = document.get("data_directory", "")
    if not isinstance(folder, str) or not isinstance(schedule, dict):
        return None
    jitter, hours = schedule.get("jitter", DEFAULT_JITTER), schedule.get("hours", "")
    if type(jitter) not in {int, float} or not 0 <= jitter <= 1 or not isinstance(hours, str):
        return None
    try:
        opening = parse_hours(hours)
    except ValueError:
        return None
    return Glance(
        resolve_path(Path(folder) if folder else default_data_directory(environ), base_directory(file), environ),
        jitter,
        opening,
    )
