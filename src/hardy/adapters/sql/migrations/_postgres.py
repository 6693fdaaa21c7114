"""Migrating PostgreSQL: every migration is one transaction that never keeps others waiting for long."""

import asyncio
import random
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import ClassVar, TypeVar, cast

from hardy.adapters.sql.migrations import _asyncpg, _faults, _revision
from hardy.adapters.sql.migrations._driver import KEPT_NOTHING, KEPT_SOME
from hardy.adapters.sql.migrations._history import Dialect
from hardy.adapters.sql.migrations._migration import Migration, Record
from hardy.adapters.sql.migrations._statements import Statement
from hardy.core import BuildFailed, Diagnostic, shielded

T = TypeVar("T")

LEDGER = """create table if not exists hardy_migrations (
  name text primary key,
  checksum text not null,
  statements bigint not null default 0,
  started_at timestamptz not null default now(),
  applied_at timestamptz
)"""
LOCK = int.from_bytes(b"hardydb")
"""One number for all services: advisory locks belong to a database."""
_LOOK_EVERY = 0.2
_INDEX = re.compile(r'create (?:unique )?index concurrently if not exists ((?:"[^"]+"|\w+)(?:\.(?:"[^"]+"|\w+))?)')
_CONCURRENTLY = re.compile(r"\bconcurrently\b")
_RECORDS = "select name, checksum, applied_at, statements from hardy_migrations"
_FORGET = "delete from hardy_migrations where name = $1"
_BEGUN = "insert into hardy_migrations (name, checksum) values ($1, $2) on conflict (name) do nothing"
# All statements of one that is no transaction can be repeated, so when it was corrected it begins again.
_BEGUN_AGAIN = """insert into hardy_migrations as m (name, checksum) values ($1, $2) on conflict (name) do update
set checksum = excluded.checksum, statements = 0 where m.applied_at is null and m.checksum <> excluded.checksum"""
_DONE = "update hardy_migrations set applied_at = clock_timestamp() where name = $1"


