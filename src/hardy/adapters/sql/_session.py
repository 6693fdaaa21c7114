"""The need through which repositories speak to the database."""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar, cast

from hardy.adapters.sql._batch import batch_of
from hardy.adapters.sql._page import Keyset, Page, page_of, query_for
from hardy.adapters.sql._rows import plan_for
from hardy.adapters.sql._terms import Dialect
from hardy.adapters.sql._transaction import Transaction
from hardy.core import Aborted, shielded

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

T = TypeVar("T")


class ReadSession:
    """What only reads: one of its own for each call, on a copy of the database when there are any.

    As a need it takes its connection at the first statement, from one of
    `DatabaseSettings.replica_urls`, or of the database itself when there is no copy
    or none can be reached. It is independent of the call's `Session`: it may be a
    moment behind, and does not see what the call itself has written.

    Example:
        >>> async def popular(session: ReadSession) -> list[str]:
        ...     return await session.all(str, "select sku from orders group by sku order by count(*) desc limit 10")
    """

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @property
    def dialect(self) -> Dialect:
        """Which words of SQL are understood: ``"sqlite"`` or ``"postgresql"``."""
        return self._transaction.dialect

    async def first(self, type_: type[T], sql: str, /, **given: object) -> T | None:
        """Return the first row as a *type_*, or ``None`` when there is none.

        A class of fields is made of all columns, by name; anything else, such
        as ``int`` for a count, of the only column.

        Raises:
            Unavailable: No connection, no turn to write, or no database.
            DeadlineExceeded: The deadline of the call came first.
            TypeError: A parameter is missing, or given and not used.
            MappingError: Columns and fields do not fit.

        Example:
            >>> from hardy.adapters.sql import Database, DatabaseSettings
            >>> settings = DatabaseSettings(url="sqlite:///:memory:")
            >>> async with Database(settings) as database, database.transaction() as session:
            ...     print(await session.first(int, "select :a + :b", a=1, b=2))
            3
        """
        what = self._transaction.read(sql)
        what.check(given)
        found = await self._transaction.run(what, given, "one")
        make = plan_for(type_, found.columns)
        return cast("T", make(found.rows[0])) if found.rows else None

    async def all(self, type_: type[T], sql: str, /, **given: object) -> list[T]:
        """Return every row as a *type_*; raises what `first` raises."""
        what = self._transaction.read(sql)
        what.check(given)
        found = await self._transaction.run(what, given, "all")
        make = plan_for(type_, found.columns)
        return [cast("T", make(row)) for row in found.rows]

    async def page(self, type_: type[T], sql: str, keyset: Keyset, /, **given: object) -> Page[T]:
        """Return some of the rows of *sql* as a *type_*, and the cursor of those that follow.

        Pages are cut by key and not by counting, so that the last costs what the
        first does, and rows that come or go in between are neither shown twice nor
        left out. *sql* is a select without ``limit``; `Keyset` gives the order.

        Raises:
            InvalidArgument: The cursor is none of this list's (``details["field"]`` is ``after``).
            TypeError: A key of the order is no field of *type_*.

        Example:
            >>> from dataclasses import dataclass
            >>> from hardy.adapters.sql import Database, DatabaseSettings
            >>> @dataclass
            ... class Order:
            ...     id: int
            >>> settings = DatabaseSettings(url="sqlite:///:memory:")
            >>> async with Database(settings) as database, database.transaction() as session:
            ...     sql = "select 1 as id union select 2 union select 3"
            ...     first = await session.page(Order, sql, Keyset("id", limit=2))
            ...     print(first.items, (await session.page(Order, sql, Keyset("id", after=first.next))).items)
            [Order(id=1), Order(id=2)] [Order(id=3)]
        """
        query = query_for(type_, sql, keyset)
        return page_of(type_, keyset, await self.all(type_, query.sql, **given, **query.given))


