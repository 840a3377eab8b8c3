"""The configuration: one TOML file, checked whole, or the defaults.

Import this module only where a command needs it: pydantic takes a noticeable part of a second to load.
Secrets never stand in the configuration; it holds paths to the files that do.
"""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import pydantic
from pydantic import ByteSize, Field

from torwatch.config_file import DATABASE_NAME, base_directory, default_data_directory, find_config, read_document, resolve_path
from torwatch.config_sections import (
    AlertsSection,
    CrawlSection,
    HoldSection,
    ListingRule,
    LogSection,
    MetricsSection,
    ParsingSection,
    RetentionSection,
    ScheduleSection,
    ServeSection,
    TorSection,
)
from torwatch.config_values import Section, show_value
from torwatch.errors import ConfigError
from torwatch.units import format_duration, format_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Config(Section):
    """The whole configuration; `load_config` makes it."""

    data_directory: Path = Field(
        default=Path(),
        description="Folder of everything torwatch keeps: torwatch.db, archive/ and tor/. Empty: $STATE_DIRECTORY,"
        " else $XDG_DATA_HOME/torwatch, else ~/.local/share/torwatch.",
    )
    tor: TorSection = TorSection()
    crawl: CrawlSection = CrawlSection()
    parsing: ParsingSection = ParsingSection()
    schedule: ScheduleSection = ScheduleSection()
    hold: HoldSection = HoldSection()
    alerts: AlertsSection = AlertsSection()
    metrics: MetricsSection = MetricsSection()
    retention: RetentionSection = RetentionSection()
    log: LogSection = LogSection()
    serve: ServeSection = ServeSection()

    @property
    def database_path(self) -> Path:
        """The SQLite database."""
        return self.data_directory / DATABASE_NAME

    @property
    def archive_directory(self) -> Path:
        """The folder of the WARC files."""
        return self.data_directory / "archive"

    @property
    def sessions_directory(self) -> Path:
        """Where the cookies of lent sessions are kept, readable by this user only."""
        return self.data_directory / "sessions"

    @property
    def client_keys_directory(self) -> Path:
        """Where the client keys of closed onions are kept, readable by this user only."""
        return self.data_directory / "client_keys"

    @property
    def tor_directory(self) -> Path:
        """The data directory of our own tor."""
        return self.data_directory / "tor"

    @pydantic.model_validator(mode="after")
    def _check_timeouts(self) -> Self:
        if self.tor.socks_timeout >= self.crawl.connect_timeout:
            connect = format_duration(self.crawl.connect_timeout)
            raise ValueError(f"tor.socks_timeout: must be below crawl.connect_timeout ({connect}), or the reason of a failure is lost")
        return self


@dataclass(frozen=True, slots=True)
class ConfigKey:
    """One key, for the documents and `config show`."""

    path: str  # "crawl.read_timeout"
    kind: str  # "duration", "size", "number", "own | attach" …
    default: Any  # as a TOML value: text, number, list or table
    description: str


def config_keys() -> list[ConfigKey]:
    """List every key in the order of config.example.toml."""
    return [ConfigKey(path, _name_kind(field), to_toml_value(field.default), field.description or "") for path, field in _walk(Config)]


def config_values(config: Config) -> dict[str, Any]:
    """Every key with its value as the configuration file writes it."""
    values = {}
    for path, _ in _walk(Config):
        value: Any = config
        for part in path.split("."):
            value = getattr(value, part)
        values[path] = to_toml_value(value)
    return values


def config_digest(config: Config) -> str:
    """The sha256 of every key and value, as archives name the configuration under which they were made; where data lies does not count."""
    lines = [f"{path} = {json.dumps(value, sort_keys=True)}\n" for path, value in config_values(config).items() if path != "data_directory"]
    return f"sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()}"


