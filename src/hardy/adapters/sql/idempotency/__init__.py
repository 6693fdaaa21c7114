"""Idempotency in the transaction: the outcome of a call is committed together with its effects, or not at all.

Floor 3, extra ``sql``. It needs its table (``schema_steps``), which the
migrations of the service create.

Example:
    >>> import asyncio
    >>> from hardy.adapters.sql import Database, DatabaseSettings, Session
    >>> store = SqlIdempotency()
    >>> tables = ";".join(step.sqlite for step in store.schema_steps)
    >>> async def main() -> None:
    ...     async with Database(DatabaseSettings(url="sqlite:///:memory:"), schema=tables) as database:
    ...         store.wire(database=database)
    ...         async with store, database.transaction() as session:
    ...             claim = await store.begin("pay:alice:1", b"5 EUR", lease=30, within=session)
    ...             await store.keep(claim, b"paid", lifetime=86400, within=session)
    ...             await store.release(claim)
    ...             print(await store.begin("pay:alice:1", b"5 EUR", lease=30, within=session))
    >>> asyncio.run(main())
    Kept(fingerprint=b'5 EUR', outcome=b'paid')
"""

from hardy.adapters.sql.idempotency._store import SqlIdempotency, SqlIdempotencyStatistics
from hardy.core import publish

__all__ = ["SqlIdempotency", "SqlIdempotencyStatistics"]

publish(__name__, globals())
