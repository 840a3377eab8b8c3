"""One SQLite file: opened with its pragmas, migrated forward, written in short exclusive transactions."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import threading
from typing import TYPE_CHECKING, Any, Self, TypeVar

from torwatch.errors import ArchiveError, StoreError
from torwatch.store.temporary import make_temporary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from torwatch.store.journaled import Queued

    Journal = Callable[[Sequence[Queued]], None]

Taken = TypeVar("Taken")
BUSY_TIMEOUT_MS = 60_000
LONGEST_QUOTE = 120
SPARE_BYTES = 1_000_000  # less free space than this is a full disk
FIRST_BYTES = b"SQLite format 3\x00"


class Store:
    """A connection to the database; a context manager. Thread-safe: one statement or transaction at a time."""

    def __init__(self, path: Path, connection: sqlite3.Connection, journal: Journal | None = None) -> None:
        self.path = path
        self.connection = connection
        self._journal = journal
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; what was committed stays."""
        with self._lock:
            self.connection.close()

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One exclusive transaction: all of it is committed, or nothing.

        Raises StoreError when the disk is full, the file is read-only or another process holds the lock for a minute.
        """
        with self._lock, translate_errors(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
        self.hand_over()

    def hand_over(self) -> None:
        """Give the journal what waits for it; what it cannot take now (a full disk) goes on waiting."""
        if self._journal is None:
            return
        from torwatch.store.journaled import drop_waiting, waiting  # noqa: PLC0415 - a look hands nothing over

        with self._lock:
            try:
                while self.connection.execute("SELECT 1 FROM journal_queue LIMIT 1").fetchone():
                    self.connection.execute("BEGIN IMMEDIATE")  # nobody else hands over meanwhile: the lines keep their order
                    rows = waiting(self.connection)
                    self._journal(rows)
                    drop_waiting(self.connection, rows[-1].id if rows else 0)
                    self.connection.execute("COMMIT")
            except (sqlite3.OperationalError, ArchiveError) as error:
                import structlog  # noqa: PLC0415 - costs 80 ms at the start of every command, and is needed here only

                structlog.get_logger().warning("journal_waits", reason=str(error))
            finally:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def one_moment(self) -> Iterator[None]:
        """All that is read within is of one moment, whatever another process commits meanwhile; nobody is held up."""
        with self._lock, translate_errors(self.path):
            if self.connection.in_transaction:
                yield
                return
            self.connection.execute("BEGIN")
            try:
                yield
            finally:
                self.connection.execute("ROLLBACK")

    def rows(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._lock, translate_errors(self.path):
            return self.connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        with self._lock, translate_errors(self.path):
            found: sqlite3.Row | None = self.connection.execute(sql, parameters).fetchone()
            return found

    def value(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> Any:
        """The first column of the first row, or None."""
        found = self.row(sql, parameters)
        return None if found is None else found[0]

    def gather(self, sql: str, parameters: Sequence[Any] | dict[str, Any], take: Callable[[Iterator[tuple[Any, ...]]], Taken]) -> Taken:
        """What `take` makes of the rows as plain tuples, one after another: for queries whose rows are too many for a list."""
        with self._lock, translate_errors(self.path):
            cursor = self.connection.cursor()
            cursor.row_factory = None
            try:
                return take(cursor.execute(sql, parameters))
            finally:
                cursor.close()


def open_store(path: Path, *, create: bool = True, journal: Journal | None = None) -> Store:
    """Open the database, making or migrating it first. `journal` takes the rows that no page can tell; without one they wait in the queue.

    Raises StoreError, one clear line, when it is of a newer version, is no database, or cannot be read or written.
    """
    if not path.exists():
        if not create:
            raise StoreError(f"there is no database at {path} yet: add a target first (`torwatch add ADDRESS --market NAME`)")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreError(f"the folder {path.parent} cannot be made: {error.strerror}; set data_directory to one that can be") from error
    with translate_errors(path):
        check_header(path)
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False)
        try:
            connection.row_factory = sqlite3.Row
            for pragma in (
                f"busy_timeout = {BUSY_TIMEOUT_MS}",
                "journal_mode = WAL",
                "synchronous = FULL",
                "foreign_keys = ON",
                "cache_size = -8000",  # KiB; a walk fills it, however large, and only then the daemon stops growing
            ):
                connection.execute(f"PRAGMA {pragma}").fetchall()
            make_temporary(connection, path.parent)
            migrate(connection, path)
        except BaseException:
            connection.close()
            raise
    store = Store(path, connection, journal)
    store.hand_over()
    return store


def check_header(path: Path) -> None:
    """Refuse a file that is not a SQLite database before anything writes to it."""
    if path.exists() and path.stat().st_size:
        with path.open("rb") as handle:
            if handle.read(len(FIRST_BYTES)) != FIRST_BYTES:
                raise StoreError(f"{path} is not a SQLite database: move it away, or set data_directory to another folder")


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the tables to this version in one transaction, a verified backup first; a database of a newer torwatch is refused untouched."""
    from torwatch.store.backup import back_up, backup_before  # noqa: PLC0415 - a look needs none of the three: a tenth of the time of `torwatch status`
    from torwatch.store.journaled import has_triggers, renew_triggers  # noqa: PLC0415 - as above
    from torwatch.store.schema import MIGRATIONS  # noqa: PLC0415 - as above

    applied = applied_migrations(connection)
    newer = sorted(applied - MIGRATIONS.keys())
    if newer:
        raise StoreError(
            f"{path} was written by a newer torwatch (it has {', '.join(newer)}): upgrade torwatch, or restore a backup made before"
        )
    pending = MIGRATIONS.keys() - applied
    if not pending and has_triggers(connection):
        return
    keep = backup_before(path, min(pending)) if applied and pending else None
    if keep is not None:
        back_up(connection, keep)
    connection.execute("BEGIN IMMEDIATE")
    try:
        if pending:
            apply_migrations(connection)
        renew_triggers(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if keep is not None:  # all is as it was: no need of a copy from each of many attempts on a full disk
            keep.unlink()
        raise


def applied_migrations(connection: sqlite3.Connection) -> set[str]:
    """Names of the migrations that this database has had; none for a fresh one."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'").fetchone():
        return set()
    return {row[0] for row in connection.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = 'torwatch'")}


def apply_migrations(connection: sqlite3.Connection, *, stop_before: str | None = None) -> None:
    """Apply what is pending, each migration in a transaction of its own, or all in that of the caller."""
    from sqlite_utils import Database, Migrations  # noqa: PLC0415 - it takes half a second to load, and few starts need it

    from torwatch.store.schema import MIGRATIONS  # noqa: PLC0415 - as in `migrate`

    migrations = Migrations("torwatch")
    for name, statements in MIGRATIONS.items():

        def run(database: Database, statements: Sequence[str] = statements) -> None:
            for statement in statements:
                database.conn.execute(statement)

        migrations(name=name)(run)
    migrations.apply(Database(connection, execute_plugins=False), stop_before=stop_before)


@contextlib.contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into one line that says what to do."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StoreError(explain_operational(str(error), path)) from error
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
            raise
        what = " ".join(str(error).split())  # it may quote the damaged schema
        raise StoreError(f"{path} is damaged ({what[:LONGEST_QUOTE]}): restore a backup, or rebuild it from the archive") from error


def explain_operational(message: str, path: Path) -> str:
    """The remedy for what SQLite says in `message`."""
    remedies: tuple[tuple[str, str], ...] = (
        ("disk is full", f"the disk that holds {path} is full: free some space; nothing that was committed is lost"),
        ("readonly", f"{path} cannot be written: run as the user who owns it, or mend its permissions"),
        ("unable to open", f"{path} cannot be opened: check that its folder exists and that this user may write there"),
        ("locked", f"{path} is locked by another process for over a minute: let it finish, or end it, then try again"),
        ("disk I/O", f"the disk that holds {path} gives I/O errors: check the disk"),
    )
    full = remedies[0][1]
    for sign, remedy in remedies:
        if sign in message:
            # A disk too full for the shared memory file of the write-ahead log shows as an I/O error.
            return full if sign == "disk I/O" and free_bytes(path) < SPARE_BYTES else remedy
    return f"{path}: {message}"


def free_bytes(path: Path) -> int:
    """Bytes free on the disk that holds `path`; plenty where that cannot be told."""
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return SPARE_BYTES
    return disk.f_bavail * disk.f_frsize


@contextlib.contextmanager
def writer_lock(path: Path) -> Iterator[bool]:
    """Hold the writer lock beside the database while the block runs; gives False when another process holds it."""
    lock_path = path.with_name(path.name + ".lock")
    lock_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
            yield True
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether a process holds the writer lock now; looks for microseconds, and writes nothing."""
    try:
        descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
