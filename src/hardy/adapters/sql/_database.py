"""The component: opens the connections, opens transactions on them, closes them."""

import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from hardy.adapters.sql._connection import OPENING, Connection
from hardy.adapters.sql._pool import Pool
from hardy.adapters.sql._session import Session
from hardy.adapters.sql._settings import DatabaseSettings
from hardy.adapters.sql._statistics import Counts, DatabaseStatistics
from hardy.adapters.sql._transaction import Transaction
from hardy.core import BuildFailed, Call, Deadline, Diagnostic, Unavailable, current_call, shielded

_PREFIX = "sqlite:///"
_MEMORY = ":memory:"


class Database:
    """An SQL database, and the `Session` of each call.

    Managed by an app it is opened before serving, asked by the readiness probe,
    and closed last. Calls that need a `Session` share one transaction each;
    streams and background tasks open their own with `transaction`.

    On SQLite reads never wait for writes, and writes wait for one another in
    order of arrival. A call that reads first and then writes fails with ABORTED
    when somebody changed the data in between; from then on calls of that
    operation queue before they read, so that it does not happen again.

    Args:
        settings: Where the data is.
        schema: SQL executed at every opening, as text or a file: ``create table
            if not exists ...``. It stands in for migrations while there are none.
    """

    process_local = True
    """SQLite's file belongs to one machine: several replicas would have one database each."""

    @property
    def worker_local(self) -> bool:
        """Whether each process has a database of its own: one that is in memory."""
        return self._path == _MEMORY

    def __init__(self, settings: DatabaseSettings, *, schema: str | Path | None = None) -> None:
        self._path = _path(settings.url)
        self._settings = settings
        self._schema = schema
        self._counts = Counts()
        self._pool: Pool | None = None
        self._queueing: set[str] = set()

    async def __aenter__(self) -> Self:
        """Open every connection and execute the schema.

        Raises:
            BuildFailed: The file cannot be opened, or the schema is wrong.
        """
        schema = self._schema.read_text() if isinstance(self._schema, Path) else self._schema
        if self._path != _MEMORY:
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        readers = 0 if self._path == _MEMORY else self._settings.connections
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
                raise BuildFailed([_unusable(self._settings.url, error)]) from error
            raise
        writer, *rest = opened
        self._pool = Pool(writer, rest, self._counts, timeout=self._settings.acquire_timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what still runs and close every connection."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await shielded(pool.close())

    @asynccontextmanager
    async def transaction(self, *, write: bool = False) -> AsyncGenerator[Session, None]:
        """Open a transaction of its own: committed at the end of the block, undone when it raises.

        It takes a connection at its first statement. A call's own `Session` is
        not involved; both writing in one call would wait for each other.

        Args:
            write: Wait for the turn to write at the first statement, even when
                it only reads, so that what is read cannot change before it is written.
        """
        call = current_call()
        async with self._begin(call, call.deadline if call else Deadline.never(), write=write) as session:
            yield session

    @asynccontextmanager
    async def _begin(
        self, call: Call | None, deadline: Deadline, *, write: bool = False
    ) -> AsyncGenerator[Session, None]:
        pool = self._pool
        if pool is None:
            raise Unavailable("the database is not open")
        operation = call.operation.name if call else ""

        def queue_from_now_on() -> None:
            if operation:
                self._queueing.add(operation)

        write = write or operation in self._queueing
        transaction = Transaction(pool, self._counts, deadline, write=write, on_conflict=queue_from_now_on)
        try:
            yield Session(transaction)
        except BaseException:
            await shielded(transaction.finish(failed=True))
            raise
        await shielded(transaction.finish(failed=False))

    def providers(self) -> Sequence[Callable[..., object]]:
        """Return what the component brings: `Session`, once per call."""

        async def session(call: Call) -> AsyncIterator[Session]:
            async with self._begin(call, call.deadline) as opened:
                yield opened

        return (session,)

    async def ping(self) -> None:
        """Ask the database for something small.

        Raises:
            Unavailable: It does not answer.
        """
        async with self._begin(None, Deadline.after(self._settings.acquire_timeout)) as session:
            await session.first(int, "select 1")

    def statistics(self) -> DatabaseStatistics:
        """Return what happened so far and how it is now."""
        pool, counts = self._pool, self._counts
        return DatabaseStatistics(
            connections=0 if pool is None else len(pool.readers) + 1,
            idle=0 if pool is None else pool.idle,
            waiting=counts.waiting,
            statements=counts.statements,
            commits=counts.commits,
            rollbacks=counts.rollbacks,
            conflicts=counts.conflicts,
        )


def _path(url: str) -> str:
    path = url.removeprefix(_PREFIX)
    if path == url or not path:
        raise BuildFailed([_unknown(url)])
    return path


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


def _unknown(url: str) -> Diagnostic:
    return Diagnostic(
        code="H0282",
        title=f"`{url.partition(':')[0]}` is no database that hardy.adapters.sql speaks to",
        helps=("sqlite:///orders.db", "sqlite:////var/lib/orders/orders.db", "sqlite:///:memory:"),
    )


def _unusable(url: str, error: sqlite3.Error) -> Diagnostic:
    return Diagnostic(
        code="H0401",
        title=f"the database at {url} cannot be opened: {error}",
        helps=("check that the folder exists and can be written, and that the schema is valid SQL",),
    )
