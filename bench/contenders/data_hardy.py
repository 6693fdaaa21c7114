"""hardy on PostgreSQL as a service runs it: typed SQL, an outbox, production settings, every built-in on."""

import sys
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, ClassVar

import hardy
from hardy import App, Events, Ge, Le, MaxLen, MinLen, NotFound, public, run
from hardy.adapters.sql import Database, DatabaseSettings, Session
from hardy.adapters.sql.outbox import Outbox, OutboxSettings
from hardy.messaging import MemoryBroker
from hardy.transport import events, http


@dataclass(slots=True, kw_only=True)
class NewOrder:
    """An order to be kept."""

    sku: Annotated[str, MinLen(3), MaxLen(32)]
    quantity: Annotated[int, Ge(1), Le(1000)]
    buyer: Annotated[str, MinLen(1), MaxLen(50)]


@dataclass(slots=True, kw_only=True)
class Order:
    """An order as it is kept."""

    id: int
    sku: str
    quantity: int
    buyer: str
    placed: datetime


@dataclass(slots=True, kw_only=True)
class OrderPlaced:
    """What others are told."""

    order_id: int
    sku: str
    quantity: int


class Orders:
    """The repository."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, order_id: int) -> Order | None:
        """Return the order of this number."""
        return await self._session.first(
            Order, "select id, sku, quantity, buyer, placed from orders where id = :id", id=order_id
        )

    async def add(self, order: NewOrder) -> Order | None:
        """Keep an order."""
        return await self._session.first(
            Order,
            "insert into orders (sku, quantity, buyer) values (:sku, :quantity, :buyer)"
            " returning id, sku, quantity, buyer, placed",
            sku=order.sku,
            quantity=order.quantity,
            buyer=order.buyer,
        )


def orders(session: Session) -> Orders:
    """Return the repository of a call."""
    return Orders(session)


async def get_order(order_id: int, *, orders: Orders) -> Order:
    """Look an order up."""
    found = await orders.get(order_id)
    if found is None:
        raise NotFound("no such order")
    return found


async def add_order(order: NewOrder, *, orders: Orders, events: Events) -> Order:
    """Keep an order and say so."""
    placed = await orders.add(order)
    if placed is None:
        raise NotFound("the database has not kept it")
    await events.publish(OrderPlaced(order_id=placed.id, sku=placed.sku, quantity=placed.quantity))
    return placed


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(hardy.Settings):
    """Read from BENCH_* variables."""

    prefix: ClassVar[str] = "BENCH"

    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    """Where orders are kept."""
    outbox: OutboxSettings = field(default_factory=OutboxSettings)
    """Whether this process hands events on, too."""


def build(settings: Settings) -> App:
    app = App("bench", settings)
    app.manage(Database(settings.database))
    app.manage(MemoryBroker())
    app.manage(Outbox({OrderPlaced: events.topic("orders.placed", key="order_id")}, settings.outbox))
    app.provide(orders)
    app.expose(get_order, http.get("/orders/{order_id}"), allow=public)
    app.expose(add_order, http.post("/orders", status=201), allow=public)
    return app


if __name__ == "__main__":
    run(build, argv=["--host", "127.0.0.1", "--port", sys.argv[1], "--admin-port", "0", "--environment", "production"])
