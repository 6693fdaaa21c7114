"""What migrations need of asyncpg beside executing statements: connecting, telling errors apart, who is in the way."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from hardy.config import redact_url
from hardy.core import BuildFailed, Diagnostic

try:
    import asyncpg
except ModuleNotFoundError as error:
    raise ImportError("PostgreSQL needs asyncpg. Install it with: pip install 'hardy[postgres]'") from error

if TYPE_CHECKING:
    from sqlalchemy import Connection as SqlalchemyConnection

T = TypeVar("T")


class Connection(Protocol):
    """What is used of asyncpg's connection, with types."""

    async def execute(self, sql: str, *given: object) -> str:
        """Execute one statement, or several that are given nothing, and return the server's word for it."""
        ...

    async def fetch(self, sql: str, *given: object) -> Sequence[Sequence[object]]:
        """Return the rows of a query."""
        ...

    async def fetchval(self, sql: str, *given: object) -> object:
        """Return the first column of the first row; ``None`` when there is none."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[object]:
        """Return a transaction, undone when its block raises."""
        ...

    def is_closed(self) -> bool:
        """Tell whether it is closed, or lost."""
        ...

    async def close(self, *, timeout: float | None = None) -> None:
        """Close it."""
        ...


ERRORS: tuple[type[Exception], ...] = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
"""What a statement can end with: refused by the database, or the connection lost."""
_UNOPENED: tuple[type[Exception], ...] = (*ERRORS, TimeoutError, ValueError)
_CONNECT = 10
_LOCKED = frozenset({"55P03", "40P01"})  # lock_not_available, deadlock_detected
_CONCURRENT_BLOCK = "25001"  # active_sql_transaction: cannot run inside a transaction block


async def connect(url: str, name: str) -> Connection:
    """Open a connection that PostgreSQL's own lists show as *name*.

    Raises:
        BuildFailed: The server does not answer, or refuses (H0401).
    """
    try:
        return cast(
            "Connection",
            await asyncpg.connect(url, timeout=_CONNECT, server_settings={"application_name": name}),
        )
    except _UNOPENED as error:
        said = str(error) or type(error).__name__
        raise BuildFailed([_unreachable(url, said)]) from error


def _unreachable(url: str, said: str) -> Diagnostic:
    return Diagnostic(
        code="H0401",
        title=f"the database at {redact_url(url)} cannot be opened: {said}",
        helps=("check that the server runs, and what the service was told: hardy show config",),
    )


async def close(connection: Connection) -> None:
    """Close *connection*, by force when the server does not answer."""
    with suppress(*ERRORS, TimeoutError):
        await connection.close(timeout=2)


async def reset_waiting(connection: Connection) -> None:
    """Wait for locks again as the server's settings say."""
    with suppress(*ERRORS):
        await connection.execute("reset lock_timeout")


def code_of(error: BaseException) -> str:
    """Return the SQLSTATE of *error*; empty for what did not come from the server."""
    return str(getattr(error, "sqlstate", None) or "")


def is_locked(error: BaseException) -> bool:
    """Tell whether others hold what a statement needs, so that trying again helps."""
    return code_of(error) in _LOCKED


def needs_no_transaction(error: BaseException) -> bool:
    """Tell whether a statement was refused because it stands in a transaction."""
    return code_of(error) == _CONCURRENT_BLOCK


def locked_cause_of(error: BaseException) -> BaseException | None:
    """Return the lock error of the server below what SQLAlchemy made of it; ``None`` when it is another."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ERRORS) and is_locked(seen):
            return seen
        below: object = getattr(seen, "orig", None)
        seen = below if isinstance(below, BaseException) else seen.__cause__
    return None


async def drop_invalid(connection: Connection, index: str) -> None:
    """Drop what an interrupted ``create index concurrently`` has left under the name *index*, if anything.

    https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
    """
    query = "select indexrelid::regclass::text from pg_index where indexrelid = to_regclass($1) and not indisvalid"
    if (found := await connection.fetchval(query, index)) is not None:
        await connection.execute("set lock_timeout = 0")
        await connection.execute(f"drop index concurrently if exists {found}")


async def holder_of(connection: Connection, lock: int) -> str:
    """Tell who holds the advisory *lock*."""
    found = await connection.fetch(
        """select pid, coalesce(host(client_addr), 'this machine'), date_trunc('second', now() - backend_start)::text
        from pg_locks join pg_stat_activity using (pid)
        where locktype = 'advisory' and granted and classid::bigint << 32 | objid::bigint = $1""",
        lock,
    )
    return "".join(f"backend {pid} of {host} holds the lock, connected for {age}" for pid, host, age in found)


async def oldest_transaction(connection: Connection) -> str:
    """Tell which transaction of another session is the oldest, for it is most likely in the way."""
    found = await connection.fetch(
        """select pid, application_name, state, date_trunc('second', now() - xact_start)::text, left(query, 80)
        from pg_stat_activity
        where xact_start is not null and pid <> pg_backend_pid() and datname = current_database()
        order by xact_start limit 1""",
    )
    return "".join(
        f"backend {pid} ({name or 'no name'}, {state}) has a transaction open for {age}: {' '.join(str(query).split())}"
        for pid, name, state, age, query in found
    )


async def through_sqlalchemy(connection: Connection, job: "Callable[[SqlalchemyConnection], T]") -> T:
    """Run *job* with SQLAlchemy's view of *connection*; an open transaction stays open, and ours."""
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import StaticPool

    async def held() -> Connection:
        await asyncio.sleep(0)
        return connection

    engine = create_async_engine("postgresql+asyncpg://", async_creator=held, poolclass=StaticPool)
    async with engine.connect() as seen:
        result = await seen.run_sync(job)
        await seen.commit()
    return result
