"""The need through which repositories speak to the database."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar, cast

from hardy.adapters.sql._rows import plan_for
from hardy.adapters.sql._terms import Dialect
from hardy.adapters.sql._transaction import Transaction
from hardy.core import shielded

T = TypeVar("T")


class Session:
    """One transaction, shared by everything in its call.

    As a need it lives as long as its call: it begins with the first statement,
    is committed after the reply was encoded, and is undone when the call fails.
    It belongs to one call; statements of several tasks wait for one another.

    Statements have ``:named`` parameters, each of which must be given, and
    nothing else. A UUID, Decimal, date or enum is stored as text (an enum as its
    value), a datetime as text in UTC, a timedelta as seconds, a list or a
    dataclass as JSON, and all come back by the type of the field they go into.
    ``in (:ids)`` takes no list; write ``in (select value from json_each(:ids))``.

    Every statement is bounded by the deadline of the call. One that is
    cancelled loses the transaction.
    """

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    @property
    def dialect(self) -> Dialect:
        """Which words of SQL are understood: ``"sqlite"`` or ``"postgresql"``."""
        return self._transaction.dialect

    def after_commit(self, callback: Callable[[], object]) -> None:
        """Have *callback* called once everything of this transaction is kept, and never when it is not.

        It must be quick and not raise; an exception is logged by the event loop,
        for what is committed stays so. Use it to wake somebody who reads what was written.

        Example:
            >>> from hardy.adapters.sql import Database, DatabaseSettings
            >>> settings = DatabaseSettings(url="sqlite:///:memory:")
            >>> async with Database(settings) as database, database.transaction() as session:
            ...     session.after_commit(lambda: print("kept"))
            kept
        """
        self._transaction.after_commit(callback)

    async def first(self, type_: type[T], sql: str, /, **given: object) -> T | None:
        """Return the first row as a *type_*, or ``None`` when there is none.

        A class of fields is made of all columns, by name; anything else, such
        as ``int`` for a count, of the only column.

        Raises:
            AlreadyExists: Something unique is taken (``details["field"]``).
            FailedPrecondition: What is referred to does not exist, or is still needed.
            InvalidArgument: A value is missing, breaks a rule or is too large.
            Aborted: What the call has read was changed before it wrote.
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

    async def execute(self, sql: str, /, **given: object) -> int:
        """Execute a statement and return how many rows it changed; raises what `first` raises."""
        what = self._transaction.read(sql)
        what.check(given)
        found = await self._transaction.run(what, given, "none")
        return found.count

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
        name = self._transaction.enter()
        try:
            yield self
        except BaseException:
            await shielded(self._transaction.leave(name, failed=True))
            raise
        await self._transaction.leave(name, failed=False)
