"""A transaction on SQLite: hops to the thread of its connection, one for each statement."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import ClassVar, TypeVar

from hardy.adapters.sql._batch import Batch
from hardy.adapters.sql._loan import Loan
from hardy.adapters.sql._sqlite_connection import Brake, Connection
from hardy.adapters.sql._sqlite_errors import is_busy, is_outdated, translate
from hardy.adapters.sql._sqlite_pool import Pool
from hardy.adapters.sql._sqlite_reads import Reads, execute
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
    turn, and SQLite refuses when anything was written meanwhile; then what was
    read is read again, and only when that has changed it ends (ABORTED). A
    transaction that is told to *write* waits first and is never refused.
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
        self._reads = Reads()
        self._again: sqlite3.Error | None = None  # why what was read is to be read again, before anything else

    def _closed(self) -> Exception | None:
        return Unavailable("the database is closed") if self._pool.closed else None

    def read(self, sql: str) -> Statement:
        """Return what is known about *sql*."""
        return statement(sql)

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
        _ = await self.connect(writes=what.writes)
        self._started = time.monotonic()
        columns = to_columns(given)
        try:
            outcome = await self.hop(lambda raw: execute(raw, what.sql, columns, fetch))
        except sqlite3.Error as error:
            error.add_note(f"in: {what.sql.strip()}")
            raise
        if not self._has_turn:
            self._reads.add(what, columns, fetch, outcome)
        return outcome

    async def _lend(self) -> Loan:
        # Nobody knows what will be executed, so it waits for its turn to write.
        connection = await self.connect(writes=not self.terms.read_only)
        await self._script(())
        return Loan(connection, connection.kept, self._pool.kept)

    def translate(self, error: Exception) -> Exception:
        """Return the error that a call ends with when the driver raised *error* to somebody else."""
        known = Unavailable("the database is busy", retry_after=1) if is_busy(error) else translate(error)
        if isinstance(known, Aborted):
            self._counts.conflicts += 1
            self.conflicted = True
            self._on_conflict()
            self.lose(known)
        return known

    async def _insert(self, batch: Batch) -> None:
        _ = await self.connect(writes=True)
        rows = [
            tuple(to_column(name, value) for name, value in zip(batch.columns, row, strict=True)) for row in batch.rows
        ]
        for start in range(0, len(rows), _AT_ONCE):
            await self.hop(partial(_execute_many, batch.sql, rows[start : start + _AT_ONCE]))

    async def _script(self, statements: tuple[str, ...]) -> None:
        _ = await self.connect(writes=False)
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
        try:
            self._catch_up(raw)
            try:
                return job(raw)
            except sqlite3.OperationalError as error:
                if not is_outdated(error) or not self._reads.known:
                    raise
                raw.rollback()
                self._before = ["begin immediate", *(f"savepoint {name}" for name in self._parts)]
                self._again = error
            self._catch_up(raw)
            return job(raw)
        finally:
            if not raw.in_transaction and not self._before and self._lost is None:
                # A full disk, an interruption: SQLite has undone everything by itself.
                self.lose(Aborted("the database has undone this transaction"))

    def _catch_up(self, raw: sqlite3.Connection) -> None:
        while self._before:
            raw.execute(self._before[0])
            del self._before[0]
        if (outdated := self._again) is not None:
            self._again = None
            if not self._reads.hold(raw):
                raise outdated
            self._reads.forget()  # from now on it writes, and nobody else does

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
            self._brake.pulled = True  # a statement of somebody else's may still run
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


def _execute_many(sql: str, rows: list[tuple[Column, ...]], raw: sqlite3.Connection) -> None:
    raw.executemany(sql, rows)


def _interrupted() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("interrupted")
    error.sqlite_errorcode = sqlite3.SQLITE_INTERRUPT
    return error
