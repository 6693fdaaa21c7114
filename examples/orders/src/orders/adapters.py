"""How orders are kept: the only file that knows SQL, and the fakes that tests use."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from hardy.adapters.sql import Database, Session
from hardy.core import AlreadyExists
from orders.domain import Feed, Order, OrderChanged, OrderEvent, Orders, UnitOfWork

SCHEMA = """
create table if not exists orders (
    id text primary key,
    sku text not null,
    quantity integer not null check (quantity > 0),
    buyer text not null,
    status text not null,
    placed_at text not null,
    version integer not null
);
create index if not exists orders_by_buyer on orders (buyer, id);
create table if not exists order_events (
    number integer primary key autoincrement,
    order_id text not null references orders (id),
    status text not null,
    version integer not null,
    at text not null,
    unique (order_id, version)
);
"""


class SqlOrders:
    """Keeps orders in tables; events lie in the same transaction, so none is told that did not happen."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, order: Order) -> None:
        """Keep a new order, and that it was placed."""
        await self._session.execute(
            """insert into orders (id, sku, quantity, buyer, status, placed_at, version)
               values (:id, :sku, :quantity, :buyer, :status, :placed_at, :version)""",
            id=order.id,
            sku=order.sku,
            quantity=order.quantity,
            buyer=order.buyer,
            status=order.status,
            placed_at=order.placed_at,
            version=order.version,
        )
        await self._tell(order, order.placed_at)

    async def get(self, order_id: UUID) -> Order | None:
        """Return the order, or ``None``."""
        return await self._session.first(Order, "select * from orders where id = :id", id=order_id)

    async def page(self, *, buyer: str, after: UUID | None, limit: int) -> list[Order]:
        """Return up to *limit* orders of *buyer*, by id, those after *after*."""
        return await self._session.all(
            Order,
            "select * from orders where buyer = :buyer and (:after is null or id > :after) order by id limit :limit",
            buyer=buyer,
            after=after,
            limit=limit,
        )

    async def change(self, order: Order, *, at: datetime) -> None:
        """Keep a changed order, unless somebody else changed it first."""
        changed = await self._session.execute(
            "update orders set status = :status, version = :version where id = :id and version = :before",
            id=order.id,
            status=order.status,
            version=order.version,
            before=order.version - 1,
        )
        if changed == 0:
            raise OrderChanged("the order has changed meanwhile", order_id=order.id)
        await self._tell(order, at)

    async def _tell(self, order: Order, at: datetime) -> None:
        await self._session.execute(
            """insert into order_events (order_id, status, version, at)
               values (:order_id, :status, :version, :at)""",
            order_id=order.id,
            status=order.status,
            version=order.version,
            at=at,
        )


class SqlUnitOfWork:
    """Opens transactions of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[Orders, None]:
        """Yield orders of a transaction of their own."""
        async with self._database.transaction() as session:
            yield SqlOrders(session)


class SqlFeed:
    """Reads events from their table, several times a second; it misses none and tells none twice."""

    def __init__(self, database: Database, *, pause: float = 0.1) -> None:
        self._database = database
        self._pause = pause

    async def events(self, *, since: datetime | None = None) -> AsyncIterator[OrderEvent]:
        """Return events in order: from *since* on, or from now on."""
        async with self._database.transaction() as session:
            before = await session.first(
                int, "select max(number) from order_events where :since is null or at < :since", since=since
            )
        return self._after(before or 0)

    async def _after(self, last: int) -> AsyncIterator[OrderEvent]:
        while True:
            found, last = await self._read(last)
            for event in found:
                yield event
            if not found:
                await asyncio.sleep(self._pause)

    async def _read(self, last: int) -> tuple[list[OrderEvent], int]:
        async with self._database.transaction() as session:
            until = await session.first(
                int,
                """select max(number) from
                   (select number from order_events where number > :last order by number limit 100)""",
                last=last,
            )
            if until is None:
                return [], last
            found = await session.all(
                OrderEvent,
                """select order_id, status, version, at from order_events
                   where number > :last and number <= :until order by number""",
                last=last,
                until=until,
            )
        return found, until


class MemoryOrders:
    """Keeps orders in a dictionary, for tests; it is its own unit of work and feed."""

    def __init__(self) -> None:
        self._kept: dict[UUID, Order] = {}
        self._events: list[OrderEvent] = []
        self._told = asyncio.Event()

    async def add(self, order: Order) -> None:
        """Keep a new order, and that it was placed."""
        if order.id in self._kept:
            raise AlreadyExists("the order is there already", order_id=order.id)
        self._kept[order.id] = order
        self._tell(order, order.placed_at)

    async def get(self, order_id: UUID) -> Order | None:
        """Return the order, or ``None``."""
        return self._kept.get(order_id)

    async def page(self, *, buyer: str, after: UUID | None, limit: int) -> list[Order]:
        """Return up to *limit* orders of *buyer*, by id, those after *after*."""
        mine = sorted((each for each in self._kept.values() if each.buyer == buyer), key=lambda each: str(each.id))
        return [each for each in mine if after is None or str(each.id) > str(after)][:limit]

    async def change(self, order: Order, *, at: datetime) -> None:
        """Keep a changed order, unless somebody else changed it first."""
        if self._kept[order.id].version != order.version - 1:
            raise OrderChanged("the order has changed meanwhile", order_id=order.id)
        self._kept[order.id] = order
        self._tell(order, at)

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[Orders, None]:
        """Yield itself, and forget what was done when the block fails."""
        kept, events = dict(self._kept), list(self._events)
        try:
            yield self
        except BaseException:
            self._kept, self._events = kept, events
            raise

    async def events(self, *, since: datetime | None = None) -> AsyncIterator[OrderEvent]:
        """Return events in order: from *since* on, or from now on."""
        return self._after(len(self._events) if since is None else sum(each.at < since for each in self._events))

    async def _after(self, last: int) -> AsyncIterator[OrderEvent]:
        while True:
            for event in self._events[last:]:
                last += 1
                yield event
            self._told.clear()
            await self._told.wait()

    def _tell(self, order: Order, at: datetime) -> None:
        self._events.append(OrderEvent(order_id=order.id, status=order.status, version=order.version, at=at))
        self._told.set()


def orders(session: Session) -> Orders:
    """Provide orders in the call's transaction."""
    return SqlOrders(session)


def unit_of_work(database: Database) -> UnitOfWork:
    """Provide transactions for streams."""
    return SqlUnitOfWork(database)


def feed(database: Database) -> Feed:
    """Provide the feed of events."""
    return SqlFeed(database)
