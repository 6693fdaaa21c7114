"""A transaction from its first statement to its end, whatever happens in between."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TypeVar

from hardy.adapters.sql._connection import Brake, Connection
from hardy.adapters.sql._errors import is_busy, translate
from hardy.adapters.sql._pool import Pool
from hardy.adapters.sql._statement import Statement
from hardy.adapters.sql._statistics import Counts
from hardy.adapters.sql._values import Column
from hardy.core import Aborted, Deadline, Error, Unavailable

T = TypeVar("T")

Fetch = Literal["all", "one", "none"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a statement gave."""

    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]
    count: int
    """Rows changed."""


class Transaction:
    """Takes a connection at the first statement and gives it back at the end.

    It begins as a reader. At the first statement that writes it waits for its
    turn, and SQLite refuses when what was read has been changed meanwhile
    (ABORTED); a transaction that is told to *write* waits first and is never refused.

    A statement that is cancelled may or may not have run, so the transaction is
    lost: its brake is pulled, later statements are refused, and the end undoes it.
    """

    def __init__(
        self, pool: Pool, counts: Counts, deadline: Deadline, *, write: bool, on_conflict: Callable[[], None]
    ) -> None:
        self._pool = pool
        self._counts = counts
        self._deadline = deadline
        self._write = write
        self._on_conflict = on_conflict
        self._one_at_a_time = asyncio.Lock()
        self._connection: Connection | None = None
        self._has_turn = False
        self._brake = Brake(deadline.at)
        self._before: list[str] = []  # what the next hop executes first: begin, savepoints
        self._lost: Error | None = None
        self._over = False
        self._savepoints = 0

    async def run(self, what: Statement, given: dict[str, Column], fetch: Fetch) -> Outcome:
        """Execute a statement, beginning the transaction when it is the first."""
        self._check()
        async with self._one_at_a_time:
            connection = await self._prepare(writes=what.writes)
            self._counts.statements += 1
            try:
                return await self._hop(connection, lambda raw: _execute(raw, what.sql, given, fetch))
            except sqlite3.Error as error:
                error.add_note(f"in: {what.sql.strip()}")
                raise

    def _check(self) -> None:
        if self._over:
            raise RuntimeError("the transaction of this session is over; a session lives as long as its call or block")
        if self._lost is not None:
            raise self._lost
        if self._pool.closed:
            raise Unavailable("the database is closed")

    async def _prepare(self, *, writes: bool) -> Connection:
        self._check()  # again: the one before us may have been cancelled
        writes = writes or self._write or not self._pool.shared
        if writes and not self._has_turn:
            await self._pool.take_turn(self._deadline)
            self._has_turn = True
        if self._connection is None:
            self._connection = self._pool.writer if writes else await self._pool.take_reader(self._deadline)
            self._before.insert(0, "begin immediate" if writes else "begin")
        return self._connection

    async def _hop(self, connection: Connection, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run *job* in the connection's thread, again while another process writes."""
        started, attempt = asyncio.get_running_loop().time(), 0
        while True:
            try:
                return await connection.run(lambda raw: self._guarded(connection, raw, job))
            except asyncio.CancelledError:
                self._brake.pulled = True
                self._lose(Aborted("a statement of this transaction was cancelled, so nothing of it is kept"))
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
                self._lost = Aborted("the database has undone this transaction")

    def _failed(self, error: Exception) -> Exception:
        if self._pool.closed:
            return Unavailable("the database is closed")
        known = translate(error)
        if isinstance(known, Aborted):
            self._counts.conflicts += 1
            self._on_conflict()
            self._lose(known)
        return known

    def _lose(self, why: Error) -> None:
        if self._lost is None:
            self._lost = why

    def enter(self) -> str:
        """Begin a part that can be undone by itself, with the next statement; returns its name."""
        self._check()
        self._savepoints += 1
        name = f"part_{self._savepoints}"
        self._before.append(f"savepoint {name}")
        return name

    async def leave(self, name: str, *, failed: bool) -> None:
        """End the part called *name*, undoing it when it *failed*."""
        if f"savepoint {name}" in self._before:  # no statement has been in it
            del self._before[self._before.index(f"savepoint {name}") :]
            return
        if failed and (self._lost is not None or self._over):
            return
        self._check()
        script = (f"rollback to {name}", f"release {name}") if failed else (f"release {name}",)
        async with self._one_at_a_time:
            connection = await self._prepare(writes=False)
            await self._hop(connection, lambda raw: [raw.execute(each) for each in script])

    async def finish(self, *, failed: bool) -> None:
        """Commit, or undo when it *failed* or was lost; gives the connection back in any case.

        Raises:
            Error: What was written is not kept.
        """
        if self._over:
            return
        self._over = True
        connection = self._connection
        try:
            if connection is not None:
                await self._end(connection, failed=failed or self._lost is not None)
        finally:
            if connection is not None and connection is not self._pool.writer:
                self._pool.give_reader(connection)
            if self._has_turn:
                self._pool.give_turn()
        if self._lost is not None and not failed:
            raise self._lost

    async def _end(self, connection: Connection, *, failed: bool) -> None:
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