def _walk(model: type[Section], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        if isinstance(field.default, Section):
            yield from _walk(type(field.default), f"{prefix}{name}.")
        else:
            yield prefix + name, field


def _name_kind(field: Any) -> str:
    annotation = field.annotation
    named = {
        dt.timedelta: "duration",
        ByteSize: "size",
        int: "whole number",
        float: "number",
        str: "text",
        Path: "path",
        Path | None: "path",
        tuple[Path, ...]: "list of paths",
        tuple[ListingRule, ...]: "list of tables",
        bool: "true | false",
    }
    if annotation in named:
        return named[annotation]
    if getattr(annotation, "__origin__", None) is Literal:
        return " | ".join(get_args(annotation))
    return "table of text" if getattr(annotation, "__origin__", None) is dict else "list of text"


def to_toml_value(value: object) -> Any:
    """Give a value as the configuration file writes it: durations and sizes as text, no path as empty text."""
    if isinstance(value, dt.timedelta):
        return format_duration(value)
    if isinstance(value, ByteSize):
        return format_size(value)
    if value is None or value == Path():  # no path at all
        return ""
    if isinstance(value, Section):
        return {name: to_toml_value(item) for name, item in value.model_dump(exclude_unset=True).items()}
    if isinstance(value, tuple):
        return [to_toml_value(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def load_config(path: Path | None, environ: Mapping[str, str]) -> Config:
    """Read the configuration; relative paths in it are relative to its file.

    Raises ConfigError: unreadable file, bad TOML (with line and column), or `faults` with every faulty key at once.
    """
    file = find_config(path, environ)
    document = read_document(file) if file else {}
    where = str(file) if file else "the environment"
    if document.get("data_directory", "") == "":
        document["data_directory"] = str(default_data_directory(environ))
    try:
        config = Config.model_validate(document)
    except pydantic.ValidationError as error:
        faults = tuple(_describe_fault(fault) for fault in error.errors(include_url=False))
        count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise ConfigError(f"{where} has {count}; mend it and try `torwatch config check`", faults) from error
    return _resolve_paths(config, base_directory(file), environ)


def _resolve_paths(config: Config, base: Path, environ: Mapping[str, str]) -> Config:
    def resolve(path: Path) -> Path:
        return resolve_path(path, base, environ)

    password_file = config.tor.control_password_file
    parsing = config.parsing.model_copy(update={"directories": tuple(resolve(path) for path in config.parsing.directories)})
    tor = config.tor.model_copy(update={"control_password_file": resolve(password_file) if password_file else None})
    alerts, metrics = config.alerts, config.metrics
    alerts = alerts.model_copy(update={"destinations": resolve(alerts.destinations) if alerts.destinations else None})
    metrics = metrics.model_copy(update={"textfile": resolve(metrics.textfile) if metrics.textfile else None})
    return config.model_copy(
        update={"data_directory": resolve(config.data_directory), "parsing": parsing, "tor": tor, "alerts": alerts, "metrics": metrics}
    )


def _describe_fault(fault: Any) -> str:
    """Turn one of pydantic's errors into `path: what is wrong (what it is)`."""
    path = ".".join(_show_key(part) for part in fault["loc"] if part != "[key]")
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        return f"{path}: unknown key{_suggest(path)}"
    if fault["type"] in {"model_type", "dict_type"}:
        return f"{path}: must be a table, not {show_value(fault['input'])}"
    if fault["type"] == "value_error":
        return f"{path}: {message}" if path else message
    return f"{path}: {message.replace('Input should', 'should')} (is {show_value(fault['input'])})"


def _suggest(path: str) -> str:
    paths = [known for known, _ in _walk(Config)] + list(Config.model_fields)
    moved = [known for known in paths if known.rpartition(".")[2] == path.rpartition(".")[2]]
    near = difflib.get_close_matches(path, paths, n=1, cutoff=0.7) if not moved else moved[:1]
    return f"; did you mean {near[0]}?" if near else ""


def _show_key(part: object) -> str:
    return part if isinstance(part, str) and re.fullmatch(r"[\w-]+", part) else repr(part)[:60]
