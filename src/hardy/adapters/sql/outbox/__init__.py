"""Outbox and inbox: events that are published with the transaction, and consumed in one, exactly once in effect.

Floor 3, extra ``sql``. `Outbox` brings the need `hardy.Events`; `Inbox` makes
consumers remember what they have done. Both need their tables
(``schema_steps``), which the migrations of the service create.

Example:
    >>> import asyncio
    >>> from dataclasses import dataclass
    >>> from hardy.adapters.sql import Database, DatabaseSettings
    >>> from hardy.messaging import MemoryBroker, Topic
    >>> @dataclass
    ... class OrderPlaced:
    ...     order_id: int
    >>> tables = ";".join(step.sqlite for step in Outbox.schema_steps)
    >>> async def main() -> None:
    ...     outbox, broker = Outbox({OrderPlaced: Topic("orders.placed", key="order_id")}), MemoryBroker()
    ...     async with Database(DatabaseSettings(url="sqlite:///:memory:"), schema=tables) as database:
    ...         outbox.wire(database=database, publisher=broker)
    ...         async with outbox:
    ...             async with database.transaction() as session:
    ...                 await outbox.events(session).publish(OrderPlaced(42))
    ...             await outbox.flush()
    ...     print(broker.statistics().published)
    >>> asyncio.run(main())
    1
"""

from hardy.adapters.sql.outbox._events import SqlEvents
from hardy.adapters.sql.outbox._inbox import Inbox, SqlOnce
from hardy.adapters.sql.outbox._outbox import Outbox
from hardy.adapters.sql.outbox._settings import OutboxSettings
from hardy.adapters.sql.outbox._statistics import OutboxStatistics
from hardy.core import publish

__all__ = ["Inbox", "Outbox", "OutboxSettings", "OutboxStatistics", "SqlEvents", "SqlOnce"]

publish(__name__, globals())
