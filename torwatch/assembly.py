"""The assembly: from the configuration to the settings, tools and processes that a walk works with."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import math
import os
import random
from functools import partial
from typing import TYPE_CHECKING

import structlog

from torwatch.archive.files import hash_file
from torwatch.archive.journal import NAME as JOURNAL_NAME
from torwatch.config import config_digest
from torwatch.crawl.fetch import Explain, Limits
from torwatch.crawl.schedule import Hours
from torwatch.credentials import CLIENT_KEYS, CONTROL_PASSWORD, COOKIES, find_credential
from torwatch.equipment import Tools, Tor, WalkSettings
from torwatch.errors import TorError
from torwatch.keyring import Keyring
from torwatch.normalisers import normalisers_for
from torwatch.parsing.worker import Limits as ParserLimits
from torwatch.parsing.worker import ParserWorkers
from torwatch.replay.pages import LocalReaders, Version
from torwatch.store.database import open_store
from torwatch.store.judgement import HoldRule
from torwatch.store.rebuilt import begun_from, discard, work_path
from torwatch.tor.reasons import explain
from torwatch.tor.service import open_tor
from torwatch.tor.settings import TorSettings
from torwatch.units import parse_hours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from torwatch.config import Config
    from torwatch.reading import Workers
    from torwatch.store.database import Store

log = structlog.get_logger()


def utc_now() -> dt.datetime:
    """The wall clock, for plans and records; waits use the monotonic one."""
    return dt.datetime.now(dt.UTC)


def walk_settings(config: Config) -> WalkSettings:
    """How walks behave, from the configuration."""
    crawl = config.crawl
    return WalkSettings(
        limits=Limits(
            connect_seconds=crawl.connect_timeout.total_seconds(),
            read_seconds=crawl.read_timeout.total_seconds(),
            page_seconds=crawl.page_deadline.total_seconds(),
            page_bytes=int(crawl.page_size_limit),
        ),
        seconds_per_request=crawl.seconds_per_request,
        connections=crawl.concurrency,
        page_attempts=crawl.page_attempts,
        pages_per_snapshot=crawl.pages_per_snapshot,
        pages_per_list=crawl.pages_per_list,
        requests_per_day=crawl.requests_per_day,
        bytes_per_day=int(crawl.bytes_per_day),
        second_pass=crawl.second_pass,
        detail_max_age=crawl.detail_max_age,
        headers={"User-Agent": crawl.user_agent, **crawl.headers},
        canaries=config.tor.canaries,
        hold=HoldRule(config.hold.max_fall, config.hold.confirm_misses),
        configuration=config_digest(config),
    )


def visiting_hours(config: Config) -> Hours | None:
    """The hours in which markets are visited, from the configuration; None: any."""
    hours = parse_hours(config.schedule.hours)
    return None if hours is None else Hours(*hours)


def tor_settings(config: Config) -> TorSettings:
    """How Tor is come by, from the configuration."""
    tor = config.tor
    host, _, port = tor.socks.rpartition(":")
    lines = (line.strip().partition(" ") for line in tor.torrc)
    return TorSettings(
        mode=tor.mode,
        data_directory=config.tor_directory,
        binary=tor.binary,
        control=tor.control,
        control_password=read_password(tor.control_password_file or find_credential(CONTROL_PASSWORD, os.environ)),
        socks=(host, int(port)) if tor.mode == "attach" else None,
        socks_timeout_seconds=int(tor.socks_timeout.total_seconds()),
        bootstrap_timeout_seconds=tor.bootstrap_timeout.total_seconds(),
        extra_options=tuple((name, value.strip()) for name, _, value in lines),
    )


def read_password(path: Path | None) -> str | None:
    """The control password from its file. Raises TorError when it cannot be read."""
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise TorError(f"the control password file {path} cannot be read: {error.strerror}") from error


def keyring_of(config: Config, tor: Tor) -> Keyring:
    """What brings the client keys that are kept to tor."""
    return Keyring(tor, config.client_keys_directory, find_credential(CLIENT_KEYS, os.environ))


def open_workers(config: Config) -> ParserWorkers:
    """The sandboxed parser processes, with the configuration's limits; a context manager."""
    return ParserWorkers(config.parsing.workers, directories=config.parsing.directories, **dataclasses.asdict(parser_limits(config)))


