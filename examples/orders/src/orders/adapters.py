"""How orders are kept: the only file that knows SQL, and the fakes that tests use."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hardy.adapters.sql import Database, Session
from hardy.adapters.sql.outbox import Outbox
from hardy.cache import Cache, Freshness, Keyspace
from hardy.core import AlreadyExists
from hardy.messaging import MemoryEvents
from orders.domain import (
    Feed,
    Lookup,
    Order,
    OrderChanged,
    OrderEvent,
    Orders,
    Sales,
    Sold,
    Status,
    UnitOfWork,
    Work,
)


class SqlOrders:
    """Keeps orders in tables; events lie in the same transaction, so none is told that did not happen."""

    def __init__(self, session: Session, lookup: "CachedLookup") -> None:
        self._session = session
        self._lookup = lookup

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
            "select * from orders where buyer = :buyer and (id > :after or :after is null) order by id limit :limit",
            buyer=buyer,
            after=after,
            limit=limit,
        )

    async def unpaid(self, *, before: datetime, limit: int) -> list[Order]:
        """Return up to *limit* orders that nobody has paid, the oldest first."""
        return await self._session.all(
            Order,
            """select * from orders where status = 'placed' and placed_at < :before
               order by placed_at limit :limit""",
            before=before,
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
        self._session.after_commit(lambda: self._lookup.forget(order.id))


class CachedLookup:
    """Finds orders in the cache, and in the database what is not there."""

    def __init__(self, database: Database, kept: Keyspace[Order]) -> None:
        self._database = database
        self._kept = kept

    async def find(self, order_id: UUID) -> Order | None:
        """Return the order, or ``None``; it may have changed a moment ago."""

        async def load() -> Order | None:
            async with self._database.transaction() as session:
                return await session.first(Order, "select * from orders where id = :id", id=order_id)

        return await self._kept.find_or_load(str(order_id), load)

    async def forget(self, order_id: UUID) -> None:
        """Look in the database the next time, on every replica."""
        await self._kept.forget(str(order_id))


class SqlSales:
    """Counts what sells in a table."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, sku: str, quantity: int) -> None:
        """Count what was ordered."""
        await self._session.execute(
            """insert into sales (sku, quantity) values (:sku, :quantity)
               on conflict (sku) do update set quantity = sales.quantity + excluded.quantity""",
            sku=sku,
            quantity=quantity,
        )

    async def best(self, limit: int) -> list[Sold]:
        """Return what sells most, the best first."""
        return await self._session.all(
            Sold, "select sku, quantity from sales order by quantity desc, sku limit :limit", limit=limit
        )


class SqlUnitOfWork:
    """Opens transactions of the database."""

    def __init__(self, database: Database, outbox: Outbox, lookup: CachedLookup) -> None:
        self._database = database
        self._outbox = outbox
        self._lookup = lookup

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[Work, None]:
        """Yield what one transaction changes and tells."""
        async with self._database.transaction() as session:
            yield Work(SqlOrders(session, self._lookup), self._outbox.events(session))


@dataclass(frozen=True, slots=True)
class _Row:
    """An event as it lies in its table."""

    tx: int
    number: int
    order_id: UUID
    status: Status
    version: int
    at: datetime

    @property
    def place(self) -> tuple[int, int]:
        return (self.tx, self.number)


class SqlFeed:
    """Reads events from their table, several times a second; it misses none and tells none twice."""

    def __init__(self, database: Database, *, pause: float = 0.1) -> None:
        self._database = database
        self._pause = pause

    async def events(self, *, since: datetime | None = None) -> AsyncIterator[OrderEvent]:
        """Return events in order: from *since* on, or from now on."""
        async with self._database.transaction() as session:
            last = await session.first(
                _Row,
                """select * from settled_events where at < :since or :since is null
                   order by tx desc, number desc limit 1""",
                since=since,
            )
        return self._after((0, 0) if last is None else last.place)

    async def _after(self, last: tuple[int, int]) -> AsyncIterator[OrderEvent]:
        while True:
            found = await self._read(*last)
            for row in found:
                yield OrderEvent(order_id=row.order_id, status=row.status, version=row.version, at=row.at)
                last = row.place
            if not found:
                await asyncio.sleep(self._pause)

    async def _read(self, tx: int, number: int) -> list[_Row]:
        async with self._database.transaction() as session:
            return await session.all(
                _Row,
                """select * from settled_events where (tx, number) > (:tx, :number)
                   order by tx, number limit 100""",
                tx=tx,
                number=number,
            )


class MemoryOrders:
    """Keeps orders in a dictionary, for tests; it is its own unit of work, lookup and feed."""

    def __init__(self) -> None:
        self.told = MemoryEvents()
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

    async def find(self, order_id: UUID) -> Order | None:
        """Return the order, or ``None``."""
        return self._kept.get(order_id)

    async def unpaid(self, *, before: datetime, limit: int) -> list[Order]:
        """Return up to *limit* orders that nobody has paid, the oldest first."""
        late = [each for each in self._kept.values() if each.status is Status.PLACED and each.placed_at < before]
        return sorted(late, key=lambda each: each.placed_at)[:limit]

    async def change(self, order: Order, *, at: datetime) -> None:
        """Keep a changed order, unless somebody else changed it first."""
        if self._kept[order.id].version != order.version - 1:
            raise OrderChanged("the order has changed meanwhile", order_id=order.id)
        self._kept[order.id] = order
        self._tell(order, at)

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[Work, None]:
        """Yield itself, and forget what was done when the block fails."""
        kept, events = dict(self._kept), list(self._events)
        try:
            yield Work(self, self.told)
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


class MemorySales:
    """Counts what sells in a dictionary, for tests."""

    def __init__(self) -> None:
        self._sold: dict[str, int] = {}

    async def add(self, sku: str, quantity: int) -> None:
        """Count what was ordered."""
        self._sold[sku] = self._sold.get(sku, 0) + quantity

    async def best(self, limit: int) -> list[Sold]:
        """Return what sells most, the best first."""
        best = sorted(self._sold.items(), key=lambda each: (-each[1], each[0]))
        return [Sold(sku=sku, quantity=quantity) for sku, quantity in best[:limit]]


def orders(session: Session, cached: CachedLookup) -> Orders:
    """Provide orders in the call's transaction."""
    return SqlOrders(session, cached)


async def cached(database: Database, cache: Cache) -> AsyncIterator[CachedLookup]:
    """Provide what remembers orders that were looked up, for all calls."""
    async with Keyspace(cache, "orders", Order, ttl=Freshness(ttl=10, stale_on_error=300)) as kept:
        yield CachedLookup(database, kept)


def lookup(cached: CachedLookup) -> Lookup:
    """Provide the quick way to single orders."""
    return cached


def sales(session: Session) -> Sales:
    """Provide what sells, in the call's transaction."""
    return SqlSales(session)


def unit_of_work(database: Database, outbox: Outbox, cached: CachedLookup) -> UnitOfWork:
    """Provide transactions for streams."""
    return SqlUnitOfWork(database, outbox, cached)


def feed(database: Database) -> Feed:
    """Provide the feed of events."""
    return SqlFeed(database)
