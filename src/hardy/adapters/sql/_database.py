"""The component: opens the connections, opens transactions on them, closes them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar, cast

from hardy.adapters.sql._block import Block
from hardy.adapters.sql._driver import Driver
from hardy.adapters.sql._retrying import retrying
from hardy.adapters.sql._session import ReadSession, Session
from hardy.adapters.sql._settings import DatabaseSettings
from hardy.adapters.sql._statistics import Counts, DatabaseStatistics
from hardy.adapters.sql._terms import Dialect, Isolation, Terms
from hardy.adapters.sql._urls import driver_for, is_in_memory
from hardy.adapters.sql._watch import Watch
from hardy.adapters.sql.migrations import Migrations
from hardy.core import Call, Deadline, Diagnostic, Notices, Unavailable, current_call, shielded

if TYPE_CHECKING:
    from hardy.adapters.sql._sqlite_driver import SqliteDriver

T = TypeVar("T")

_NEVER = Deadline.never()


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
        migrations: The folder of migrations, best in the service's own package, or
            `Migrations`; what opening does with them is said by `DatabaseSettings.migrate`.
    """

    dialect: Dialect
    """Which words of SQL are understood: ``"sqlite"`` or ``"postgresql"``."""

    def __init__(
        self,
        settings: DatabaseSettings,
        *,
        schema: str | Path | None = None,
        migrations: Path | Migrations | None = None,
    ) -> None:
        self.settings = settings
        self.migrations = migrations if isinstance(migrations, Migrations) else Migrations(migrations)
        self._schema = schema
        self._counts = Counts()
        self._watch = Watch(self._counts, slow=settings.slow_statement, repeats=settings.repeats)
        self._driver: Driver = driver_for(settings.url, settings, self._counts, self._watch)
        self._open = False
        self.dialect = self._driver.dialect

    instead = "a server in its settings: postgresql://user@host/name"

    @property
    def process_local(self) -> bool:
        """Whether several replicas would have one database each: a file of SQLite belongs to one machine."""
        return self.dialect == "sqlite"

    @property
    def worker_local(self) -> bool:
        """Whether each process has a database of its own: one that is in memory."""
        return is_in_memory(self.settings.url)

    def check(self) -> Sequence[Diagnostic]:
        """Return everything that is wrong with the folder of migrations."""
        return self.migrations.check(self.dialect)

    def wire(self, *, notices: Notices | None = None) -> None:
        """Tell of statements and migrations to *notices*; called by the app."""
        self._watch.notices = self.migrations.notices = notices

    async def __aenter__(self) -> Self:
        """Apply or verify the migrations, open every connection and execute the schema.

        Raises:
            BuildFailed: The database cannot be used, its schema is behind, or the schema is wrong.
        """
        if not self.worker_local:
            await self.migrations.bring_up(self.settings.url, self.settings.migrate)
        await self._driver.open(self._schema.read_text() if isinstance(self._schema, Path) else self._schema)
        if self.worker_local:
            await self._bring_up_memory()
        self._open = True
        return self

    async def _bring_up_memory(self) -> None:
        run = cast("SqliteDriver", self._driver).run
        try:
            await self.migrations.bring_up(self.settings.url, self.settings.migrate, run=run)
        except BaseException:
            await shielded(self._driver.close())
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what still runs and close every connection."""
        self._open = False
        await shielded(self._driver.close())

    def transaction(self, *, write: bool = False, isolation: Isolation | None = None, read_only: bool = False) -> Block:
        """Open a transaction of its own: committed at the end of the block, undone when it raises.

        It takes a connection at its first statement. A call's own `Session` is
        not involved; both writing in one call would wait for each other.

        Args:
            write: Begin as a writer at the first statement, even when it only reads.
                On SQLite this waits for the turn to write, so that what is read cannot
                change before it is written.
            isolation: How much others' transactions may be noticed: ``"read committed"``
                (PostgreSQL's default), ``"repeatable read"`` or ``"serializable"``; the
                stricter two fail with ABORTED where they cannot hold, see `retrying`.
                SQLite always gives the strictest.
            read_only: Refuse what writes.

        Example:
            >>> async def total(database: Database) -> int | None:
            ...     async with database.transaction(isolation="repeatable read", read_only=True) as session:
            ...         return await session.first(int, "select sum(quantity) from orders")
        """
        call = current_call()
        deadline = call.deadline if call else _NEVER
        operation = call.operation.name if call else ""
        return self._block(Terms(deadline, operation, write=write, isolation=isolation, read_only=read_only))

    async def retrying(
        self,
        work: Callable[[Session], Awaitable[T]],
        *,
        attempts: int = 5,
        write: bool = False,
        isolation: Isolation | None = None,
    ) -> T:
        """Run *work* in a transaction of its own, and again when it could not go together with others'.

        Serialization failures and deadlocks, which nobody can prevent and doing it
        again resolves, are repeated with a growing pause, never past the deadline of
        the call. Only what is inside is repeated, so *work* must have no effect but
        on its session: send mails and publish after it returned. A call's own
        `Session` is not involved.

        Args:
            work: Called with a fresh session each time.
            attempts: How often in all.
            write: As to `transaction`.
            isolation: As to `transaction`.

        Raises:
            Aborted: The last attempt conflicted, too.

        Example:
            >>> async def sell(database: Database, sku: str) -> int:
            ...     async def take_one(session: Session) -> int:
            ...         return await session.execute("update stock set left = left - 1 where sku = :sku", sku=sku)
            ...
            ...     return await database.retrying(take_one, isolation="serializable")
        """
        return await retrying(lambda: self.transaction(write=write, isolation=isolation), work, attempts)

    def _block(self, terms: Terms) -> Block:
        if not self._open:
            raise Unavailable("the database is not open")
        return Block(self._driver.begin(terms))

    def providers(self) -> Sequence[Callable[..., object]]:
        """Return what the component brings: `Session` and `ReadSession`, once per call."""

        async def session(call: Call) -> AsyncIterator[Session]:
            async with self._block(Terms(call.deadline, call.operation.name)) as opened:
                yield opened

        async def read_session(call: Call) -> AsyncIterator[ReadSession]:
            async with self._block(Terms(call.deadline, call.operation.name, read_only=True, replica=True)) as opened:
                yield opened

        return (session, read_session)

    async def ping(self) -> None:
        """Ask the database for something small.

        Raises:
            Unavailable: It does not answer.
        """
        async with self._block(Terms(Deadline.after(self.settings.acquire_timeout))) as session:
            await session.first(int, "select 1")

    def statistics(self) -> DatabaseStatistics:
        """Return what happened so far and how it is now."""
        counts = self._counts
        return DatabaseStatistics(
            connections=self._driver.connections,
            idle=self._driver.idle,
            waiting=counts.waiting,
            statements=counts.statements,
            commits=counts.commits,
            rollbacks=counts.rollbacks,
            conflicts=counts.conflicts,
            slow=counts.slow,
            repeated=counts.repeated,
            lost=counts.lost,
        )