class Session(ReadSession):
    """One transaction, shared by everything in its call.

    As a need it lives as long as its call: it begins with the first statement,
    is committed after the reply was encoded, and is undone when the call fails.
    It belongs to one call; statements of several tasks wait for one another.

    Statements have ``:named`` parameters, each of which must be given, and
    nothing else. Values come back by the type of the field they go into.
    PostgreSQL has a type for each; where it cannot tell which one a parameter is,
    say it: ``:id::bigint``. SQLite stores a UUID, Decimal, date or enum as text (an
    enum as its value), a datetime as text in UTC, a timedelta as seconds, a list or
    a dataclass as JSON. ``in (:ids)`` takes no list: write ``= any(:ids)`` on
    PostgreSQL, ``in (select value from json_each(:ids))`` on SQLite.

    Every statement is bounded by the deadline of the call. One that is cancelled
    loses the transaction; one that fails loses the part of it that it is in, so put
    what may fail into a part: ``async with session.transaction():``.
    """

    __slots__ = ()

    def after_commit(self, callback: Callable[[], object]) -> None:
        """Have *callback* called once everything of this transaction is kept, and never when it is not.

        One that is given in a part that fails, ``async with session.transaction():``, is forgotten with it.

        Use it to wake somebody who reads what was written, or to have a cache forget what it held:
        what an async *callback* does is waited for, so whoever made the call finds it done. It
        must be quick and not raise; an exception is logged by the event loop, for what is
        committed stays so.

        Example:
            >>> from hardy.adapters.sql import Database, DatabaseSettings
            >>> settings = DatabaseSettings(url="sqlite:///:memory:")
            >>> async with Database(settings) as database, database.transaction() as session:
            ...     session.after_commit(lambda: print("kept"))
            kept
        """
        self._transaction.after_commit(callback)

    async def execute(self, sql: str, /, **given: object) -> int:
        """Execute a statement and return how many rows it changed.

        Raises:
            AlreadyExists: Something unique is taken (``details["field"]``).
            FailedPrecondition: What is referred to does not exist, or is still needed.
            InvalidArgument: A value is missing, breaks a rule or is too large.
            Aborted: What the call has read was changed before it wrote, or is locked by somebody
                it would wait for in a circle.
            Unavailable: No connection, no turn to write, or no database.
            DeadlineExceeded: The deadline of the call came first.
            TypeError: A parameter is missing, or given and not used.
        """
        what = self._transaction.read(sql)
        what.check(given)
        found = await self._transaction.run(what, given, "none")
        return found.count

    async def change(self, sql: str, /, **given: object) -> None:
        """Execute a statement that must find its rows as they were read: optimistic locking.

        The row carries a version; the statement names the one that was read and
        moves it on. When nobody has, somebody else was first.

        Raises:
            Aborted: No row was changed, so it was changed meanwhile, or is gone. Within
                `Database.retrying` everything is done again.

        Example:
            >>> async def ship(session: Session, order_id: int, version: int) -> None:
            ...     await session.change(
            ...         "update orders set status = 'shipped', version = version + 1"
            ...         " where id = :order_id and version = :version",
            ...         order_id=order_id,
            ...         version=version,
            ...     )
        """
        if not await self.execute(sql, **given):
            self._transaction.conflicted = True
            raise Aborted("it was changed meanwhile; read it again")

    async def insert_many(self, table: str, rows: Iterable[object], /) -> int:
        """Insert many rows at once and return how many: COPY on PostgreSQL, one hop per thousand on SQLite.

        Args:
            table: Its name.
            rows: Instances of one class, whose fields are the columns, or dicts with the same keys.

        Raises:
            TypeError: The rows are not of one kind, or a value has no column type.
            Error: As `execute`; then none of them is there.

        Example:
            >>> from hardy.adapters.sql import Database, DatabaseSettings
            >>> settings = DatabaseSettings(url="sqlite:///:memory:")
            >>> async with Database(settings) as database, database.transaction() as session:
            ...     await session.execute("create table stock (sku text, number integer)")
            ...     await session.insert_many("stock", [{"sku": "tea", "number": 5}, {"sku": "milk", "number": 2}])
            0
            2
        """
        batch = batch_of(table, rows)
        return await self._transaction.insert(batch) if batch.rows else 0

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator["Session", None]:
        """Open a part of the transaction that can fail by itself (a savepoint).

        When the block raises, what it did is undone and the exception goes on;
        the rest of the transaction stays. Only the outermost commit keeps anything.

        Example:
            >>> async def rename(session: Session) -> None:
            ...     try:
            ...         async with session.transaction():
            ...             await session.execute("update ...")
            ...     except AlreadyExists:
            ...         ...
        """
        name = await self._transaction.enter()
        try:
            yield self
        except BaseException:
            await shielded(self._transaction.leave(name, failed=True))
            raise
        await self._transaction.leave(name, failed=False)

    async def connection(self) -> "AsyncConnection":
        """Return SQLAlchemy Core on this connection and in this transaction; the transaction begins with it.

        What it does and what typed SQL does is kept together or not at all: its
        commits do nothing, its rollback loses the transaction. Errors of the database
        are the same as from `execute`. One statement at a time, whoever asks.

        Example:
            >>> async def total(session: Session) -> int | None:
            ...     from sqlalchemy import text
            ...
            ...     core = await session.connection()
            ...     return (await core.execute(text("select count(*) from orders"))).scalar()
        """
        from hardy.adapters.sql._sqlalchemy import attached_to

        return (await attached_to(self._transaction)).connection

    async def orm(self) -> "AsyncSession":
        """Return SQLAlchemy's session of objects on this connection and in this transaction.

        There is one for each transaction. What was changed is flushed before the
        commit and at the borders of `transaction` parts; flush before typed SQL that
        has to see it. The rest is as with `connection`.

        Example:
            >>> async def add(session: Session, order: object) -> None:
            ...     orm = await session.orm()
            ...     orm.add(order)
        """
        from hardy.adapters.sql._sqlalchemy import attached_to

        return (await attached_to(self._transaction)).orm
