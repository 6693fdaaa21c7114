"""What the service does: messages and the functions that answer them. No transport, no driver."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID, uuid4

from hardy.core import Clock, Events, NotFound, OutOfRange, Principal
from hardy.schema import Ge, Le, MaxLen, MinLen
from orders.domain import (
    PAYMENT_TERM,
    Feed,
    Lookup,
    Order,
    OrderChanged,
    OrderEvent,
    OrderPlaced,
    Orders,
    Sales,
    Sold,
    Status,
    UnitOfWork,
)

A = TypeVar("A")
B = TypeVar("B")

MOST_IMPORTED = 10_000
MOST_EXPIRED = 500
"""Orders that are cancelled at once; the next run goes on."""

Sku = Annotated[str, MinLen(1), MaxLen(64)]
Quantity = Annotated[int, Ge(1), Le(10_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """An order to be placed.

    Example:
        {"sku": "tea", "quantity": 2}
    """

    sku: Sku
    """What to buy."""
    quantity: Quantity
    """How many of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[A]):
    """One page of a list."""

    items: list[A]
    next: UUID | None = None
    """The cursor of the page after this one; none on the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of an import."""

    count: int
    """Orders placed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackOrder:
    """An order to follow."""

    order_id: UUID


async def place_order(msg: PlaceOrder, *, orders: Orders, events: Events, caller: Principal, clock: Clock) -> Order:
    """Place an order in the caller's name."""
    order = _order(msg, buyer=caller.subject, at=clock.now())
    await orders.add(order)
    await events.publish(_placed(order))
    return order


async def get_order(order_id: UUID, *, lookup: Lookup, caller: Principal) -> Order:
    """Look one of the caller's orders up."""
    return _checked(await lookup.find(order_id), order_id, caller)


async def list_orders(
    cursor: UUID | None = None, limit: Annotated[int, Ge(1), Le(100)] = 20, *, orders: Orders, caller: Principal
) -> Page[Order]:
    """List the caller's orders, a page at a time."""
    found = await orders.page(buyer=caller.subject, after=cursor, limit=limit + 1)
    items = found[:limit]
    return Page(items=items, next=items[-1].id if len(found) > limit else None)


async def cancel_order(
    order_id: UUID, version: int | None = None, *, orders: Orders, caller: Principal, clock: Clock
) -> Order:
    """Cancel an order that is not on its way yet."""
    order = await _own(orders, order_id, caller)
    if version is not None and version != order.version:
        raise OrderChanged("the order has changed meanwhile", expected=version, actual=order.version)
    return await _changed(orders, order, order.cancel(), clock.now())


async def pay_order(order_id: UUID, *, orders: Orders, caller: Principal, clock: Clock) -> Order:
    """Pay for an order, so that it is not cancelled."""
    order = await _own(orders, order_id, caller)
    return await _changed(orders, order, order.pay(), clock.now())


async def ship_order(order_id: UUID, *, orders: Orders, clock: Clock) -> Order:
    """Send an order on its way."""
    order = await orders.get(order_id)
    if order is None:
        raise NotFound("no such order", order_id=order_id)
    return await _changed(orders, order, order.ship(), clock.now())


async def expire_orders(*, orders: Orders, clock: Clock) -> int:
    """Cancel orders that were not paid in time; returns how many."""
    now = clock.now()
    late = await orders.unpaid(before=now - PAYMENT_TERM, limit=MOST_EXPIRED)
    for order in late:
        await orders.change(order.cancel(), at=now)
    return len(late)


async def count_sale(event: OrderPlaced, *, sales: Sales) -> None:
    """Count what was ordered."""
    await sales.add(event.sku, event.quantity)


async def best_sellers(limit: Annotated[int, Ge(1), Le(100)] = 10, *, sales: Sales) -> list[Sold]:
    """List what sells most."""
    return await sales.best(limit)


async def watch_orders(since: datetime | None = None, *, feed: Feed) -> AsyncIterator[OrderEvent]:
    """Watch what happens to all orders, from a moment on or from now on."""
    async for event in await feed.events(since=since):
        yield event


async def import_orders(
    items: AsyncIterator[PlaceOrder], *, work: UnitOfWork, caller: Principal, clock: Clock
) -> Imported:
    """Place many orders at once: all of them, or none."""
    taken: list[Order] = []
    async for item in items:
        if len(taken) == MOST_IMPORTED:
            raise OutOfRange("an import has too many orders; send them in parts", most=MOST_IMPORTED)
        taken.append(_order(item, buyer=caller.subject, at=clock.now()))
    # Only now: a transaction that waited for a slow caller would keep everybody else from writing.
    async with work.begin() as (orders, events):
        for order in taken:
            await orders.add(order)
            await events.publish(_placed(order))
    return Imported(count=len(taken))


async def track(
    ids: AsyncIterator[TrackOrder], *, work: UnitOfWork, feed: Feed, caller: Principal, clock: Clock
) -> AsyncIterator[OrderEvent]:
    """Follow orders: each id that comes in is answered by its status now and by every change after."""
    told: dict[UUID, int] = {}
    async with aclosing(_merged(ids, await feed.events())) as both:
        async for news in both:
            if isinstance(news, TrackOrder):
                async with work.begin() as (orders, _):
                    order = await _own(orders, news.order_id, caller)
                event = OrderEvent(order_id=order.id, status=order.status, version=order.version, at=clock.now())
            elif news.version > told.get(news.order_id, news.version):
                event = news
            else:  # nobody asked for this order, or its status held this change already when it was read
                continue
            told[event.order_id] = event.version
            yield event


def _order(msg: PlaceOrder, *, buyer: str, at: datetime) -> Order:
    return Order(id=uuid4(), sku=msg.sku, quantity=msg.quantity, buyer=buyer, status=Status.PLACED, placed_at=at)


def _placed(order: Order) -> OrderPlaced:
    return OrderPlaced(order_id=order.id, sku=order.sku, quantity=order.quantity, at=order.placed_at)


async def _own(orders: Orders, order_id: UUID, caller: Principal) -> Order:
    return _checked(await orders.get(order_id), order_id, caller)


def _checked(order: Order | None, order_id: UUID, caller: Principal) -> Order:
    # Somebody else's order is answered like none at all: its existence is not the caller's business.
    if order is None or order.buyer != caller.subject:
        raise NotFound("no such order", order_id=order_id)
    return order


async def _changed(orders: Orders, before: Order, after: Order, at: datetime) -> Order:
    if after is not before:
        await orders.change(after, at=at)
    return after


async def _merged(first: AsyncIterator[A], second: AsyncIterator[B]) -> AsyncGenerator[A | B, None]:
    """Yield what either iterator yields, as it comes, until one of them ends."""
    ahead: dict[asyncio.Future[A | B], AsyncIterator[A | B]] = {}
    sources: tuple[AsyncIterator[A | B], ...] = (first, second)
    for source in sources:
        ahead[asyncio.ensure_future(anext(source))] = source
    try:
        while True:
            done, _ = await asyncio.wait(ahead, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                source = ahead.pop(each)
                yield each.result()
                ahead[asyncio.ensure_future(anext(source))] = source
    except StopAsyncIteration:
        return
    finally:
        for each in ahead:
            each.cancel()
        await asyncio.gather(*ahead, return_exceptions=True)
