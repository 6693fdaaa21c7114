"""SQLAlchemy on the connection, and in the transaction, of a session."""

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import cast

try:
    from sqlalchemy import event
    from sqlalchemy.engine import Connection, Dialect, ExceptionContext
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
    from sqlalchemy.pool import NullPool
except ModuleNotFoundError as error:
    raise ImportError(
        "hardy.adapters.sql needs sqlalchemy for this. Install it with: pip install 'hardy[sql]'"
    ) from error

from hardy.adapters.sql._loan import Loan
from hardy.adapters.sql._transaction import Transaction
from hardy.core import Aborted, Error

_NAME = "sqlalchemy"
_URLS = {"sqlite": "sqlite+aiosqlite://", "postgresql": "postgresql+asyncpg://"}
_OWNER = "hardy.transaction"
_STARTED = "hardy.started"
_offered: ContextVar["_Lent"] = ContextVar("hardy.sql.offered")


class _Lent:
    """A driver's connection whose transaction and end are somebody else's business.

    SQLAlchemy thinks that it begins, commits and closes; nothing of it arrives.
    A rollback does: then nothing of the transaction is kept.
    """

    def __init__(self, loan: Loan) -> None:
        self._raw = loan.raw
        self.loan = loan
        self.owner: Transaction | None = None

    def __getattr__(self, name: str) -> object:
        return cast("object", getattr(self._raw, name))

    # asyncpg begins its transactions with this, and what it returns ends them.
    def transaction(self, **_: object) -> "_Lent":
        return self

    async def start(self) -> None: ...

    async def commit(self) -> None: ...

    async def rollback(self) -> None:
        if self.owner is not None:
            self.owner.lose(Aborted("this transaction was rolled back"))

    async def close(self, **_: object) -> None: ...

    def terminate(self) -> None: ...

    def stop(self) -> None: ...


class _Objects(AsyncSession):
    """A session whose rollback counts even when it has done nothing itself."""

    lent: _Lent

    async def rollback(self) -> None:
        await self.lent.rollback()
        await super().rollback()


class Attached:
    """SQLAlchemy's side of one transaction."""

    def __init__(self, transaction: Transaction, connection: AsyncConnection, lent: _Lent) -> None:
        self.connection = connection
        self._lent = lent
        self._orm: _Objects | None = None
        transaction.attach(self)

    @property
    def orm(self) -> AsyncSession:
        """The one session of objects in this transaction."""
        if self._orm is None:
            self._orm = _Objects(self.connection, expire_on_commit=False)
            self._orm.lent = self._lent
        return self._orm

    async def flush(self) -> None:
        """Write what objects have been changed."""
        if self._orm is not None:
            await self._orm.flush()

    def undone(self) -> None:
        """Forget what objects were read: a part of the transaction is undone."""
        if self._orm is not None:
            self._orm.expire_all()

    async def close(self) -> None:
        """Let go of the connection."""
        self._lent.owner = None
        if self._orm is not None:
            await self._orm.close()
        await self.connection.close()


async def attached_to(transaction: Transaction) -> Attached:
    """Return SQLAlchemy's side of *transaction*, which begins now if it has not yet."""
    if isinstance(transaction.attached, Attached):
        transaction.check()
        return transaction.attached
    loan = await transaction.lend()
    engine = cast("AsyncEngine | None", loan.of_pool.get(_NAME))
    if engine is None:
        engine = loan.of_pool[_NAME] = _engine(transaction)
    lent = cast("_Lent", loan.of_connection.setdefault(f"{_NAME}.lent", _Lent(loan)))
    token = _offered.set(lent)
    try:
        connection = await engine.connect()
    finally:
        _offered.reset(token)
    _ = await connection.begin()
    cast("Connection", connection.sync_connection).info[_OWNER] = transaction
    lent.owner = transaction
    return Attached(transaction, connection, lent)


def _engine(transaction: Transaction) -> AsyncEngine:
    """Make an engine that never connects: it takes the connection that is offered."""

    def offered() -> object:
        lent = _offered.get()
        kept = lent.loan.of_connection
        if _NAME not in kept:

            async def same() -> _Lent:
                return lent

            connect = cast("Callable[..., object]", dialect.loaded_dbapi.connect)
            kept[_NAME] = connect(async_creator_fn=same)
        return kept[_NAME]

    engine = create_async_engine(
        _URLS[transaction.dialect], creator=offered, poolclass=NullPool, pool_reset_on_return=None
    )
    dialect = engine.dialect
    if transaction.dialect == "postgresql":
        _leave_json_alone(dialect)
    event.listen(engine.sync_engine, "before_cursor_execute", _before)
    event.listen(engine.sync_engine, "after_cursor_execute", _after)
    event.listen(engine.sync_engine, "handle_error", _failed)
    return engine


def _leave_json_alone(dialect: Dialect) -> None:
    """Have SQLAlchemy read JSON by itself, and not by a setting of the connection, which typed SQL uses, too."""

    async def nothing(_: object) -> None: ...

    vars(dialect).update(
        supports_native_json_deserialization=False,
        setup_asyncpg_json_codec=nothing,
        setup_asyncpg_jsonb_codec=nothing,
    )


def _before(connection: Connection, _cursor: object, sql: str, _values: object, _context: object, _many: bool) -> None:  # noqa: FBT001  # as SQLAlchemy calls it
    owner = cast("Transaction | None", connection.info.get(_OWNER))
    if owner is not None:
        owner.check()
        owner.count(sql, reads=sql.lstrip()[:6].lower() == "select")
    connection.info[_STARTED] = time.monotonic()


def _after(connection: Connection, _cursor: object, sql: str, _values: object, _context: object, _many: bool) -> None:  # noqa: FBT001  # as SQLAlchemy calls it
    _ended(connection, sql, failed=False)


def _ended(connection: Connection, sql: str, *, failed: bool) -> None:
    owner = cast("Transaction | None", connection.info.get(_OWNER))
    started = cast("float | None", connection.info.pop(_STARTED, None))
    if owner is not None and started is not None:
        owner.ended(sql, started, failed=failed)


def _failed(context: ExceptionContext) -> None:
    """Raise our error in place of SQLAlchemy's, when there is one."""
    if context.connection is None:
        return
    owner = cast("Transaction | None", context.connection.info.get(_OWNER))
    if owner is None:
        return
    _ended(context.connection, context.statement or "", failed=True)
    original = context.original_exception
    cause = original.__cause__ if isinstance(original.__cause__, Exception) else original
    known = owner.translate(cast("Exception", cause))
    if isinstance(known, Error):
        raise known from original
