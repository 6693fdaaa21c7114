"""How orders are kept: the only file that knows SQL, and the fakes that tests use."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hardy.adapters.sql import Database, Session
from orders.domain import Feed, Order, OrderChanged, OrderEvent, Orders, Status, UnitOfWork

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
    at text not null
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
            "insert into order_events (order_id, status, at) values (:order_id, :status, :at)",
            order_id=order.id,
            status=order.status,
            at=at,
        )


class SqlUnitOfWork:
    """Opens transactions of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Orders]:
        """Yield orders of a transaction of their own."""
        async with self._database.transaction() as session:
            yield SqlOrders(session)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """A row of the events' table."""

    number: int
    order_id: UUID
    status: Status
    at: datetime


class SqlFeed:
    """Reads events from their table, several times a second; it misses none and tells none twice."""

    def __init__(self, database: Database, *, pause: float = 0.1) -> None:
        self._database = database
        self._pause = pause

    async def events(self, *, since: datetime | None = None) -> AsyncIterator[OrderEvent]:
        """Yield events in order: from *since* on, or from now on."""
        last = await self._start(since)
        while True:
            async with self._database.transaction() as session:
                found = await session.all(
                    Numbered,
                    "select * from order_events where number > :last order by number limit 100",
                    last=last,
                )
            for event in found:
                last = event.number
                yield OrderEvent(order_id=event.order_id, status=event.status, at=event.at)
            if not found:
                await asyncio.sleep(self._pause)

    async def _start(self, since: datetime | None) -> int:
        async with self._database.transaction() as session:
            before = await session.first(
                Last,
                "select coalesce(max(number), 0) as number from order_events where :since is null or at < :since",
                since=since,
            )
        return before.number if before else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """The number of the last event before a moment."""

    number: int


class MemoryOrders:
    """Keeps orders in a dictionary, for tests; it is its own unit of work and feed."""

    def __init__(self) -> None:
        self._kept: dict[UUID, Order] = {}
        self._events: list[OrderEvent] = []
        self._told = asyncio.Event()

    async def add(self, order: Order) -> None:
        """Keep a new order, and that it was placed."""
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
    async def begin(self) -> AsyncIterator[Orders]:
        """Yield itself, and forget what was done when the block fails."""
        kept, events = dict(self._kept), list(self._events)
        try:
            yield self
        except BaseException:
            self._kept, self._events = kept, events
            raise

    async def events(self, *, since: datetime | None = None) -> AsyncIterator[OrderEvent]:
        """Yield events in order: from *since* on, or from now on."""
        at = len(self._events) if since is None else sum(each.at < since for each in self._events)
        while True:
            while at < len(self._events):
                yield self._events[at]
                at += 1
            self._told.clear()
            await self._told.wait()

    def _tell(self, order: Order, at: datetime) -> None:
        self._events.append(OrderEvent(order_id=order.id, status=order.status, at=at))
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
