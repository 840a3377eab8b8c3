"""Worker processes that parse: limits on memory, CPU and wall time, replaced when they die or hang.

A hostile page can at worst kill its worker; the page is then `parse_limit` and the next one gets a new worker (from a fork server, about
0.05 s). What comes back is JSON, not pickle: a worker that was taken over cannot run code in the daemon.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
import itertools
import json
import math
import multiprocessing
import queue
import resource
import signal
import sys
import threading
from dataclasses import dataclass
from multiprocessing import forkserver
from typing import TYPE_CHECKING, Any, Self, TypeVar

from torwatch.errors import ParserError, UsageError
from torwatch.model import Outcome, PageKind, Parsed
from torwatch.parserkit.decode import MAX_BYTES
from torwatch.parserkit.page import split_host
from torwatch.parsing.codec import decode_guesses, decode_parsed, encode_guesses, encode_parsed
from torwatch.parsing.parse_page import parse_bytes
from torwatch.parsing.recognise import Guess, recognise
from torwatch.parsing.registry import Parser, load_all, load_parser

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path
    from types import TracebackType

MEMORY_BYTES = 768 * 1024 * 1024  # address space; an idle worker has about 60 MB of it, the worst 2 MB page of the tests needs under 300 MB
CPU_SECONDS = 10
WALL_SECONDS = 20.0
PAGES_PER_WORKER = 5_000  # then it is replaced: what a parser leaks stays bounded
COLLECT_EVERY = 250
SWITCH_SECONDS = 0.0005  # Python's 5 ms are a page: so long a worker would wait while another thread normalises what its page gave
KILLS_PER_PAGE = 3
KILLED_FROM_OUTSIDE = "the worker died: SIGKILL"
Answer = TypeVar("Answer")
_DONE, _FAULT, _USAGE = b"D", b"F", b"U"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one page may cost in a worker."""

    memory_bytes: int = MEMORY_BYTES
    cpu_seconds: int = CPU_SECONDS
    wall_seconds: float = WALL_SECONDS
    max_bytes: int = MAX_BYTES


