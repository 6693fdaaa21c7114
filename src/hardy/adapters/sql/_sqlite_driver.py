"""SQLite: a file or memory, one connection to write and several to read."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, TypeVar

from hardy.adapters.sql._settings import DatabaseSettings
from hardy.adapters.sql._sqlite_connection import OPENING, Connection
from hardy.adapters.sql._sqlite_pool import Pool
from hardy.adapters.sql._sqlite_transaction import SqliteTransaction
from hardy.adapters.sql._statistics import Counts
from hardy.adapters.sql._terms import Dialect, Terms
from hardy.adapters.sql._watch import Watch
from hardy.core import BuildFailed, Diagnostic, Unavailable, shielded

MEMORY = ":memory:"
T = TypeVar("T")


class SqliteDriver:
    """The SQLite database at *path*."""

    dialect: ClassVar[Dialect] = "sqlite"

    def __init__(self, path: str, settings: DatabaseSettings, counts: Counts, watch: Watch) -> None:
        self._path = path
        self._settings = settings
        self._counts = counts
        self._watch = watch
        self._pool: Pool | None = None
        self._queueing: set[str] = set()

    @property
    def connections(self) -> int:
        """How many are open."""
        return 0 if self._pool is None else len(self._pool.readers) + 1

    @property
    def idle(self) -> int:
        """How many of them nobody uses."""
        return 0 if self._pool is None else self._pool.idle

    async def open(self, schema: str | None) -> None:
        """Open every connection and execute *schema*.

        Raises:
            BuildFailed: The file cannot be opened, or the schema is wrong.
        """
        if self._path != MEMORY:
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        readers = 0 if self._path == MEMORY else self._settings.connections
        opened: list[Connection] = []
        try:
            for _ in range(readers + 1):
                connection = Connection(self._path, durable=self._settings.durable)
                await connection.open()
                opened.append(connection)
                if schema and len(opened) == 1:
                    await connection.run(lambda raw: _apply(raw, schema))
        except BaseException as error:
            for connection in opened:
                await shielded(connection.close())
            if isinstance(error, sqlite3.Error):
                raise BuildFailed([unusable(self._settings.url, error)]) from error
            raise
        writer, *rest = opened
        self._pool = Pool(writer, rest, self._counts, timeout=self._settings.acquire_timeout)

    async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run *job* on the connection that writes, beside every transaction: what migrates a database in memory."""
        assert self._pool is not None  # it is open
        return await self._pool.writer.run(job)

    def begin(self, terms: Terms) -> SqliteTransaction:
        """Return a transaction that has not begun yet."""
        if self._pool is None:
            raise Unavailable("the database is not open")
        operation = terms.operation
        if operation in self._queueing:
            terms = Terms(terms.deadline, operation, write=True, isolation=terms.isolation, read_only=terms.read_only)

        def queue_from_now_on() -> None:
            if operation:
                self._queueing.add(operation)

        return SqliteTransaction(self._pool, self._counts, self._watch, terms, on_conflict=queue_from_now_on)

    async def close(self) -> None:
        """Stop what still runs and close every connection."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()


def _apply(raw: sqlite3.Connection, schema: str) -> None:
    # Others may be writing: a worker that starts beside busy ones has to wait for its turn.
    raw.execute(f"pragma busy_timeout = {OPENING * 1000:.0f}")
    try:
        raw.executescript(f"begin immediate;\n{schema}\n;commit;")
    except BaseException:
        if raw.in_transaction:
            raw.rollback()
        raise
    finally:
        raw.execute("pragma busy_timeout = 0")


def unusable(url: str, error: BaseException) -> Diagnostic:
    """Return what is said when the database cannot be opened."""
    return Diagnostic(
        code="H0401",
        title=f"the database at {url} cannot be opened: {error}",
        helps=("check that the folder exists and can be written, and that the schema is valid SQL",),
    )