class PostgresDriver:
    """A PostgreSQL database, on a connection of its own and, inside `alone`, one more for the lock.

    Args:
        url: ``postgresql://...``.
        lock_timeout: Seconds that a migration may wait for locks before it lets
            everybody else go first: that long, queries queue behind it.
        patience: Seconds in which it tries again.
    """

    dialect: ClassVar[Dialect] = "postgresql"

    def __init__(self, url: str, *, lock_timeout: float = 1.0, patience: float = 120.0) -> None:
        self._url = url
        self._lock_timeout = lock_timeout
        self._patience = patience
        self._held: _asyncpg.Connection | None = None

    async def _connection(self) -> _asyncpg.Connection:
        if self._held is None or self._held.is_closed():
            self._held = await _asyncpg.connect(self._url, "hardy migrations")
        return self._held

    async def records(self) -> Sequence[Record]:
        """Return what was applied; one query."""
        connection = await self._connection()
        try:
            rows = await connection.fetch(_RECORDS)
        except _asyncpg.ERRORS as error:
            if _asyncpg.code_of(error) == "42P01":  # undefined_table
                return []
            raise BuildFailed([_unreadable(error)]) from error
        return [
            Record(
                name=str(name),
                checksum=str(checksum),
                applied_at=cast("datetime | None", applied),
                statements=cast("int", done),
            )
            for name, checksum, applied, done in rows
        ]

    @asynccontextmanager
    async def alone(self, patience: float) -> AsyncGenerator[None]:
        """Hold an advisory lock on a connection that does nothing else; it is freed when the process dies.

        It is asked for again and again: a session that waits inside
        ``pg_advisory_lock`` holds a snapshot, for which ``create index
        concurrently`` would wait in turn, for ever.
        """
        connection = await _asyncpg.connect(self._url, "hardy migrations: lock")
        try:
            started = time.monotonic()
            while not await connection.fetchval("select pg_try_advisory_lock($1)", LOCK):
                if (waited := time.monotonic() - started) > patience:
                    raise BuildFailed([_faults.locked_out(waited, await _asyncpg.holder_of(connection, LOCK))])
                await asyncio.sleep(random.uniform(_LOOK_EVERY / 2, _LOOK_EVERY))
            await self._prepare()
            yield
        finally:
            await shielded(_asyncpg.close(connection))

    async def _prepare(self) -> None:
        connection = await self._connection()
        # The operator's limits are for calls. A backend whose client was killed is to notice, and undo, soon.
        await connection.execute("set statement_timeout = 0; set idle_in_transaction_session_timeout = 0")
        with suppress(*_asyncpg.ERRORS):
            await connection.execute("set client_connection_check_interval = '1s'")

    async def apply(self, migration: Migration) -> bool:
        """Apply *migration*, as one transaction unless it is none."""
        connection = await self._connection()
        await connection.execute(LEDGER)
        if not migration.atomic:
            return await self._apply_one_by_one(connection, migration)
        function = _revision.function_of(migration, "upgrade") if migration.kind == "python" else None

        async def attempt() -> bool:
            async with connection.transaction():
                started = time.monotonic()
                await self._bound_waiting(started)
                # Should the advisory lock ever be lost, this row is the second one.
                made = await connection.execute(_BEGUN, migration.name, migration.checksum)
                if made.endswith(" 0"):
                    return False
                await self._carry_out(migration, migration.up, function, started)
                await connection.execute(_DONE, migration.name)
            return True

        return await self._patiently(migration, attempt)

    async def undo(self, migration: Migration) -> None:
        """Undo *migration* in one transaction, or one by one."""
        connection = await self._connection()
        function = _revision.function_of(migration, "downgrade") if migration.kind == "python" else None
        if function is None and migration.down is None:
            raise BuildFailed([_faults.no_way_down(migration)])
        down = migration.down or ()
        if not migration.atomic:
            for statement in down:
                await self._execute_alone(connection, migration, statement)
            await connection.execute(_FORGET, migration.name)
            return

        async def attempt() -> None:
            async with connection.transaction():
                await self._carry_out(migration, down, function, time.monotonic())
                await connection.execute(_FORGET, migration.name)

        await self._patiently(migration, attempt)

    async def execute(self, statements: Sequence[Statement], source: Migration) -> None:
        """Execute *statements* in one transaction."""

        async def attempt() -> None:
            async with (await self._connection()).transaction():
                await self._carry_out(source, statements, None, time.monotonic())

        await self._patiently(source, attempt)

    async def wipe(self) -> None:
        """Drop the schema that tables are made in, with all that is in it, and make it anew."""
        connection = await self._connection()
        schema = await connection.fetchval("select quote_ident(current_schema())")
        async with connection.transaction():
            await connection.execute(f"drop schema {schema} cascade")
            await connection.execute(f"create schema {schema}")

    async def draft(self, metadata: object) -> tuple[str, str]:
        """Return what leads from the database to *metadata*."""
        _revision.require_alembic()
        connection = await self._connection()
        return await _asyncpg.through_sqlalchemy(connection, lambda seen: _revision.draft(seen, metadata))

    async def close(self) -> None:
        """Close the connection."""
        held, self._held = self._held, None
        if held is not None:
            await shielded(_asyncpg.close(held))

    # -- as one transaction

    async def _carry_out(
        self,
        migration: Migration,
        statements: Sequence[Statement],
        function: Callable[[], object] | None,
        started: float,
    ) -> None:
        if function is not None:
            await self._carry_out_revision(migration, function, started)
        connection = await self._connection()
        for statement in statements:
            await self._bound_waiting(started)
            await _execute(connection, migration, statement, KEPT_NOTHING)

    async def _carry_out_revision(self, migration: Migration, function: Callable[[], object], started: float) -> None:
        assert migration.path is not None
        await self._bound_waiting(started)
        try:
            await _asyncpg.through_sqlalchemy(await self._connection(), lambda seen: _revision.execute(function, seen))
        except Exception as error:  # the user's code: whatever it raises, nothing of it is kept
            line = _revision.line_of(error, migration.path)
            if (locked := _asyncpg.locked_cause_of(error)) is not None:
                locked.add_note(str(line))
                raise locked from None
            said = _revision.said(error)
            raise BuildFailed([_faults.failed(migration, line, said, kept=KEPT_NOTHING)]) from error

    async def _bound_waiting(self, started: float) -> None:
        """Let the next statement wait for a lock only as long as is left: others may be waiting for us already."""
        left = max(0.1, self._lock_timeout - (time.monotonic() - started))
        await (await self._connection()).execute(f"set local lock_timeout = '{left * 1000:.0f}ms'")

    # -- one by one

    async def _apply_one_by_one(self, connection: _asyncpg.Connection, migration: Migration) -> bool:
        await connection.execute(_BEGUN_AGAIN, migration.name, migration.checksum)
        record = next(each for each in await self.records() if each.name == migration.name)
        if record.applied_at is not None:
            return False
        for number, statement in enumerate(migration.up[record.statements :], record.statements + 1):
            await self._execute_alone(connection, migration, statement)
            progress = "update hardy_migrations set statements = $2 where name = $1"
            await connection.execute(progress, migration.name, number)
        await connection.execute(_DONE, migration.name)
        return True

    async def _execute_alone(self, connection: _asyncpg.Connection, migration: Migration, statement: Statement) -> None:
        """Execute a statement that is no part of a transaction, and may have been executed before."""
        # What is done concurrently waits for others, but lets nobody wait for it.
        limit = 0.0 if _CONCURRENTLY.search(statement.words) else self._lock_timeout

        async def attempt() -> None:
            if (index := _INDEX.match(statement.words)) is not None:
                await _asyncpg.drop_invalid(connection, index.group(1))
            await connection.execute(f"set lock_timeout = '{limit * 1000:.0f}ms'")
            await _execute(connection, migration, statement, KEPT_SOME)

        try:
            await self._patiently(migration, attempt)
        finally:
            await shielded(_asyncpg.reset_waiting(connection))

    async def _patiently(self, migration: Migration, attempt: Callable[[], Awaitable[T]]) -> T:
        """Attempt again while others hold what is needed, with pauses in which they, and whoever queued, go on."""
        started, attempts = time.monotonic(), 0
        while True:
            try:
                return await attempt()
            except _asyncpg.ERRORS as error:
                attempts += 1
                if not _asyncpg.is_locked(error):
                    raise BuildFailed([_faults.failed(migration, 0, str(error), kept=KEPT_NOTHING)]) from error
                if time.monotonic() - started > self._patience:
                    line = int(next(iter(getattr(error, "__notes__", ())), "0"))
                    in_the_way = await _asyncpg.oldest_transaction(await self._connection())
                    raise BuildFailed([_faults.never_free(migration, line, attempts, in_the_way)]) from error
            await asyncio.sleep(random.uniform(0.5, 1.0) * min(2.0, 0.2 * 2 ** min(attempts, 5)))


async def _execute(connection: _asyncpg.Connection, migration: Migration, statement: Statement, kept: str) -> None:
    try:
        await connection.execute(statement.text)
    except _asyncpg.ERRORS as error:
        if _asyncpg.is_locked(error):
            error.add_note(str(statement.line))
            raise
        raise BuildFailed([_refused(migration, statement, error, kept)]) from error


def _refused(migration: Migration, statement: Statement, error: Exception, kept: str) -> Diagnostic:
    position: object = getattr(error, "position", None)
    text = statement.text[: int(str(position)) - 1] if position else ""
    hints = ("let it run outside of a transaction: -- no transaction",) if _asyncpg.needs_no_transaction(error) else ()
    line = statement.line + text.count("\n")
    return _faults.failed(migration, line, str(error).partition("\n")[0], kept=kept, hints=hints)


def _unreadable(error: Exception) -> Diagnostic:
    return Diagnostic(
        code="H0401",
        title=f"the table hardy_migrations cannot be read: {error}",
        helps=("grant the service's user what it needs: grant select on hardy_migrations to ...",),
    )