class ParserWorkers:
    """A pool of `count` parser processes; a context manager. `parse` may be called from any number of threads: they wait for a free worker."""

    def __init__(
        self,
        count: int = 1,
        *,
        directories: Sequence[Path] = (),
        memory_bytes: int = MEMORY_BYTES,
        cpu_seconds: int = CPU_SECONDS,
        wall_seconds: float = WALL_SECONDS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.limits = Limits(memory_bytes, cpu_seconds, wall_seconds, max_bytes)
        self.directories = tuple(directories)
        self.replaced = 0  # workers that died, hung or served their time: for metrics
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(count):
            self._idle.put(None)  # started when first needed
        self._count = count
        self._lock = threading.Lock()
        self._switch_seconds = sys.getswitchinterval()
        self._context = multiprocessing.get_context("forkserver")

    def __enter__(self) -> Self:
        """Start no worker yet: that comes with its first page, forked from a server that loads meanwhile what a worker needs."""
        if self._count > 1:
            sys.setswitchinterval(min(self._switch_seconds, SWITCH_SECONDS))
        with contextlib.suppress(ValueError, AttributeError):  # preloading is only for speed
            self._context.set_forkserver_preload(["torwatch.parsing.worker"])
        forkserver.ensure_running()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End every worker, once those at work are done."""
        sys.setswitchinterval(self._switch_seconds)
        for _ in range(self._count):
            worker = self._idle.get()
            if worker is not None:
                worker.end()

    def parse(self, parser_name: str, body: bytes, *, path: str = "", content_type: str = "", fetched_at: dt.datetime) -> Parsed:
        """Parse one page in a worker; death, hanging and a fault of the parser are outcomes (parse_limit, layout_changed).

        Raises UsageError for an unknown parser and ParserError for one that does not load.
        """
        if len(body) > self.limits.max_bytes:
            return Parsed(Outcome.TOO_LARGE, PageKind.OTHER, reason=f"{len(body)} bytes, the limit is {self.limits.max_bytes}")
        header = json.dumps((parser_name, path, content_type, fetched_at.isoformat())).encode()
        met = self._ask(header, body, decode_parsed)
        return Parsed(Outcome.PARSE_LIMIT, PageKind.OTHER, reason=met) if isinstance(met, str) else met

    def recognise(self, body: bytes, *, content_type: str = "") -> list[Guess]:
        """Score every parser against a front page in a worker, best first; a page that a worker does not survive is like none."""
        met = self._ask(json.dumps((None, "", content_type, "")).encode(), body[: self.limits.max_bytes], decode_guesses)
        return [] if isinstance(met, str) else met

    def _ask(self, header: bytes, body: bytes, decode: Callable[[bytes], Answer]) -> Answer | str:
        """Give one page to a worker, to another where it was killed from outside; a text: what it died of."""
        met: Answer | str = ""
        # No limit of ours ends in SIGKILL: it comes from outside (the kernel short of memory, an operator) and says nothing about the page.
        for _ in range(KILLS_PER_PAGE):
            met = self._ask_worker(header, body, decode)
            if met != KILLED_FROM_OUTSIDE:
                break
        return met

    def _ask_worker(self, header: bytes, body: bytes, decode: Callable[[bytes], Answer]) -> Answer | str:
        """Give one page to the next free worker, which is replaced when it does not answer."""
        worker = self._idle.get()
        keep = False
        try:
            if worker is None:
                worker = _Worker(self._context, self.directories, self.limits)
            sign, data = worker.ask(header, body)
            keep = worker.pages < PAGES_PER_WORKER
            if sign == _DONE:
                return decode(data)
        except (EOFError, OSError, TimeoutError, ValueError, TypeError) as error:
            keep = False
            return _describe_death(worker, error, self.limits)
        finally:
            if not keep and worker is not None:
                worker.kill()
                with self._lock:
                    self.replaced += 1
            self._idle.put(worker if keep else None)
        raise (UsageError if sign == _USAGE else ParserError)(data.decode("utf-8", "replace"))

    def reload(self) -> None:
        """Replace every worker when it is next free, so that changed parsers are loaded."""
        waiting: list[None] = []
        for _ in range(self._count):
            worker = self._idle.get()
            if worker is not None:
                worker.end()
            waiting.append(None)
        for one in waiting:
            self._idle.put(one)


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, context: Any, directories: tuple[Path, ...], limits: Limits) -> None:
        self.pages = 0
        self._wall_seconds = limits.wall_seconds
        self._pipe: Connection
        self._pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, directories, limits), name="torwatch-parser", daemon=True)
        self.process.start()
        theirs.close()

    def ask(self, header: bytes, body: bytes) -> tuple[bytes, bytes]:
        """Send one page, wait for the answer; raises TimeoutError, EOFError or OSError when there is none."""
        self.pages += 1
        self._pipe.send_bytes(header)
        self._pipe.send_bytes(body)
        if not self._pipe.poll(self._wall_seconds):
            raise TimeoutError
        data = self._pipe.recv_bytes(maxlength=64 * 1024 * 1024)
        return data[:1], data[1:]

    def end(self) -> None:
        """Let the process end by itself; kill it when it does not."""
        self._pipe.close()
        self.process.join(2)
        self.kill()

    def kill(self) -> None:
        """End the process at once."""
        self._pipe.close()
        if self.process.is_alive():
            self.process.kill()
        self.process.join()


def _describe_death(worker: _Worker | None, error: Exception, limits: Limits) -> str:
    if isinstance(error, TimeoutError):
        return f"not parsed within {limits.wall_seconds:g} s"
    if isinstance(error, EOFError | OSError) and worker is not None:
        worker.process.join(2)
        code = worker.process.exitcode
        return f"the worker died: {signal.Signals(-code).name if code is not None and code < 0 else f'exit code {code}'}"
    return f"the worker gave no usable answer: {type(error).__name__}"


def serve(pipe: Connection, directories: tuple[Path, ...], limits: Limits) -> None:
    """Be a worker: take pages from the pipe until it closes. Runs in its own process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the daemon decides when to end
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    parsers: dict[str, Parser] = {}
    everybody: list[Parser] = []  # loaded when a market is to be recognised
    gc.freeze()
    gc.disable()  # records hold no cycles: 6 % faster, and what foreign code leaves is collected now and then
    for page in itertools.count(1):
        if page % COLLECT_EVERY == 0:
            gc.collect()
        try:
            name, path, content_type, fetched_at = json.loads(pipe.recv_bytes())
            body = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        used = resource.getrusage(resource.RUSAGE_SELF)
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used.ru_utime + used.ru_stime) + limits.cpu_seconds, resource.RLIM_INFINITY))
        try:
            if name is None:
                everybody = everybody or load_all(directories)
                pipe.send_bytes(_DONE + encode_guesses(recognise(body, everybody, content_type=content_type)))
                continue
            if name not in parsers:
                parsers[name] = load_parser(name, directories)
            answer = _DONE + encode_parsed(_parse(parsers[name], body, path, content_type, dt.datetime.fromisoformat(fetched_at), limits))
        except UsageError as error:
            answer = _USAGE + str(error).encode("utf-8", "replace")
        except ParserError as error:
            answer = _FAULT + str(error).encode("utf-8", "replace")
        except MemoryError:
            sys.exit(1)  # nothing can be trusted to work now; the daemon sees the death
        try:
            pipe.send_bytes(answer)
        except OSError:
            return


def _parse(parser: Parser, body: bytes, path: str, content_type: str, fetched_at: dt.datetime, limits: Limits) -> Parsed:
    """Parse; a fault of the parser is layout_changed: it cannot read this page, so nothing may be concluded from it."""
    try:
        return parse_bytes(parser, body, path=path, content_type=content_type, fetched_at=fetched_at, max_bytes=limits.max_bytes)
    except ParserError as error:
        if isinstance(error.__cause__, MemoryError):
            raise error.__cause__ from None
        return Parsed(Outcome.LAYOUT_CHANGED, parser.market.kind_of(split_host(path)[1])[0] or PageKind.OTHER, reason=str(error))
