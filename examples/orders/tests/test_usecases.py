"""The use cases as plain functions: no transport, no database, nothing of hardy but its errors."""

import pytest

from hardy import NotFound, Principal
from hardy.testing import VirtualClock
from orders.adapters import MemoryOrders, MemorySales
from orders.domain import PAYMENT_TERM, Order, OrderPlaced, OrderShipped, Sold, Status
from orders.usecases import (
    PlaceOrder,
    best_sellers,
    cancel_order,
    count_sale,
    expire_orders,
    get_order,
    pay_order,
    place_order,
    ship_order,
)

ALICE = Principal("alice")


async def placed(orders: MemoryOrders, clock: VirtualClock) -> Order:
    msg = PlaceOrder(sku="tea", quantity=2)
    return await place_order(msg, orders=orders, events=orders.told, caller=ALICE, clock=clock)


async def test_an_order_carries_who_placed_it_and_when():
    clock, orders = VirtualClock(), MemoryOrders()

    order = await placed(orders, clock)

    assert (order.buyer, order.placed_at) == ("alice", clock.now())
    assert await get_order(order.id, lookup=orders, caller=ALICE) == order


async def test_a_shipped_order_stays_shipped():
    clock, orders = VirtualClock(), MemoryOrders()
    order = await placed(orders, clock)
    await ship_order(order.id, orders=orders, clock=clock)

    with pytest.raises(OrderShipped):
        await cancel_order(order.id, orders=orders, caller=ALICE, clock=clock)

    kept = await orders.get(order.id)
    assert kept is not None
    assert kept.status is Status.SHIPPED


async def test_nobody_cancels_the_order_of_somebody_else():
    clock, orders = VirtualClock(), MemoryOrders()
    order = await placed(orders, clock)

    with pytest.raises(NotFound):
        await cancel_order(order.id, orders=orders, caller=Principal("bob"), clock=clock)


async def test_a_placed_order_is_told_and_counted():
    clock, orders, sales = VirtualClock(), MemoryOrders(), MemorySales()
    order = await placed(orders, clock)

    assert orders.told.published == [OrderPlaced(order_id=order.id, sku="tea", quantity=2, at=order.placed_at)]
    await count_sale(orders.told.published[0], sales=sales)

    assert await best_sellers(sales=sales) == [Sold(sku="tea", quantity=2)]


async def test_what_is_not_paid_in_time_is_cancelled():
    clock, orders = VirtualClock(), MemoryOrders()
    unpaid, paid = await placed(orders, clock), await placed(orders, clock)
    await pay_order(paid.id, orders=orders, caller=ALICE, clock=clock)

    clock.advance(PAYMENT_TERM.total_seconds())
    assert await expire_orders(orders=orders, clock=clock) == 0
    clock.advance(1)
    young = await placed(orders, clock)

    assert await expire_orders(orders=orders, clock=clock) == 1
    found = [await orders.get(each.id) for each in (unpaid, paid, young)]
    assert [each and each.status for each in found] == [Status.CANCELLED, Status.PAID, Status.PLACED]
