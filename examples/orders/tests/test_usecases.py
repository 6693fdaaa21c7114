"""The use cases as plain functions: no transport, no database, nothing of hardy but its errors."""

import pytest

from hardy import NotFound, Principal
from hardy.testing import VirtualClock
from orders.adapters import MemoryOrders
from orders.domain import OrderShipped, Status
from orders.usecases import PlaceOrder, cancel_order, get_order, place_order, ship_order

ALICE = Principal("alice")


async def test_an_order_carries_who_placed_it_and_when():
    clock, orders = VirtualClock(), MemoryOrders()

    order = await place_order(PlaceOrder(sku="tea", quantity=2), orders=orders, caller=ALICE, clock=clock)

    assert (order.buyer, order.placed_at) == ("alice", clock.now())
    assert await get_order(order.id, orders=orders, caller=ALICE) == order


async def test_a_shipped_order_stays_shipped():
    clock, orders = VirtualClock(), MemoryOrders()
    order = await place_order(PlaceOrder(sku="tea", quantity=2), orders=orders, caller=ALICE, clock=clock)
    await ship_order(order.id, orders=orders, clock=clock)

    with pytest.raises(OrderShipped):
        await cancel_order(order.id, orders=orders, caller=ALICE, clock=clock)

    kept = await orders.get(order.id)
    assert kept is not None
    assert kept.status is Status.SHIPPED


async def test_nobody_cancels_the_order_of_somebody_else():
    clock, orders = VirtualClock(), MemoryOrders()
    order = await place_order(PlaceOrder(sku="tea", quantity=2), orders=orders, caller=ALICE, clock=clock)

    with pytest.raises(NotFound):
        await cancel_order(order.id, orders=orders, caller=Principal("bob"), clock=clock)
