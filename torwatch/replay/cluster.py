"""Archived pages read again on a Dask cluster: pages and parser sources are sent, so that its machines need no archive, only torwatch.

The cluster is trusted as this machine is: its answers are taken as they come. Its workers parse in the same sandboxed processes.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import threading
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from torwatch import __version__
from torwatch.claims import rules_of
from torwatch.errors import UsageError
from torwatch.normalise.price import normalise_price
from torwatch.parsing.registry import load_parser
from torwatch.parsing.worker import ParserWorkers
from torwatch.reading import PageReader
from torwatch.replay.pages import page_of, read_again

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torwatch.archive.index import Entry
    from torwatch.archive.reader import ArchivedPage
    from torwatch.parsing.worker import Limits
    from torwatch.replay.pages import Reread, Version

CONNECT_SECONDS = 10
GROUPS_A_THREAD = 2  # sent ahead, so that no thread of the cluster waits for pages
RETRIES = 3  # of a group whose machine went away
Sources = tuple[tuple[str, bytes], ...]  # (path inside the folder, content)


class ClusterReaders:
    """Reads on the cluster at an address; a context manager. Raises UsageError where it cannot be used."""

    def __init__(self, address: str, limits: Limits) -> None:
        try:
            from distributed import Client  # noqa: PLC0415 - an extra that few installations have
        except ImportError as error:
            raise UsageError("--dask needs an extra that is not installed: pip install 'torwatch[dask]'") from error
        connect: Any = Client  # Dask is not typed
        try:
            self._client: Any = connect(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise UsageError(
                f"no Dask scheduler answers at {address}: start one with `dask scheduler`, and workers with `dask worker`"
            ) from error
        self._limits = limits
        self._sources: dict[str, Sources] = {}

    def __enter__(self) -> Self:
        try:
            self._check_workers()
        except BaseException:
            self._client.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._client.close()

    def _check_workers(self) -> None:
        """Raise UsageError when the cluster has no worker, or one with another torwatch: it would read pages otherwise."""
        versions = self._client.run(torwatch_version)
        if not versions:
            raise UsageError("the Dask cluster has no worker: start some with `dask worker ADDRESS`")
        for worker, version in versions.items():
            if version != __version__:
                raise UsageError(f"the worker {worker} has torwatch {version}, this is {__version__}: install the same version there")

    def read(self, version: Version, warc: Path, groups: Iterable[list[Entry]]) -> Iterator[list[Reread]]:
        """What each group of pages gave, in order."""
        if version.digest not in self._sources:
            self._sources[version.digest] = read_sources(version.folder)
        ahead = GROUPS_A_THREAD * sum(self._client.nthreads().values())
        waiting: deque[Any] = deque()
        for group in groups:
            pages = [(entry, page_of(warc, entry)) for entry in group]
            task = (version.name, version.digest, self._sources[version.digest], self._limits, pages)
            waiting.append(self._client.submit(read_group, *task, pure=False, retries=RETRIES))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def read_sources(folder: Path) -> Sources:
    """The sources of a kept parser, ready to be sent."""
    return tuple((str(file.relative_to(folder)), file.read_bytes()) for file in sorted(folder.rglob("*.py")))


# --- on the machines of the cluster -------------------------------------------------------------------------------------------------

_readers: dict[str, PageReader] = {}
_lock = threading.Lock()


def torwatch_version() -> str:
    """The version of torwatch on a machine of the cluster."""
    return __version__


def read_group(name: str, digest: str, sources: Sources, limits: Limits, pages: list[tuple[Entry, ArchivedPage | None]]) -> list[Reread]:
    """Read a group of pages with the parser whose sources came with it."""
    reader = reader_of(name, digest, sources, limits)
    return [read_again(reader, entry, page) for entry, page in pages]


def reader_of(name: str, digest: str, sources: Sources, limits: Limits) -> PageReader:
    """The reader of a parser version: made once in each process of the cluster, and used by all its threads."""
    with _lock:
        if digest not in _readers:
            multiprocessing.current_process().daemon = False  # Dask's workers are daemons, which may have no processes of their own
            folder = Path(tempfile.mkdtemp(prefix="torwatch-parser-"))
            for path, content in sources:
                (folder / path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                (folder / path).write_bytes(content)
            market = load_parser(name, [folder]).market
            workers = ParserWorkers(multiprocessing.cpu_count(), directories=(folder,), **asdict(limits))
            _readers[digest] = PageReader(name, rules_of(market, normalise_price), workers, lambda _seconds: None)
        return _readers[digest]
