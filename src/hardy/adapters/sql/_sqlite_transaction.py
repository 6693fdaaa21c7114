"""A transaction on SQLite: hops to the thread of its connection, one for each statement."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar, TypeVar

from hardy.adapters.sql._batch import Batch
from hardy.adapters.sql._sqlite_connection import Brake, Connection
from hardy.adapters.sql._sqlite_errors import is_busy, translate
from hardy.adapters.sql._sqlite_pool import Pool
from hardy.adapters.sql._sqlite_values import Column, to_column, to_columns
from hardy.adapters.sql._statement import Statement, statement
from hardy.adapters.sql._statistics import Counts
from hardy.adapters.sql._terms import Dialect, Fetch, Outcome, Terms
from hardy.adapters.sql._transaction import Transaction
from hardy.adapters.sql._watch import Watch
from hardy.core import Aborted, Deadline, Unavailable

T = TypeVar("T")

_AT_ONCE = 1000
"""Rows of a batch in one hop; others of this connection's thread may have a turn in between."""


class SqliteTransaction(Transaction):
    """A transaction on SQLite.

    It begins as a reader. At the first statement that writes it waits for its
    turn, and SQLite refuses when what was read has been changed meanwhile
    (ABORTED); a transaction that is told to *write* waits first and is never refused.
    What it reads is one snapshot, so that every isolation level is met.
    """

    dialect: ClassVar[Dialect] = "sqlite"

    def __init__(
        self, pool: Pool, counts: Counts, watch: Watch, terms: Terms, *, on_conflict: Callable[[], None]
    ) -> None:
        super().__init__(counts, watch, terms)
        self._pool = pool
        self._deadline = terms.deadline
        self._on_conflict = on_conflict
        self._connection: Connection | None = None
        self._has_turn = False
        self._brake = Brake(terms.deadline.at)

    def _closed(self) -> Exception | None:
        return Unavailable("the database is closed") if self._pool.closed else None

    def read(self, sql: str) -> Statement:
        """Return what is known about *sql*."""
        return statement(sql)

    async def _ready(self, what: Statement) -> None:
        await self.connect(writes=what.writes)

    async def connect(self, *, writes: bool) -> Connection:
        """Return the connection, taken and with the turn to write as far as needed."""
        writes = writes or self.terms.write or not self._pool.shared
        if writes and not self._has_turn:
            await self._pool.take_turn(self._deadline)
            self._has_turn = True
        if self._connection is None:
            self._connection = self._pool.writer if writes else await self._pool.take_reader(self._deadline)
            self._before.insert(0, "begin immediate" if writes else "begin")
        return self._connection

    async def _execute(self, what: Statement, given: dict[str, object], fetch: Fetch) -> Outcome:
        columns = to_columns(given)
        try:
            return await self.hop(lambda raw: _execute(raw, what.sql, columns, fetch))
        except sqlite3.Error as error:
            error.add_note(f"in: {what.sql.strip()}")
            raise

    async def _insert(self, batch: Batch) -> None:
        await self.connect(writes=True)
        rows = [
            tuple(to_column(name, value) for name, value in zip(batch.columns, row, strict=True)) for row in batch.rows
        ]
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            await self.hop(lambda raw, some=some: raw.executemany(batch.sql, some))

    async def _script(self, statements: tuple[str, ...]) -> None:
        await self.connect(writes=False)
        await self.hop(lambda raw: [raw.execute(each) for each in statements])

    async def hop(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run *job* in the connection's thread, again while another process writes."""
        connection = self._connection
        if connection is None:  # pragma: no cover  # a connection is taken before
            raise RuntimeError("no connection was taken")
        started, attempt = asyncio.get_running_loop().time(), 0
        while True:
            try:
                return await connection.run(lambda raw: self._guarded(connection, raw, job))
            except asyncio.CancelledError:
                self._brake.pulled = True
                self.lose_to_cancellation()
                raise
            except (sqlite3.Error, OverflowError, ValueError) as error:
                if not is_busy(error):
                    raise self._failed(error) from error
            await self._pool.pause(attempt, self._deadline, started)
            attempt += 1

    def _guarded(self, connection: Connection, raw: sqlite3.Connection, job: Callable[[sqlite3.Connection], T]) -> T:
        """In the thread: put the brake on, catch up with what comes before, do the job."""
        if self._before and self._before[0].startswith("begin"):
            connection.undo(raw)  # what a session before left behind, should it ever
        connection.reins.brake = self._brake
        if self._brake.on:
            raise _interrupted()
        while self._before:
            raw.execute(self._before[0])
            del self._before[0]
        try:
            return job(raw)
        finally:
            if not raw.in_transaction and self._lost is None:
                # A full disk, an interruption: SQLite has undone everything by itself.
                self.lose(Aborted("the database has undone this transaction"))

    def _failed(self, error: Exception) -> Exception:
        if self._pool.closed:
            return Unavailable("the database is closed")
        known = translate(error)
        if isinstance(known, Aborted):
            self._counts.conflicts += 1
            self.conflicted = True
            self._on_conflict()
            self.lose(known)
        elif isinstance(error, sqlite3.Error) and not self._over:
            self.break_off(known)
        return known

    async def _end(self, *, failed: bool) -> None:
        connection = self._connection
        try:
            if connection is not None:
                await self._conclude(connection, failed=failed)
        finally:
            if connection is not None and connection is not self._pool.writer:
                self._pool.give_reader(connection)
            if self._has_turn:
                self._pool.give_turn()

    async def _conclude(self, connection: Connection, *, failed: bool) -> None:
        if self._pool.closed:
            if not failed and self._has_turn:
                raise Unavailable("the database was closed before the transaction was committed")
        elif not self._has_turn:
            self._post_undo(connection)  # has only read; nobody needs to wait for the end of that
        elif failed:
            self._counts.rollbacks += 1
            with suppress(sqlite3.Error, ValueError):  # closed meanwhile, which undoes too
                await connection.run(connection.undo)
        else:
            await self._commit(connection)

    def _post_undo(self, connection: Connection) -> None:
        with suppress(ValueError):  # closed meanwhile, which undoes too
            connection.post(connection.undo)

    async def _commit(self, connection: Connection) -> None:
        def commit(raw: sqlite3.Connection) -> None:
            connection.reins.brake = None  # too late to stop
            raw.execute("commit")

        started, attempt = asyncio.get_running_loop().time(), 0
        while True:
            try:
                await connection.run(commit)
            except (sqlite3.Error, ValueError) as error:
                if not is_busy(error):
                    self._post_undo(connection)
                    self._counts.rollbacks += 1
                    raise self._failed(error) from error
            except BaseException:
                self._post_undo(connection)
                raise
            else:
                self._counts.commits += 1
                return
            await self._pool.pause(attempt, Deadline.never(), started)
            attempt += 1


def _execute(raw: sqlite3.Connection, sql: str, given: dict[str, Column], fetch: Fetch) -> Outcome:
    cursor = raw.execute(sql, given)
    try:
        if cursor.description is None or fetch == "none":
            rows: list[tuple[object, ...]] = cursor.fetchall() if cursor.description else []
            return Outcome((), [], max(cursor.rowcount, len(rows) if cursor.rowcount < 0 else 0))
        columns = tuple(each[0] for each in cursor.description)
        if fetch == "all":
            return Outcome(columns, cursor.fetchall(), max(cursor.rowcount, 0))
        row = cursor.fetchone()
        return Outcome(columns, [] if row is None else [row], 0)
    finally:
        cursor.close()


def _interrupted() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("interrupted")
    error.sqlite_errorcode = sqlite3.SQLITE_INTERRUPT
    return error