@contextlib.contextmanager
def open_readers(config: Config) -> Iterator[LocalReaders]:
    """What reads archived pages again on all cores of this machine, each version of a parser in processes of its own."""
    cores, limits = len(os.sched_getaffinity(0)), parser_limits(config)
    pools: dict[str, ParserWorkers] = {}
    with contextlib.ExitStack() as stack:

        def workers_of(version: Version) -> ParserWorkers:
            if version.digest not in pools:
                pools[version.digest] = stack.enter_context(
                    ParserWorkers(cores, directories=(version.folder,), **dataclasses.asdict(limits))
                )
            return pools[version.digest]

        yield stack.enter_context(LocalReaders(workers_of, cores))


def parser_limits(config: Config) -> ParserLimits:
    """What one page may cost a parser process, from the configuration."""
    parsing = config.parsing
    return ParserLimits(int(parsing.memory_limit), math.ceil(parsing.cpu_seconds), parsing.wall_seconds, int(config.crawl.page_size_limit))


class NoTor:
    """Stands where Tor would, for work that needs none: whoever asks it for a way out gets a clear error."""

    @property
    def socks_address(self) -> tuple[str, int]:
        """Refuse."""
        raise TorError("this command works without Tor and must not fetch")

    @property
    def version(self) -> str:
        """None: there is no tor."""
        return ""

    def credentials(self, identity: str) -> tuple[str, str]:
        """Refuse."""
        raise TorError(f"this command works without Tor and must not fetch (asked for {identity})")

    def ensure(self) -> bool:
        """Nothing to bring back."""
        return False

    def use_client_keys(self, keys: Mapping[str, str]) -> None:
        """Nothing to open."""


def make_tools(
    config: Config, store: Store, tor: Tor, workers: Workers, explain_code: Explain, now: Callable[[], dt.datetime], rng: random.Random
) -> Tools:
    """Put the tools together."""
    return Tools(
        store=store,
        tor=tor,
        workers=workers,
        explain=explain_code,
        archive_directory=config.archive_directory,
        sessions_directory=config.sessions_directory,
        client_keys_directory=config.client_keys_directory,
        rng=rng,
        now=now,
        normalisers=normalisers_for,
        session_credential=find_credential(COOKIES, os.environ),
    )


@contextlib.contextmanager
def open_tools(
    config: Config,
    store: Store,
    *,
    now: Callable[[], dt.datetime] = utc_now,
    rng: random.Random | None = None,
    tor_progress: Callable[[int, str], None] | None = None,
) -> Iterator[Tools]:
    """Start or attach Tor, start the parser workers, and give all that a walk works with."""
    with (
        open_workers(config) as workers,
        open_tor(tor_settings(config), progress=tor_progress) as tor,
    ):
        if tor.advice:
            log.warning("tor_advice", advice=tor.advice)
        keyring_of(config, tor).hand_over()
        yield make_tools(config, store, tor, workers, partial(explain, extended_errors=tor.extended_errors), now, rng or random.Random())  # noqa: S311 - an order of visits, no secret


@contextlib.contextmanager
def offline_tools(config: Config, store: Store, *, now: Callable[[], dt.datetime] = utc_now) -> Iterator[Tools]:
    """All that reading the archive again works with: the parser workers, and no Tor."""
    with open_workers(config) as workers:
        yield make_tools(config, store, NoTor(), workers, partial(explain, extended_errors=False), now, random.Random(0))  # noqa: S311 - nothing is drawn


@contextlib.contextmanager
def rebuilding(config: Config, target: Path, *, now: Callable[[], dt.datetime] = utc_now) -> Iterator[tuple[Tools, Path]]:
    """All that making a database again works with, writing beside `target`; gives the tools and that file, which is whole after the block.

    What was left of a rebuild that was stopped is gone on with, unless the journal has grown since.
    """
    work, journal = work_path(target), config.archive_directory / JOURNAL_NAME
    if work.exists() and not (journal.is_file() and begun_from(work) == hash_file(journal)):
        discard(work)
    with open_store(work) as store:
        with offline_tools(config, store, now=now) as tools:
            yield tools, work
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
